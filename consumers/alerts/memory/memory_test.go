package memory

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/consumers/alerts/episode"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// TestPackedAndUnpacked wants everything back, whatever it is.
func TestPackedAndUnpacked(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		yes := func() bool { return r.IntN(2) == 0 }
		at := func() episode.Position {
			return episode.Position{Lane: uint16(r.Uint32()), Seq: r.Uint64(), Index: r.Uint32()}
		}
		in := Saved{
			Seen: map[uint16]uint64{episode.Documents: r.Uint64(), 0: 1}, Ended: map[string]int64{"r": -1, "s": r.Int64()}, Met: map[string]uint64{"": r.Uint64()},
			States: make(map[episode.Series]*State),
		}
		for n := range r.IntN(20) {
			series := episode.Series{RuleID: fmt.Sprint(n % 3), Revision: r.Uint64(), RunID: fmt.Sprint(n % 4), Rank: r.Uint32(), Metric: fmt.Sprint("ü", n%5)}
			if in.States[series] = nil; yes() {
				in.States[series] = &State{Open: yes(), Has: yes(), Running: yes(), Silent: yes(), Known: yes(), Count: int(r.Int32()), Start: at(),
					Attempt: r.Uint32(), Best: r.NormFloat64(), SeenMS: r.Int64(), Sign: at(), Experiment: r.Uint32()}
			}
		}
		b, err := in.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if out, err := Unpack(b); err != nil || !reflect.DeepEqual(out, in) {
			t.Fatalf("seed %d: got %v, want %v: %v", seed, out, in, err)
		}
	}
}

// TestWhatWasWrittenBefore reads a snapshot in JSON, and refuses what fits nothing.
func TestWhatWasWrittenBefore(t *testing.T) {
	out, err := Unpack([]byte(`{"seen":{"0":7,"65535":9},"ended":{"r":5},"states":[
		{"rule_id":"a","rule_revision":2,"run_id":"r","rank":1,"metric":"loss","state":{"open":true,"count":3,"start":{"lane":0,"seq":7,"index":1},"taken":4,"experiment":1}}]}`))
	st := out.States[episode.Series{RuleID: "a", Revision: 2, RunID: "r", Rank: 1, Metric: "loss"}]
	if err != nil || out.Seen[0] != 7 || out.Ended["r"] != 5 || st == nil || !st.Open || st.Count != 3 || st.Start.Seq != 7 || st.Experiment != 1 {
		t.Errorf("%v %v %v", out, st, err)
	}
	for _, bad := range []*sgpb.AlertStates{{Flags: []uint32{1}}, {Lanes: []uint32{1}}, {MetRule: []uint32{0}, MetRevision: []uint64{1}}} {
		b, err := proto.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Unpack(b); err == nil {
			t.Errorf("%v is read", bad)
		}
	}
	for _, bad := range []string{"{", "\xff"} {
		if _, err := Unpack([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
