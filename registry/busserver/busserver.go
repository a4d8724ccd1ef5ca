// Package busserver starts real NATS servers inside tests.
package busserver

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startWait is how long a server may take to answer on a busy machine.
const startWait = 20 * time.Second

// Server is a NATS server in this process, on a folder that it syncs before it acknowledges.
type Server struct {
	Server *server.Server
	JS     jetstream.JetStream
	conn   *nats.Conn
}

// Start starts a server on a folder; Stop, or the end of the test, ends it.
func Start(t testing.TB, dir string) *Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "test", DontListen: true, JetStream: true, StoreDir: dir, SyncAlways: true, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(startWait) {
		t.Fatal("the NATS server does not start")
	}
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	b := &Server{Server: s, JS: js, conn: conn}
	t.Cleanup(b.Stop)
	return b
}

// Stop ends the server; it may be called twice.
func (b *Server) Stop() {
	b.conn.Close()
	b.Server.Shutdown()
	b.Server.WaitForShutdown()
}
