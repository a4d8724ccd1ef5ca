package query_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/beside"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/importance"
	"github.com/streamgauge/streamgauge/query/registered"
	"github.com/streamgauge/streamgauge/query/runtable"
	"github.com/streamgauge/streamgauge/query/sheet"
	"github.com/streamgauge/streamgauge/query/tally"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// rig is a Query over logs and tables in memory. Sections up to applied are in the tables, those above in the
// tail; documents in stored are in the tables.
type rig struct {
	t      testing.TB
	app    *fiber.App
	q      *query.Query
	set    *hot.Set
	sheets *sheet.Set
	// experiments are those of the runs.
	experiments map[track.RunNumber]uint32
	lane        []*feed.Section
	applied     int
	waiting     map[string]hot.Document
	stored      map[string]hot.Document
	written     map[string]*sgpb.Run
	models      map[string]hot.Model
	revision    uint64
	caller      *track.Caller
	// event are documents that the next frame of the lane makes, acked those that it has made.
	event, acked []*sgpb.Run
	// down is what the tables answer, behind what the logs do.
	down, behind error
	flushes      []string
	besideReads  []beside.Read
	keyReads     []beside.KeyRead
	asked        []string
	answer       func() (ask.Answer, error)
	// slow is what SQL does before it answers.
	slow func(context.Context)
	// searched happens after each search of the tables.
	searched func()
	// reads counts statements, wholeReads those that read all metrics of runs.
	reads, wholeReads int
	// marker is what the rollup's marker is ahead of the tail's watermark.
	marker int
	// heldMax is how long a history may be that is not streamed, 0 for the default.
	heldMax int
	// breakAt is the part of a streamed history at which the tables break, counted from 1; 0 for none.
	breakAt atomic.Int64
	// registered observes the registry; storedModels and storedVersions are what the tables have of it.
	registered                   *registered.Set
	storedModels, storedVersions []registered.Document
}

func newRig(t testing.TB, opts query.HotOptions) *rig {
	r := &rig{t: t, experiments: make(map[track.RunNumber]uint32), stored: make(map[string]hot.Document), waiting: make(map[string]hot.Document), written: make(map[string]*sgpb.Run), models: make(map[string]hot.Model)}
	r.set = query.NewHot(opts)
	r.sheets = query.NewSheets()
	r.registered = query.NewRegistered()
	r.over(r)
	return r
}

// narrow leaves so many bytes for sheets; with 1 every search goes to the tables. It comes before all else.
func (r *rig) narrow(bytes int64) *rig {
	r.sheets = sheet.New(sheet.Options{BytesMax: bytes})
	r.over(r)
	return r
}

func (r *rig) observeDocuments(docs ...feed.Document) {
	r.set.ObserveDocuments(docs)
	r.sheets.ObserveDocuments(docs)
}

func (r *rig) documentsApplied() {
	r.set.DocumentsApplied(r.revision)
	r.sheets.DocumentsApplied(r.revision)
}

// over puts the rig over other tables.
func (r *rig) over(store query.Store) {
	r.q = query.New(r.set, store, fakeTail{r}, fakeDocs{r}, query.Options{HistoryHeldMax: r.heldMax, Registered: r.registered, Sheets: r.sheets})
	r.app = fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 64 << 10, StreamRequestBody: true, CaseSensitive: true, ErrorHandler: func(c *fiber.Ctx, err error) error {
		var e *fiber.Error
		if errors.As(err, &e) {
			return c.Status(e.Code).SendString(e.Message)
		}
		status, body, retry := mlflow.ErrorBody(err)
		if retry > 0 {
			c.Set("Retry-After", fmt.Sprint(retry))
		}
		return c.Status(status).Send(body)
	}})
	r.app.Use(func(c *fiber.Ctx) error {
		if r.caller != nil {
			c.SetUserContext(track.WithCaller(c.UserContext(), r.caller))
		}
		return c.Next()
	})
	r.q.Routes(r.app)
	importance.NewServer(r.q).Routes(r.app)
	tally.NewServer(r.q, r, fakeTail{r}, time.Now).Routes(r.app)
	runtable.NewServer(r.q, r, r.sheets, fakeTail{r}).Routes(r.app)
}

// put writes a run's document; apply brings it into the tables, and all that were put before.
func (r *rig) put(run *sgpb.Run, apply bool) {
	if r.set.Experiment(run.ExperimentId) == nil {
		r.putExperiment(&sgpb.Experiment{Id: run.ExperimentId, Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE})
	}
	r.revision++
	number, _ := track.ParseRunID(run.Id)
	r.experiments[number], _ = track.ParseExperimentID(run.ExperimentId)
	r.observeDocuments(feed.Document{Key: document.RunKey(run.Id), Revision: r.revision, Doc: &sgpb.Document{Body: &sgpb.Document_Run{Run: run}}})
	r.waiting[run.Id] = hot.Document{Run: run, Revision: r.revision}
	if apply {
		maps.Copy(r.stored, r.waiting)
		clear(r.waiting)
		r.documentsApplied()
	}
}

// truth are the newest documents.
func (r *rig) truth() map[string]*sgpb.Run { return r.written }

func (r *rig) putExperiment(e *sgpb.Experiment) {
	r.revision++
	r.observeDocuments(feed.Document{Key: document.ExperimentKey(e.Id), Revision: r.revision, Doc: &sgpb.Document{Body: &sgpb.Document_Experiment{Experiment: e}}})
}

// log writes points of one run and rank to the tail.
func (r *rig) log(s *feed.Section) {
	s.Run, _ = track.ParseRunID(s.RunID)
	s.Experiment = r.experiments[s.Run]
	s.Seq = uint64(len(r.lane) + 1)
	r.lane = append(r.lane, s)
	r.set.ObserveSections([]*feed.Section{s})
	r.sheets.ObserveSections([]*feed.Section{s})
}

func section(run string, rank uint32, key string, points ...[3]float64) *feed.Section {
	s := &feed.Section{RunID: run, Rank: rank, Points: track.Points{Keys: []string{"other", key}}}
	for _, p := range points {
		s.Points.Key = append(s.Points.Key, 1)
		s.Points.Step = append(s.Points.Step, int64(p[0]))
		s.Points.TimeMS = append(s.Points.TimeMS, int64(p[1]))
		s.Points.Value = append(s.Points.Value, p[2])
	}
	return s
}

// send makes a request; a body makes it a POST.
func (r *rig) send(path, body string) (int, string, http.Header) {
	r.t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	resp, err := r.app.Test(req, -1)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

// get makes a request that must succeed, and decodes the answer.
func get[T any](r *rig, path, body string) T {
	r.t.Helper()
	status, text, header := r.send(path, body)
	if status != http.StatusOK || header.Get("Content-Type") != "application/json" {
		r.t.Fatalf("%s: %d %s %s", path, status, header.Get("Content-Type"), text)
	}
	var out T
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		r.t.Fatalf("%s: %v in %s", path, err, text)
	}
	return out
}

type fakeTail struct{ r *rig }

// Await carries out what a frame says, and leaves what comes of it to the documents' log.
func (f fakeTail) Await(context.Context) error {
	f.r.acked = append(f.r.acked, f.r.event...)
	f.r.event = nil
	return f.r.behind
}

func (f fakeTail) Run(_ context.Context, run track.RunNumber) (feed.Snapshot, error) {
	s := feed.Snapshot{Watermarks: map[uint16]uint64{0: uint64(f.r.applied)}}
	for _, sec := range f.r.lane[f.r.applied:] {
		if sec.Run == run {
			s.Sections = append(s.Sections, sec)
		}
	}
	return s, f.r.behind
}

func (f fakeTail) Runs(context.Context) (out []string, _ error) {
	for _, sec := range f.r.lane[f.r.applied:] {
		out = append(out, sec.RunID)
	}
	slices.Sort(out)
	return slices.Compact(out), f.r.behind
}

func (f fakeTail) Flush(context.Context) error {
	f.r.flushes = append(f.r.flushes, "tail")
	return f.r.behind
}

type fakeDocs struct{ r *rig }

func (f fakeDocs) Await(context.Context) error {
	for _, run := range f.r.acked {
		f.r.put(run, false)
	}
	f.r.acked = nil
	return f.r.behind
}
func (f fakeDocs) Flush(context.Context) error {
	f.r.flushes = append(f.r.flushes, "docs")
	return f.r.behind
}

func answer(text, kind string) func() (ask.Answer, error) {
	return func() (ask.Answer, error) {
		return ask.Answer{ReadCloser: io.NopCloser(bytes.NewBufferString(text)), ContentType: kind}, nil
	}
}

func id(n int) string { return fmt.Sprintf("%016x%016x", n, n) }

func base64JSON(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// listen serves on a port of loopback.
func (r *rig) listen() string {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.app.Listener(l) }()
	r.t.Cleanup(func() {
		if err := errors.Join(r.app.Shutdown(), <-ended); err != nil {
			r.t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

func (r *rig) RegisteredModels(context.Context) ([]registered.Document, error) {
	return r.storedModels, r.down
}

func (r *rig) Moves(_ context.Context, model string, max int) (registered.Moves, error) {
	r.asked = append(r.asked, fmt.Sprintf("transitions of %s, %d", model, max))
	return registered.Moves{
		Transitions:  []registered.Transition{{Version: 2, From: "None", To: "Production", TimeMS: 5, By: "ada", Comment: "why"}},
		AliasChanges: []registered.AliasChange{{Alias: "champion", From: "1", To: "2", TimeMS: 6, By: "ada"}},
	}, r.down
}

func (r *rig) ModelVersions(context.Context) ([]registered.Document, error) {
	return r.storedVersions, r.down
}
