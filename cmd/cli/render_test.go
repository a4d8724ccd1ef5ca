package cli

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestSparkline(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, tt := range []struct {
		name string
		in   []float64
		want string
	}{
		{"nothing", nil, ""},
		{"rises from the lowest to the highest block", []float64{0, 1, 2, 3, 4, 5, 6, 7}, "▁▂▃▄▅▆▇█"},
		{"a constant lies in the middle", []float64{3, 3, 3}, "▅▅▅"},
		{"NaN is a gap", []float64{0, nan, 1}, "▁ █"},
		{"infinities leave the scale alone", []float64{0, inf, 1, -inf}, "▁↑█↓"},
		{"only NaN", []float64{nan, nan}, "  "},
		{"values whose span is beyond a float64", []float64{-math.MaxFloat64, 0, math.MaxFloat64}, "▁▅█"},
	} {
		if got := sparkline(tt.in); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestBucketsOfAGridLeaveNoGaps(t *testing.T) {
	s := series{}
	for step := int64(0); step < 1000; step += 16 {
		s.Step, s.StepLast, s.Mean = append(s.Step, step), append(s.StepLast, min(step+15, 999)), append(s.Mean, 1)
	}
	got := columns(s.line(), 100, s.width())
	if len(got) != 63 || slices.ContainsFunc(got, math.IsNaN) {
		t.Errorf("63 buckets on 100 columns: %v", got)
	}
	s = series{Step: []int64{1, 3}, StepLast: []int64{1, 3}, Mean: []number{1, 3}}
	if got := columns(s.line(), 100, s.width()); len(got) != 3 || !math.IsNaN(got[1]) {
		t.Errorf("points as logged, a step missing: %v", got)
	}
}

func TestColumns(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct {
		name string
		in   []point
		n    int
		want []float64
	}{
		{"fewer steps than columns", []point{{0, 1}, {1, 2}}, 10, []float64{1, 2}},
		{"a step without a point is a gap", []point{{0, 1}, {2, 3}}, 10, []float64{1, nan, 3}},
		{"means of neighbours", []point{{0, 1}, {1, 3}, {2, 5}, {3, 7}}, 2, []float64{2, 6}},
		{"NaN beside a number does not hide it", []point{{0, nan}, {1, 3}, {2, 5}, {3, 7}}, 2, []float64{3, 6}},
		{"NaN alone stays", []point{{0, nan}, {1, 3}}, 2, []float64{nan, 3}},
		{"negative steps", []point{{-2, 1}, {-1, 2}}, 4, []float64{1, 2}},
		{"one point", []point{{5, 1}}, 4, []float64{1}},
		{"steps at both ends of int64", []point{{math.MinInt64, 1}, {math.MaxInt64, 2}}, 2, []float64{1, 2}},
	} {
		got := columns(tt.in, tt.n, 1)
		same := len(got) == len(tt.want)
		for i := 0; same && i < len(got); i++ {
			same = got[i] == tt.want[i] || math.IsNaN(got[i]) && math.IsNaN(tt.want[i])
		}
		if !same {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	long := strings.Repeat("x", 60)
	for _, tt := range []struct {
		name  string
		tb    table
		width int
		want  string
	}{
		{"aligned", table{header: []string{"A", "NUMBER"}, rows: [][]string{{"long", "1"}, {"b", "10"}}, right: map[int]bool{1: true}}, 0,
			"A     NUMBER\nlong       1\nb         10\n"},
		{"wide letters take two columns", table{rows: [][]string{{"模型", "1"}, {"abcd", "2"}}}, 0, "模型  1\nabcd  2\n"},
		{"columns that do not fit are left out", table{rows: [][]string{{"aaaa", "bbbb", "cccc"}}}, 11, "aaaa  bbbb\n"},
		{"a long text is cut so that the others fit", table{rows: [][]string{{long, "b", "cc"}}}, 25, strings.Repeat("x", 17) + "…  b  cc\n"},
		{"the widest gives way", table{rows: [][]string{{long, strings.Repeat("y", 16)}}}, 40, strings.Repeat("x", 21) + "…  " + strings.Repeat("y", 16) + "\n"},
		{"numbers are never cut", table{rows: [][]string{{long, "123456789012345678"}}, right: map[int]bool{1: true}}, 33, strings.Repeat("x", 12) + "…  123456789012345678\n"},
		{"the heading of numbers is", table{header: []string{"a/very/long/heading"}, rows: [][]string{{"1"}}, right: map[int]bool{0: true}}, 12, "a/very/long…\n           1\n"},
		{"what yields first goes first", table{header: []string{"A", "B", "C"}, rows: [][]string{{"aaaa", "bbbb", "cccc"}}, yield: map[int]int{1: 2}}, 11, "A     C\naaaa  cccc\n"},
		{"a pipe gets long cells whole", table{rows: [][]string{{long, "b"}}}, 0, long + "  b\n"},
		{"a pipe gets line breaks as escapes", table{rows: [][]string{{"a\nb\t\x1b", "c"}, {"d", "e"}}}, 0, `a\nb\t\x1b  c` + "\nd           e\n"},
		{"a whole table is not cut", table{whole: true, rows: [][]string{{long, "b"}}}, 20, long + "  b\n"},
		{"control characters do not reach the terminal", table{rows: [][]string{{"a\x1b[31m\nb", "c"}}}, 80, "a [31m b  c\n"},
		{"a short row", table{rows: [][]string{{"a", "b"}, {"c"}}}, 0, "a  b\nc\n"},
	} {
		var b strings.Builder
		if _, err := tt.tb.write(&b, tt.width); err != nil || b.String() != tt.want {
			t.Errorf("%s: got\n%s%v, want\n%s", tt.name, b.String(), err, tt.want)
		}
	}
}

func TestFormatNumber(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		want string
	}{
		{1234567890123, "1234567890123"},
		{1e6, "1000000"},
		{-3, "-3"},
		{math.Copysign(0, -1), "-0"},
		{0.123456789, "0.123457"},
		{1234567.5, "1.23457e+06"},
		{1e300, "1e+300"},
		{math.Inf(1), "+Inf"},
		{math.NaN(), "NaN"},
	} {
		if got := formatNumber(tt.v); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.v, got, tt.want)
		}
	}
}

func TestColourIsForTerminals(t *testing.T) {
	var b strings.Builder
	tm := newTerminal(&b, func(string) string { return "" })
	if err := tm.table(&table{header: []string{"A"}, rows: [][]string{{"x"}}}, func(int, int) string { return red }); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Errorf("a pipe got colours: %q", b.String())
	}
	tm.colour = true
	if got := tm.paint(red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("a terminal got %q", got)
	}
}

func TestRunTableShowsWhatWasOrderedBy(t *testing.T) {
	runs := make([]run, 2)
	for i := range runs {
		runs[i].Info.ID = strings.Repeat("ab", 16)
		runs[i].Info.Name = "n"
		runs[i].Info.ExperimentID = "1"
		runs[i].Info.Status = "FINISHED"
		runs[i].Info.StartMS, runs[i].Info.EndMS = 1000, 62_000
		runs[i].Data.Metrics = []metric{{Key: "z", Value: 0.5}}
	}
	for _, k := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		runs[0].Data.Metrics = append(runs[0].Data.Metrics, metric{Key: k, Value: 1})
	}
	runs[1].Data.Metrics = append(runs[1].Data.Metrics, metric{Key: "rare", Value: 2})
	tb := runTable(runs, []experiment{{ID: "1", Name: "wine"}}, metricColumns(runs, []string{"metrics.rare DESC"}, nil), time.Now())
	if got := strings.Join(tb.header, " "); got != "RUN NAME EXPERIMENT STATUS STARTED TOOK rare z a b c d" {
		t.Errorf("header %s", got)
	}
	if r := tb.rows[1]; r[0] != "abababab" || r[2] != "wine" || r[5] != "1m1s" || r[6] != "2" {
		t.Errorf("row %v", r)
	}
}

func TestRunTableOnANarrowTerminalKeepsMetrics(t *testing.T) {
	runs := []run{testRun("short", 3), testRun(strings.Repeat("long", 12), 3)}
	for _, tt := range []struct {
		name, order string
		width       int
		want        string
		hidden      string
	}{
		{"80 columns", "", 80, "RUN NAME STATUS STARTED TOOK m0 m1", "EXPERIMENT m2"},
		{"ordered by", "metrics.m2 DESC", 60, "RUN NAME STATUS m2 m0", "EXPERIMENT STARTED TOOK m1"},
		{"hardly any room", "metrics.m2", 30, "RUN m2", "NAME EXPERIMENT STATUS STARTED TOOK m0 m1"},
		{"a wide one", "", 150, "RUN NAME EXPERIMENT STATUS STARTED TOOK m0 m1 m2", ""},
	} {
		tb := runTable(runs, nil, metricColumns(runs, []string{tt.order}, nil), time.Now())
		shortenStarts(tb, runs)
		var b strings.Builder
		hidden, err := tb.write(&b, tt.width)
		lines := strings.Split(b.String(), "\n")
		if got := strings.Join(strings.Fields(lines[0]), " "); err != nil || got != tt.want || strings.Join(hidden, " ") != tt.hidden {
			t.Errorf("%s: got %s, hidden %s, want %s, hidden %s", tt.name, got, hidden, tt.want, tt.hidden)
		}
		for _, l := range lines {
			if n := utf8.RuneCountInString(l); n > tt.width {
				t.Errorf("%s: a line of %d", tt.name, n)
			}
		}
	}
}

// testRun is a run with metrics m0, m1 and so on.
func testRun(name string, metrics int) run {
	var r run
	r.Info.ID, r.Info.Name, r.Info.ExperimentID, r.Info.Status = strings.Repeat("ab", 16), name, "1", "FINISHED"
	r.Info.StartMS, r.Info.EndMS = 1000, 62_000
	for i := range metrics {
		r.Data.Metrics = append(r.Data.Metrics, metric{Key: "m" + strconv.Itoa(i), Value: 0.123456})
	}
	return r
}

func TestMetricColumns(t *testing.T) {
	few, many := testRun("few", 2), testRun("many", 2500)
	few.Data.Metrics[0].Key, few.Data.Metrics[1].Key = "val loss", "z"
	watched := testRun("watched", 2)
	watched.Data.Metrics[0].Key = "system/disk"
	for _, tt := range []struct {
		name  string
		runs  []run
		order []string
		named []string
		want  string
	}{
		{"a crowded run does not choose for all", []run{many, few}, nil, nil, "val loss,z"},
		{"the machine's come last", []run{watched}, nil, nil, watched.Data.Metrics[1].Key + ",system/disk"},
		{"alone it does", []run{many}, nil, nil, "m0,m1,m10,m100,m1000,m1001"},
		{"ordered by comes first", []run{many, few}, []string{"metrics.m7 DESC"}, nil, "m7,val loss,z"},
		{"an order in quotes", []run{few}, []string{"metrics.`z` ASC"}, nil, "z,val loss"},
		{"an order by something else", []run{few}, []string{"params.z", "start_time DESC", "metrics.", ""}, nil, "val loss,z"},
		{"ordered by although no run has it", []run{few}, []string{"metrics.gone"}, nil, "gone,val loss,z"},
		{"named ones alone, and those ordered by", []run{many, few}, []string{"metrics.z"}, []string{"m9", "metrics.m8"}, "m9,m8,z"},
	} {
		var got []string
		for _, c := range metricColumns(tt.runs, tt.order, tt.named) {
			got = append(got, c.key)
		}
		if strings.Join(got, ",") != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestCSVTable(t *testing.T) {
	tb, err := csvTable("\"name\",\"n\"\n\"a, b\",1\n\"c\",\\N\n")
	if err != nil {
		t.Fatal(err)
	}
	if tb.rows[0][0] != "a, b" || tb.right[0] || !tb.right[1] {
		t.Errorf("got rows %v, right %v", tb.rows, tb.right)
	}
	if _, err := csvTable(""); err == nil {
		t.Error("an empty answer was taken for a table")
	}
}
