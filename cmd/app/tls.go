package app

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// loadTLS reads the certificate that HTTP and NATS show; nil if none is configured.
func (c *Config) loadTLS(now time.Time) (*tls.Config, error) {
	switch {
	case c.TLSCert == "" && c.TLSKey == "":
		return nil, nil
	case c.TLSCert == "":
		return nil, fmt.Errorf("--tls-key %s: --tls-cert is missing; TLS needs both", c.TLSKey)
	case c.TLSKey == "":
		return nil, fmt.Errorf("--tls-cert %s: --tls-key is missing; TLS needs both", c.TLSCert)
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w; want PEM files of a certificate and of its key", c.TLSCert, c.TLSKey, err)
	}
	if end := pair.Leaf.NotAfter; now.After(end) {
		return nil, fmt.Errorf("--tls-cert %s: the certificate expired on %s; renew it", c.TLSCert, end.Format(time.DateOnly))
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, nil
}

// fingerprint is what the owner's programs know the certificate by, whatever name it is for.
func fingerprint(c *tls.Config) string {
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(c.Certificates[0].Certificate[0])
	return hex.EncodeToString(sum[:])
}

// tlsListener speaks TLS on the connections of another.
type tlsListener struct {
	net.Listener
	config *tls.Config
}

func (l tlsListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tlsConn{Conn: tls.Server(conn, l.config)}, nil
}

// tlsConn remembers that the other side ended, which an upload must tell from the end of its body.
type tlsConn struct {
	*tls.Conn
	ended atomic.Bool
}

func (c *tlsConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.ended.Store(true)
	}
	return n, err
}

// Ended says that nothing comes from the other side any more.
func (c *tlsConn) Ended() bool { return c.ended.Load() }
