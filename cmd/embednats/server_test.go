package embednats_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// TestACrashFrightensNobody opens a stream with an index that is older, as a crash leaves it.
func TestACrashFrightensNobody(t *testing.T) {
	dir := t.TempDir()
	publish := func() {
		s := start(t, dir)
		defer s.Stop()
		nc, err := s.Connect("test")
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if _, err := stream(t, nc).Publish(context.Background(), "s.a", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	indexes, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "S", "msgs", "index.db"))
	if err != nil || len(indexes) != 1 {
		t.Fatalf("indexes %v of %s: %v", indexes, dir, err)
	}
	older, err := os.ReadFile(indexes[0])
	if err != nil {
		t.Fatal(err)
	}
	publish()
	for level, want := range map[slog.Level]bool{slog.LevelDebug: true, slog.LevelInfo: false} {
		if err := os.WriteFile(indexes[0], older, 0o600); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		s, err := embednats.Start(embednats.Options{Dir: dir, Listen: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: level}))})
		if err != nil {
			t.Fatal(err)
		}
		s.Stop()
		if got := strings.Contains(said.String(), "prior state file"); got != want {
			t.Errorf("at %v said: %v, want %v:\n%s", level, got, want, said.String())
		}
	}
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

// TestEachDoesWhatItMay speaks with a real client: a job, one that may do anything, one that is not let in, and the
// process itself.
func TestEachDoesWhatItMay(t *testing.T) {
	login := func(password string, _ net.Addr) (embednats.Rights, bool) {
		switch password {
		case "job":
			return embednats.Rights{Name: "job"}, true
		case "anything":
			return embednats.Rights{Name: "anything", All: true}, true
		}
		return embednats.Rights{}, false
	}
	s, err := embednats.Start(embednats.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", Login: login, Jobs: []string{"s.>", "ask"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	own, err := s.Connect("own")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	stream(t, own)
	for _, o := range []nats.Option{nil, nats.UserInfo("job", "wrong"), nats.Token("wrong"), nats.UserInfo("streamgauge", "wrong")} {
		if nc, err := nats.Connect("nats://"+s.Addr(), o); !errors.Is(err, nats.ErrAuthorization) {
			nc.Close()
			t.Errorf("a wrong login: %v", err)
		}
	}
	refused := make(chan error, 9)
	connect := func(o nats.Option) (*nats.Conn, jetstream.JetStream) {
		t.Helper()
		nc, err := nats.Connect("nats://"+s.Addr(), o, nats.NoReconnect(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		return nc, js
	}
	must := func(what string, do func() error) {
		t.Helper()
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	denied := func(what string, nc *nats.Conn, do func() error) {
		t.Helper()
		must(what, do)
		must(what, nc.Flush)
		select {
		case err := <-refused:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(waitMax):
			t.Errorf("%s was not refused", what)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitMax)
	defer cancel()

	job, js := connect(nats.UserInfo("any", "job"))
	if ack, err := js.Publish(ctx, "s.a", []byte("x")); err != nil || ack.Sequence != 1 {
		t.Errorf("a job's point: %v, %v", ack, err)
	}
	must("serve", func() error {
		_, err := own.Subscribe("ask", func(m *nats.Msg) { _ = m.Respond(append([]byte("you said "), m.Data...)) })
		return err
	})
	must("flush", own.Flush)
	if m, err := job.RequestWithContext(ctx, "ask", []byte("hello")); err != nil || string(m.Data) != "you said hello" {
		t.Errorf("a job's question: %v, %v", m, err)
	}
	denied("listening to others' questions", job, func() error { _, err := job.SubscribeSync("ask"); return err })
	denied("publishing elsewhere", job, func() error { return job.Publish("$KV.SG_DOCS.run.1", nil) })
	denied("purging", job, func() error { return job.Publish("$JS.API.STREAM.PURGE.S", nil) })
	denied("listening", job, func() error { _, err := job.SubscribeSync("s.>"); return err })
	denied("listening to the process", job, func() error { _, err := job.SubscribeSync("_SG_INBOX.>"); return err })

	// NATS looks at the subject that is published to, not at the one that is to be answered.
	store, err := jetstream.New(own)
	must("open", func() error { return err })
	_, err = store.CreateStream(ctx, jetstream.StreamConfig{Name: "DOCS", Subjects: []string{"docs.>"}})
	must("create", func() error { return err })
	must("publish for another's answer", func() error { return job.PublishRequest("s.b", "docs.token.mine", []byte("y")) })
	must("flush", job.Flush)
	if ack, err := js.Publish(ctx, "s.c", []byte("z")); err != nil || ack.Sequence != 3 {
		t.Errorf("the point behind it: %v, %v", ack, err)
	}
	docs, err := store.Stream(ctx, "DOCS")
	must("look", func() error { return err })
	if n := docs.CachedInfo().State.Msgs; n != 0 {
		t.Errorf("a job has written %d documents by the answer to its point", n)
	}

	anything, js2 := connect(nats.Token("anything"))
	if _, err := js2.Publish(ctx, "docs.a", nil); err != nil {
		t.Error(err)
	}

	s.Kick(func(name string) bool { return name == "job" })
	eventually(t, "the job is out", job.IsClosed)
	if !anything.IsConnected() || !own.IsConnected() {
		t.Error("others were kicked out, too")
	}
}

func TestALoginEndsInTime(t *testing.T) {
	until := time.Now().Add(300 * time.Millisecond)
	login := func(string, net.Addr) (embednats.Rights, bool) {
		return embednats.Rights{Name: "x", All: true, Until: until}, true
	}
	s, err := embednats.Start(embednats.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", Login: login, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	nc, err := nats.Connect("nats://"+s.Addr(), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	eventually(t, "the connection ends", nc.IsClosed)
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
