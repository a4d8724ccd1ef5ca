package app

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/cmd/vault"
)

// The address is not opened here: what is decided before anything is.
func TestOthersAreServedOnceThereIsAToken(t *testing.T) {
	dir, ctx, log := t.TempDir(), context.Background(), slog.New(slog.DiscardHandler)
	check := func(c Config) error {
		t.Helper()
		c.Data = dir
		f, err := openFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.close()
		return checkTokens(ctx, &c, f, log)
	}
	local := Config{Listen: "127.0.0.1:0", NATSListen: "127.0.0.1:0"}
	public := Config{Listen: "0.0.0.0:0", NATSListen: "0.0.0.0:0"}
	if err := check(local); err != nil {
		t.Error(err)
	}
	if err := check(public); err == nil || !strings.Contains(err.Error(), "--listen") || !strings.Contains(err.Error(), "token create --data "+dir) {
		t.Errorf("without a token: %v", err)
	}
	v, done, err := OfflineTokens(ctx, dir, log)
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := v.Create(ctx, vault.Wish{Role: access.Read}, "", time.Now())
	done()
	if err != nil {
		t.Fatal(err)
	}
	if err := check(public); err != nil {
		t.Errorf("with a token: %v", err)
	}
	if v, done, err = OfflineTokens(ctx, dir, log); err != nil {
		t.Fatal(err)
	}
	if _, _, err := OfflineTokens(ctx, dir, log); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second one on the same folder: %v", err)
	}
	_, err = v.Revoke(ctx, token.ID, "", time.Now())
	done()
	if err != nil {
		t.Fatal(err)
	}
	if err := check(public); err == nil {
		t.Error("it is open after the last token was revoked")
	}
}

func TestPortsNameWhatCanBeReached(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:5000": "http://127.0.0.1:5000", "0.0.0.0:5000": "http://127.0.0.1:5000", "[::]:5000": "http://127.0.0.1:5000",
		"192.168.1.7:5000": "http://192.168.1.7:5000", "[::1]:5000": "http://[::1]:5000",
	} {
		if got := (Ports{HTTP: listen}).URL(); got != want {
			t.Errorf("%s: %s", listen, got)
		}
	}
	p := Ports{HTTP: "0.0.0.0:1", NATS: "0.0.0.0:2", CertificateSHA256: "x"}
	if p.URL() != "https://127.0.0.1:1" || p.NATSURL() != "tls://127.0.0.1:2" {
		t.Errorf("with TLS: %s %s", p.URL(), p.NATSURL())
	}
}
