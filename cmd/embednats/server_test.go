package embednats_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/cmd/embednats"
)

const waitMax = 20 * time.Second

func start(t *testing.T, dir string) *embednats.Server {
	t.Helper()
	s, err := embednats.Start(embednats.Options{Dir: dir, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func stream(t *testing.T, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitMax)
	defer cancel()
	if _, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}); err != nil {
		t.Fatal(err)
	}
	return js
}

func TestMessagesSurviveAndJobsReachThePort(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	nc, err := nats.Connect("nats://" + s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream(t, nc).Publish(context.Background(), "s.a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	s.Stop()

	nc, err = start(t, dir).Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ack, err := stream(t, nc).Publish(context.Background(), "s.a", []byte("y"))
	if err != nil || ack.Sequence != 2 {
		t.Fatalf("got %v, %v; want sequence 2 after the restart", ack, err)
	}
}

// TestFullDisk fills a small file system until JetStream gives up, frees it, and goes on with the same
// connection.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=320m", "streamgauge-test", dir).CombinedOutput(); err != nil {
		t.Skipf("a file system of its own is needed, and only root can mount one: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	s := start(t, dir)
	nc, err := s.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js := stream(t, nc)
	if err := s.Space(); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 300<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the guard refuses", func() bool { return s.Space() != nil })
	message := make([]byte, 1<<19)
	var acked uint64
	eventually(t, "JetStream gives up", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if ack, err := js.Publish(ctx, "s.a", message); err == nil {
			acked = ack.Sequence
		}
		return s.Status() != nil
	})
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it goes on by itself", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		ack, err := js.Publish(ctx, "s.a", []byte("again"))
		return err == nil && ack.Sequence > acked
	})
	if err := s.Status(); err != nil {
		t.Error(err)
	}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(waitMax); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("never came true: %s", what)
}
