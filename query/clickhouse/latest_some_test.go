package clickhouse_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/runtable"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestSomeMetricsOfARunOfVeryMany(t *testing.T) {
	r := start(t, enginetest.Fresh(t))
	r.exec(t, "INSERT INTO streamgauge.latest SELECT 73, concat('layer/', toString(number)), %d, (0, 1, 1, 0.5, 0.5) FROM numbers(5000)", number(1))
	r.exec(t, "INSERT INTO streamgauge.latest VALUES (73, 'loss', %d, (0, 1, 1, 0.25, 0.25)), (73, 'loss', %d, (0, 1, 1, 0.75, 0.75)), (73, 'acc', %d, (0, 1, 1, 1, 1))", number(1), number(2), number(2))
	r.exec(t, "INSERT INTO streamgauge.latest VALUES (73, 'loss', %d, (0, 2, 2, 0.125, 0.125)), (74, 'loss', %d, (0, 9, 9, 9, 9))", number(1), number(1))
	count := func(values []hot.Value, run int) (keys []string) {
		for _, v := range values {
			if v.Run == number(run) {
				keys = append(keys, v.Key)
			}
		}
		slices.Sort(keys)
		return keys
	}
	runs := []track.RunNumber{number(1), number(2), number(3)}
	some, err := r.store.LatestSome(t.Context(), 73, runs, []string{"loss", "nobody's"}, runtable.OthersMax+1)
	if err != nil {
		t.Fatal(err)
	}
	first, second := count(some, 1), count(some, 2)
	if len(first) != 1+runtable.OthersMax+1 || !slices.Contains(first, "loss") || len(slices.Compact(first)) != len(first) {
		t.Errorf("%d metrics of the run of many", len(first))
	}
	if !slices.Equal(second, []string{"acc", "loss"}) {
		t.Errorf("the run of two has %v", second)
	}
	for _, v := range some {
		if v.Run == number(1) && v.Key == "loss" && v.Latest.Value != 0.125 {
			t.Errorf("loss is %v, and not the latest", v.Latest)
		}
	}
	one, err := r.store.LatestSome(t.Context(), 73, runs, []string{"loss"}, 1)
	if err != nil || len(count(one, 1)) != 2 || !slices.Equal(count(one, 2), []string{"acc", "loss"}) {
		t.Errorf("loss and one more: %v, %v", one, err)
	}
	if one, err = r.store.LatestSome(t.Context(), 73, runs, []string{}, 1); err != nil || len(count(one, 1)) != 1 || len(count(one, 2)) != 1 {
		t.Errorf("any one: %v, %v", one, err)
	}
	r.exec(t, "INSERT INTO streamgauge.latest VALUES (73, 'early', %d, (0, 9, 77, 1, 1)), (74, 'loss', %d, (0, 9, 99, 1, 1))", number(2), number(2))
	logged, err := r.store.LastLogged(t.Context(), 73, runs)
	if want := map[track.RunNumber]int64{number(1): 2, number(2): 77}; err != nil || !maps.Equal(logged, want) {
		t.Errorf("logged last %v, want %v: %v", logged, want, err)
	}
}
