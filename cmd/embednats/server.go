package embednats

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// readyTimeout: recovery reads the streams' newest blocks; 80,000 messages take 0.4 s.
	readyTimeout = 60 * time.Second
	// payloadBytesMax bounds a message, and with it a frame.
	payloadBytesMax = 1 << 20
	// memoryBytesMax bounds memory streams, of which we have none; consumers' state is small.
	memoryBytesMax = 64 << 20
	// storeBytesMax is beyond any disk: lanes bound themselves, and Space guards the disk.
	storeBytesMax = 1 << 50
	watchPeriod   = 500 * time.Millisecond
	reconnectWait = 100 * time.Millisecond
)

// Options say where the server keeps its streams and listens.
type Options struct {
	Dir string
	// Listen is an address for jobs; "" leaves the server to this process alone.
	Listen string
	// Login decides who comes in over the address; nil: everybody, and may do everything.
	Login Login
	// Jobs are the subjects that connections without all rights may publish to.
	Jobs []string
	// TLS is spoken at the address if it is set.
	TLS *tls.Config
	Log *slog.Logger
}

// Server is an embedded NATS server that can be replaced while connections live on. Its methods are safe for
// concurrent use.
type Server struct {
	o      Options
	secret string // of the connections within the process
	space  *Space
	broken atomic.Bool
	stop   chan struct{}
	done   chan struct{}

	mu      sync.Mutex
	current *server.Server
	stopped bool
	// jobs is the account of jobs of the server that was launched last; jobsReady is closed when it is there.
	jobs      *server.Account
	jobsReady chan struct{}
}

// Start runs a server and waits until it serves.
func Start(o Options) (*Server, error) {
	s := &Server{o: o, secret: rand.Text(), space: NewSpace(o.Dir), stop: make(chan struct{}), done: make(chan struct{})}
	current, err := s.launch()
	if err != nil {
		return nil, err
	}
	s.current = current
	if o.Listen != "" {
		// A port that was left to the system stays the same from now on.
		s.o.Listen = current.Addr().String()
	}
	go s.watch()
	return s, nil
}

func (s *Server) launch() (*server.Server, error) {
	o := &server.Options{
		ServerName: "streamgauge", DontListen: s.o.Listen == "",
		JetStream: true, StoreDir: s.o.Dir, SyncAlways: true,
		JetStreamMaxStore: storeBytesMax, JetStreamMaxMemory: memoryBytesMax,
		MaxPayload: payloadBytesMax, NoSigs: true, DisableJetStreamBanner: true,
		CustomClientAuthentication: (*doorkeeper)(s), AuthTimeout: loginWait.Seconds(),
		TLSConfig: s.o.TLS, TLS: s.o.TLS != nil,
	}
	if !o.DontListen {
		host, port, err := splitAddress(s.o.Listen)
		if err != nil {
			return nil, err
		}
		o.Host, o.Port = host, port
	}
	ready := make(chan struct{})
	s.mu.Lock()
	s.jobs, s.jobsReady = nil, ready
	s.mu.Unlock()
	n, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("make the NATS server: %w", err)
	}
	n.SetLoggerV2(serverLog{log: s.o.Log, broken: &s.broken}, false, false, false)
	n.Start()
	if !n.ReadyForConnections(readyTimeout) || !n.JetStreamEnabled() {
		n.Shutdown()
		n.WaitForShutdown()
		return nil, fmt.Errorf("the NATS server did not become ready on %s with its files in %s", s.o.Listen, s.o.Dir)
	}
	if len(s.o.Jobs) == 0 {
		return n, nil
	}
	jobs, err := openJobs(n, s.o.Jobs)
	if err != nil {
		n.Shutdown()
		n.WaitForShutdown()
		return nil, err
	}
	s.mu.Lock()
	s.jobs = jobs
	s.mu.Unlock()
	close(ready)
	return n, nil
}

func splitAddress(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("NATS address: %w", err)
	}
	port, err = strconv.Atoi(text)
	if err != nil {
		return "", 0, fmt.Errorf("NATS address %s: the port is not a number", addr)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// Addr is host:port for jobs.
func (s *Server) Addr() string { return s.o.Listen }

// Space is an error while the disk is too full to take more.
func (s *Server) Space() error { return s.space.Check() }

// Status is nil while JetStream takes messages.
func (s *Server) Status() error {
	s.mu.Lock()
	current := s.current
	s.mu.Unlock()
	switch {
	case current == nil || !current.Running():
		return errors.New("the NATS server is not running")
	case s.broken.Load() || !current.JetStreamEnabled():
		return errors.New("JetStream met a write error and starts again once there is room on the disk")
	}
	return nil
}

// InProcessConn gives a pipe to the server of the moment; nats.go asks again at every reconnect.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	current := s.current
	s.mu.Unlock()
	if current == nil {
		return nil, errors.New("the NATS server is not running")
	}
	return current.InProcessConn()
}

// Connect opens a connection that outlives restarts of the server. What is published while there is none is
// refused at once and not kept, so that its fate is known.
func (s *Server) Connect(name string) (*nats.Conn, error) {
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.Name(name), nats.MaxReconnects(-1),
		nats.UserInfo(processUser, s.secret), nats.CustomInboxPrefix(processInboxes), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(0, 0), nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.o.Log.Warn("nats connection", "connection", name, "error", err)
		}))
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded NATS server: %w", err)
	}
	return nc, nil
}

// watch starts the server anew after a write error, once there is room.
func (s *Server) watch() {
	defer close(s.done)
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		if s.Status() == nil || s.Space() != nil {
			continue
		}
		s.o.Log.Warn("starting the NATS server anew after a write error")
		if err := s.restart(); err != nil {
			s.o.Log.Error("start the NATS server anew", "error", err)
		}
	}
}

func (s *Server) restart() error {
	s.mu.Lock()
	old := s.current
	s.current = nil
	s.mu.Unlock()
	if old != nil {
		old.Shutdown()
		old.WaitForShutdown()
	}
	s.broken.Store(false)
	current, err := s.launch()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = current
	return nil
}

// Stop ends the server in order.
func (s *Server) Stop() {
	s.mu.Lock()
	stopped := s.stopped
	s.stopped = true
	s.mu.Unlock()
	if stopped {
		return
	}
	close(s.stop)
	<-s.done
	if s.current != nil {
		s.current.Shutdown()
		s.current.WaitForShutdown()
	}
}
