package clickhouse_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	natsgo "github.com/nats-io/nats.go"

	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/consumers/documents"
	"github.com/streamgauge/streamgauge/consumers/nats"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// reader notes what an observer is told.
type reader struct {
	mu      sync.Mutex
	docs    []feed.Document
	applied uint64
}

func (o *reader) ObserveSections([]*feed.Section) {}

func (o *reader) ObserveDocuments(docs []feed.Document) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.docs = append(o.docs, docs...)
}

func (o *reader) DocumentsApplied(revision uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.applied = revision
}

// put writes a document's messages, the head last.
func (r *rig) put(key string, doc *sgpb.Document) uint64 {
	r.Helper()
	parts, err := document.Split(key, doc)
	if err != nil {
		r.Fatal(err)
	}
	var last uint64
	for _, p := range parts {
		last = r.message(p.Key, p.Value, "")
	}
	return last
}

func (r *rig) message(key string, value []byte, operation string) uint64 {
	r.Helper()
	m := natsgo.NewMsg(bus.DocSubject(key))
	m.Data = value
	if operation != "" {
		m.Header.Set("KV-Operation", operation)
	}
	ack, err := r.js.PublishMsg(r.ctx, m)
	if err != nil {
		r.Fatal(err)
	}
	r.acks.AckDocs(ack.Sequence)
	return ack.Sequence
}

// documents runs the documents' loop until the returned function is called.
func (r *rig) documents(o feed.Observer) (*documents.Loop, func()) {
	r.Helper()
	sink := clickhouse.NewDocuments(r.config())
	loop := documents.New(documents.Config{Source: nats.NewDocuments(r.js), Keys: nats.NewKeys(r.js), Sink: sink, Observer: o, Acks: &r.acks})
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = loop.Run(ctx)
	}()
	stop := func() {
		cancel()
		<-done
		_ = sink.Close()
	}
	r.Cleanup(stop)
	return loop, stop
}

func run(id, name string, params map[string]string) *sgpb.Document {
	return &sgpb.Document{Body: &sgpb.Document_Run{Run: &sgpb.Run{Id: id, ExperimentId: "1", Name: name, Params: params, Status: sgpb.RunStatus_RUN_STATUS_RUNNING}}}
}

func TestDocumentsReachReadersAndTables(t *testing.T) {
	r := newRig(t)
	var seen reader
	loop, stop := r.documents(&seen)
	large := strings.Repeat("x", 3*document.ChunkBytesMax)

	r.put(document.ExperimentKey("1"), &sgpb.Document{Body: &sgpb.Document_Experiment{Experiment: &sgpb.Experiment{Id: "1", Name: "wine"}}})
	r.put(document.ExperimentNameKey("wine"), &sgpb.Document{Body: &sgpb.Document_Claim{Claim: &sgpb.Claim{Owner: "exp.1"}}})
	r.put(document.RunKey(runID(7)), run(runID(7), "first", nil))
	r.put(document.HistoryKey(document.RunKey(runID(7)), 2), &sgpb.Document{Body: &sgpb.Document_Change{Change: &sgpb.Change{Document: document.RunKey(runID(7)), Number: 2, What: "renamed"}}})
	r.put(document.LoggedModelKey("m-"+runID(6)), &sgpb.Document{Body: &sgpb.Document_LoggedModel{LoggedModel: &sgpb.LoggedModel{Id: "m-" + runID(6), ExperimentId: "1", Name: "forest"}}})
	r.message(document.RunKey(runID(9)), []byte("\xffgarbage"), "")
	last := r.put(document.RunKey(runID(8)), run(runID(8), "large", map[string]string{"text": large}))
	if err := loop.Await(r.ctx); err != nil {
		t.Fatal(err)
	}
	var keys []string
	seen.mu.Lock()
	for _, d := range seen.docs {
		keys = append(keys, fmt.Sprintf("%s@%d", d.Key, d.Revision))
	}
	if got := seen.docs[len(seen.docs)-1].Doc.GetRun().GetParams()["text"]; got != large {
		t.Errorf("the large document came with a text of %d bytes, want %d", len(got), len(large))
	}
	seen.mu.Unlock()
	if want := fmt.Sprintf("[exp.1@1 %s@3 hist.%[1]s.2@4 model.m-%[4]s@5 %[2]s@%[3]d]", document.RunKey(runID(7)), document.RunKey(runID(8)), last, runID(6)); fmt.Sprint(keys) != want {
		t.Errorf("observed %v, want %v", keys, want)
	}

	r.flushDocuments(loop)
	r.query("first\tRUNNING\t0\nlarge\tRUNNING\t786432", "SELECT name, status, length(params['text']) FROM streamgauge.runs FINAL WHERE run_id != '' ORDER BY name")
	r.query("wine", "SELECT name FROM streamgauge.experiments FINAL WHERE id != ''")
	r.query("1\tforest", "SELECT experiment, name FROM streamgauge.logged_models FINAL WHERE id != ''")
	r.query("1\tcreated\n2\trenamed\n1\tcreated", "SELECT number, what FROM streamgauge.history FINAL WHERE document != '' ORDER BY document, number")
	r.query("65535\t6", "SELECT lane, seq FROM streamgauge.quarantine")
	seen.mu.Lock()
	if seen.applied != last {
		t.Errorf("applied %d, want %d", seen.applied, last)
	}
	seen.mu.Unlock()
	stop()

	// A new process reads on from the watermark; a deletion is told to readers.
	var again reader
	loop, _ = r.documents(&again)
	r.put(document.RunKey(runID(7)), run(runID(7), "second", nil))
	r.message(document.RunKey(runID(8)), nil, "DEL")
	r.flushDocuments(loop)
	r.query("large\nsecond", "SELECT name FROM streamgauge.runs FINAL WHERE run_id != '' ORDER BY name")
	again.mu.Lock()
	defer again.mu.Unlock()
	if n := len(again.docs); n != 2 || again.docs[0].Doc.GetRun().GetName() != "second" || again.docs[1].Doc != nil {
		t.Errorf("after the restart: %v", again.docs)
	}
}

func TestTheRegistryReachesItsTables(t *testing.T) {
	r := newRig(t)
	loop, _ := r.documents(new(reader))
	model := func(name string, lifecycle sgpb.Lifecycle) *sgpb.Document {
		return &sgpb.Document{Body: &sgpb.Document_RegisteredModel{RegisteredModel: &sgpb.RegisteredModel{
			Id: "a1", Name: name, Lifecycle: lifecycle, LastVersion: 2, Aliases: map[string]uint64{"champion": 2}, CreatedMs: 7, User: "ann",
		}}}
	}
	version := func(n uint64, stage sgpb.Stage) *sgpb.Document {
		return &sgpb.Document{Body: &sgpb.Document_ModelVersion{ModelVersion: &sgpb.ModelVersion{
			RegisteredModelId: "a1", Version: n, Stage: stage, RunId: runID(7), ModelId: "m-1", Deleted: stage == sgpb.Stage_STAGE_DELETED,
		}}}
	}
	r.put(document.RegisteredNameKey("wine"), &sgpb.Document{Body: &sgpb.Document_Claim{Claim: &sgpb.Claim{Owner: document.RegisteredModelKey("a1")}}})
	r.put(document.RegisteredModelKey("a1"), model("wine", sgpb.Lifecycle_LIFECYCLE_ACTIVE))
	r.put(document.ModelVersionKey("a1", 1), version(1, sgpb.Stage_STAGE_DELETED))
	r.put(document.ModelVersionKey("a1", 2), version(2, sgpb.Stage_STAGE_NONE))
	r.flushDocuments(loop)
	const versions = "SELECT name, version, stage, aliases, run_id, model_id FROM streamgauge.registry ORDER BY version"
	r.query("wine\t2\tNone\t['champion']\t"+runID(7)+"\tm-1", versions)
	r.query("created\tann\t7", "SELECT what, by, time_ms FROM streamgauge.history FINAL WHERE document = 'regmodel.a1'")

	r.put(document.RegisteredModelKey("a1"), model("vin", sgpb.Lifecycle_LIFECYCLE_ACTIVE))
	r.put(document.ModelVersionKey("a1", 2), version(2, sgpb.Stage_STAGE_PRODUCTION))
	r.flushDocuments(loop)
	r.query("vin\t2\tProduction\t['champion']\t"+runID(7)+"\tm-1", versions)
	r.put(document.RegisteredModelKey("a1"), model("vin", sgpb.Lifecycle_LIFECYCLE_DELETED))
	r.flushDocuments(loop)
	r.query("", versions)
}

func (r *rig) flushDocuments(l *documents.Loop) {
	r.Helper()
	if err := l.Flush(r.ctx); err != nil {
		r.Fatal(err)
	}
}
