package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/consumers"
)

// fetchMax is how long a test waits for what must come.
const fetchMax = 20 * time.Second

// Log is a new, empty log under test.
type Log struct {
	Source  consumers.Source
	Publish func(data []byte) uint64
}

// Run holds a source to its contract. make gives a new log each time.
func Run(t *testing.T, make func(*testing.T) Log) {
	for name, test := range map[string]func(*testing.T, Log){
		"messages come in order, each once":       inOrder,
		"a fetch waits for a message":             waits,
		"a fetch keeps near its bytes":            bounded,
		"seek goes back and forth":                seeks,
		"the end of the context ends a fetch":     ends,
		"purge removes and state tells":           purges,
		"an empty log can be moved on":            movesOn,
		"what is purged is passed over by a seek": passesOver,
	} {
		t.Run(name, func(t *testing.T) { test(t, make(t)) })
	}
}

func publish(l Log, from, to int) {
	for i := from; i <= to; i++ {
		l.Publish(fmt.Appendf(nil, "message %d", i))
	}
}

// expect fetches until all messages of the range came.
func expect(t *testing.T, l Log, from, to int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), fetchMax)
	defer cancel()
	for next := from; next <= to; {
		messages, err := l.Source.Fetch(ctx, 1<<20)
		if err != nil {
			t.Fatalf("fetch of %d: %v", next, err)
		}
		if len(messages) == 0 {
			t.Fatal("a fetch came back with nothing")
		}
		for _, m := range messages {
			if m.Seq != uint64(next) || string(m.Data) != fmt.Sprintf("message %d", next) {
				t.Fatalf("sequence %d, %q; want %d", m.Seq, m.Data, next)
			}
			if m.TimeMS == 0 || m.Subject == "" || m.Deleted {
				t.Fatalf("message %+v lacks time or subject, or is deleted", m)
			}
			next++
		}
	}
}

func seek(t *testing.T, l Log, seq uint64) {
	t.Helper()
	if err := l.Source.Seek(context.Background(), seq); err != nil {
		t.Fatal(err)
	}
}

func inOrder(t *testing.T, l Log) {
	publish(l, 1, 3000)
	seek(t, l, 1)
	expect(t, l, 1, 3000)
	publish(l, 3001, 3010)
	expect(t, l, 3001, 3010)
}

func waits(t *testing.T, l Log) {
	seek(t, l, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		publish(l, 1, 1)
	}()
	expect(t, l, 1, 1)
	<-done
}

func bounded(t *testing.T, l Log) {
	for range 10 {
		l.Publish(bytes.Repeat([]byte{1}, 1000))
	}
	seek(t, l, 1)
	got := 0
	for got < 10 {
		messages, err := l.Source.Fetch(context.Background(), 2500)
		if err != nil {
			t.Fatal(err)
		}
		if len(messages) > 2 {
			t.Fatalf("%d messages of 1000 bytes, want at most 2500 bytes", len(messages))
		}
		got += len(messages)
		if messages[len(messages)-1].Seq != uint64(got) {
			t.Fatalf("sequence %d after %d messages", messages[len(messages)-1].Seq, got)
		}
	}
}

func seeks(t *testing.T, l Log) {
	publish(l, 1, 20)
	for _, from := range []int{15, 3, 20, 1} {
		seek(t, l, uint64(from))
		expect(t, l, from, 20)
	}
	seek(t, l, 21)
	publish(l, 21, 21)
	expect(t, l, 21, 21)
}

func ends(t *testing.T, l Log) {
	seek(t, l, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if m, err := l.Source.Fetch(ctx, 1000); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v %v, want the context's error", m, err)
	}
	publish(l, 1, 2)
	expect(t, l, 1, 2)
}

func state(t *testing.T, l Log) consumers.State {
	t.Helper()
	s, err := l.Source.State(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func purges(t *testing.T, l Log) {
	publish(l, 1, 10)
	before := state(t, l)
	if before.First != 1 || before.Last != 10 || before.Messages != 10 || before.Bytes == 0 {
		t.Fatalf("state %+v", before)
	}
	if err := l.Source.Purge(context.Background(), 4); err != nil {
		t.Fatal(err)
	}
	if s := state(t, l); s.First != 5 || s.Last != 10 || s.Messages != 6 || s.Bytes >= before.Bytes {
		t.Fatalf("state after purge %+v", s)
	}
	if err := l.Source.Purge(context.Background(), 10); err != nil {
		t.Fatal(err)
	}
	if s := state(t, l); s.Last != 10 || s.Messages != 0 || s.Bytes != 0 {
		t.Fatalf("state after purge of all %+v", s)
	}
}

func movesOn(t *testing.T, l Log) {
	if err := l.Source.Purge(context.Background(), 41); err != nil {
		t.Fatal(err)
	}
	if seq := l.Publish([]byte("message 42")); seq != 42 {
		t.Fatalf("sequence %d, want 42", seq)
	}
	seek(t, l, 42)
	expect(t, l, 42, 42)
}

func passesOver(t *testing.T, l Log) {
	publish(l, 1, 10)
	if err := l.Source.Purge(context.Background(), 6); err != nil {
		t.Fatal(err)
	}
	seek(t, l, 2)
	expect(t, l, 7, 10)
}
