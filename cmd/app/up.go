package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/cmd/embednats"
	"github.com/streamgauge/streamgauge/cmd/engine"
	"github.com/streamgauge/streamgauge/cmd/hosts"
	"github.com/streamgauge/streamgauge/cmd/vault"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/topic"
	"github.com/streamgauge/streamgauge/schemas/views"
)

// Process is what Run needs of the program around it.
type Process struct {
	Version string
	Commit  string
	Log     *slog.Logger
	// Ready is called once every part serves.
	Ready func(p Ports, took time.Duration)
}

// Run is `streamgauge up`: it serves until the context ends, and then stops in order.
func Run(ctx context.Context, c Config, p Process) error {
	began := time.Now()
	if err := c.Check(); err != nil {
		return err
	}
	f, err := openFolder(c.Data)
	if err != nil {
		return err
	}
	defer f.close()
	c.Data = f.dir
	if err := checkTokens(ctx, &c, f, p.Log); err != nil {
		return err
	}
	s, err := prepare(ctx, c, p, f)
	if err != nil {
		return err
	}
	err = s.start(ctx)
	if err == nil {
		err = s.serve(ctx, began)
	} else if ctx.Err() != nil {
		err = nil // it was asked to stop before it was ready
	}
	s.stop()
	return err
}

const (
	healthPeriod = 20 * time.Millisecond
	// tellPeriod is how often people are told what the start still waits for.
	tellPeriod = 5 * time.Second
)

// serve says when every part is ready, and waits for the end.
func (s *server) serve(ctx context.Context, began time.Time) error {
	tick := time.NewTicker(healthPeriod)
	defer tick.Stop()
	told := began
	for ready := false; ; {
		if !ready {
			if err := s.health.check(); err == nil {
				ready = true
				tick.Stop()
				s.p.Ready(s.ports, time.Since(began))
			} else if time.Since(told) > tellPeriod {
				told = time.Now()
				s.p.Log.Warn("not ready yet", "reason", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-s.web.served:
			return fmt.Errorf("HTTP ended: %w", err)
		case <-tick.C:
		}
	}
}

// server is the parts of a running process, in the order of their start.
type server struct {
	config Config
	p      Process
	folder *folder
	lib    string
	ports  Ports
	health *health

	// keys are the tokens; tokensRead is closed once they are known. httpOpen and busOpen say that nobody from
	// elsewhere reaches HTTP or NATS, or that all may: then no token is asked for while there is none.
	keys              *access.Keyring
	tokensRead        chan struct{}
	httpOpen, busOpen bool
	busThrottle       access.Throttle
	hosts             *hosts.Names
	tls               *tls.Config

	// topic has the lanes, topicLanes of them; nil if they are on NATS.
	topic      *topic.Topic
	topicLanes uint16

	files  store.Store
	web    *web
	engine *engine.Supervisor
	nats   *embednats.Server
	parts  *parts
}

// prepare checks everything that can be wrong before anything is started, and opens HTTP.
func prepare(ctx context.Context, c Config, p Process, f *folder) (*server, error) {
	// An engine whose parent was killed holds its ports for some seconds.
	if err := engine.AwaitPrevious(f.dir); err != nil {
		return nil, err
	}
	if err := checkPorts(&c); err != nil {
		return nil, err
	}
	lib, err := FindEngine(c.EngineLib)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(f.path("nats"), 0o700); err != nil {
		return nil, fmt.Errorf("the data folder is not writable: %w; choose another with --data", err)
	}
	s := &server{config: c, p: p, folder: f, lib: lib, health: &health{}}
	if err := s.prepareAccess(); err != nil {
		return nil, err
	}
	if s.topic, s.topicLanes, err = openTopic(ctx, &s.config, f); err != nil {
		return nil, err
	}
	// No request comes before NATS, which watches the disk, is there.
	if s.files, err = openArtifacts(ctx, c.Artifacts, f.path("artifacts"), func() error { return s.nats.Space() }); err != nil {
		return nil, err
	}
	listen, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for HTTP: %w", err), s.files.Close())
	}
	s.config.Listen = listen.Addr().String()
	if s.hosts, err = hosts.New(s.config.Listen, c.AllowedHosts); err != nil {
		return nil, errors.Join(fmt.Errorf("--allowed-hosts: %w", err), listen.Close(), s.files.Close())
	}
	if s.tls != nil {
		listen = tlsListener{listen, s.tls}
	}
	s.health.add("start", func() error { return errors.New("ClickHouse and NATS are being started") })
	s.web = newWeb(listen, headTimeout, s.health, p.Log)
	return s, nil
}

// prepareAccess reads what decides who comes in.
func (s *server) prepareAccess() (err error) {
	owner, err := vault.EnsureOwnerToken(s.folder.dir)
	if err != nil {
		return err
	}
	s.keys, s.tokensRead = access.NewKeyring(owner), make(chan struct{})
	if s.tls, err = s.config.loadTLS(time.Now()); err != nil {
		return err
	}
	if s.httpOpen, err = hosts.Loopback(s.config.Listen); err != nil {
		return err
	}
	s.httpOpen = s.httpOpen || s.config.AllowAnonymous
	s.busOpen, err = hosts.Loopback(s.config.NATSListen)
	return err
}

// start brings up all parts; on an error stop must still be called.
func (s *server) start(ctx context.Context) error {
	if err := s.startStores(ctx); err != nil {
		return err
	}
	s.ports = Ports{
		PID: os.Getpid(), HTTP: s.config.Listen, NATS: s.nats.Addr(), CertificateSHA256: fingerprint(s.tls),
		ClickHouse: s.config.ClickHouseListen, ClickHouseHTTP: s.config.ClickHouseHTTPListen,
	}
	parts, err := startParts(ctx, s)
	s.parts = parts
	if err != nil {
		return err
	}
	if err := s.routes(); err != nil {
		return err
	}
	s.health.replace(
		part{"ClickHouse", s.engine.Status},
		part{"NATS", s.nats.Status},
		part{"disk", s.nats.Space},
		part{"lanes", parts.status},
	)
	s.web.open()
	s.warn()
	return s.folder.writePorts(s.ports)
}

// startStores starts ClickHouse, with its tables, and NATS side by side.
func (s *server) startStores(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		o := engine.Options{Dir: s.folder.dir, Listen: s.config.ClickHouseListen, HTTPListen: s.config.ClickHouseHTTPListen, Library: s.lib}
		e, err := engine.Start(ctx, o, s.p.Log)
		if err != nil {
			return err
		}
		s.engine = e
		if err := table.Migrate(ctx, e); err != nil {
			return err
		}
		return views.Apply(ctx, e)
	})
	g.Go(func() error {
		n, err := embednats.Start(embednats.Options{
			Dir: s.folder.path("nats"), Listen: s.config.NATSListen, Login: s.login, Jobs: []string{bus.AllLanes, bus.LanesSubject}, TLS: s.tls, Log: s.p.Log,
		})
		s.nats = n
		return err
	})
	return g.Wait()
}

// stop ends what was started, in the reverse order.
func (s *server) stop() {
	if s.parts != nil {
		s.parts.live.Close() // its streams would be waited for
	}
	if err := s.web.close(); err != nil {
		s.p.Log.Warn("stop", "error", err)
	}
	if s.parts != nil {
		s.parts.stop()
	}
	if s.topic != nil {
		s.topic.Close()
	}
	if err := s.files.Close(); err != nil {
		s.p.Log.Warn("stop", "error", err)
	}
	if s.nats != nil {
		s.nats.Stop()
	}
	if s.engine != nil {
		s.engine.Stop()
	}
}
