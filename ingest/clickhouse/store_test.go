package clickhouse_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/streamgauge/streamgauge/ingest/clickhouse"
	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/ingest/trace/write"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
)

func open(t *testing.T) (*clickhouse.Store, *enginetest.Engine) {
	t.Helper()
	e := enginetest.Start(t)
	if err := table.Migrate(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	s := clickhouse.New(clickhouse.Config{Address: e.Addr, User: e.User, Password: e.Password})
	t.Cleanup(func() { _ = s.Close() }) // it cannot fail
	return s, e
}

func trace(id, experiment string, atMS int64) *sgpb.Trace {
	return &sgpb.Trace{Info: &sgpb.TraceInfo{
		TraceId: id, RequestTime: timestamppb.New(time.UnixMilli(atMS)),
		TraceLocation: &sgpb.TraceLocation{MlflowExperiment: &sgpb.TraceExperiment{ExperimentId: experiment}},
	}}
}

func put(t *testing.T, s *clickhouse.Store, l *write.Lot) {
	t.Helper()
	if err := s.Write(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, s *clickhouse.Store, sel write.Selection) []string {
	t.Helper()
	ids, err := s.Select(t.Context(), sel)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestTracesAreLoadedAsTheyWereWrittenLast(t *testing.T) {
	s, _ := open(t)
	const odd = `tr-it's "odd" \ \0`
	first, second := trace(odd, "81", 1), trace(odd, "81", 2)
	put(t, s, &write.Lot{Traces: []*sgpb.Trace{first}, Revision: 7})
	put(t, s, &write.Lot{Traces: []*sgpb.Trace{second, trace("tr-b", "81", 3)}, Revision: 9})
	found, err := s.Load(t.Context(), []string{odd, "tr-none"})
	if err != nil || len(found) != 1 || found[odd].Revision != 9 || !proto.Equal(found[odd].Trace, second) {
		t.Errorf("got %v, %v", found, err)
	}
	// More ids than one statement takes.
	many := slices.Repeat([]string{odd, "tr-b"}, 500)
	if found, err = s.Load(t.Context(), many); err != nil || len(found) != 2 {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestATraceThatMovedIsInOneExperiment(t *testing.T) {
	s, _ := open(t)
	put(t, s, &write.Lot{Traces: []*sgpb.Trace{trace("tr-moves", "82", 1)}, Revision: 3})
	moved := &write.Lot{Traces: []*sgpb.Trace{trace("tr-moves", "83", 1)}, Moved: []write.Moved{{Experiment: "82", TraceID: "tr-moves"}}, Revision: 9}
	put(t, s, moved)
	if old, now := find(t, s, write.Selection{Experiment: 82}), find(t, s, write.Selection{Experiment: 83}); len(old) != 0 || !slices.Equal(now, []string{"tr-moves"}) {
		t.Errorf("found %v and %v", old, now)
	}
	found, err := s.Load(t.Context(), []string{"tr-moves"})
	if err != nil || found["tr-moves"].Trace.GetInfo().GetTraceLocation().GetMlflowExperiment().GetExperimentId() != "83" {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestDeletedTracesAndTheirSpansAreGone(t *testing.T) {
	s, e := open(t)
	lot := &write.Lot{Revision: 5}
	for i, id := range []string{"tr-d1", "tr-d2", "tr-d3"} {
		lot.Traces = append(lot.Traces, trace(id, "84", int64(10+i)))
		lot.Spans = append(lot.Spans, &otlp.Span{Span: table.Span{TraceID: id, SpanID: "aa"}})
	}
	put(t, s, lot)
	until, most := int64(11), int64(1)
	if got := find(t, s, write.Selection{Experiment: 84, UntilMS: &until}); !slices.Equal(got, []string{"tr-d1", "tr-d2"}) {
		t.Errorf("until 11: %v", got)
	}
	if got := find(t, s, write.Selection{Experiment: 84, UntilMS: &until, Max: &most}); !slices.Equal(got, []string{"tr-d1"}) {
		t.Errorf("the oldest: %v", got)
	}
	if got := find(t, s, write.Selection{Experiment: 84, IDs: []string{"tr-d3", "tr-b"}}); !slices.Equal(got, []string{"tr-d3"}) {
		t.Errorf("by id: %v", got)
	}
	// More than one statement of 256 KiB takes, and the ids that are there before and behind the others.
	many := []string{"tr-d1"}
	for i := range 1200 {
		many = append(many, fmt.Sprintf("tr-%0247d", i))
	}
	many = append(many, "tr-d3", "tr-d1")
	if got := find(t, s, write.Selection{Experiment: 84, IDs: many}); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"tr-d1", "tr-d3"}) {
		t.Errorf("by many ids: %v", got)
	}
	if err := s.Delete(t.Context(), []string{"tr-d1", "tr-d3"}); err != nil {
		t.Fatal(err)
	}
	if got := find(t, s, write.Selection{Experiment: 84}); !slices.Equal(got, []string{"tr-d2"}) {
		t.Errorf("left: %v", got)
	}
	if n, err := e.Scalar(t.Context(), "SELECT count() FROM streamgauge.spans WHERE trace_id LIKE 'tr-d_'"); err != nil || n != 1 {
		t.Errorf("%d spans left, %v", n, err)
	}
}

func TestAnEngineThatIsAwayIsAnError(t *testing.T) {
	s := clickhouse.New(clickhouse.Config{Address: "127.0.0.1:1"})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Write(ctx, &write.Lot{Traces: []*sgpb.Trace{trace("tr-1", "1", 1)}}); err == nil {
		t.Error("written to nobody")
	}
	if _, err := s.Load(ctx, []string{"tr-1"}); err == nil {
		t.Error("read from nobody")
	}
}

// relay stands before the engine; cut ends its connections, as an engine that is started again does.
type relay struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l}
	t.Cleanup(func() { _ = l.Close(); r.cut() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, in, out)
			r.mu.Unlock()
			go func() { _, _ = io.Copy(in, out) }()
			go func() { _, _ = io.Copy(out, in) }()
		}
	}()
	return r
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}

func TestAConnectionThatBrokeIsMadeAgain(t *testing.T) {
	_, e := open(t)
	r := newRelay(t, e.Addr)
	s := clickhouse.New(clickhouse.Config{Address: r.Addr().String(), User: e.User, Password: e.Password})
	defer s.Close()
	put(t, s, &write.Lot{Traces: []*sgpb.Trace{trace("tr-again", "85", 1)}, Revision: 5})
	r.cut()
	put(t, s, &write.Lot{Traces: []*sgpb.Trace{trace("tr-again", "85", 2)}, Revision: 6})
	r.cut()
	if found, err := s.Load(t.Context(), []string{"tr-again"}); err != nil || found["tr-again"].Revision != 6 {
		t.Errorf("got %v, %v", found, err)
	}
}
