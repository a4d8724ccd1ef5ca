package query_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/presence"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestSQLSeesTheTailAndStreams(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.answer = answer("a,b\n1,2\n", "text/csv; charset=UTF-8")
	status, text, header := r.send("/v1/sql", `{"query": "SELECT 1 ; ", "format": "csv"}`)
	if status != http.StatusOK || text != "a,b\n1,2\n" || !strings.HasPrefix(header.Get("Content-Type"), "text/csv") {
		t.Errorf("%d %q %v", status, text, header)
	}
	if !slices.Equal(r.flushes, []string{"tail", "docs"}) || !slices.Equal(r.asked, []string{"CSVWithNames: SELECT 1"}) {
		t.Errorf("flushed %v, asked %q", r.flushes, r.asked)
	}
	r.answer = func() (ask.Answer, error) {
		return ask.Answer{}, track.Errorf(track.InvalidParameterValue, "Code: 62. DB::Exception: Syntax error")
	}
	if status, text, _ := r.send("/v1/sql", `{"query": "SELEKT"}`); status != http.StatusBadRequest || !strings.Contains(text, "Syntax error") {
		t.Errorf("%d %s", status, text)
	}
	r.behind = errors.New("no owner")
	if status, _, _ := r.send("/v1/sql", `{"query": "SELECT 1"}`); status != http.StatusServiceUnavailable {
		t.Errorf("nothing to flush with: %d", status)
	}
}

// failing gives some bytes and then an error, as a statement that fails on its way.
type failing struct{ sent bool }

func (f *failing) Read(b []byte) (int, error) {
	if f.sent {
		return 0, errors.New("broken")
	}
	f.sent = true
	return copy(b, "half an ans"), nil
}
func (*failing) Close() error { return nil }

func TestTheSchemaIsThatOfTheViews(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	got := get[ask.Schema](r, "/v1/sql/schema", "")
	byName := map[string]ask.View{}
	for _, v := range got.Views {
		byName[v.Name] = v
	}
	if runs := byName["sg.runs"]; runs.Comment == "" || len(runs.Columns) < 10 || runs.Columns[0].Comment == "" {
		t.Errorf("sg.runs is %+v", runs)
	}
	if series := byName["sg.series"]; len(series.Parameters) == 0 || series.Parameters[0].Name != "run" {
		t.Errorf("the parameters of sg.series are %+v", series.Parameters)
	}
	named := func(name string) func(ask.Function) bool {
		return func(f ask.Function) bool { return f.Name == name }
	}
	if i := slices.IndexFunc(got.Functions, named("sgRun")); i < 0 || got.Functions[i].Arguments != "(run_id)" || got.Functions[i].Comment == "" {
		t.Errorf("the functions are %+v", got.Functions)
	}
	if slices.ContainsFunc(got.Functions, named("sgSees")) {
		t.Error("a function that is for the views alone is among them")
	}
}

func TestSQLThatFailsOnItsWayIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.answer = func() (ask.Answer, error) { return ask.Answer{ReadCloser: new(failing)}, nil }
	url := r.listen()
	resp, err := http.Post(url+"/v1/sql", "application/json", strings.NewReader(`{"query": "SELECT 1"}`))
	if err != nil {
		return // the connection broke before the answer's head was out: nobody took anything for whole
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("got %q without an error", b)
	}
}

// TestSQLEndsWithItsClient asks, and leaves before anything was answered: the HTTP library does not tell.
func TestSQLEndsWithItsClient(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	began, ended := make(chan struct{}), make(chan error, 1)
	r.slow = func(ctx context.Context) {
		close(began)
		<-ctx.Done()
		ended <- context.Cause(ctx)
	}
	r.answer = func() (ask.Answer, error) { return ask.Answer{}, context.Canceled }
	url := r.listen()
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/sql", strings.NewReader(`{"query": "SELECT 1"}`))
		if err != nil {
			t.Error(err)
			return
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			t.Error("answered before it was asked for")
		}
	}()
	<-began
	leave()
	<-gone
	if err := <-ended; !errors.Is(err, presence.ErrLeft) {
		t.Errorf("it ended for %v", err)
	}
}

func TestSQLOfConfinedTokensNamesTheirExperiments(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.answer = answer("1\n", "text/csv")
	r.caller = &track.Caller{Name: "w", Sees: func(_, name string) bool { return name == "wine" }}
	if status, text, _ := r.send("/v1/sql", `{"query": "SELECT 1", "format": "csv"}`); status != http.StatusForbidden || !strings.Contains(text, "none of them is there yet") {
		t.Errorf("without an experiment: %d %s", status, text)
	}
	r.putExperiment(&sgpb.Experiment{Id: "4", Name: "beer"})
	r.putExperiment(&sgpb.Experiment{Id: "7", Name: "wine"})
	if status, text, _ := r.send("/v1/sql", `{"query": "SELECT 1", "format": "csv"}`); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
	r.caller = &track.Caller{}
	if status, text, _ := r.send("/v1/sql", `{"query": "SELECT 1", "format": "csv"}`); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
	if !slices.Equal(r.asked, []string{"CSVWithNames: SELECT 1 of [7]", "CSVWithNames: SELECT 1"}) {
		t.Errorf("asked %q", r.asked)
	}
}

// TestLongAnswersArriveWhole sends some that are shorter and some that are longer than what is sent as one.
func TestLongAnswersArriveWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	url := r.listen()
	for _, bytes := range []int{0, 1, 256<<10 - 1, 256 << 10, 256<<10 + 1, 3_000_001} {
		text := strings.Repeat("0123456789", bytes/10+1)[:bytes]
		r.answer = answer(text, "text/csv")
		resp, err := http.Post(url+"/v1/sql", "application/json", strings.NewReader(`{"query": "SELECT 1"}`))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(b) != text || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/csv" {
			t.Errorf("of %d bytes came %d, %d %v %v", bytes, len(b), resp.StatusCode, resp.Header, err)
		}
	}
}
