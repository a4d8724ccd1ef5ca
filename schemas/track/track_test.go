package track_test

import (
	"math"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestLatestIsMLflowsRule(t *testing.T) {
	nan := math.NaN()
	// Each candidate is shown rather than the one before it.
	ascending := []track.Latest{
		{Rank: 2, Step: 99, TimeMS: 99, Value: 99},
		{Rank: 0, Step: -1, TimeMS: 5, Value: 1},
		{Rank: 0, Step: 3, TimeMS: 1, Value: 9},
		{Rank: 0, Step: 3, TimeMS: 2, Value: -4},
		{Rank: 0, Step: 3, TimeMS: 2, Value: nan},
		{Rank: 0, Step: 3, TimeMS: 2, Value: 0},
		{Rank: 0, Step: 3, TimeMS: 2, Value: 1},
		{Rank: 0, Step: 3, TimeMS: 2, Value: math.Inf(1)},
	}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := a.Compare(b); got != want {
				t.Errorf("%v against %v: %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestRunIDs(t *testing.T) {
	for range 100 {
		if _, ok := track.ParseRunID(track.NewRunID()); !ok {
			t.Fatal("a drawn run id does not parse")
		}
	}
	for _, bad := range []string{"", "0", "0000000000000000ffffffffffffffff", "0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdeg"} {
		if _, ok := track.ParseRunID(bad); ok {
			t.Errorf("%q parses", bad)
		}
	}
	if n, ok := track.ParseRunID("00000000000000010000000000000000"); !ok || n != 1 {
		t.Errorf("number %d %v, want 1", n, ok)
	}
}

func TestExperimentIDs(t *testing.T) {
	for id, want := range map[string]bool{"0": true, "12": true, "2147483647": true, "2147483648": false, "-1": false, "01": false, "": false, "x": false} {
		if _, ok := track.ParseExperimentID(id); ok != want {
			t.Errorf("%q parses: %v", id, ok)
		}
	}
}

func TestLanesOfARun(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	// The hash is the published FNV-1a, so that clients in other languages find the same lane.
	if got := track.LaneOf(id, 16); got != 5 {
		t.Errorf("lane %d", got)
	}
	for _, tt := range []struct {
		ranks uint32
		lanes uint16
		want  int
	}{{0, 1, 1}, {1000, 1, 1}, {0, 16, 1}, {256, 16, 1}, {257, 16, 2}, {1000, 16, 4}, {1000, 3, 3}, {math.MaxUint32, 16, 16}} {
		got := track.LanesOf(id, tt.ranks, tt.lanes)
		if len(got) != tt.want || got[0] != track.LaneOf(id, tt.lanes) {
			t.Errorf("%d ranks, %d lanes: %v", tt.ranks, tt.lanes, got)
		}
		seen := make(map[uint16]bool)
		for _, l := range got {
			if l >= tt.lanes || seen[l] {
				t.Errorf("%d ranks, %d lanes: %v", tt.ranks, tt.lanes, got)
			}
			seen[l] = true
		}
	}
}
