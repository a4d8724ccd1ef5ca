package clickhouse_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
)

// A join of everything with everything does not look at its connection, and would go on until its limits end it, which
// is after a minute.
func TestAQuestionEndsWithItsAsker(t *testing.T) {
	e := enginetest.Start(t)
	r := start(t, e)
	const running = "SELECT count() FROM system.processes WHERE startsWith(query, 'SELECT /* ends */')"
	is := func(want string) bool {
		return eventually(func() bool {
			got, ok := r.as(t, e.User, e.Password, running)
			return ok && strings.HasSuffix(got, "\n"+want+"\n")
		})
	}
	for name, seen := range map[string][]uint32{"reader": nil, "confined": {1}} {
		ctx, leave := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := r.store.Ask(ctx, ask.Question{Format: "JSON", Experiments: seen,
				Text: "SELECT /* ends */ sum(sipHash64(a.number, b.number)) FROM numbers(1000000) AS a CROSS JOIN numbers(1000000) AS b"})
			ended <- err
		}()
		if !is("1") {
			t.Fatalf("%s: the question does not run", name)
		}
		leave()
		if err := <-ended; err == nil {
			t.Errorf("%s: it was answered", name)
		}
		if !is("0") {
			t.Errorf("%s: it goes on without its asker", name)
		}
	}
}

// eventually asks for 20 s.
func eventually(is func() bool) bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return false
}
