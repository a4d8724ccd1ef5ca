package nats_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	ingestnats "github.com/streamgauge/streamgauge/ingest/nats"
	"github.com/streamgauge/streamgauge/schemas/bus"
)

// startWait is how long a server may take to answer on a busy machine.
const startWait = 20 * time.Second

// busServer is a NATS server in this process that can be stopped and started on its folder.
type busServer struct {
	dir string
	mu  sync.Mutex
	s   *server.Server
	js  jetstream.JetStream
}

// InProcessConn connects to the server that runs now.
func (b *busServer) InProcessConn() (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.s == nil {
		return nil, errors.New("the server is down")
	}
	return b.s.InProcessConn()
}

func (b *busServer) start(t testing.TB) {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "test", DontListen: true, JetStream: true, StoreDir: b.dir, SyncAlways: true, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(startWait) {
		t.Fatal("the NATS server does not start")
	}
	b.mu.Lock()
	b.s = s
	b.mu.Unlock()
}

func (b *busServer) stop() {
	b.mu.Lock()
	s := b.s
	b.s = nil
	b.mu.Unlock()
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

func startBus(t testing.TB, laneBytesMax int64) *busServer {
	t.Helper()
	b := &busServer{dir: t.TempDir()}
	b.start(t)
	t.Cleanup(b.stop)
	conn, err := nats.Connect("", nats.InProcessServer(b), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if b.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	for l := range uint16(2) {
		if err := ingestnats.EnsureLane(context.Background(), b.js, l, ingestnats.Options{MaxBytes: laneBytesMax}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *busServer) stream(t testing.TB, laneNumber uint16) jetstream.Stream {
	t.Helper()
	s, err := b.js.Stream(context.Background(), bus.LaneStream(laneNumber))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *busServer) frames(t testing.TB, laneNumber uint16) [][]byte {
	t.Helper()
	s := b.stream(t, laneNumber)
	state := s.CachedInfo().State
	var out [][]byte
	for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; seq++ {
		m, err := s.GetMsg(context.Background(), seq)
		if err != nil {
			t.Fatalf("read message %d of lane %d: %v", seq, laneNumber, err)
		}
		out = append(out, m.Data)
	}
	return out
}

func (b *busServer) purge(t testing.TB, laneNumber uint16) {
	t.Helper()
	if err := b.stream(t, laneNumber).Purge(context.Background()); err != nil {
		t.Fatal(err)
	}
}
