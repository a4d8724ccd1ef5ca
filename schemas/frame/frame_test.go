package frame_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const runID = "0123456789abcdef0123456789abcdef"

func randomPoints(r *rand.Rand) track.Points {
	p := track.Points{
		Keys:     []string{"loss", "rank_3/grad norm", strings.Repeat("k", frame.KeyBytesMax)},
		Contexts: []track.PointContext{{ModelID: "m-1"}, {DatasetName: "d", DatasetDigest: "x"}},
	}
	values := []float64{0, -1.5, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64}
	withContext := r.IntN(2) == 0
	for range r.IntN(200) {
		p.Key = append(p.Key, uint32(r.IntN(len(p.Keys))))
		p.Step = append(p.Step, []int64{0, math.MaxInt64, math.MinInt64, int64(r.Uint64())}[r.IntN(4)])
		p.TimeMS = append(p.TimeMS, int64(r.Uint64()>>1))
		p.Value = append(p.Value, values[r.IntN(len(values))])
		if withContext {
			p.Context = append(p.Context, uint32(r.IntN(len(p.Contexts)+1)))
		}
	}
	return p
}

func TestPackedPointsComeBackAsTheyWere(t *testing.T) {
	for seed := range uint64(500) {
		want := randomPoints(rand.New(rand.NewPCG(seed, 0)))
		b, err := frame.Encode(&sgpb.Frame{Writer: 7, Number: 1, Sections: []*sgpb.Section{{RunId: runID, Points: frame.PackPoints(&want)}}})
		if err != nil {
			t.Fatal(err)
		}
		f, err := frame.Decode(b)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got := frame.UnpackPoints(f.GetSections()[0].GetPoints())
		if got.Len() != want.Len() {
			t.Fatalf("seed %d: %d points, want %d", seed, got.Len(), want.Len())
		}
		for i := range want.Key {
			if got.Key[i] != want.Key[i] || got.Step[i] != want.Step[i] || got.TimeMS[i] != want.TimeMS[i] ||
				math.Float64bits(got.Value[i]) != math.Float64bits(want.Value[i]) || got.ContextOf(i) != want.ContextOf(i) {
				t.Fatalf("seed %d: point %d differs", seed, i)
			}
		}
	}
}

// fixed gives points the fixed width form of the columns that bits choose.
func fixed(p *sgpb.Points, want *track.Points, bits int) *sgpb.Points {
	if bits&1 != 0 {
		p.Key, p.KeyFixed = nil, want.Key
	}
	if bits&2 != 0 {
		p.StepDelta, p.Step = nil, want.Step
	}
	if bits&4 != 0 {
		p.TimeDeltaMs, p.TimeMs = nil, want.TimeMS
	}
	return p
}

func TestEitherFormOfAColumnReadsTheSame(t *testing.T) {
	for seed := range uint64(100) {
		want := randomPoints(rand.New(rand.NewPCG(seed, 2)))
		for bits := range 8 {
			b, err := frame.Encode(&sgpb.Frame{Writer: 7, Number: 1, Sections: []*sgpb.Section{{RunId: runID, Points: fixed(frame.PackPoints(&want), &want, bits)}}})
			if err != nil {
				t.Fatal(err)
			}
			f, err := frame.Decode(b)
			if err != nil {
				t.Fatalf("seed %d, forms %03b: %v", seed, bits, err)
			}
			got := frame.UnpackPoints(f.GetSections()[0].GetPoints())
			if !slices.Equal(got.Key, want.Key) || !slices.Equal(got.Step, want.Step) || !slices.Equal(got.TimeMS, want.TimeMS) || got.Len() != want.Len() {
				t.Fatalf("seed %d, forms %03b: points differ", seed, bits)
			}
		}
	}
}

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	good := func() *sgpb.Frame {
		return &sgpb.Frame{Version: 1, Writer: 7, Number: 1, Sections: []*sgpb.Section{{RunId: runID, Points: &sgpb.Points{
			Keys: []string{"a"}, Key: []uint32{0}, StepDelta: []int64{1}, TimeDeltaMs: []int64{1}, Value: []float64{1},
		}}}}
	}
	for name, c := range map[string]struct {
		spoil func(*sgpb.Frame)
		want  string
	}{
		"version unknown":          {func(f *sgpb.Frame) { f.Version = 9 }, "version"},
		"no writer":                {func(f *sgpb.Frame) { f.Writer = 0 }, "writer"},
		"no number":                {func(f *sgpb.Frame) { f.Number = 0 }, "number"},
		"run id not hex":           {func(f *sgpb.Frame) { f.Sections[0].RunId = strings.Repeat("z", 32) }, "run_id"},
		"run number zero":          {func(f *sgpb.Frame) { f.Sections[0].RunId = strings.Repeat("0", 32) }, "run_id"},
		"step column short":        {func(f *sgpb.Frame) { f.Sections[0].Points.StepDelta = nil }, "step_delta"},
		"time column short":        {func(f *sgpb.Frame) { f.Sections[0].Points.TimeDeltaMs = nil }, "time_delta_ms"},
		"value column short":       {func(f *sgpb.Frame) { f.Sections[0].Points.Value = nil }, "value"},
		"two forms of keys":        {func(f *sgpb.Frame) { f.Sections[0].Points.KeyFixed = []uint32{0} }, "points.key_fixed has 1"},
		"two forms of steps":       {func(f *sgpb.Frame) { f.Sections[0].Points.Step = []int64{1} }, "points.step has 1"},
		"two forms of times":       {func(f *sgpb.Frame) { f.Sections[0].Points.TimeMs = []int64{1} }, "points.time_ms has 1"},
		"fixed steps short":        {func(f *sgpb.Frame) { p := f.Sections[0].Points; p.StepDelta, p.Step = nil, []int64{1, 2} }, "points.step has 2 entries, key 1"},
		"fixed key outside":        {func(f *sgpb.Frame) { p := f.Sections[0].Points; p.Key, p.KeyFixed = nil, []uint32{9} }, "key[0] is 9"},
		"too many events":          {func(f *sgpb.Frame) { f.Sections[0].Events = make([]*sgpb.RunEvent, frame.EventsMax+1) }, "events"},
		"key outside dictionary":   {func(f *sgpb.Frame) { f.Sections[0].Points.Key[0] = 1 }, "key[0]"},
		"key empty":                {func(f *sgpb.Frame) { f.Sections[0].Points.Keys[0] = "" }, "keys[0]"},
		"key too long":             {func(f *sgpb.Frame) { f.Sections[0].Points.Keys[0] = strings.Repeat("k", 251) }, "keys[0]"},
		"context outside its list": {func(f *sgpb.Frame) { f.Sections[0].Points.Context = []uint32{1} }, "context[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			f := good()
			c.spoil(f)
			b, err := proto.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = frame.Decode(b); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v does not name %q", err, c.want)
			}
		})
	}
}

func TestEncodeRefusesWhatNoMessageCarries(t *testing.T) {
	p := &sgpb.Points{Keys: []string{"a"}, Value: make([]float64, bus.FrameBytesMax/8+1)}
	_, err := frame.Encode(&sgpb.Frame{Writer: 1, Number: 1, Sections: []*sgpb.Section{{RunId: runID, Points: p}}})
	if !errors.Is(err, frame.ErrTooLarge) {
		t.Fatalf("got %v, want ErrTooLarge", err)
	}
}

func FuzzDecode(f *testing.F) {
	for seed := range uint64(16) {
		p := randomPoints(rand.New(rand.NewPCG(seed, 1)))
		points := fixed(frame.PackPoints(&p), &p, int(seed%8))
		b, err := frame.Encode(&sgpb.Frame{Writer: 7, Number: 1, Sections: []*sgpb.Section{{RunId: runID, Points: points}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := frame.Decode(b)
		if err != nil {
			return
		}
		for _, s := range fr.GetSections() {
			p := frame.UnpackPoints(s.GetPoints())
			for i := range p.Key {
				_ = p.Keys[p.Key[i]]
				_ = p.ContextOf(i)
			}
			again := frame.UnpackPoints(frame.PackPoints(&p))
			if !reflect.DeepEqual(again.Step, p.Step) || !reflect.DeepEqual(again.TimeMS, p.TimeMS) {
				t.Fatal("packing what was unpacked changes it")
			}
		}
	})
}
