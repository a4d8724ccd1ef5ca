package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/cmd/embednats"
	"github.com/streamgauge/streamgauge/cmd/hosts"
	"github.com/streamgauge/streamgauge/cmd/vault"
)

const (
	// tokensWait is how long a program that connects to NATS waits at the start of the server until tokens are read.
	tokensWait = 8 * time.Second
	// refusalWait is shorter than a login may take.
	refusalWait = 2 * time.Second
	// usesAge and usesWait bound what is written about uses of tokens at the end.
	usesAge, usesWait = time.Minute, time.Second
)

// OfflineTokens opens the tokens of a data folder that no server runs on, and holds the folder until closed.
func OfflineTokens(ctx context.Context, dir string, log *slog.Logger) (*vault.Vault, func(), error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, nil, err
	}
	v, closeVault, err := vault.Offline(ctx, f.path("nats"), log)
	if err != nil {
		f.close()
		return nil, nil, err
	}
	return v, func() { closeVault(); f.close() }, nil
}

// checkTokens refuses addresses that others can reach as long as there is no token, before anything is started.
func checkTokens(ctx context.Context, c *Config, f *folder, log *slog.Logger) error {
	refusal := c.CheckOpen()
	if refusal == nil {
		return nil
	}
	if _, err := os.Stat(f.path("nats")); errors.Is(err, fs.ErrNotExist) {
		return refusal
	}
	v, closeVault, err := vault.Offline(ctx, f.path("nats"), log)
	if err != nil {
		return fmt.Errorf("read the tokens: %w", err)
	}
	defer closeVault()
	if v.Empty() {
		return refusal
	}
	return nil
}

// bearers is how NATS knows them.
const (
	bearerPrefix    = "token."
	bearerAnonymous = "anonymous"
)

// login decides who may connect to NATS. At the start it waits until the tokens are known.
func (s *server) login(password string, from net.Addr) (embednats.Rights, bool) {
	wait := time.NewTimer(tokensWait)
	defer wait.Stop()
	select {
	case <-s.tokensRead:
	case <-wait.C:
		return embednats.Rights{}, false
	}
	open := s.busOpen && s.keys.Empty()
	grant, err := s.keys.Find(password, time.Now().UnixMilli())
	if err == nil && grant.ID == access.OwnerID && !s.near(from) {
		err = access.ErrElsewhere
	}
	switch {
	case err == nil:
	case open && errors.Is(err, access.ErrUnknown):
		grant = access.Anonymous()
	default:
		s.slowDown(from)
		return embednats.Rights{}, false
	}
	all, ok := access.OnBus(grant)
	rights := embednats.Rights{Name: bearerPrefix + grant.ID, All: all}
	if grant.ID == "" {
		rights.Name = bearerAnonymous
	}
	if grant.ExpiresMS > 0 {
		rights.Until = time.UnixMilli(grant.ExpiresMS)
	}
	return rights, ok
}

// near says that a connection to NATS comes from this machine.
func (s *server) near(from net.Addr) bool {
	tcp, ok := from.(*net.TCPAddr)
	if !ok {
		return false
	}
	host, _, err := net.SplitHostPort(s.config.NATSListen)
	return tcp.IP.IsLoopback() || err == nil && tcp.IP.Equal(net.ParseIP(host))
}

// slowDown keeps who has sent many wrong tokens waiting for the refusal; NATS has no other way to say so.
func (s *server) slowDown(from net.Addr) {
	tcp, ok := from.(*net.TCPAddr)
	if !ok {
		return
	}
	if wait := s.busThrottle.Fail(tcp.AddrPort().Addr(), time.Now()); wait > 0 {
		time.Sleep(min(wait, refusalWait))
	}
}

// recheck ends connections to NATS that would not be let in any more.
func (s *server) recheck() {
	s.nats.Kick(func(name string) bool {
		if name == bearerAnonymous {
			return !s.busOpen || !s.keys.Empty()
		}
		id, ok := strings.CutPrefix(name, bearerPrefix)
		if !ok || id == access.OwnerID {
			return !ok
		}
		t, _, known := s.keys.Get(id)
		return !known || t.RevokedMS > 0
	})
}

// warn says what others could take advantage of.
func (s *server) warn() {
	loopback, err := hosts.Loopback(s.config.Listen)
	if err != nil || loopback {
		return
	}
	if s.httpOpen && s.keys.Empty() {
		s.p.Log.Warn("everybody who reaches this address may read and write, for there is no token", "listen", s.config.Listen)
	} else if s.tls == nil {
		s.p.Log.Warn("tokens come unencrypted, unless a proxy before this server speaks TLS; see --tls-cert", "listen", s.config.Listen)
	}
}
