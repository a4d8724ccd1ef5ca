package write_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/ingest/trace/change"
	"github.com/streamgauge/streamgauge/ingest/trace/write"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// memory is a store that can fail and that can be held up.
type memory struct {
	mu      sync.Mutex
	traces  map[string]write.Stored
	lots    []*write.Lot
	loads   [][]string
	fail    error
	gate    chan struct{}
	entered chan struct{}
	removed []string
}

func newMemory() *memory { return &memory{traces: make(map[string]write.Stored)} }

func (m *memory) Load(_ context.Context, ids []string) (map[string]write.Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loads = append(m.loads, ids)
	out := make(map[string]write.Stored)
	for _, id := range ids {
		if s, ok := m.traces[id]; ok {
			out[id] = s
		}
	}
	return out, nil
}

func (m *memory) Write(_ context.Context, l *write.Lot) error {
	if m.gate != nil {
		m.entered <- struct{}{}
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.lots = append(m.lots, l)
	for _, t := range l.Traces {
		m.traces[t.Info.TraceId] = write.Stored{Trace: t, Revision: l.Revision}
	}
	return nil
}

func (m *memory) Select(context.Context, write.Selection) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for id := range m.traces {
		ids = append(ids, id)
	}
	return ids, m.fail
}

func (m *memory) Delete(_ context.Context, ids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removed = append(m.removed, ids...)
	clear(m.traces)
	return nil
}

func (m *memory) set(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

func open(t *testing.T, m *memory) *write.Writer {
	t.Helper()
	w := write.New(m, func() time.Time { return time.UnixMicro(100) })
	t.Cleanup(w.Close)
	return w
}

func start(id, experiment string) write.Part {
	return write.Part{ID: id, Change: change.Start(&sgpb.TraceInfo{TraceId: id}, &sgpb.Experiment{Id: experiment}, time.UnixMilli(1))}
}

func TestWhatWaitsIsWrittenTogether(t *testing.T) {
	const others = 50
	m := newMemory()
	m.gate, m.entered = make(chan struct{}), make(chan struct{}, others+1)
	w := open(t, m)
	var all sync.WaitGroup
	do := func(parts ...write.Part) {
		all.Go(func() {
			if _, err := w.Do(0, parts...); err != nil {
				t.Error(err)
			}
		})
	}
	do(start("tr-0", "1"))
	<-m.entered // the first is being written; what comes now waits
	for i := range others {
		do(start("tr-"+strconv.Itoa(i), "1"), write.Part{ID: "tr-" + strconv.Itoa(i), Change: change.SetTag("", "n", "1")})
	}
	for w.Waiting() < others {
		runtime.Gosched()
	}
	close(m.gate)
	all.Wait()
	if len(m.traces) != others || len(m.lots) != 2 {
		t.Errorf("%d traces in %d writes", len(m.traces), len(m.lots))
	}
	last := uint64(0)
	for _, l := range m.lots {
		if l.Revision <= last {
			t.Errorf("revision %d after %d", l.Revision, last)
		}
		last = l.Revision
	}
}

func TestARefusalLeavesTheOthers(t *testing.T) {
	m := newMemory()
	w := open(t, m)
	refused := write.Part{ID: "tr-1", Change: change.DeleteTag("tr-1", "none")}
	if _, err := w.Do(0, start("tr-1", "1"), refused); track.CodeOf(err) != track.ResourceDoesNotExist {
		t.Fatalf("got %v", err)
	}
	if len(m.lots) != 0 {
		t.Errorf("a refused request wrote %v", m.lots[0].Traces)
	}
	after, err := w.Do(0, start("tr-1", "1"), write.Part{ID: "tr-1", Change: change.SetTag("tr-1", "a", "b")})
	if err != nil || after[1].Info.Tags["a"] != "b" || len(m.lots) != 1 || len(m.lots[0].Traces) != 1 {
		t.Errorf("got %v, %v", after, err)
	}
}

func TestWhatCannotBeEncodedIsRefusedAlone(t *testing.T) {
	m := newMemory()
	m.gate, m.entered = make(chan struct{}), make(chan struct{}, 2)
	w := open(t, m)
	var all sync.WaitGroup
	do := func(check func(error) bool, parts ...write.Part) {
		all.Go(func() {
			if _, err := w.Do(0, parts...); !check(err) {
				t.Errorf("%s: %v", parts[len(parts)-1].ID, err)
			}
		})
	}
	taken := func(err error) bool { return err == nil }
	do(taken, start("tr-0", "1"))
	<-m.entered // the first is being written; what comes now waits, and is one batch
	do(taken, start("tr-1", "1"))
	do(func(err error) bool { return track.CodeOf(err) == track.InvalidParameterValue }, start("tr-2", "1"), write.Part{ID: "tr-2", Change: change.LinkRun("\xff")})
	for w.Waiting() < 2 {
		runtime.Gosched()
	}
	close(m.gate)
	all.Wait()
	if _, ok := m.traces["tr-2"]; ok || len(m.traces) != 2 {
		t.Errorf("stored %v", m.traces)
	}
}

func TestAfterAFailureTheStoreIsAskedAgain(t *testing.T) {
	m := newMemory()
	w := open(t, m)
	m.set(errors.New("no connection"))
	_, err := w.Do(0, start("tr-1", "1"))
	var e *track.Error
	if !errors.As(err, &e) || e.Code != track.TemporarilyUnavailable || e.RetryAfterSeconds == 0 {
		t.Fatalf("got %v", err)
	}
	// It was there all the same, under a revision of another clock.
	m.set(nil)
	there := &sgpb.Trace{Info: &sgpb.TraceInfo{TraceId: "tr-1", Tags: map[string]string{"kept": "yes"}}}
	m.traces["tr-1"] = write.Stored{Trace: there, Revision: 5000}
	after, err := w.Do(0, write.Part{ID: "tr-1", Change: change.SetTag("tr-1", "a", "b")})
	if err != nil || after[0].Info.Tags["kept"] != "yes" || m.lots[0].Revision <= 5000 {
		t.Errorf("got %v, %v", after, err)
	}
	if _, err := w.Do(0, write.Part{ID: "tr-1", Change: change.SetTag("tr-1", "c", "d")}); err != nil || len(m.loads) != 2 {
		t.Errorf("loaded %v, %v", m.loads, err)
	}
}

func TestATraceThatMovesLeavesARow(t *testing.T) {
	m := newMemory()
	w := open(t, m)
	for _, experiment := range []string{"1", "2", "2"} {
		if _, err := w.Do(0, start("tr-1", experiment)); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.lots[0].Moved)+len(m.lots[2].Moved) != 0 || len(m.lots[1].Moved) != 1 || m.lots[1].Moved[0] != (write.Moved{Experiment: "1", TraceID: "tr-1"}) {
		t.Errorf("moved %v, %v, %v", m.lots[0].Moved, m.lots[1].Moved, m.lots[2].Moved)
	}
}

func TestRemove(t *testing.T) {
	m := newMemory()
	w := open(t, m)
	if _, err := w.Do(0, start("tr-1", "1")); err != nil {
		t.Fatal(err)
	}
	n, err := w.Remove(write.Selection{Experiment: 1})
	if err != nil || n != 1 || len(m.removed) != 1 {
		t.Errorf("removed %d, %v", n, err)
	}
	// What was remembered of it is gone too.
	if _, err := w.Do(0, write.Part{ID: "tr-1", Change: change.SetTag("tr-1", "a", "b")}); track.CodeOf(err) != track.ResourceDoesNotExist {
		t.Errorf("got %v", err)
	}
	m.set(errors.New("no connection"))
	if _, err := w.Remove(write.Selection{Experiment: 1}); track.CodeOf(err) != track.TemporarilyUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestBounds(t *testing.T) {
	m := newMemory()
	w := open(t, m)
	if _, err := w.Do(129<<20, start("tr-1", "1")); track.CodeOf(err) != track.ResourceExhausted {
		t.Errorf("a body of 129 MiB: %v", err)
	}
	huge := &otlp.Span{Span: table.Span{Content: string(make([]byte, 129<<20))}}
	if _, err := w.Do(0, write.Part{ID: "tr-1", Spans: []*otlp.Span{huge}}); track.CodeOf(err) != track.ResourceExhausted {
		t.Errorf("129 MiB of spans: %v", err)
	}
	fat := func(*sgpb.Trace) (*sgpb.Trace, error) {
		return &sgpb.Trace{Info: &sgpb.TraceInfo{RequestPreview: proto.String(string(make([]byte, 9<<20)))}}, nil
	}
	if _, err := w.Do(0, write.Part{ID: "tr-1", Change: fat}); track.CodeOf(err) != track.InvalidParameterValue {
		t.Errorf("a document of 9 MiB: %v", err)
	}
	w.Close()
	if _, err := w.Do(0, start("tr-1", "1")); track.CodeOf(err) != track.TemporarilyUnavailable {
		t.Errorf("after the end: %v", err)
	}
}
