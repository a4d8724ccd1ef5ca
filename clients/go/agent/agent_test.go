package agent_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/clients/go/agent"
	"github.com/streamgauge/streamgauge/clients/go/dial"
)

// lines are what is logged.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

func newAgent(t *testing.T, root string, o agent.Options) *agent.Agent {
	t.Helper()
	return agentWith(t, root, o, slog.DiscardHandler)
}

func newAgentThatSays(t *testing.T, root string, to lines) *agent.Agent {
	t.Helper()
	return agentWith(t, root, agent.Options{}, slog.NewTextHandler(to, nil))
}

func agentWith(t *testing.T, root string, o agent.Options, log slog.Handler) *agent.Agent {
	t.Helper()
	to, err := dial.To("http://127.0.0.1:1", dial.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(to.Close)
	a, err := agent.New(root, to, slog.New(log), o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOneAgentShipsForAServer(t *testing.T) {
	root := filepath.Join(t.TempDir(), "not there yet")
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	runs := make(lines, 10)
	a := newAgentThatSays(t, root, runs)
	go func() { first <- a.Run(ctx, nil) }()
	<-runs // it says so under its lock
	if err := newAgent(t, root, agent.Options{}).Run(t.Context(), nil); !errors.Is(err, agent.ErrRunning) {
		t.Errorf("a second agent for the same server: %v", err)
	}
	if err := newAgent(t, root, agent.Options{For: "http://other:1/", Idle: time.Nanosecond}).Run(t.Context(), nil); err != nil {
		t.Errorf("an agent for another server: %v", err)
	}
	cancel()
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestAnAgentEndsByItself(t *testing.T) {
	for name, o := range map[string]agent.Options{"without work": {Idle: time.Nanosecond}, "after its time": {Limit: time.Nanosecond}} {
		if err := newAgent(t, t.TempDir(), o).Run(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	stop := make(chan struct{})
	close(stop)
	if err := newAgent(t, t.TempDir(), agent.Options{}).Run(t.Context(), stop); err != nil {
		t.Error(err)
	}
}

// Python's library computes the same name (clients/python/src/streamgauge/_agent.py).
func TestTheLocksNameIsTheLibrarys(t *testing.T) {
	if got := agent.LockName("http://127.0.0.1:5000"); got != "agent-f9413619c309.lock" {
		t.Error(got)
	}
}
