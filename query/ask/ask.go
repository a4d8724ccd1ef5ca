// Package ask has users' own SQL run by ClickHouse: as a user who may only read, within limits, and no longer than somebody
// waits for the answer.
package ask

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/query/refusal"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
	"github.com/streamgauge/streamgauge/schemas/views"
)

const (
	// errorBytesMax is how much of ClickHouse's complaint is shown.
	errorBytesMax = 8 << 10
	// readBufferBytes of an answer are read at a time.
	readBufferBytes = 256 << 10
	// bufferBytes of an answer are held back, so that an error that comes early still gets its status.
	bufferBytes = 1 << 20
	// estimateBytesMax is how much of an estimate is read: some bytes a table.
	estimateBytesMax = 1 << 20
	// treeBytesMax is how large the syntax tree of a confined question may be, as text.
	treeBytesMax = 16 << 20
	// treePrefix asks for a statement's tree. It is a line, so that lines and columns of mistakes stay.
	treePrefix = "EXPLAIN AST\n"
	// estimateTimeout: subqueries that give one value are run for the estimate. What takes longer is not estimated.
	estimateTimeout = 5 * time.Second
	// rowsToReadMax is the most a question may read; the engine's own limit for readers is the same, and counts as it
	// reads (cmd/engine/users.xml.tmpl).
	rowsToReadMax = 20_000_000_000
)

// Question is one statement of a user'a.
type Question struct {
	Text string
	// Format is one of ClickHouse's; it counts if the text names none.
	Format string
	// Exact has JSON say 64-bit integers, NaN and infinities as texts: else they are rounded by most readers, and null.
	Exact bool
	// Experiments are all that the question may see; nil: everything.
	Experiments []uint32
}

// Answer is what a user's SQL gave. The reader must be closed; it fails if the statement does.
type Answer struct {
	io.ReadCloser
	ContentType string
}

// Options say where ClickHouse is, and as whom it is asked.
type Options struct {
	// HTTPAddr is host:port of ClickHouse over HTTP.
	HTTPAddr string
	// User may end questions.
	User, Password string
	// ReaderUser may only read.
	ReaderUser, ReaderPassword string
	// ConfinedUser has the views alone; questions that may see some experiments only run as it.
	ConfinedUser, ConfinedPassword string
	// RowsToReadMax is how many rows a question may read; 0 means the default.
	RowsToReadMax uint64
}

// Asker asks ClickHouse. It is safe for concurrent use.
type Asker struct {
	opts Options
	http *http.Client
}

// New makes an asker; it connects when it is asked.
func New(o Options) *Asker { return &Asker{o, &http.Client{Transport: transport()}} }

// Close closes idle connections.
func (a *Asker) Close() { a.http.CloseIdleConnections() }

// transport asks for answers as they are: packing them takes the engine four times as long as making them.
func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression, t.Proxy, t.ReadBufferSize = true, nil, readBufferBytes
	return t
}

// Ask runs a user's SQL as a user who may only read. It ends with ctx, in the engine too. A question that would read too much is refused before it begins.
func (a *Asker) Ask(ctx context.Context, q Question) (Answer, error) {
	if err := a.settled(ctx, q); err != nil {
		return Answer{}, err
	}
	if err := a.estimate(ctx, q); err != nil {
		return Answer{}, err
	}
	args := url.Values{"default_format": {q.Format}, "buffer_size": {strconv.Itoa(bufferBytes)}}
	if q.Exact {
		args.Set("output_format_json_quote_64bit_integers", "1")
		args.Set("output_format_json_quote_denormals", "1")
	}
	resp, err := a.post(ctx, q, q.Text, args)
	if err != nil {
		return Answer{}, err
	}
	if resp.StatusCode == http.StatusOK {
		return Answer{resp.Body, resp.Header.Get("Content-Type")}, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, errorBytesMax))
	if err != nil {
		return Answer{}, refusal.Unavailable("read ClickHouse's answer", err)
	}
	return Answer{}, refusal.Of("", q.Text, strings.TrimSpace(string(b)))
}

// post sends a statement as the user that the question asks as.
func (a *Asker) post(ctx context.Context, q Question, text string, args url.Values) (*http.Response, error) {
	user, password, database, id := a.opts.ReaderUser, a.opts.ReaderPassword, table.Database, "sql."+rand.Text()
	if q.Experiments != nil {
		var err error
		if id, err = views.Scope(rand.Text(), q.Experiments); err != nil {
			return nil, track.Errorf(track.InvalidParameterValue, "%v", err)
		}
		user, password, database = a.opts.ConfinedUser, a.opts.ConfinedPassword, views.Database
	}
	args.Set("database", database)
	args.Set("query_id", id)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+a.opts.HTTPAddr+"/?"+args.Encode(), strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("X-ClickHouse-User", user)
	req.Header.Set("X-ClickHouse-Key", password)
	end := func() { a.end(id) }
	stop := context.AfterFunc(ctx, end)
	resp, err := a.http.Do(req)
	if err != nil {
		stop() // without an end of ctx the engine is away, and the question with it
		return nil, refusal.Unavailable("run the statement", err)
	}
	resp.Body = &ending{ReadCloser: resp.Body, stop: stop, end: end}
	return resp, nil
}

// estimate refuses a question that would read more than it may. What cannot be estimated, because it is no SELECT, or is
// wrong, is not refused here: running it says why.
func (a *Asker) estimate(ctx context.Context, q Question) error {
	seconds := strconv.Itoa(int(estimateTimeout / time.Second))
	resp, err := a.post(ctx, q, "EXPLAIN ESTIMATE "+q.Text, url.Values{"default_format": {"TabSeparated"}, "max_execution_time": {seconds}})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, estimateBytesMax))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil
	}
	return tooMuch(string(b), a.rowsToReadMax())
}

// settled refuses a question with settings inside of subqueries, and a confined one with any. The engine holds only those of
// the whole statement to a user's limits: others could take off how much may be read and how many threads read it, and
// switch off that conditions stay where they are written, which is what keeps a confined question from prying
// (cmd/engine/users.xml.tmpl). The engine's own parser says where there are some.
func (a *Asker) settled(ctx context.Context, q Question) error {
	if q.Experiments == nil && !strings.Contains(strings.ToLower(q.Text), "settings") {
		return nil // no word in its place makes settings
	}
	resp, err := a.post(ctx, q, treePrefix+q.Text, url.Values{"default_format": {"TabSeparatedRaw"}})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, treeBytesMax+1))
	if err != nil {
		return refusal.Unavailable("read ClickHouse's answer", err)
	}
	if resp.StatusCode != http.StatusOK {
		return refusal.Of(treePrefix, q.Text, strings.TrimSpace(string(b)))
	}
	if len(b) > treeBytesMax {
		return track.Errorf(track.InvalidParameterValue, "The statement is too long: it must be looked through for settings")
	}
	whole, inside := settings(string(b))
	switch {
	case q.Experiments != nil && (whole || inside):
		return track.Errorf(track.PermissionDenied, "A token that is confined to experiments may set nothing inside of a statement; leave SETTINGS out")
	case inside:
		return track.Errorf(track.PermissionDenied, "A statement may set nothing inside of a subquery; write SETTINGS at its end, where the limits of readers hold")
	}
	return nil
}

// settings looks for settings in a syntax tree, a node a line, its depth shown by spaces: those of the whole statement,
// which stand in it or in the last SELECT of its UNION, and those inside.
func settings(tree string) (whole, inside bool) {
	const ofStatement, ofSelect = 1, 3
	union, selects := strings.HasPrefix(tree, "SelectWithUnionQuery"), false
	for line := range strings.Lines(tree) {
		node := strings.TrimLeft(line, " ")
		depth := len(line) - len(node)
		if union && depth == ofSelect-1 { // another SELECT: what was taken for the last was not
			inside, selects = inside || selects, false
		}
		if node = strings.TrimSpace(node); node != "Set" && !strings.HasPrefix(node, "Set (") {
			continue
		}
		switch {
		case depth <= ofStatement:
			whole = true
		case union && depth == ofSelect:
			selects = true
		default:
			inside = true
		}
	}
	return whole || selects, inside
}

func (a *Asker) rowsToReadMax() uint64 {
	if a.opts.RowsToReadMax > 0 {
		return a.opts.RowsToReadMax
	}
	return rowsToReadMax
}

// tooMuch reads an estimate: lines of database, table, parts, rows, marks.
func tooMuch(estimate string, rowsMax uint64) error {
	var sum, most uint64
	var from string
	for line := range strings.Lines(estimate) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) < 4 {
			return nil
		}
		rows, err := strconv.ParseUint(fields[3], 10, 64)
		if err != nil {
			return nil
		}
		sum += rows
		if rows > most {
			most, from = rows, fields[1]
		}
	}
	if sum <= rowsMax {
		return nil
	}
	return track.Errorf(track.InvalidParameterValue, "The query would read about %d rows, most of them of %s; at most %d may be read. "+
		"Name the runs and keys (run = sgRun('...') AND key = '...'), or ask sg.metrics_rollup or sg.metrics_latest instead of sg.metrics", sum, from, rowsMax)
}
