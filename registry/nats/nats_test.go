package nats_test

import (
	"context"
	"testing"

	"github.com/streamgauge/streamgauge/registry/busserver"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/registry/journaltest"
	"github.com/streamgauge/streamgauge/registry/nats"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func open(t *testing.T, s *busserver.Server) *nats.Journal {
	t.Helper()
	j, err := nats.Open(context.Background(), s.JS, nats.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestJournal(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) journal.Journal { return open(t, busserver.Start(t, t.TempDir())) })
}

func TestDocumentsSurviveTheServer(t *testing.T) {
	dir := t.TempDir()
	s := busserver.Start(t, dir)
	revisions, err := open(t, s).Append(context.Background(), []journal.Write{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}})
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	j := open(t, busserver.Start(t, dir))
	v, r, err := j.Load(context.Background(), "b")
	if err != nil || string(v) != "2" || r != revisions[1] {
		t.Fatalf("b is %q at %d: %v", v, r, err)
	}
	if _, err := j.Append(context.Background(), []journal.Write{{Key: "a", Value: []byte("3"), Expected: revisions[0]}, {Key: "c", Value: []byte("4")}}); err != nil {
		t.Fatal(err)
	}
}

// The key-value constructors switch atomic batches off: opening the journal must switch them on again.
func TestOpenSwitchesAtomicBatchesOn(t *testing.T) {
	s := busserver.Start(t, t.TempDir())
	open(t, s)
	stream, err := s.JS.Stream(context.Background(), bus.DocsStream)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.AllowAtomicPublish = false
	if _, err := s.JS.UpdateStream(context.Background(), config); err != nil {
		t.Fatal(err)
	}
	j := open(t, s)
	if _, err := j.Append(context.Background(), []journal.Write{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}}); err != nil {
		t.Fatal(err)
	}
}

func TestAServerThatIsAwayIsTemporarilyUnavailable(t *testing.T) {
	s := busserver.Start(t, t.TempDir())
	j := open(t, s)
	s.Stop()
	_, err := j.Append(context.Background(), []journal.Write{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}})
	if track.CodeOf(err) != track.TemporarilyUnavailable {
		t.Fatalf("append: %v", err)
	}
	if _, _, err := j.Load(context.Background(), "a"); track.CodeOf(err) != track.TemporarilyUnavailable {
		t.Fatalf("load: %v", err)
	}
}
