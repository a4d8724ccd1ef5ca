package frame_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

var (
	frameBlock = regexp.MustCompile("(?s)```frame (\\w+)\n(.*?)```")
	// hexOfLine are the bytes of a line, before its remark.
	hexOfLine = regexp.MustCompile(`(?m)^(?:[0-9a-f]{2} ?)+`)
)

// TestTheProtocolsExampleIsAFrame reads the worked examples out of the page and packs the same points.
func TestTheProtocolsExampleIsAFrame(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	want := track.Points{
		Keys: []string{"loss", "acc"}, Key: []uint32{0, 1, 0}, Step: []int64{10, 10, 11},
		TimeMS: []int64{1700000000000, 1700000000000, 1700000000250}, Value: []float64{0.5, 0.25, math.Inf(1)},
	}
	forms := map[string]*sgpb.Points{
		"fixed": {Keys: want.Keys, KeyFixed: want.Key, Step: want.Step, TimeMs: want.TimeMS, Value: want.Value},
		"short": frame.PackPoints(&want),
	}
	blocks := frameBlock.FindAllSubmatch(page, -1)
	if len(blocks) != len(forms) {
		t.Fatalf("%d examples, want %d", len(blocks), len(forms))
	}
	for _, b := range blocks {
		form := string(b[1])
		shown, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "").Replace(string(bytes.Join(hexOfLine.FindAll(b[2], -1), nil))))
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := frame.Encode(&sgpb.Frame{Writer: 0x0123456789abcdef, Number: 1, Sections: []*sgpb.Section{
			{RunId: "0123456789abcdef0123456789abcdef", Rank: 3, Attempt: 1700000000, Points: forms[form]},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(shown, encoded) {
			t.Errorf("%s:\n%x is shown\n%x is encoded", form, shown, encoded)
		}
		f, err := frame.Decode(shown)
		if err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		if got := frame.UnpackPoints(f.GetSections()[0].GetPoints()); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", form, got)
		}
	}
}

// TestTheProtocolNamesEveryField compares the page's numbers and tags with the messages'.
func TestTheProtocolNamesEveryField(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	messages := sgpb.File_streamgauge_v1_frame_proto.Messages()
	for i := range messages.Len() {
		fields := messages.Get(i).Fields()
		for j := range fields.Len() {
			f := fields.Get(j)
			tag := byte(f.Number()) << 3
			switch {
			case f.IsList() || f.IsMap() || f.Kind() == protoreflect.StringKind || f.Kind() == protoreflect.MessageKind:
				tag |= byte(protowire.BytesType)
			case f.Kind() == protoreflect.Fixed64Kind:
				tag |= byte(protowire.Fixed64Type)
			}
			shown := regexp.MustCompile(fmt.Sprintf("\\b%d `%s`[ |]+`%02x\\b", f.Number(), f.Name(), tag))
			if !shown.Match(page) {
				t.Errorf("the page does not show %d `%s` `%02x` of %s", f.Number(), f.Name(), tag, messages.Get(i).Name())
			}
		}
	}
}

// TestTheProtocolNamesTheLimits compares the page's limits with those that hold.
func TestTheProtocolNamesTheLimits(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []string{
		strconv.Itoa(bus.FrameBytesMax), "1,040,384 bytes", fmt.Sprintf("1 to %d bytes", frame.KeyBytesMax), "more than 1,000 events",
		fmt.Sprintf("every %d ranks", track.RanksPerLane),
	} {
		if !bytes.Contains(page, []byte(limit)) {
			t.Errorf("the page does not say %q", limit)
		}
	}
	if bus.FrameBytesMax != 1040384 || frame.EventsMax != 1000 {
		t.Error("a limit has changed; say so on the page")
	}
}

func TestThePageSaysTheLaneOfItsExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	const run = "0123456789abcdef0123456789abcdef"
	h := fnv.New64a()
	_, _ = h.Write([]byte(run))
	want := fmt.Sprintf("%d, so of 4 lanes lane %d.", h.Sum64(), track.LaneOf(run, 4))
	if !strings.Contains(strings.Join(strings.Fields(string(page)), " "), want) {
		t.Errorf("the page lacks %q", want)
	}
}
