package cli

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/cmd/vault"
)

// do runs a command that must succeed and gives what it printed.
func do(t *testing.T, args ...string) string {
	t.Helper()
	status, out, errOut := command(args...)
	if status != 0 {
		t.Fatalf("%v: %d %s%s", args, status, out, errOut)
	}
	return strings.TrimSpace(out)
}

func TestTokensTakeEffectAtOnce(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir)
	const run = "/api/2.0/mlflow/experiments/get?experiment_id=0"
	if status, _ := p.get(t, run); status != http.StatusOK {
		t.Fatalf("without tokens: %d", status)
	}
	anonymous, err := nats.Connect(p.ports.NATSURL(), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	defer anonymous.Close()
	token := do(t, "token", "create", "--role", "write", "--name", "ci", "--data", dir)
	if status, body := p.get(t, run); status != http.StatusUnauthorized || !strings.Contains(body, "UNAUTHENTICATED") {
		t.Errorf("the first token changed nothing: %d %s", status, body)
	}
	eventually(t, "the anonymous connection to NATS ends", anonymous.IsClosed)
	p.token = token
	if status, body := p.get(t, run); status != http.StatusOK {
		t.Errorf("with the token: %d %s", status, body)
	}
	if status, body := p.get(t, "/v1/tokens"); status != http.StatusForbidden || !strings.Contains(body, "PERMISSION_DENIED") {
		t.Errorf("a writer sees tokens: %d %s", status, body)
	}
	for path, want := range map[string]int{"/health": 200, "/version": 200, "/": 200, "/metrics": 200, "/nothing": 404} {
		if status, _ := p.get(t, path); status != want && (path != "/" || status != 503) { // without built pages
			t.Errorf("%s: %d", path, status)
		}
	}
	publishPoint(t, p, token)

	// The owner needs none, on this server alone; others have theirs in the environment.
	if out := do(t, "runs", "--url", p.ports.URL(), "--data", dir); out != "no runs" {
		t.Errorf("runs: %s", out)
	}
	status, _, errOut := command("runs", "--url", p.ports.URL(), "--data", t.TempDir())
	if status == 0 || !strings.Contains(errOut, "STREAMGAUGE_TOKEN") {
		t.Errorf("somebody else: %d %s", status, errOut)
	}
	t.Setenv(tokenEnv, token)
	do(t, "runs", "--url", p.ports.URL(), "--data", t.TempDir())
	t.Setenv(tokenEnv, "")

	var list []vault.Shown
	if err := json.Unmarshal([]byte(do(t, "token", "list", "--json", "--data", dir)), &list); err != nil || len(list) != 1 || list[0].Name != "ci" || time.Since(time.UnixMilli(list[0].UsedMS)) > time.Minute {
		t.Errorf("list: %+v, %v", list, err)
	}
	p.stop(t)
	p = up(t, dir)
	if status, _ := p.get(t, run); status != http.StatusUnauthorized {
		t.Errorf("after a restart: %d", status)
	}
	if out := do(t, "token", "list", "--data", dir); !strings.Contains(out, "ci") || !strings.Contains(out, "all") {
		t.Errorf("after a restart: %s", out)
	}
	job := publishPoint(t, p, token)
	do(t, "token", "create", "--role", "read", "--data", dir)
	do(t, "token", "revoke", "ci", "--data", dir)
	p.token = token
	if status, body := p.get(t, run); status != http.StatusUnauthorized || !strings.Contains(body, "revoked") {
		t.Errorf("a revoked token: %d %s", status, body)
	}
	eventually(t, "the revoked job's connection ends", job.IsClosed)
	if _, err := nats.Connect(p.ports.NATSURL(), nats.UserInfo("x", token)); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("a revoked token on NATS: %v", err)
	}
}

// publishPoint publishes on a lane as a job does, and gives the connection.
func publishPoint(t *testing.T, p *process, token string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(p.ports.NATSURL(), nats.UserInfo("job", token), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitMax)
	defer cancel()
	if _, err := js.Publish(ctx, "sg.points.0."+strings.Repeat("a", 32), []byte("no frame, so it goes to quarantine")); err != nil {
		t.Fatalf("publish on a lane: %v", err)
	}
	return nc
}

func TestHistorySaysWhoDidIt(t *testing.T) {
	dir := t.TempDir()
	token := do(t, "token", "create", "--role", "write", "--name", "night", "--data", dir) // before any server
	p := up(t, dir)
	req, err := http.NewRequest(http.MethodPost, p.ports.URL()+"/api/2.0/mlflow/runs/create", strings.NewReader(`{"experiment_id": "0", "user_id": "ada"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth("ada", token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("create: %v %v", resp, err)
	}
	_ = resp.Body.Close()
	out := do(t, "sql", "SELECT by, what FROM history FINAL WHERE document LIKE 'run.%' OR document LIKE 'token.%' ORDER BY document", "--url", p.ports.URL(), "--data", dir)
	if lines := strings.Fields(out); strings.Join(lines, " ") != "by what night created owner created" {
		t.Errorf("history:\n%s", out)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, time.Now().Add(time.Hour))
	old, oldKey := certificate(t, time.Now().Add(-time.Hour))
	for name, args := range map[string][]string{
		"another's key": {"--tls-cert", cert, "--tls-key", oldKey},
		"expired":       {"--tls-cert", old, "--tls-key", oldKey},
		"no PEM":        {"--tls-cert", os.Args[0], "--tls-key", key},
	} {
		out, err := upCommand(t, dir, args...).CombinedOutput()
		if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "--tls-cert") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	p := up(t, dir, "--tls-cert", cert, "--tls-key", key)
	token := do(t, "token", "create", "--role", "write", "--data", dir)
	p.token = token
	if status, body := p.get(t, "/v1/version"); status != http.StatusOK {
		t.Errorf("over TLS: %d %s", status, body)
	}
	if out := do(t, "runs", "--url", p.ports.URL(), "--data", dir); out != "no runs" {
		t.Errorf("the owner over TLS: %s", out)
	}
	if _, err := http.Get("https://" + p.ports.HTTP + "/health"); err == nil {
		t.Error("a certificate that nobody signed is trusted by who does not own the folder")
	}
	old11 := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", p.ports.HTTP, old11); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	breakOffUpload(t, p)
	nc, err := nats.Connect(p.ports.NATSURL(), nats.UserInfo("x", token), nats.Secure(&tls.Config{InsecureSkipVerify: true}))
	if err != nil {
		t.Fatalf("NATS over TLS: %v", err)
	}
	nc.Close()
	if nc, err := nats.Connect("nats://"+p.ports.NATS, nats.UserInfo("x", token), nats.Secure(old11)); err == nil {
		nc.Close()
		t.Error("NATS speaks TLS 1.1")
	}
}

// breakOffUpload ends the connection of an upload between two chunks: that must not be taken for its end.
func breakOffUpload(t *testing.T, p *process) {
	t.Helper()
	owner, err := vault.OwnerToken(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	const path = "/api/2.0/mlflow-artifacts/artifacts/0/broken"
	conn, err := tls.Dial("tcp", p.ports.HTTP, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", path, owner)
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil && answer.StatusCode == http.StatusOK {
		t.Error("a broken upload is acknowledged")
	}
	if status, body := p.get(t, path); status != http.StatusNotFound {
		t.Errorf("a broken upload left %d %s", status, body)
	}
}

// certificate writes one that signed itself, for another name than that of loopback.
func certificate(t *testing.T, until time.Time) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"tracker.example.org"}, NotBefore: until.Add(-2 * time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", private)
}

// TestTheOwnersTokenGoesNowhereElse asks a server that a data folder does not know, and one that left its ports
// behind for another program.
func TestTheOwnersTokenGoesNowhereElse(t *testing.T) {
	dir := t.TempDir()
	if _, err := vault.EnsureOwnerToken(dir); err != nil {
		t.Fatal(err)
	}
	var heard []string
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		heard = append(heard, r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	ports := `{"http": "` + strings.TrimPrefix(thief.URL, "http://") + `"}`
	if err := os.WriteFile(filepath.Join(dir, "ports.json"), []byte(ports), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, _ = command("runs", "--url", thief.URL, "--data", dir)
	if len(heard) != 1 || heard[0] != "" {
		t.Errorf("heard %q", heard)
	}
}

func TestExpiry(t *testing.T) {
	now := time.UnixMilli(1000)
	for text, want := range map[string]int64{"": 0, "1s": 2000, "2d": 1000 + 2*86_400_000, "0.5d": 1000 + 43_200_000} {
		if got, err := expiry(text, now); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"x", "-1h", "0d", "d", "30"} {
		if _, err := expiry(text, now); err == nil || !strings.Contains(err.Error(), "--expires") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
