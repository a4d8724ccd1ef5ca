package clickhouse_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/track"
	"github.com/streamgauge/streamgauge/schemas/views"
)

func (r rig) ask(t *testing.T, q ask.Question) (text, kind string, err error) {
	t.Helper()
	a, err := r.store.Ask(t.Context(), q)
	if err != nil {
		return "", "", err
	}
	defer a.Close()
	b, err := io.ReadAll(a)
	return string(b), a.ContentType, err
}

func TestAnExactAnswerLosesNothing(t *testing.T) {
	r := start(t, enginetest.Start(t))
	const text = "SELECT 9223372036854775807 AS n, nan AS odd, -inf AS far, NULL AS gone, toInt32(1) AS small, 0.5 AS half"
	for _, seen := range [][]uint32{nil, {1}} {
		got, _, err := r.ask(t, ask.Question{Text: text, Format: "JSONCompact", Exact: true, Experiments: seen})
		var answer struct{ Data [][]any }
		if err != nil || json.Unmarshal([]byte(got), &answer) != nil {
			t.Fatalf("seen %v: %q %v", seen, got, err)
		}
		if want := [][]any{{"9223372036854775807", "nan", "-inf", nil, 1.0, 0.5}}; !reflect.DeepEqual(answer.Data, want) {
			t.Errorf("seen %v: %v, want %v", seen, answer.Data, want)
		}
	}
}

func TestAskRunsAsTheReader(t *testing.T) {
	r := start(t, enginetest.Start(t))
	ask := func(text, format string) (string, string, error) {
		return r.ask(t, ask.Question{Text: text, Format: format})
	}
	if got, kind, err := ask("SELECT 1 AS a, 'x' AS b", "CSVWithNames"); err != nil || got != "\"a\",\"b\"\n1,\"x\"\n" || !strings.HasPrefix(kind, "text/csv") {
		t.Errorf("csv: %q %q %v", got, kind, err)
	}
	if got, _, err := ask("SELECT count() AS n FROM experiments", "JSONCompact"); err != nil || !strings.Contains(got, `"name": "n"`) {
		t.Errorf("json: %q %v", got, err)
	}
	for _, text := range []string{"SHOW TABLES FROM sg", "DESCRIBE sg.runs", "EXPLAIN SELECT * FROM sg.runs", "WITH 1 AS x SELECT x"} {
		if got, _, err := ask(text, "CSVWithNames"); err != nil || got == "" {
			t.Errorf("%s: %q %v", text, got, err)
		}
	}
	if got, _, err := ask("SELECT throwIf(number = 900000, 'late'), repeat('x', 100) FROM numbers(1000000)", "CSVWithNames"); err == nil {
		t.Errorf("a statement that fails on its way gave %d bytes and no error", len(got))
	}
}

func TestAskSaysWhatIsWrongAndWhere(t *testing.T) {
	r := start(t, enginetest.Start(t))
	for _, tt := range []struct {
		text string
		code track.Code
		want []string
	}{
		{"SELEKT 1", track.InvalidParameterValue, []string{"(line 1, column 8)", "Code: 62."}},
		{"SELECT 'ä',\n  1 FRO x", track.InvalidParameterValue, []string{"(line 2, column 9)", "Code: 62."}},
		{"SELECT 1; SELECT 2", track.InvalidParameterValue, []string{"(line 1, column 9)", "Multi-statements"}},
		{"SELECT * FROM sg.nothing", track.InvalidParameterValue, []string{"SHOW TABLES FROM sg", "Code: 60."}},
		{"SELECT nothing FROM sg.runs", track.InvalidParameterValue, []string{"DESCRIBE", "Code: 47."}},
		{"DROP TABLE points", track.PermissionDenied, []string{"only reads", "Code: 497."}},
		{"SELECT count() FROM numbers(1, 20000000001)", track.InvalidParameterValue, []string{"too many rows", "Code: 158."}},
		{"SELECT groupArray(number) FROM numbers(400000000)", track.InvalidParameterValue, []string{"too much memory", "Code: 241."}},
		{"SELECT sleepEachRow(0.1) FROM numbers(100) SETTINGS max_execution_time = 1, max_block_size = 1", track.PermissionDenied, []string{"settings are fixed"}},
		{"SELECT sleepEachRow(0.01) FROM numbers(290) SETTINGS max_execution_time = 1", track.InvalidParameterValue, []string{"took too long", "Code: 159."}},
	} {
		_, _, err := r.ask(t, ask.Question{Text: tt.text, Format: "CSVWithNames"})
		if track.CodeOf(err) != tt.code {
			t.Errorf("%s: code %s of %v", tt.text, track.CodeOf(err), err)
			continue
		}
		for _, part := range tt.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q is missing in %v", tt.text, part, err)
			}
		}
		if len(err.Error()) > 1500 {
			t.Errorf("%s: %d bytes of complaint", tt.text, len(err.Error()))
		}
	}
}

func TestWhatWouldReadTooMuchIsRefusedBeforeItBegins(t *testing.T) {
	r := start(t, enginetest.Start(t))
	r.exec(t, "INSERT INTO streamgauge.points (run, key, step, v, experiment) SELECT 77001, 'loss', number, number, 9 FROM numbers(1100000)")
	_, _, err := r.ask(t, ask.Question{Text: "SELECT max(value) FROM sg.metrics", Format: "CSVWithNames"})
	if track.CodeOf(err) != track.InvalidParameterValue || !strings.Contains(err.Error(), "rows, most of them of points; at most 1000000") {
		t.Errorf("got %v", err)
	}
	if got, _, err := r.ask(t, ask.Question{Text: "SELECT max(value_max) FROM sg.metrics_rollup WHERE run = 77001", Format: "CSV"}); err != nil || got != "1099999\n" {
		t.Errorf("the rollup: %q %v", got, err)
	}
	if got, _, err := r.ask(t, ask.Question{Text: "SELECT max(value) FROM sg.metrics WHERE run = 77001 AND step < 10", Format: "CSV"}); err != nil || got != "9\n" {
		t.Errorf("a part: %q %v", got, err)
	}
}

// TestLimitsHoldInsideOfAStatement asks what takes a reader's limits off in a subquery, which the engine would carry out.
func TestLimitsHoldInsideOfAStatement(t *testing.T) {
	r := start(t, enginetest.Start(t))
	for text, inside := range map[string]bool{
		"SELECT (SELECT count() FROM numbers(10) SETTINGS max_rows_to_read = 0)":                                  true,
		"SELECT * FROM (SELECT count() FROM numbers(10) SETTINGS max_threads = 64)":                               true,
		"WITH x AS (SELECT 1 AS n settings max_bytes_to_read = 0) SELECT n FROM x":                                true,
		"SELECT 1 IN (SELECT 1 /* */ Settings max_threads = 64)":                                                  true,
		"SELECT 1 SETTINGS max_execution_time = 3 UNION ALL SELECT 2":                                             true,
		"(SELECT 1 SETTINGS max_threads = 64) UNION ALL (SELECT 2 SETTINGS max_execution_time = 3)":               true,
		"SELECT * FROM view(SELECT 1 SETTINGS max_threads = 64)":                                                  true,
		"SELECT 1 FROM (SELECT 1 AS a SETTINGS max_threads = 64) AS x INNER JOIN (SELECT 1 AS a) AS y USING a":    true,
		"EXPLAIN SELECT (SELECT count() FROM numbers(10) SETTINGS max_rows_to_read = 0)":                          true,
		"SELECT 1 SETTINGS max_execution_time = 3":                                                                false,
		"SELECT 1 FORMAT CSV SETTINGS max_execution_time = 3":                                                     false,
		"SELECT 1 UNION ALL SELECT 2 SETTINGS max_execution_time = 3":                                             false,
		"SELECT * FROM (SELECT 'settings in a text' AS settings)":                                                 false,
		"SELECT name FROM sg.runs WHERE name = 'settings' AND 0 SETTINGS log_comment = 'x', max_execution_time=3": false,
	} {
		_, _, err := r.ask(t, ask.Question{Text: text, Format: "CSV"})
		if refused := track.CodeOf(err) == track.PermissionDenied && strings.Contains(err.Error(), "inside of a subquery"); refused != inside || !inside && err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	// By itself the engine holds a subquery to these, whatever it sets.
	for text, want := range map[string]string{
		"SELECT length(x) FROM (SELECT groupArray(number) AS x FROM numbers(400000000) SETTINGS max_memory_usage = 0)": "Code: 241.",
		"SELECT * FROM (SELECT sleepEachRow(0.01) FROM numbers(290) SETTINGS max_execution_time = 0)":                  "Code: 159.",
		"SELECT * FROM (SELECT * FROM url('http://127.0.0.1:1/', CSV, 'x Int8') SETTINGS readonly = 0)":                "Code: 497.",
		"SELECT * FROM (SELECT * FROM executable('x', 'CSV', 'x Int8') SETTINGS readonly = 0, allow_ddl = 1)":          "Code: 497.",
		"SELECT * FROM (SELECT 1) SETTINGS max_threads = 64":                                                           "Code: 164.",
		"SELECT * FROM (SELECT 1) SETTINGS max_execution_time = 61":                                                    "Code: 452.",
	} {
		if got, ok := r.as(t, "reader", r.ReaderPassword, text); ok || !strings.Contains(got, want) {
			t.Errorf("%s\n gave %.200q, want %s", text, got, want)
		}
	}
}

// as asks the engine by itself, as one of its users.
func (r rig) as(t *testing.T, user, password, text string) (answer string, ok bool) {
	t.Helper()
	args := url.Values{"default_format": {"CSVWithNames"}, "database": {views.Database}}
	if strings.Contains(text, "sleepEachRow") {
		args.Set("max_execution_time", "1")
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.HTTPAddr+"/?"+args.Encode(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-ClickHouse-User", user)
	req.Header.Set("X-ClickHouse-Key", password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err == nil && resp.StatusCode == http.StatusOK
}

// lines reads statements, one a line; # begins a comment.
func lines(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if text := strings.TrimSpace(s.Text()); text != "" && text[0] != '#' {
			out = append(out, text)
		}
	}
	return out
}

// TestWhatReadersMayNotDo asks all that a reader may not ask, both as the reader and as one that is confined.
func TestWhatReadersMayNotDo(t *testing.T) {
	r := start(t, enginetest.Start(t))
	check := func(text string, experiments []uint32) {
		got, _, err := r.ask(t, ask.Question{Text: text, Format: "CSVWithNames", Experiments: experiments})
		if code := track.CodeOf(err); code != track.InvalidParameterValue && code != track.PermissionDenied ||
			!strings.Contains(err.Error(), "Code: ") && !strings.Contains(err.Error(), "set nothing inside") {
			t.Errorf("%s as one that sees %v\n gave %.200q, %v", text, experiments, got, err)
		}
	}
	for _, text := range lines(t, "testdata/refused.sql") {
		check(text, nil)
		check(text, []uint32{1})
	}
	for _, text := range lines(t, "testdata/refused_confined.sql") {
		check(text, []uint32{1})
	}
	if n, err := r.Scalar(t.Context(), "SELECT count() FROM system.tables WHERE database IN ('sg', 'streamgauge') AND name = 'made'"); err != nil || n != 0 {
		t.Errorf("%d tables were made, %v", n, err)
	}
}

// TestConfinedReadersLearnNothingOfOthers asks for rows outside of the scope, and lets conditions fail on them: whether a
// statement fails must not tell of them either.
func TestConfinedReadersLearnNothingOfOthers(t *testing.T) {
	r := start(t, enginetest.Fresh(t))
	r.hide(t)
	mine := ask.Question{Format: "CSVWithNames", Experiments: []uint32{1}}
	for _, view := range told {
		q := mine
		q.Text = "SELECT * FROM sg." + view
		if got, _, err := r.ask(t, q); err != nil || strings.Count(got, "\n") < 2 || strings.Contains(got, "HIDDEN") || strings.Contains(got, "987654") {
			t.Errorf("%s: %v\n%s", view, err, got)
		}
		q.Experiments = nil
		if got, _, err := r.ask(t, q); err != nil || !strings.Contains(got, "HIDDEN") {
			t.Errorf("%s of all: %v\n%s", view, err, got)
		}
	}
	for _, view := range ofServer {
		q := mine
		q.Text = "SELECT * FROM sg." + view
		if got, _, err := r.ask(t, q); err != nil || strings.Count(got, "\n") != 1 {
			t.Errorf("%s: %v\n%s", view, err, got)
		}
		q.Experiments = nil
		if got, _, err := r.ask(t, q); err != nil || strings.Count(got, "\n") < 2 {
			t.Errorf("%s of all: %v\n%s", view, err, got)
		}
	}
	for _, text := range lines(t, "testdata/prying.sql") {
		q := mine
		q.Text = text
		got, _, err := r.ask(t, q)
		if err != nil || strings.Contains(got, "HIDDEN") || strings.Contains(got, "987654") || strings.Contains(got, "00000000000000220000000000000022") {
			t.Errorf("%s\n gave %.200q, %v", text, got, err)
		}
	}
	q := mine
	q.Text = edgesOf
	if got, _, err := r.ask(t, q); err != nil || strings.TrimSpace(got) != "\"kinds\"\n"+edgesOf1 {
		t.Errorf("edges: %q %v", got, err)
	}
	q.Text, q.Experiments = "SELECT count() FROM sg.runs", make([]uint32, 10_001)
	if _, _, err := r.ask(t, q); track.CodeOf(err) != track.InvalidParameterValue {
		t.Errorf("too many experiments: %v", err)
	}
	q.Experiments = q.Experiments[1:]
	for i := range q.Experiments {
		q.Experiments[i] = 1_000_000_000 + uint32(i)
	}
	q.Experiments[9_999] = 1
	if got, _, err := r.ask(t, q); err != nil || !strings.HasSuffix(got, "\n1\n") {
		t.Errorf("10,000 experiments: %q %v", got, err)
	}
}

// TestConfinedReadersReadTheirOwn looks at what a confined question reads of the table, which its runs' places bound, and at
// how it leaves out the rest: an array that is computed was looked through for every row.
func TestConfinedReadersReadTheirOwn(t *testing.T) {
	const each, granule = 100_000, 8192
	r := start(t, enginetest.Fresh(t))
	r.exec(t, `INSERT INTO streamgauge.runs (experiment, run_id, run, lifecycle, revision)
		SELECT number, leftPad(hex(number), 16, '0') || leftPad(hex(number), 16, '0'), number, 'active', number FROM numbers(1, 9)`)
	r.exec(t, "INSERT INTO streamgauge.points (run, key, step, v, experiment) SELECT intDiv(number, %d) + 1 AS n, 'loss', number, n, n FROM numbers(%d)", each, 9*each)
	q := ask.Question{Format: "TabSeparated", Experiments: []uint32{4, 7}}
	for _, view := range []string{"metrics", "metrics_rollup", "ranks"} {
		q.Text = "EXPLAIN ESTIMATE SELECT count() FROM sg." + view
		got, _, err := r.ask(t, q)
		rows := uint64(0)
		for line := range strings.Lines(got) {
			if f := strings.Split(line, "\t"); len(f) > 3 && f[1] == "points" {
				n, _ := strconv.ParseUint(f[3], 10, 64)
				rows += n
			}
		}
		if err != nil || rows == 0 || rows > 2*each+4*granule {
			t.Errorf("%s reads %d rows, %v: %s", view, rows, err, got)
		}
	}
	q.Text = "SELECT count(), sum(value) FROM sg.metrics"
	if got, _, err := r.ask(t, q); err != nil || got != "200000\t1100000\n" {
		t.Errorf("got %q %v", got, err)
	}
	q.Text = "EXPLAIN SELECT sum(value) FROM sg.metrics"
	if got, _, err := r.ask(t, q); err != nil || !strings.Contains(got, "CreatingSet") {
		t.Errorf("the plan: %v %s", err, got)
	}
	q.Experiments = nil
	if got, _, err := r.ask(t, q); err != nil || strings.Contains(got, "CreatingSet") {
		t.Errorf("the plan of who sees all: %v %s", err, got)
	}
}

// edgesOf asks for the kinds of all edges, and edgesOf1 are those that who sees experiment 1 may see.
const (
	edgesOf  = "SELECT arrayStringConcat(arraySort(groupArray(kind)), ' ') AS kinds FROM sg.lineage"
	edgesOf1 = `"input registered serves"`
)

// told are the views that tell of experiments.
var told = []string{
	"experiments", "runs", "params", "tags", "metrics_latest", "metrics", "metrics_rollup", "ranks", "console", "values", "datasets", "models",
	"model_versions", "registered_models", "transitions", "aliases", "endpoints", "approvals", "lineage", "traces", "spans",
}

// ofServer are the views that tell of the server alone.
var ofServer = []string{"batches", "quarantine", "storage", "disks"}

// hide makes a row of everything in experiment 1, and one with the word HIDDEN in experiment 2.
func (r rig) hide(t *testing.T) {
	t.Helper()
	for _, q := range []string{
		"INSERT INTO streamgauge.experiments (id, name, lifecycle, revision) VALUES ('1', 'mine', 'active', 1), ('2', 'HIDDEN', 'active', 2)",
		`INSERT INTO streamgauge.runs (experiment, run_id, run, name, user, status, lifecycle, params, tags, dataset_names, dataset_digests, dataset_contexts, model_inputs, revision)
			VALUES (1, '00000000000000110000000000000011', 17, 'r', 'u', 'FINISHED', 'active', map('p', 'v'), map('t', 'v'), ['d'], ['1'], ['train'], ['m-1'], 3),
			(2, '00000000000000220000000000000022', 34, 'HIDDEN', 'HIDDEN', 'HIDDEN', 'active', map('HIDDEN', 'HIDDEN'), map('HIDDEN', 'HIDDEN', 'mlflow.source.git.commit', 'HIDDEN'), ['HIDDEN'], ['HIDDEN'], ['HIDDEN'], ['HIDDEN'], 4)`,
		"INSERT INTO streamgauge.points (run, key, step, v, experiment, model, dataset) SELECT 17, 'k', number, 1, 1, '', '' FROM numbers(1000)",
		"INSERT INTO streamgauge.points (run, key, step, v, experiment, model, dataset) SELECT 34, 'HIDDEN', number, 987654, 2, 'HIDDEN', 'HIDDEN' FROM numbers(1000)",
		"INSERT INTO streamgauge.points (run, key, step, v, attempt, batch, seq, lane) VALUES (0, '', 9, 987654, 3, 7, 9, 3)",
		"INSERT INTO streamgauge.quarantine (lane, seq, subject, reason, bytes) VALUES (3, 8, 'HIDDEN', 'HIDDEN', 'HIDDEN')",
		"INSERT INTO streamgauge.latest VALUES (1, 'k', 17, (0, 1, 1, 1, 1)), (2, 'HIDDEN', 34, (0, 1, 1, 987654, 987654))",
		"INSERT INTO streamgauge.console (run, text, experiment) VALUES (17, 't', 1), (34, 'HIDDEN', 2)",
		"INSERT INTO streamgauge.small_values (run, key, kind, body, experiment) VALUES (17, 'k', 'text', 't', 1), (34, 'HIDDEN', 'text', 'HIDDEN', 2)",
		"INSERT INTO streamgauge.logged_models (experiment, id, name, source_run, lifecycle, revision) VALUES (1, 'm-1', 'm', '00000000000000110000000000000011', 'active', 5), (2, 'HIDDEN', 'HIDDEN', '00000000000000220000000000000022', 'active', 6)",
		"INSERT INTO streamgauge.registered_models (id, name, lifecycle, aliases, revision) VALUES ('a', 'wine', 'active', map('best', 1), 7), ('HIDDEN', 'HIDDEN', 'active', map('HIDDEN', 1), 8)",
		"INSERT INTO streamgauge.model_versions (model, version, stage, run_id, revision) VALUES ('a', 1, 'Production', '00000000000000110000000000000011', 9), ('HIDDEN', 1, 'HIDDEN', '00000000000000220000000000000022', 10), ('HIDDEN', 2, 'HIDDEN', '', 11)",
		"INSERT INTO streamgauge.history (document, number, what, before, after, by, revision) VALUES ('version.a.1', 2, 'stage', 'None', 'Production', 'me', 12), ('version.HIDDEN.1', 2, 'stage', 'HIDDEN', 'HIDDEN', 'HIDDEN', 13)",
		"INSERT INTO streamgauge.endpoints (id, name, model, version, revision) VALUES ('e', 'e', 'a', 1, 14), ('HIDDEN', 'HIDDEN', 'HIDDEN', 1, 15)",
		"INSERT INTO streamgauge.approvals (model, version, stage, id, revision) VALUES ('a', 1, 'Production', 'p', 16), ('HIDDEN', 1, 'HIDDEN', 'HIDDEN', 17)",
		"INSERT INTO streamgauge.traces (experiment, trace_id, name, revision) VALUES (1, 'tr-1', 'n', 18), (2, 'HIDDEN', 'HIDDEN', 19)",
		"INSERT INTO streamgauge.spans (trace_id, span_id, name, content, revision) VALUES ('tr-1', 's', 'n', '{}', 18), ('HIDDEN', 'HIDDEN', 'HIDDEN', 'HIDDEN', 19)",
		`INSERT INTO streamgauge.lineage (node, way, other, kind, owner, name, experiments, since_ms, revision) VALUES
			('run:00000000000000110000000000000011', 0, '', 'run', 'run:00000000000000110000000000000011', 'r', [1], 1, 20),
			('dataset:d@1', 1, 'run:00000000000000110000000000000011', 'input', 'run:00000000000000110000000000000011', '', [1], 1, 20),
			('run:00000000000000110000000000000011', 1, 'version:a/1', 'registered', 'version:a/1', '', [], 1, 21),
			('version:a/1', 1, 'endpoint:e', 'serves', 'endpoint:e', '', [], 1, 22),
			('run:00000000000000220000000000000022', 0, '', 'run', 'run:00000000000000220000000000000022', 'HIDDEN', [2], 1, 23),
			('dataset:HIDDEN@1', 1, 'run:00000000000000220000000000000022', 'input', 'run:00000000000000220000000000000022', '', [2], 1, 23),
			('run:00000000000000220000000000000022', 1, 'version:HIDDEN/1', 'registered', 'version:HIDDEN/1', '', [], 1, 24),
			('version:HIDDEN/1', 1, 'endpoint:HIDDEN', 'serves', 'endpoint:HIDDEN', '', [], 1, 25),
			('dataset:d@1', 1, 'table:of-both', 'wrote', 'recorded:1', 'HIDDEN', [1, 2], 1, 26),
			('dataset:d@1', 1, 'table:of-none', 'wrote', 'recorded:2', 'HIDDEN', [], 1, 27)`,
	} {
		r.exec(t, "%s", q)
	}
}
