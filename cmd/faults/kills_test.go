package faults

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

const (
	killsShort    = 8
	killsShare    = 0.12 // of the soak, each kind
	writerCount   = 4
	jobCount      = 2
	betweenKills  = 1500 * time.Millisecond // at most; drawn anew each time
	shortestQuiet = 100 * time.Millisecond
)

// killing is how a test ends processes at random moments.
type killing struct {
	name string
	kill func(*server)
}

var killings = []killing{
	{"whole process group", func(s *server) { s.killGroup(); s.start() }},
	{"engine alone", func(s *server) { _ = syscall.Kill(s.engine(), syscall.SIGKILL) }},
	{"parent alone", func(s *server) { s.killParent(); s.start() }},
}

func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// TestFault01Kills kills at random moments under load, of requests and of frames, and then counts.
func TestFault01Kills(t *testing.T) {
	for _, k := range killings {
		t.Run(k.name, func(t *testing.T) {
			r := random(t)
			s := startServer(t, t.TempDir())
			ws, js := startWriters(t, s.url, writerCount), startJobs(s, jobCount)
			kills := 0
			for range faulttest.Rounds(t, killsShort, killsShare) {
				time.Sleep(shortestQuiet + time.Duration(r.Int64N(int64(betweenKills))))
				k.kill(s)
				kills++
			}
			time.Sleep(betweenKills)
			s.waitHealthy(startTimeout)
			t.Logf("%d kills", kills)
			s.verifyAll(ws.stop(), js)
		})
	}
}
