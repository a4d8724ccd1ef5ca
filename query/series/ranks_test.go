package series_test

import (
	"testing"

	"github.com/streamgauge/streamgauge/query/series"
)

// rankLine logs a step each pace milliseconds from start on; pauses are added to the time from a step on.
func rankLine(rank uint32, steps, paceMS int64, shift uint8, pauses map[int64]int64) series.RankLine {
	var all []series.Bucket
	at := int64(1_000_000)
	for s := range steps {
		at += paceMS + pauses[s]
		all = append(all, series.One(s, at, float64(s)))
	}
	return series.RankLine{Rank: rank, Buckets: series.Grid{Axis: series.AxisStep, Shift: shift}.Draw(all, 0)}
}

func TestWhoIsBehindByHowMuchSinceWhen(t *testing.T) {
	t.Parallel()
	const shift, pace = 4, 100
	lines := []series.RankLine{
		rankLine(3, 1000, pace, shift, nil),
		rankLine(0, 1000, pace, shift, nil),
		rankLine(1, 1002, pace, shift, nil),
		// It was late once, and caught up: its pause ends before the others are through.
		rankLine(2, 1000, pace, shift, map[int64]int64{100: 5_000, 200: -5_000}),
		// It stopped.
		rankLine(4, 640, pace, shift, nil),
		// It is as far as the others, a minute later.
		rankLine(5, 1000, pace, shift, map[int64]int64{512: 60_000}),
	}
	got := series.CompareRanks(lines, shift)
	if got.MedianStep != 999 || got.GreatestStep != 1001 || got.NewestMS != lines[5].Buckets[len(lines[5].Buckets)-1].TimeLast {
		t.Fatalf("got %+v", got)
	}
	if got.Slowest == nil || got.Slowest.Rank != 4 {
		t.Fatalf("slowest %+v", got.Slowest)
	}
	start := int64(1_000_000 + pace)
	for rank, want := range []series.RankState{
		0: {BehindGreatest: 2}, 1: {}, 2: {BehindGreatest: 2}, 3: {BehindGreatest: 2},
		4: {BehindMedian: 360, BehindGreatest: 362, BehindMS: got.NewestMS - (start + 639*pace), SinceMS: start + 640*pace},
		5: {BehindGreatest: 2, BehindMS: 60_000, SinceMS: start + 512*pace},
	} {
		s := got.All[rank]
		if s.Rank != uint32(rank) || s.BehindMedian != want.BehindMedian || s.BehindGreatest != want.BehindGreatest || s.BehindMS != want.BehindMS || s.SinceMS != want.SinceMS {
			t.Errorf("rank %d: %+v, want %+v", rank, s, want)
		}
	}
	if none := series.CompareRanks(nil, shift); none.Slowest != nil || none.All != nil {
		t.Errorf("of nobody: %+v", none)
	}
}

func TestNamesMeanWhatTheyMeanToClickHouse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		prefix, contains, like, regex, name string
		want                                bool
	}{
		{name: "x", want: true},
		{prefix: "a/", name: "a/b", want: true},
		{prefix: "a/", name: "b/a/"},
		{contains: "GRAD", name: "layer/grad", want: true},
		{like: "a%b_", name: "axxbc", want: true},
		{like: "a%b_", name: "axxb"},
		{like: `50\%.`, name: "50%.", want: true},
		{like: `50\%.`, name: "50%x"},
		{like: "ä_", name: "äö", want: true},
		{regex: "l[0-9]+$", name: "xl12", want: true},
		{regex: "^l", name: "xl"},
	} {
		n, err := series.ParseNames(tt.prefix, tt.contains, tt.like, tt.regex)
		if err != nil || n.Match(tt.name) != tt.want {
			t.Errorf("%+v: %v, %v", tt, n.Match(tt.name), err)
		}
	}
	if _, err := series.ParseNames("", "", "", "("); err == nil {
		t.Error("an expression that does not end is taken")
	}
}
