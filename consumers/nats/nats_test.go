package nats_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/documents"
	"github.com/streamgauge/streamgauge/consumers/nats"
	"github.com/streamgauge/streamgauge/consumers/sourcetest"
	"github.com/streamgauge/streamgauge/schemas/bus"
)

func start(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s
}

func stop(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func connect(t *testing.T, s *server.Server) jetstream.JetStream {
	t.Helper()
	nc, err := natsgo.Connect(s.ClientURL(), natsgo.MaxReconnects(-1), natsgo.ReconnectWait(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func createLane(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	_, err := js.CreateStream(context.Background(), jetstream.StreamConfig{
		Name: bus.LaneStream(0), Subjects: []string{bus.LaneSubjects(0)}, Discard: jetstream.DiscardNew})
	if err != nil {
		t.Fatal(err)
	}
}

func publisher(t *testing.T, js jetstream.JetStream) func([]byte) uint64 {
	return func(b []byte) uint64 {
		ack, err := js.Publish(context.Background(), bus.EdgeSubject(0), b)
		if err != nil {
			t.Error(err)
			return 0
		}
		return ack.Sequence
	}
}

func TestLaneIsASource(t *testing.T) {
	// A server each: a stream that is made again under a name may still hold what was in it before.
	sourcetest.Run(t, func(t *testing.T) sourcetest.Log {
		s := start(t, t.TempDir(), -1)
		t.Cleanup(func() { stop(s) })
		js := connect(t, s)
		createLane(t, js)
		return sourcetest.Log{Source: nats.NewLane(js, 0), Publish: publisher(t, js)}
	})
}

func TestSourceSurvivesARestartOfTheServer(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, -1)
	port := s.Addr().(*net.TCPAddr).Port
	js := connect(t, s)
	createLane(t, js)
	publish := publisher(t, js)
	source := nats.NewLane(js, 0)
	next := uint64(1)
	fetch := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		messages, err := source.Fetch(ctx, 1000)
		for err != nil && ctx.Err() == nil {
			messages, err = source.Fetch(ctx, 1000)
		}
		if err != nil || len(messages) != 1 || messages[0].Seq != next {
			t.Fatalf("got %v %v, want sequence %d", messages, err, next)
		}
		next++
	}
	publish([]byte("a"))
	fetch()
	for range 2 {
		stop(s)
		s = start(t, dir, port)
		js2 := connect(t, s)
		publisher(t, js2)([]byte("b"))
		fetch()
	}
	stop(s)
}

func TestLeasesAreComparedAndSet(t *testing.T) {
	s := start(t, t.TempDir(), -1)
	defer stop(s)
	js := connect(t, s)
	ctx := context.Background()
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: bus.DocsStream, Subjects: []string{bus.DocsSubjects}, MaxMsgsPerSubject: 1, AllowAtomicPublish: true}); err != nil {
		t.Fatal(err)
	}
	keys := nats.NewKeys(js)
	if _, _, err := keys.Last(ctx, "run.x"); !errors.Is(err, documents.ErrNoKey) {
		t.Errorf("unknown key: %v", err)
	}
	none, err := keys.Load(ctx, 0)
	if err != nil || none != (consumers.Lease{}) {
		t.Fatalf("got %v %v, want none", none, err)
	}
	first, err := keys.Store(ctx, 0, consumers.Lease{Owner: "a", Epoch: 1, UntilMS: 5})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Store(ctx, 0, consumers.Lease{Owner: "b", Epoch: 1}); !errors.Is(err, consumers.ErrLeaseChanged) {
		t.Errorf("a second first owner: %v", err)
	}
	if got, err := keys.Load(ctx, 0); err != nil || got != (consumers.Lease{Owner: "a", Epoch: 1, UntilMS: 5, Revision: first}) {
		t.Errorf("got %v %v", got, err)
	}
	if _, err := keys.Store(ctx, 0, consumers.Lease{Owner: "b", Epoch: 2, Revision: first}); err != nil {
		t.Error(err)
	}
	if _, err := keys.Store(ctx, 0, consumers.Lease{Owner: "a", Epoch: 1, Revision: first}); !errors.Is(err, consumers.ErrLeaseChanged) {
		t.Errorf("the old owner's renewal: %v", err)
	}
}
