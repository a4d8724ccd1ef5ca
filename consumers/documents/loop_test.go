package documents_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/consumers/documents"
	"github.com/streamgauge/streamgauge/consumers/sourcetest"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// tables fails the first writes.
type tables struct {
	mu        sync.Mutex
	failures  int
	watermark uint64
	// reconnected: the engine came back, with what watermark says.
	reconnected bool
	lots        []*documents.Lot
}

func (s *tables) Write(_ context.Context, l *documents.Lot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures > 0 {
		s.failures--
		return errors.New("the engine is away")
	}
	if s.reconnected {
		return documents.ErrNewConnection
	}
	s.lots = append(s.lots, l)
	return nil
}

func (s *tables) Watermark(context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reconnected = false
	return s.watermark, nil
}

type silent struct{ applied chan uint64 }

func (silent) ObserveSections([]*feed.Section)    {}
func (silent) ObserveDocuments([]feed.Document)   {}
func (o silent) DocumentsApplied(revision uint64) { o.applied <- revision }
func (silent) Last(context.Context, string) ([]byte, uint64, error) {
	return nil, 0, documents.ErrNoKey
}

func publish(t *testing.T, log *sourcetest.Memory, key string, doc *sgpb.Document) uint64 {
	t.Helper()
	b, err := proto.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return log.Publish(1, bus.DocSubject(key), b)
}

func TestLoop(t *testing.T) {
	var log sourcetest.Memory
	var acks feed.Acks
	sink := &tables{failures: 2, watermark: 1}
	o := silent{applied: make(chan uint64, 10)}
	run := &sgpb.Document{Body: &sgpb.Document_Run{Run: &sgpb.Run{Id: "x"}}}
	publish(t, &log, "run.x", run) // below the watermark
	publish(t, &log, "run.x", run)
	lease := publish(t, &log, "lease.lane.0", &sgpb.Document{Body: &sgpb.Document_Lease{Lease: &sgpb.Lease{Owner: "a"}}})
	log.Fail(errors.New("the bus is away"))

	loop := documents.New(documents.Config{Source: &log, Keys: o, Sink: sink, Observer: o, Acks: &acks})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = loop.Run(ctx)
	}()
	defer func() { cancel(); <-done }()
	if err := loop.Flush(ctx); err != nil { // it waits for what was there at the start, acknowledged or not
		t.Fatal(err)
	}
	if got := <-o.applied; got != lease {
		t.Errorf("applied %d, want %d", got, lease)
	}
	if err := loop.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
	// A renewed lease alone is applied without an insert.
	again := publish(t, &log, "lease.lane.0", &sgpb.Document{Body: &sgpb.Document_Lease{Lease: &sgpb.Lease{Owner: "a"}}})
	acks.AckDocs(again)
	if err := loop.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got := <-o.applied; got != again {
		t.Errorf("applied %d, want %d", got, again)
	}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	if len(sink.lots) != 1 || sink.lots[0].Last != lease || sink.lots[0].Runs.Rows() != 2 || sink.lots[0].History.Rows() != 2 {
		t.Errorf("lots %+v, want one with a run, its creation, and all watermarks", sink.lots)
	}
}

func TestLoopRefusesAStreamThatEndsBeforeTheTables(t *testing.T) {
	var log sourcetest.Memory
	var acks feed.Acks
	o := silent{applied: make(chan uint64, 10)}
	loop := documents.New(documents.Config{Source: &log, Keys: o, Sink: &tables{watermark: 5}, Observer: o, Acks: &acks})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = loop.Run(ctx)
	}()
	for loop.Ready().Error() == "documents are not open yet" {
		time.Sleep(time.Millisecond) // until the first try
	}
	if err := loop.Ready(); err == nil {
		t.Error("ready over a lost stream")
	}
	cancel()
	<-done
}

// An engine that came back without what it had acknowledged gets it again.
func TestLoopWritesAgainWhatALostConnectionMayHide(t *testing.T) {
	var log sourcetest.Memory
	var acks feed.Acks
	sink := &tables{}
	o := silent{applied: make(chan uint64, 10)}
	loop := documents.New(documents.Config{Source: &log, Keys: o, Sink: sink, Observer: o, Acks: &acks})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = loop.Run(ctx)
	}()
	defer func() { cancel(); <-done }()
	write := func(id string) {
		t.Helper()
		acks.AckDocs(publish(t, &log, "run."+id, &sgpb.Document{Body: &sgpb.Document_Run{Run: &sgpb.Run{Id: id}}}))
		if err := loop.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	write("x")
	sink.mu.Lock()
	sink.lots, sink.reconnected = nil, true // the lot with x is lost
	sink.mu.Unlock()
	write("y")
	sink.mu.Lock()
	defer sink.mu.Unlock()
	rows := 0
	for _, l := range sink.lots {
		rows += l.Runs.Rows() - 1 // the watermark's
	}
	if rows != 2 {
		t.Errorf("%d runs are written, want x again and y", rows)
	}
}
