package nats_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/consumers/nats"
)

// wire stands between a client and the server. Deaf, it swallows what the server says.
type wire struct {
	listener net.Listener
	mu       sync.Mutex
	deaf     bool
	conns    []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l}
	t.Cleanup(func() { _ = l.Close(); w.cut() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, client, server)
			w.mu.Unlock()
			go func() { _, _ = io.Copy(server, client) }()
			go func() { _, _ = io.Copy(hearing{w, client}, server) }()
		}
	}()
	return w
}

type hearing struct {
	w  *wire
	to net.Conn
}

func (h hearing) Write(b []byte) (int, error) {
	h.w.mu.Lock()
	deaf := h.w.deaf
	h.w.mu.Unlock()
	if deaf {
		return len(b), nil
	}
	return h.to.Write(b)
}

// turn makes the wire deaf or not.
func (w *wire) turn(deaf bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf = deaf
}

// cut ends all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

// The last message before a silence was on its way when the connection broke: no later message tells that it
// is missing.
func TestAMessageLostWithItsConnectionIsReadAgain(t *testing.T) {
	s := start(t, t.TempDir(), -1)
	t.Cleanup(func() { stop(s) })
	js := connect(t, s)
	createLane(t, js)
	publish := publisher(t, js)
	w := newWire(t, s.Addr().String())
	nc, err := natsgo.Connect("nats://"+w.listener.Addr().String(), natsgo.MaxReconnects(-1), natsgo.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	far, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	source := nats.NewLane(far, 0)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	publish([]byte("1"))
	if got, err := source.Fetch(ctx, 1<<20); err != nil || len(got) != 1 || got[0].Seq != 1 {
		t.Fatalf("got %v: %v", got, err)
	}
	w.turn(true)
	publish([]byte("2"))
	delivered(t, js, 2)
	w.turn(false)
	w.cut()
	got, err := source.Fetch(ctx, 1<<20)
	if err != nil || len(got) != 1 || got[0].Seq != 2 {
		t.Fatalf("after the connection broke: got %v: %v", got, err)
	}
}

// delivered waits until the server has sent a number of messages to the one consumer there is.
func delivered(t *testing.T, js jetstream.JetStream, n uint64) {
	t.Helper()
	ctx := context.Background()
	stream, err := js.Stream(ctx, "SG_LANE_0")
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for c := range stream.ListConsumers(ctx).Info() {
			if c.Delivered.Consumer >= n {
				return
			}
		}
	}
	t.Fatalf("the server did not send message %d", n)
}
