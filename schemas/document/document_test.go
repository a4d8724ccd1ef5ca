package document_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

func runWithParams(n int, value string) *sgpb.Document {
	r := &sgpb.Run{Id: "r", Params: map[string]string{}}
	for i := range n {
		r.Params[fmt.Sprintf("p%d", i)] = value
	}
	return &sgpb.Document{Body: &sgpb.Document_Run{Run: r}}
}

func TestSplitAndJoin(t *testing.T) {
	for name, doc := range map[string]*sgpb.Document{
		"small":      runWithParams(3, "v"),
		"two chunks": runWithParams(60, strings.Repeat("x", 6000)),
		"many":       runWithParams(2000, strings.Repeat("y", 6000)),
	} {
		t.Run(name, func(t *testing.T) {
			parts, err := document.Split("run.r", doc)
			if err != nil {
				t.Fatal(err)
			}
			byKey := map[string][]byte{}
			for _, p := range parts {
				byKey[p.Key] = p.Value
			}
			head := parts[len(parts)-1]
			if head.Key != "run.r" || len(byKey) != len(parts) {
				t.Fatalf("%d parts under %d keys, head %s", len(parts), len(byKey), head.Key)
			}
			got, err := document.Join("run.r", head.Value, func(k string) ([]byte, error) { return byKey[k], nil })
			if err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(got, doc) {
				t.Fatal("joined document differs")
			}
		})
	}
}

func TestJoinSeesChunksOfAnotherRevision(t *testing.T) {
	old, err := document.Split("run.r", runWithParams(100, strings.Repeat("x", 6000)))
	if err != nil {
		t.Fatal(err)
	}
	new, err := document.Split("run.r", runWithParams(100, strings.Repeat("z", 6000)))
	if err != nil {
		t.Fatal(err)
	}
	mixed := map[string][]byte{}
	for i := range old[:len(old)-1] {
		mixed[new[i].Key] = new[i].Value
	}
	mixed[old[0].Key] = old[0].Value
	_, err = document.Join("run.r", new[len(new)-1].Value, func(k string) ([]byte, error) { return mixed[k], nil })
	if !errors.Is(err, document.ErrTorn) {
		t.Fatalf("got %v, want ErrTorn", err)
	}
}
