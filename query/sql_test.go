package query_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/query/clickhouse"
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
	r.answer = func() (clickhouse.Answer, error) {
		return clickhouse.Answer{}, track.Errorf(track.InvalidParameterValue, "Code: 62. DB::Exception: Syntax error")
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

func TestSQLThatFailsOnItsWayIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.answer = func() (clickhouse.Answer, error) { return clickhouse.Answer{ReadCloser: new(failing)}, nil }
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
