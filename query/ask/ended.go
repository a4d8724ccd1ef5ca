package ask

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// endTimeout bounds the wait for the engine to take an order to end a question.
	endTimeout = 5 * time.Second
	// endAgain is after how long the order is repeated: the first one may have come before the question.
	endAgain = 500 * time.Millisecond
)

// ending orders the engine to end a question whose asker has gone before its answer was read to the end. The engine looks
// at closed connections between some steps of a pipeline only: a join of everything with everything would go on.
type ending struct {
	io.ReadCloser
	stop func() bool // takes the order back; false: it was given
	end  func()
	read bool
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	e.read = e.read || err == io.EOF
	return n, err
}

func (e *ending) Close() error {
	if e.stop() && !e.read {
		go e.end()
	}
	return e.ReadCloser.Close()
}

// end has the engine end what runs under an id, or begins to within a moment. Where that is refused (an engine outside whose user may not) or does not
// arrive, the question ends by its limits.
func (a *Asker) end(id string) {
	a.kill(id)
	time.Sleep(endAgain)
	a.kill(id)
}

func (a *Asker) kill(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	args := url.Values{"param_id": {id}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+a.opts.HTTPAddr+"/?"+args.Encode(), strings.NewReader("KILL QUERY WHERE query_id = {id:String} ASYNC"))
	if err != nil {
		return
	}
	req.Header.Set("X-ClickHouse-User", a.opts.User)
	req.Header.Set("X-ClickHouse-Key", a.opts.Password)
	if resp, err := a.http.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}
