package clickhouse_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/consumers/nats"
	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

const (
	ownerEnv = "STREAMGAUGE_FAULT_OWNER"
	// ownerLease is short, so that a test may outwait it.
	ownerLease               = time.Second
	pausedRounds, pauseShare = 5, 0.05
)

// owner is a process that runs lane 0, as JSON in ownerEnv.
type owner struct {
	Name string
	NATS string
	At   clickhouse.Config
	// Nap pauses the process by itself right before every insert of that number, for two leases.
	Nap int
}

func TestMain(m *testing.M) {
	if text := os.Getenv(ownerEnv); text != "" {
		if err := runOwner(text); err != nil {
			fmt.Fprintln(os.Stderr, "owner:", err)
			os.Exit(1)
		}
		return
	}
	if text := os.Getenv(memberEnv); text != "" {
		runMember(text)
		return
	}
	os.Exit(m.Run())
}

func runOwner(text string) error {
	var o owner
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	nc, err := natsgo.Connect(o.NATS, natsgo.MaxReconnects(-1), natsgo.ReconnectWait(50*time.Millisecond))
	if err != nil {
		return err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	var sink consumers.Sink = clickhouse.NewLane(o.At)
	if o.Nap > 0 {
		sink = &sleepy{Sink: sink, every: o.Nap}
	}
	return consumers.NewLane(consumers.LaneConfig{
		Source: nats.NewLane(js, 0), Sink: sink, Runs: new(rig), Leases: nats.NewKeys(js), Owner: o.Name,
		LeaseTime: ownerLease, Pace: eager, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}).Run(context.Background())
}

// sleepy stops its whole process between the look at the lease and the insert; who stopped it is to wake it.
type sleepy struct {
	consumers.Sink
	every, writes int
}

func (s *sleepy) Write(ctx context.Context, b *consumers.Batch, token string) error {
	if s.writes++; s.writes%s.every == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	}
	return s.Sink.Write(ctx, b, token)
}

// startOwner starts the process and gives it and its log.
func (r *rig) startOwner(o owner) (*exec.Cmd, string) {
	r.Helper()
	self, err := os.Executable()
	if err != nil {
		r.Fatal(err)
	}
	text, err := json.Marshal(o)
	if err != nil {
		r.Fatal(err)
	}
	log, err := os.CreateTemp(r.TempDir(), "owner-*.log")
	if err != nil {
		r.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), ownerEnv+"="+string(text)), log
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, log.Name()
}

// TestFault04TwoOwners lets two processes own a lane: one is stopped for longer than its lease, at a random moment or
// right before an insert, the other takes over, and the first wakes and believes that the lane is still its own.
func TestFault04TwoOwners(t *testing.T) {
	for _, c := range []struct {
		name string
		nap  int
	}{{"stopped at random", 0}, {"stopped before an insert", 7}} {
		name, nap := c.name, c.nap
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			o := owner{NATS: r.server.ClientURL(), At: r.config(), Nap: nap}
			var cmds []*exec.Cmd
			for i := range 2 {
				o.Name = fmt.Sprintf("owner %d", i)
				cmd, _ := r.startOwner(o)
				cmds = append(cmds, cmd)
			}
			load := r.startLoad()
			// Stopped amid its handshake with an engine that has just started, an owner takes the engine down: a bug of the
			// engine's, after which `up` starts it again. Nobody does here.
			r.awaitMarker(name, 1)
			for n := range faulttest.Rounds(t, pausedRounds, pauseShare) {
				pid := cmds[n%2].Process.Pid
				if nap > 0 {
					pid = r.awaitStopped(cmds)
				} else if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * ownerLease)
				if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
				time.Sleep(ownerLease / 2)
			}
			sent, frames := load()
			for _, c := range cmds[1:] {
				_ = c.Process.Kill()
			}
			if nap > 0 { // the other may stop itself still
				_ = cmds[0].Process.Kill()
				o.Name, o.Nap = "the last", 0
				r.startOwner(o)
			}
			r.awaitMarker(name, frames)
			r.query("1", fmt.Sprintf("SELECT uniqExact(writer) > %d FROM streamgauge.points WHERE run = 0 AND key = '' AND rank = 0", pausedRounds/3))
			r.tally(sent)
		})
	}
}

// awaitStopped gives the process that has stopped itself.
func (r *rig) awaitStopped(cmds []*exec.Cmd) int {
	r.Helper()
	for end := time.Now().Add(settleMax); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, c := range cmds {
			var pid int
			var comm, state string
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.Process.Pid))
			if _, serr := fmt.Sscan(string(b), &pid, &comm, &state); err == nil && serr == nil && state == "T" {
				return pid
			}
		}
	}
	r.Fatal("no owner stopped before an insert")
	return 0
}

// startLoad publishes frames until the returned function is called, which gives the points acknowledged and the last
// sequence.
func (r *rig) startLoad() func() (points int64, last uint64) {
	r.Helper()
	const keys, steps, pause = 10, 50, 20 * time.Millisecond
	quit, done := make(chan struct{}), make(chan struct{})
	n := uint64(0)
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case <-time.After(pause):
			}
			n++
			r.insist(1, n, series(runID(7), keys, steps, int64(n)*steps))
		}
	}()
	return func() (int64, uint64) {
		close(quit)
		<-done
		return int64(n) * keys * steps, r.end()
	}
}
