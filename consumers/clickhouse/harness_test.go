package clickhouse_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/consumers/nats"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/faulttest"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// settleMax is how long a test waits for what must come.
const settleMax = 60 * time.Second

// createMax bounds one request to make a stream; a cluster that has just met may not answer it.
const createMax = 5 * time.Second

// rig is a bus, an engine with the tables, and a registry that knows every run but those of zeros and f's.
type rig struct {
	testing.TB
	ctx    context.Context
	engine *enginetest.Engine
	server *server.Server
	js     jetstream.JetStream
	acks   feed.Acks

	mu       sync.Mutex
	commands []track.Command
}

func newRig(t testing.TB) *rig {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(settleMax) {
		t.Fatal("the bus is not ready")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	nc, err := natsgo.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	r := newRigOn(t, js, 1)
	r.server = s
	return r
}

// newRigOn makes the streams on a bus that runs, with so many copies.
func newRigOn(t testing.TB, js jetstream.JetStream, replicas int) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*settleMax+faulttest.Soak(t))
	t.Cleanup(cancel)
	r := &rig{TB: t, ctx: ctx, engine: enginetest.Fresh(t), js: js}
	if err := table.Migrate(ctx, clickhouse.NewClient(r.config())); err != nil {
		t.Fatal(err)
	}
	for _, c := range []jetstream.StreamConfig{
		{Name: bus.LaneStream(0), Subjects: []string{bus.LaneSubjects(0)}, Discard: jetstream.DiscardNew, MaxBytes: 4 << 30, Replicas: replicas},
		{Name: bus.DocsStream, Subjects: []string{bus.DocsSubjects}, MaxMsgsPerSubject: 1, AllowAtomicPublish: true, Replicas: replicas},
	} {
		for {
			once, cancel := context.WithTimeout(ctx, createMax)
			_, err := js.CreateStream(once, c)
			cancel()
			if err == nil {
				break
			}
			if replicas == 1 || ctx.Err() != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond) // until the cluster has met
		}
	}
	return r
}

func (r *rig) config() clickhouse.Config {
	return clickhouse.Config{Address: r.engine.Addr, User: r.engine.User, Password: r.engine.Password}
}

// Lookup and Do are the registry.
func (r *rig) Lookup(_ context.Context, runID string) (track.RunFacts, error) {
	if strings.Trim(runID, "f") == "" {
		return track.RunFacts{}, track.Errorf(track.ResourceDoesNotExist, "Run with id=%s not found", runID)
	}
	n, _ := track.ParseRunID(runID)
	return track.RunFacts{ID: runID, Number: n, Experiment: 1, Lanes: []uint16{0}}, nil
}

func (r *rig) Do(_ context.Context, c track.Command) (*sgpb.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commands = append(r.commands, c)
	return nil, nil
}

// start runs a lane until the returned function is called.
func (r *rig) start(change func(*consumers.LaneConfig)) (*consumers.Lane, *consumers.Tail, func()) {
	r.Helper()
	return r.startAt(r.config(), change)
}

// startAt is start with another way to the engine.
func (r *rig) startAt(at clickhouse.Config, change func(*consumers.LaneConfig)) (*consumers.Lane, *consumers.Tail, func()) {
	r.Helper()
	sink := clickhouse.NewLane(at)
	c := consumers.LaneConfig{
		Source: nats.NewLane(r.js, 0), Sink: sink, Runs: r, Leases: nats.NewKeys(r.js), Owner: fmt.Sprintf("%p", sink), TakeOver: true,
	}
	if change != nil {
		change(&c)
	}
	lane := consumers.NewLane(c)
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = lane.Run(ctx)
	}()
	stop := func() {
		cancel()
		<-done
		_ = sink.Close()
	}
	r.Cleanup(stop)
	return lane, consumers.NewTail(&r.acks, lane), stop
}

func (r *rig) publish(data []byte) uint64 {
	r.Helper()
	ack, err := r.js.Publish(r.ctx, bus.EdgeSubject(0), data)
	if err != nil {
		r.Fatal(err)
	}
	r.acks.AckLane(0, ack.Sequence)
	return ack.Sequence
}

func (r *rig) publishFrame(writer, number uint64, sections ...*sgpb.Section) uint64 {
	r.Helper()
	return r.publish(r.encode(writer, number, sections))
}

func (r *rig) encode(writer, number uint64, sections []*sgpb.Section) []byte {
	r.Helper()
	b, err := frame.Encode(&sgpb.Frame{Writer: writer, Number: number, Sections: sections})
	if err != nil {
		r.Fatal(err)
	}
	return b
}

// insist publishes a frame, under its number, until it is acknowledged.
func (r *rig) insist(writer, number uint64, sections ...*sgpb.Section) {
	b := r.encode(writer, number, sections)
	for r.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(r.ctx, 2*time.Second)
		_, err := r.js.Publish(ctx, bus.EdgeSubject(0), b)
		cancel()
		if err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// end is the lane's last sequence.
func (r *rig) end() uint64 {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, createMax)
	defer cancel()
	s, err := r.js.Stream(ctx, bus.LaneStream(0))
	if err != nil {
		r.Fatal(err)
	}
	return s.CachedInfo().State.LastSeq
}

func runID(i int) string { return fmt.Sprintf("%016x%016x", i, i) }

// series gives a section with n points for each key, steps from first on.
func series(run string, keys, n int, first int64) *sgpb.Section {
	p := &track.Points{}
	for k := range keys {
		p.Keys = append(p.Keys, fmt.Sprintf("layer_%d/grad_norm", k))
	}
	for i := range n {
		for k := range keys {
			p.Key = append(p.Key, uint32(k))
			p.Step = append(p.Step, first+int64(i))
			p.TimeMS = append(p.TimeMS, 1_760_000_000_000+40*int64(i))
			p.Value = append(p.Value, float64(float32(k)+1/float32(i+1)))
		}
	}
	return &sgpb.Section{RunId: run, Points: frame.PackPoints(p)}
}

func (r *rig) flush(t *consumers.Tail) {
	r.Helper()
	if err := t.Flush(r.ctx); err != nil {
		r.Fatal(err)
	}
}

// query asks the engine and compares the answer, rows apart by newlines.
func (r *rig) query(want, query string) {
	r.Helper()
	got, err := r.engine.Query(r.ctx, query)
	if err != nil {
		r.Fatal(err)
	}
	if got = strings.TrimRight(got, "\n"); got != want {
		r.Errorf("%s\n got %q\nwant %q", query, got, want)
	}
}
