// Package kafkatest gives tests a real Kafka broker: Apache's own, one node that is controller too, on free ports of
// loopback, in a temporary folder.
package kafkatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// startTimeout is generous: a virtual machine starts beside whatever else the tests do.
	startTimeout = 90 * time.Second
	// startTries: a free port may be taken by another process before the broker opens it.
	startTries = 3
	// clusterID is any identifier of 16 bytes in Kafka's base64.
	clusterID  = "c3RyZWFtZ2F1Z2V0ZXN0cw"
	properties = `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=%[2]s
listeners=BROKER://%[1]s,CONTROLLER://%[2]s
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=BROKER
log.dirs=%[3]s
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
auto.create.topics.enable=false
delete.topic.enable=true
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
controller.quorum.election.timeout.ms=300
controller.quorum.fetch.timeout.ms=1000
`
)

// Broker is a broker that runs, unless it was killed.
type Broker struct {
	// Addr is host:port.
	Addr string

	dir, jars string
	cmd       *exec.Cmd
	log       *os.File
}

var shared struct {
	sync.Once
	broker *Broker
	err    error
}

// topics numbers the topics of a process.
var topics atomic.Uint64

// Topic is a name that no other test of the process uses.
func Topic() string { return "lanes-" + strconv.FormatUint(topics.Add(1), 10) }

// Start gives the broker that all tests of the process share, started at the first call. The test is skipped if Java or
// the broker's jars are not there. Main ends it.
func Start(t testing.TB) *Broker {
	t.Helper()
	jars := locate(t)
	shared.Do(func() { shared.broker, shared.err = start(jars) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.broker
}

// Main runs the tests of a package and ends the shared broker.
func Main(m *testing.M) {
	status := m.Run()
	if shared.broker != nil {
		shared.broker.Remove()
	}
	os.Exit(status)
}

// Fresh starts a broker of the test's own, with nothing in it, and ends it with the test.
func Fresh(t testing.TB) *Broker {
	t.Helper()
	b, err := start(locate(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Remove)
	return b
}

// Kill ends the broker's process as kill -9 does.
func (b *Broker) Kill() {
	if b.cmd != nil {
		_ = b.cmd.Process.Kill()
		_ = b.cmd.Wait() // it was killed: that is no news
		b.cmd = nil
	}
}

// Restart starts a killed broker on what it had, and waits until it answers.
func (b *Broker) Restart() error { return b.run() }

// Remove ends the broker and takes its folder away.
func (b *Broker) Remove() {
	b.Kill()
	_ = b.log.Close()
	_ = os.RemoveAll(b.dir)
}

// New starts a broker for a program that is no test; Remove ends it. ErrMissing: Java or the broker's jars are not there.
func New() (*Broker, error) {
	jars, err := find()
	if err != nil {
		return nil, err
	}
	return start(jars)
}

// ErrMissing names what makes the broker.
var ErrMissing = errors.New("the Kafka broker of the tests, or Java for it, is missing: make kafka")

func find() (jars string, err error) {
	if jars = os.Getenv("STREAMGAUGE_KAFKA_JARS"); jars == "" {
		jars = upwards(".build/kafka")
	}
	if _, err := os.Stat(filepath.Join(jars, ".complete")); err != nil {
		return "", ErrMissing
	}
	if _, err := exec.LookPath("java"); err != nil {
		return "", ErrMissing
	}
	return jars, nil
}

func locate(t testing.TB) string {
	t.Helper()
	jars, err := find()
	if err != nil {
		t.Skip(err)
	}
	return jars
}

// upwards looks for a path in the working folder, which for a test is its package, and in all above.
func upwards(path string) string {
	dir, err := os.Getwd()
	for err == nil {
		name := filepath.Join(dir, path)
		if _, err := os.Stat(name); err == nil {
			return name
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return path
}

func start(jars string) (*Broker, error) {
	var err error
	for range startTries {
		var b *Broker
		if b, err = startOnce(jars); err == nil {
			return b, nil
		}
	}
	return nil, err
}

func startOnce(jars string) (*Broker, error) {
	dir, err := os.MkdirTemp("", "streamgauge-kafka-")
	if err != nil {
		return nil, fmt.Errorf("make the broker's folder: %w", err)
	}
	ports, err := freePorts()
	if err != nil {
		return nil, err
	}
	b := &Broker{Addr: ports[0], dir: dir, jars: jars}
	text := fmt.Sprintf(properties, ports[0], ports[1], filepath.Join(dir, "log"))
	if err := os.WriteFile(b.config(), []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the broker's settings: %w", err)
	}
	if b.log, err = os.Create(filepath.Join(dir, "said")); err != nil {
		return nil, fmt.Errorf("make the broker's log: %w", err)
	}
	format := b.java("kafka.tools.StorageTool", "format", "--standalone", "-t", clusterID, "-c", b.config())
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format the broker's folder: %w: %s", err, out)
	}
	if err := b.run(); err != nil {
		b.Remove()
		return nil, err
	}
	return b, nil
}

func (b *Broker) config() string { return filepath.Join(b.dir, "server.properties") }

func (b *Broker) java(args ...string) *exec.Cmd {
	// What compiles slowly and well is of no use to a process of a minute.
	return exec.Command("java", append([]string{"-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(b.jars, "*")}, args...)...)
}

func (b *Broker) run() error {
	cmd := b.java("kafka.Kafka", b.config())
	cmd.Stdout, cmd.Stderr = b.log, b.log
	cmd.SysProcAttr = endsWithParent()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	b.cmd = cmd
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	client := &kafka.Client{Addr: kafka.TCP(b.Addr), Timeout: time.Second, Transport: new(kafka.Transport)}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, err := client.Metadata(ctx, &kafka.MetadataRequest{})
		if err == nil && len(answer.Brokers) > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(b.log.Name())
			return fmt.Errorf("the broker did not answer in time: %v: %s", err, bytes.TrimSpace(said))
		case <-tick.C:
		}
	}
}

func freePorts() ([2]string, error) {
	var out [2]string
	for i := range out {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return out, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		out[i] = l.Addr().String()
	}
	return out, nil
}

// Create makes a topic as the server itself would, or otherwise, as "name=value" says.
func (b *Broker) Create(t testing.TB, name string, partitions int, settings ...string) {
	t.Helper()
	c := kafka.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		c.ConfigEntries = append(c.ConfigEntries, kafka.ConfigEntry{ConfigName: key, ConfigValue: value})
	}
	client := &kafka.Client{Addr: kafka.TCP(b.Addr), Timeout: startTimeout, Transport: new(kafka.Transport)}
	answer, err := client.CreateTopics(context.Background(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{c}})
	if err == nil {
		err = answer.Errors[name]
	}
	if err != nil {
		t.Fatalf("create topic %s: %v", name, err)
	}
}
