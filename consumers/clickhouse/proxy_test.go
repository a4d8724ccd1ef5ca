package clickhouse_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// fate is what a proxy does to the connection that carries the next insert of points.
type fate struct {
	name string
	// answer is called instead of handing on what the engine says once it has the insert; the insert's connections
	// are c to the client and e to the engine. It is false to go on as if nothing was.
	answer func(c, e net.Conn) (ended bool)
	// cut ends the client's connection while the insert's data is on its way, and the engine's, unless that is not to
	// know, as when a machine is gone.
	cut, unknown bool
	// silence, if not 0, cuts the client off once it has sent nothing for that long, and the engine works on.
	silence time.Duration
}

// hangUp ends the engine's side in order and reads on what it still says: the engine of this version ends itself if a
// connection is reset while it reads from it.
func hangUp(engine net.Conn) { _ = engine.(*net.TCPConn).CloseWrite() }

// proxy stands between a lane and the engine.
type proxy struct {
	net.Listener
	engine string

	mu    sync.Mutex
	next  *fate
	met   int
	conns []net.Conn
}

var insertPoints = []byte("INSERT INTO streamgauge.points")

func newProxy(t testing.TB, engine string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, engine: engine}
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, c := range p.conns {
			c.Close()
		}
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

// arm gives the next insert of points a fate.
func (p *proxy) arm(f *fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = f
}

func (p *proxy) take() *fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.next
	if p.next = nil; f != nil {
		p.met++
	}
	return f
}

func (p *proxy) serve(c net.Conn) {
	e, err := net.Dial("tcp", p.engine)
	if err != nil {
		c.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, c, e)
	p.mu.Unlock()
	l := &link{proxy: p, client: c, engine: e}
	go l.back()
	l.forth()
}

// link is one connection through the proxy.
type link struct {
	proxy          *proxy
	client, engine net.Conn

	mu   sync.Mutex
	fate *fate
	// header is true once the engine has answered the query with the insert's columns, so that its next words are
	// about the data.
	header bool
}

func (l *link) current() (f *fate, header bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fate, l.header
}

// forth hands on what the client says.
func (l *link) forth() {
	b := make([]byte, 64<<10)
	for {
		f, header := l.current()
		if header && f != nil && f.silence > 0 {
			_ = l.client.SetReadDeadline(time.Now().Add(f.silence))
		}
		n, err := l.client.Read(b)
		if n > 0 && bytes.Contains(b[:n], insertPoints) {
			l.mu.Lock()
			l.fate = l.proxy.take()
			l.mu.Unlock()
		}
		if header && f != nil && f.cut && n > 0 {
			_, _ = l.engine.Write(b[:n/2])
			l.client.Close()
			if !f.unknown {
				hangUp(l.engine)
			}
			return
		}
		if _, werr := l.engine.Write(b[:n]); werr != nil {
			l.client.Close()
			return
		}
		if err != nil {
			if l.client.Close(); f == nil || f.silence == 0 {
				hangUp(l.engine)
			}
			return // with silence the engine's side stays open, and the insert goes on
		}
	}
}

// back hands on what the engine says.
func (l *link) back() {
	b := make([]byte, 64<<10)
	for {
		n, err := l.engine.Read(b)
		f, header := l.current()
		if n > 0 && f != nil && header && f.answer != nil && f.answer(l.client, l.engine) {
			_, _ = io.Copy(io.Discard, l.engine)
			l.engine.Close()
			return
		}
		if n > 0 && f != nil {
			l.mu.Lock()
			l.header = true
			l.mu.Unlock()
		}
		_, _ = l.client.Write(b[:n]) // where the client is gone, the engine is heard out
		if err != nil {
			l.client.Close()
			l.engine.Close()
			return
		}
	}
}
