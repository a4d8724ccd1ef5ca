package tally

import (
	"math"
	"testing"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

func row(params map[string]string, loss float64) filter.Row {
	return filter.RunRow{Run: &sgpb.Run{Params: params}, Latest: func(key string) (float64, bool) { return loss, key == "loss" }}
}

func TestGroupsHaveMeanAndSpreadOfFiniteValues(t *testing.T) {
	t.Parallel()
	by, err := parseBy("params.lr")
	if err != nil {
		t.Fatal(err)
	}
	g := NewGroups(by, []string{"loss", "gone"})
	for _, v := range []float64{1, 2, 3, 4, math.NaN(), math.Inf(1)} {
		g.Add(row(map[string]string{"lr": "0.1"}, v))
	}
	g.Add(row(map[string]string{"lr": "0.2"}, 7))
	g.Add(row(map[string]string{"lr": "0.3"}, math.MaxFloat64))
	g.Add(row(map[string]string{"lr": "0.3"}, -math.MaxFloat64))
	for range 3 {
		g.Add(row(nil, 9))
	}
	list, more := g.List()
	if len(list) != 4 || more || g.runs != 12 {
		t.Fatalf("%d groups of %d runs, more %v", len(list), g.runs, more)
	}
	first := list[0]
	s := first.Metrics[0]
	if *first.Value != "0.1" || first.Runs != 6 || s.Runs != 4 || s.Mean != 2.5 || s.Min != 1 || s.Max != 4 || math.Abs(s.Deviation()-1.2909944487) > 1e-9 {
		t.Errorf("the largest is %s with %+v, spread %v", *first.Value, s, s.Deviation())
	}
	if first.Metrics[1].Runs != 0 {
		t.Errorf("a metric that no run has: %+v", first.Metrics[1])
	}
	if wide := list[1].Metrics[0]; *list[1].Value != "0.3" || math.Abs(wide.Mean) > 1 || wide.Runs != 2 {
		t.Errorf("of the ends of the line: %s %+v", *list[1].Value, wide)
	}
	if one := list[2].Metrics[0]; *list[2].Value != "0.2" || one.Mean != 7 || !math.IsNaN(one.Deviation()) {
		t.Errorf("of one run: %+v", one)
	}
	if last := list[3]; last.Value != nil || last.Runs != 3 {
		t.Errorf("runs without the param come last: %+v", last)
	}
}

func TestOnlyFieldsThatRunsShareAreGroupedBy(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"params.", "params", "metrics.loss", "attributes.run_id", "lr"} {
		if by, err := parseBy(text); err == nil {
			t.Errorf("%s reads as %v", text, by)
		}
	}
	if by, err := parseBy("params.a.b"); err != nil || by.Key != "a.b" {
		t.Errorf("a key with a dot: %v, %v", by, err)
	}
}
