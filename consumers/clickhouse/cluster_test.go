package clickhouse_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

const (
	memberEnv = "STREAMGAUGE_FAULT_MEMBER"
	members   = 3
	// A round kills the leader, isolates the next, and kills all.
	clusterRounds, clusterShare = 1, 0.05
	leaderMax                   = 30 * time.Second
	askMax, askPause            = time.Second, 50 * time.Millisecond
)

// member is a process that is one server of a NATS cluster, as JSON in memberEnv.
type member struct {
	Name   string
	Dir    string
	Port   int
	Routes int // its own port for the others
	Others []int
}

func runMember(text string) {
	var m member
	err := json.Unmarshal([]byte(text), &m)
	if err == nil {
		o := &server.Options{
			ServerName: m.Name, Host: "127.0.0.1", Port: m.Port, JetStream: true, StoreDir: m.Dir, SyncAlways: true, NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "faults", Host: "127.0.0.1", Port: m.Routes},
		}
		for _, port := range m.Others {
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", port)})
		}
		var s *server.Server
		if s, err = server.NewServer(o); err == nil {
			s.Start()
			s.WaitForShutdown()
		}
	}
	fmt.Fprintln(os.Stderr, "member:", err)
	os.Exit(1)
}

// cluster is a NATS cluster of processes.
type cluster struct {
	testing.TB
	all  []member
	cmds []*exec.Cmd
}

func startCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{TB: t}
	ports := freePorts(t, 2*members)
	for i := range members {
		c.all = append(c.all, member{Name: fmt.Sprint("member-", i), Dir: t.TempDir(), Port: ports[i], Routes: ports[members+i], Others: ports[members:]})
		c.cmds = append(c.cmds, c.start(i))
	}
	t.Cleanup(func() {
		for i := range c.cmds {
			c.kill(i)
		}
	})
	return c
}

func freePorts(t testing.TB, n int) (out []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out
}

func (c *cluster) start(i int) *exec.Cmd {
	c.Helper()
	self, err := os.Executable()
	if err != nil {
		c.Fatal(err)
	}
	text, err := json.Marshal(c.all[i])
	if err != nil {
		c.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), memberEnv+"="+string(text)), os.Stderr
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	return cmd
}

func (c *cluster) kill(i int) {
	_ = c.cmds[i].Process.Kill()
	_ = c.cmds[i].Wait()
}

func (c *cluster) urls() string {
	var out []string
	for _, m := range c.all {
		out = append(out, fmt.Sprintf("nats://127.0.0.1:%d", m.Port))
	}
	return strings.Join(out, ",")
}

// newClusterRig is a rig whose bus is a cluster, every stream on all members.
func newClusterRig(t testing.TB) (*rig, *cluster) {
	t.Helper()
	c := startCluster(t)
	nc, err := natsgo.Connect(c.urls(), natsgo.MaxReconnects(-1), natsgo.ReconnectWait(50*time.Millisecond), natsgo.RetryOnFailedConnect(true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return newRigOn(t, js, members), c
}

// leader is the member that leads the lane.
func (r *rig) leader(c *cluster) int {
	r.Helper()
	for end := time.Now().Add(leaderMax); time.Now().Before(end); {
		if i := c.leaderBy(r.ctx, r.js); i >= 0 {
			return i
		}
	}
	r.Fatal("the lane has no leader")
	return 0
}

// leaderBy asks for the leader and waits a moment for an answer, -1 if there is none yet. A member that is killed has
// taken questions along.
func (c *cluster) leaderBy(ctx context.Context, js jetstream.JetStream) int {
	time.Sleep(askPause)
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	s, err := js.Stream(ctx, bus.LaneStream(0))
	if err != nil || s.CachedInfo().Cluster == nil {
		return -1
	}
	return slices.IndexFunc(c.all, func(m member) bool { return m.Name == s.CachedInfo().Cluster.Leader })
}

// TestFault16Cluster kills the leader of the lane, isolates the next one for longer than an election, and then kills all
// members of the cluster at once; again and again.
func TestFault16Cluster(t *testing.T) {
	r, c := newClusterRig(t)
	_, _, stop := r.start(nil)
	load := r.startLoad()
	rounds := 0
	for range faulttest.Rounds(t, clusterRounds, clusterShare) {
		time.Sleep(time.Second)
		i := r.leader(c)
		c.kill(i)
		time.Sleep(time.Second)
		c.cmds[i] = c.start(i)
		r.isolate(c, r.leader(c))
		time.Sleep(time.Second)
		for i := range members {
			c.kill(i)
		}
		for i := range members {
			c.cmds[i] = c.start(i)
		}
		rounds++
	}
	r.leader(c)
	time.Sleep(time.Second)
	sent, last := load()
	r.awaitMarker("after the restart of all", last)
	stop()
	t.Logf("%d times the leader killed, the leader isolated, all killed", rounds)
	r.tally(sent)
}

// isolate stops a member that leads until another one does, and wakes it: it believes then that it leads still.
func (r *rig) isolate(c *cluster, i int) {
	r.Helper()
	p := c.cmds[i].Process
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		r.Fatal(err)
	}
	defer func() { _ = p.Signal(syscall.SIGCONT) }()
	other, err := natsgo.Connect(fmt.Sprintf("nats://127.0.0.1:%d", c.all[(i+1)%members].Port))
	if err != nil {
		r.Fatal(err)
	}
	defer other.Close()
	js, err := jetstream.New(other)
	if err != nil {
		r.Fatal(err)
	}
	for end := time.Now().Add(leaderMax); c.leaderBy(r.ctx, js) == i; {
		if time.Now().After(end) {
			r.Fatal("no other member leads the lane")
		}
	}
}
