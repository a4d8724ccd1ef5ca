package faults

import (
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"
)

const (
	killsShort    = 10
	killsLong     = 100
	writerCount   = 4
	betweenKills  = 1500 * time.Millisecond // at most; drawn anew each time
	shortestQuiet = 100 * time.Millisecond
)

func kills() int {
	if os.Getenv("FAULTS") == "long" {
		return killsLong
	}
	return killsShort
}

// TestKills kills at random moments under load and then counts.
func TestKills(t *testing.T) {
	for name, kill := range map[string]func(*server){
		"whole process group": func(s *server) { s.killGroup(); s.start() },
		"engine alone":        func(s *server) { _ = syscall.Kill(s.engine(), syscall.SIGKILL) },
		"parent alone":        func(s *server) { s.killParent(); s.start() },
	} {
		t.Run(name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 0))
			s := startServer(t, t.TempDir())
			ws := startWriters(t, s.url, writerCount)
			for range kills() {
				time.Sleep(shortestQuiet + time.Duration(r.Int64N(int64(betweenKills))))
				kill(s)
			}
			time.Sleep(betweenKills)
			s.waitHealthy(startTimeout)
			s.verify(ws.stop())
		})
	}
}
