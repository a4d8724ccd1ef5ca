package presence_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/query/presence"
)

// generous is how long a test waits for what must come.
const generous = 20 * time.Second

func pair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return server, client
}

func ends(t *testing.T, ctx context.Context) {
	t.Helper()
	select {
	case <-ctx.Done():
		if !errors.Is(context.Cause(ctx), presence.ErrLeft) {
			t.Errorf("it ended for %v", context.Cause(ctx))
		}
	case <-time.After(generous):
		t.Error("the client has left, and nobody noticed")
	}
}

func TestAClientThatLeavesIsNoticed(t *testing.T) {
	t.Parallel()
	server, client := pair(t)
	ctx, stop := presence.Watch(t.Context(), server)
	defer stop()
	client.Close()
	ends(t, ctx)
}

func TestTheEndIsSeenBehindBytesThatNobodyRead(t *testing.T) {
	t.Parallel()
	server, client := pair(t)
	if _, err := client.Write([]byte("the next request")); err != nil {
		t.Fatal(err)
	}
	ctx, stop := presence.Watch(t.Context(), server)
	defer stop()
	client.Close()
	ends(t, ctx)
}

func TestTheEndIsSeenUnderTLS(t *testing.T) {
	t.Parallel()
	server, client := pair(t)
	cert := httptest.NewTLSServer(nil)
	defer cert.Close()
	outer := tls.Server(server, &tls.Config{Certificates: cert.TLS.Certificates})
	inner := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
	shaken := make(chan error, 1)
	go func() { shaken <- outer.Handshake() }()
	if err := errors.Join(inner.Handshake(), <-shaken); err != nil {
		t.Fatal(err)
	}
	ctx, stop := presence.Watch(t.Context(), outer)
	defer stop()
	inner.Close()
	ends(t, ctx)
}

func TestAClientThatWaitsStays(t *testing.T) {
	t.Parallel()
	server, client := pair(t)
	ctx, stop := presence.Watch(t.Context(), server)
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	stop() // waits for the watch to end
	if errors.Is(context.Cause(ctx), presence.ErrLeft) {
		t.Error("a client that is there was called gone")
	}
	b := make([]byte, 1)
	if _, err := server.Read(b); err != nil || b[0] != 'x' {
		t.Errorf("the watch took what the client sent: %q, %v", b, err)
	}
}

func TestWhatIsNoSocketIsNotWatched(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	defer a.Close()
	b.Close()
	ctx, stop := presence.Watch(t.Context(), a)
	if ctx.Err() != nil {
		t.Error(context.Cause(ctx))
	}
	stop()
	if ctx.Err() == nil {
		t.Error("stop does not end the context")
	}
}
