package views_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/views"
)

var update = flag.Bool("update", false, "rewrite the golden files and the page")

const (
	contractFile = "testdata/contract.txt"
	page         = "../../docs/sql.md"
	pageBegin    = "<!-- views: made from schemas/views by go test ./views -update -->\n"
	pageEnd      = "<!-- end of views -->\n"
)

// listing is the contract: views and functions by name, each with its columns and parameters in order.
func listing() map[string][]string {
	out := make(map[string][]string)
	for _, v := range views.Views {
		for _, p := range v.Parameters {
			out[v.Name] = append(out[v.Name], fmt.Sprintf("(%s %s)", p.Name, p.Type))
		}
		for _, c := range v.Columns {
			out[v.Name] = append(out[v.Name], c.Name+" "+c.Type)
		}
	}
	for _, f := range views.Functions {
		if !f.Internal {
			out[f.Name] = []string{f.Arguments}
		}
	}
	return out
}

// broken says what of a contract is not kept.
func broken(contract, now map[string][]string) []string {
	var out []string
	for name, was := range contract {
		is, ok := now[name]
		if !ok {
			out = append(out, name+" is gone")
		} else if len(is) < len(was) || !slices.Equal(is[:len(was)], was) {
			out = append(out, fmt.Sprintf("%s has changed: it was %v and is %v", name, was, is))
		}
	}
	return out
}

func parse(text string) map[string][]string {
	out := make(map[string][]string)
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
		out[name] = strings.Split(rest, "\t")
	}
	return out
}

func TestTheContractIsOnlyAddedTo(t *testing.T) {
	b, err := os.ReadFile(contractFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	now := listing()
	if len(b) > 0 { // also with -update: what others build on stays
		for _, what := range broken(parse(string(b)), now) {
			t.Error(what)
		}
	}
	if *update && !t.Failed() {
		var lines []string
		for name, columns := range now {
			lines = append(lines, name+"\t"+strings.Join(columns, "\t")+"\n")
		}
		slices.Sort(lines)
		if err := os.WriteFile(contractFile, []byte(strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(parse(string(b))) != len(now) {
		t.Errorf("%s does not list all views; run with -update", contractFile)
	}
}

func TestWhatBreaksTheContractIsSeen(t *testing.T) {
	contract := map[string][]string{"runs": {"run_id String", "name String"}}
	for what, now := range map[string]map[string][]string{
		"a view that is gone":    {"metrics": {"key String"}},
		"a column that is gone":  {"runs": {"run_id String"}},
		"another type":           {"runs": {"run_id UInt64", "name String"}},
		"a column in the middle": {"runs": {"run_id String", "user String", "name String"}},
	} {
		if len(broken(contract, now)) == 0 {
			t.Errorf("%s is not seen", what)
		}
	}
	if got := broken(contract, map[string][]string{"runs": {"run_id String", "name String", "user String"}, "new": nil}); got != nil {
		t.Error(got)
	}
}

func TestThePageIsCurrent(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), pageBegin)
	_, after, ok2 := strings.Cut(rest, pageEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the views", page)
	}
	want := before + pageBegin + "\n" + views.Markdown() + "\n" + pageEnd + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(b) {
		t.Errorf("%s is not current; run with -update", page)
	}
}

func migrated(t *testing.T) *enginetest.Engine {
	e := enginetest.Fresh(t)
	if err := table.Migrate(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTheDatabaseSaysWhatThePageSays(t *testing.T) {
	e := migrated(t)
	for range 2 { // twice: every start does it
		if err := views.Apply(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range views.Views {
		var want strings.Builder
		query := "SELECT name, type, comment FROM system.columns WHERE database = 'sg' AND table = '" + v.Name + "' ORDER BY position"
		for _, c := range v.Columns {
			if len(v.Parameters) > 0 {
				c.Comment = "" // ClickHouse keeps none for these
			}
			fmt.Fprintf(&want, "%s\t%s\t%s\n", c.Name, strings.ReplaceAll(c.Type, "'", `\'`), strings.ReplaceAll(c.Comment, "'", `\'`))
		}
		if len(v.Parameters) > 0 {
			var args []string
			for _, p := range v.Parameters {
				args = append(args, p.Name+"="+map[string]string{"String": "'00'"}[p.Type])
				if strings.HasSuffix(args[len(args)-1], "=") {
					args[len(args)-1] += "1"
				}
			}
			query = "DESCRIBE (SELECT * FROM sg." + v.Name + "(" + strings.Join(args, ", ") + ")) SETTINGS describe_compact_output = 1"
			want.Reset()
			for _, c := range v.Columns {
				fmt.Fprintf(&want, "%s\t%s\n", c.Name, strings.ReplaceAll(c.Type, "'", `\'`))
			}
		}
		got, err := e.Query(t.Context(), query)
		if err != nil || got != want.String() {
			t.Errorf("%s: %v\n got %s\nwant %s", v.Name, err, got, want.String())
		}
	}
	got, err := e.Query(t.Context(), "SELECT count() FROM system.tables WHERE database = 'sg' AND comment = ''")
	if err != nil || got != "0\n" {
		t.Errorf("%s views have no comment, %v", got, err)
	}
}

func TestViewsOfAnotherVersionAreMadeAnew(t *testing.T) {
	e := migrated(t)
	ctx := t.Context()
	if err := views.Apply(ctx, e); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"CREATE OR REPLACE VIEW sg.runs AS SELECT 1", "INSERT INTO streamgauge.views (hash) VALUES ('another')"} {
		if err := e.Exec(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	if err := views.Apply(ctx, e); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Query(ctx, "SELECT run_id FROM sg.runs"); err != nil {
		t.Error(err)
	}
}

// TestLatestAreTheGreatestTuples writes every pair of some values as two rows of one metric, in both orders, and asks the tuples'
// own order which of them is the latest.
func TestLatestAreTheGreatestTuples(t *testing.T) {
	e := migrated(t)
	if err := views.Apply(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	const values = `WITH arrayMap(x -> tuple(x.1::Int64, x.2::Int64, x.3::Int64, if(isNaN(x.4), 0, x.4), x.4), [
		(0, 0, 0, 0.5), (0, 0, 0, -0.5), (0, 0, 0, -1e300), (0, 0, 0, -2), (0, 0, 0, 1e300), (0, 0, 0, inf), (0, 0, 0, -inf),
		(0, -1, 5, 2), (0, -1, -5, 2), (0, 9223372036854775807, -1, 1), (0, 9223372036854775807, 0, 0), (0, -9223372036854775808, 9223372036854775807, 1),
		(0, 3, 1, nan), (0, 3, 1, 1), (0, 3, 1, -1), (-1, 9223372036854775807, 9223372036854775807, inf), (-4294967295, 7, 0, 1)]) AS values
		INSERT INTO streamgauge.latest (experiment, key, run, value) SELECT 1, concat(toString(i), ' ', toString(j)), 1, values[if(%s, i, j)]
		FROM (SELECT arrayJoin(range(1, length(values) + 1)) AS i, arrayJoin(arrayEnumerate(values)) AS j)`
	for _, q := range []string{"SYSTEM STOP MERGES streamgauge.latest", fmt.Sprintf(values, "true"), fmt.Sprintf(values, "false")} {
		if err := e.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	got, err := e.Query(t.Context(), `SELECT count(), countIf((toInt64(-rank), step, toUnixTimestamp64Milli(time), value) != (greatest.1, greatest.2, greatest.3, greatest.5) AND NOT (isNaN(value) AND isNaN(greatest.5)))
		FROM sg.metrics_latest AS l INNER JOIN (SELECT key, max(value) AS greatest FROM streamgauge.latest GROUP BY key) AS g USING key`)
	if err != nil || got != "289\t0\n" {
		t.Errorf("metrics and those whose latest value is not the greatest: %s, %v", got, err)
	}
}

// TestSeriesShowTheNewestLaunch logs a run whose second launch begins anew at step 5000 of 10000.
func TestSeriesShowTheNewestLaunch(t *testing.T) {
	e := migrated(t)
	ctx := t.Context()
	if err := views.Apply(ctx, e); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		"INSERT INTO streamgauge.points (run, key, attempt, step, v) SELECT 10, 'k', 1, number, 1 FROM numbers(10000)",
		"INSERT INTO streamgauge.points (run, key, attempt, step, v) SELECT 10, 'k', 2, number + 5000, 2 FROM numbers(3000)",
		"INSERT INTO streamgauge.points (run, key, rank, attempt, step, v) SELECT 11, 'k', 3, 1, number, if(number = 7, nan, if(number = 8, inf, 3)) FROM numbers(10000)",
		// A batch, beside a point whose value is no number of points.
		`INSERT INTO streamgauge.points (run, key, rank, attempt, step, ts, v, experiment, lane, batch, seq, month)
			VALUES (0, '', 0, 1, 9, 1000, 3, 0, 1, 7, 9, 202601), (12, 'k', 0, 0, 0, 0, nan, 1, 1, 7, 9, 202601)`,
	} {
		if err := e.Exec(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	const ten, eleven = "000000000000000a0000000000000000", "000000000000000b0000000000000000"
	for query, want := range map[string]string{
		// Step by step: the second launch from 5000 on.
		"SELECT min(step), max(step), count(), sum(points), countIf(value_last = 1), countIf(value_last = 2) FROM sg.series(run='" + ten + "', key='k', buckets=10000)": "0\t7999\t8000\t8000\t5000\t3000",
		// In buckets of 1024: the one that holds 5000 has the first launch's points up to the end of its 256 steps.
		"SELECT count(), sum(points), max(step_last), sumIf(points, step = 4096), sumIf(points, step > 4096) FROM sg.series(run='" + ten + "', key='k', buckets=10) SETTINGS force_optimize_projection = 1": "8\t8120\t7999\t1144\t2880",
		"SELECT groupArray((run_id, points)) FROM sg.series_aligned(runs='" + ten + "," + eleven + "', key='k', buckets=1) SETTINGS force_optimize_projection = 1":                                          "[('" + ten + "',8120),('" + eleven + "',10000)]",
		"SELECT rank, step, points, value_min, value_max, nans FROM sg.series_by_rank(run='" + eleven + "', key='k', buckets=2) ORDER BY step":                                                              "3\t0\t8192\t3\t3\t1\n3\t8192\t1808\t3\t3\t0",
		"SELECT count() FROM sg.series(run='" + eleven + "', key='nothing', buckets=10)":                                                                                                                    "0",
		"SELECT sum(points), sum(nans), sum(infs), any(bucket * 256 = step_first) FROM sg.metrics_rollup WHERE run = 11 SETTINGS force_optimize_projection = 1":                                             "10000\t1\t1\t1",
		"SELECT lane, sequence_first, sequence_last, points FROM sg.batches WHERE points > 0":                                                                                                               "1\t7\t9\t3",
		"SELECT attempt, points, value_mean, step_last FROM sg.ranks WHERE run = sgRun('" + ten + "') ORDER BY attempt SETTINGS force_optimize_projection = 1":                                              "1\t10000\t1\t9999\n2\t3000\t2\t7999",
	} {
		got, err := e.Query(ctx, query)
		if err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s\n got %q, %v\nwant %q", query, got, err, want)
		}
	}
}

func TestScopes(t *testing.T) {
	if got, err := views.Scope("aa", []uint32{0, 12}); err != nil || got != "sgx.aa.0.12" {
		t.Error(got, err)
	}
	for what, bad := range map[string]func() (string, error){
		"no experiments": func() (string, error) { return views.Scope("aa", nil) },
		"too many":       func() (string, error) { return views.Scope("aa", make([]uint32, 10_001)) },
		"no nonce":       func() (string, error) { return views.Scope("", []uint32{1}) },
		"a dot":          func() (string, error) { return views.Scope("a.7", []uint32{1}) },
	} {
		if got, err := bad(); err == nil {
			t.Errorf("%s: %s", what, got)
		}
	}
}
