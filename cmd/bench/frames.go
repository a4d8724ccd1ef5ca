package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/bench/generate"
	"github.com/streamgauge/streamgauge/cmd/engine"
	"github.com/streamgauge/streamgauge/cmd/vault"
	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/kafkatest"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	frameRuns, frameKeys, frameSteps = 8, 100, 41
	// sustained is the part of the greatest rate that a load goes on with.
	sustained = 0.8
	// settleMax bounds the wait until all is read back.
	settleMax = 5 * time.Minute
)

// generator is what a process of the load is told, as JSON in --generate.
type generator struct {
	Bus   string
	URL   string
	Lanes uint16
	Load  generate.Load
}

func (g generator) run() error {
	var to generate.Bus
	switch g.Bus {
	case "nats":
		var err error
		if to, err = generate.NATS(g.URL, g.Lanes); err != nil {
			return err
		}
	case "http":
		to = generate.HTTP(g.URL)
	case "kafka":
		to = generate.Kafka(g.URL, g.Lanes)
	default:
		return fmt.Errorf("no generator for bus %q", g.Bus)
	}
	defer to.Close()
	sum, err := g.Load.Run(context.Background(), to)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(sum)
}

// start begins a process of its own; wait gives what it had acknowledged.
func (g generator) start() (wait func() (generate.Sum, error), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(g)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "--generate", string(b))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() (s generate.Sum, err error) {
		if err := cmd.Wait(); err != nil {
			return s, fmt.Errorf("generator: %w", err)
		}
		s.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		return s, json.Unmarshal(out.Bytes(), &s)
	}, nil
}

// measureFrames loads each bus with frames until all is read back, beside bare inserts into the same table.
func (b *bench) measureFrames() error {
	over := func(bus string, baseline, least float64, extra ...string) (float64, error) {
		return b.over(bus, 0, baseline, least, extra)
	}
	nats, err := over("nats", 0, 0)
	if err != nil {
		return err
	}
	// What is sent faster than it is inserted waits on the lane. A load that the engine can follow leaves nothing.
	if _, err := b.over("nats", int(sustained*nats), nats, 0, nil); err != nil {
		return err
	}
	if _, err := over("http", nats, 0.8); err != nil {
		return err
	}
	for _, lanes := range []string{"4", "16"} {
		if _, err := over("nats", nats, 0, "--lanes", lanes); err != nil {
			return err
		}
	}
	broker, err := kafkatest.New()
	if errors.Is(err, kafkatest.ErrMissing) {
		fmt.Fprintln(os.Stderr, "  over Kafka: not measured:", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer broker.Remove()
	_, err = over("kafka", nats, 0.6, "--kafka", broker.Addr)
	return err
}

// over measures one bus on a server of its own, at a rate of points or, if that is 0, as fast as the bus takes them.
func (b *bench) over(bus string, rate int, baseline, least float64, extra []string) (float64, error) {
	t, dir, err := b.another(extra...)
	if err != nil {
		return 0, err
	}
	defer t.stop()
	load := generate.Load{Keys: frameKeys, Steps: frameSteps, Duration: b.frames, Rate: rate}
	r, err := t.loadFrames(dir, generator{Bus: bus, URL: t.url, Lanes: lanesOf(extra), Load: load}, extra)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", bus, err)
	}
	name := strings.Join(append([]string{bus}, extra...), " ")
	if rate > 0 {
		name += fmt.Sprintf(" at %.0f %% of that rate", 100*sustained)
	}
	b.addFrames(name, r, baseline, least)
	return r.rate, nil
}

// lanesOf reads --lanes out of a server's arguments.
func lanesOf(args []string) uint16 {
	if i := slices.Index(args, "--lanes"); i >= 0 {
		n, _ := strconv.ParseUint(args[i+1], 10, 16)
		return uint16(n)
	}
	return 1
}

// addFrames adds the figures of a bus; baseline is the rate over NATS, of which it should have at least a part.
func (b *bench) addFrames(bus string, r framesResult, baseline, least float64) {
	want := "> 1,500 k/s"
	if baseline > 0 {
		want = fmt.Sprintf("%.2f of NATS", r.rate/baseline)
		if least > 0 {
			want = fmt.Sprintf("> %.1f of NATS (is %.2f)", least, r.rate/baseline)
		}
	}
	b.add(fmt.Sprintf("frames over %s for %v until all is in ClickHouse and read back, points", bus, b.frames), want, perSecond(r.rate), "-")
	b.add("the same beside bare inserts into the same table", "> 0.8", fmt.Sprintf("%.2f of %s", r.rate/r.bare, perSecond(r.bare)), "-")
	b.add("until nothing lags after that load", "< 5 s", fmt.Sprintf("%.2f s", r.lag.Seconds()), "-")
	b.add("processor time a point: generator + server + engine", "-", r.cost.String(), "-")
	b.add("resident memory at its end, bytes a point on disk, parts", "< 1.5 GB, <= 4 B", fmt.Sprintf("%d MiB, %.2f B, %d", r.rss/mib, r.bytesPerPoint, r.parts), "-")
}

// framesResult are the figures of one load.
type framesResult struct {
	rate, bare    float64
	lag           time.Duration
	rss           int64
	bytesPerPoint float64
	parts         int
	cost          cost
}

// cost is processor time a point in nanoseconds: of the load's processes, and of the engine for a bare insert.
type cost struct{ generator, server, engine, bare float64 }

func (c cost) String() string {
	return fmt.Sprintf("%.0f + %.0f + %.0f ns; bare %.0f ns", c.generator, c.server, c.engine, c.bare)
}

func perPoint(d time.Duration, points int64) float64 {
	return float64(d.Nanoseconds()) / float64(points)
}

func (t *target) loadFrames(dir string, g generator, extra []string) (framesResult, error) {
	var r framesResult
	var err error
	switch g.Bus {
	case "nats":
		if g.URL, err = natsURL(dir); err != nil {
			return r, err
		}
	case "kafka":
		g.URL = extra[slices.Index(extra, "--kafka")+1]
	}
	for range frameRuns {
		run, err := t.createRun("0")
		if err != nil {
			return r, err
		}
		g.Load.Runs = append(g.Load.Runs, run)
	}
	before, err := t.bareInsert(dir, g.Load.Duration/2)
	if err != nil {
		return r, err
	}
	begin, cpu, engineCPU := time.Now(), t.cpu(), t.engineCPU()
	wait, err := g.start()
	if err != nil {
		return r, err
	}
	sum, err := wait()
	if err != nil {
		return r, err
	}
	r.rss = t.rss()
	ended := time.Now()
	if err := t.readBack(g.Load.Runs, sum); err != nil {
		return r, err
	}
	r.lag, r.rate = time.Since(ended), float64(sum.Points)/time.Since(begin).Seconds()
	cpu, engineCPU = t.cpu()-cpu, t.engineCPU()-engineCPU
	r.cost = cost{generator: perPoint(sum.CPU, sum.Points), server: perPoint(cpu-engineCPU, sum.Points), engine: perPoint(engineCPU, sum.Points)}
	config, err := engineConfig(dir)
	if err != nil {
		return r, err
	}
	if err := settle(config); err != nil {
		return r, err
	}
	after, err := t.bareInsert(dir, g.Load.Duration/2)
	if err != nil {
		return r, err
	}
	bare := bareResult{before.rows + after.rows, before.took + after.took, before.cpu + after.cpu}
	r.bare, r.cost.bare = float64(bare.rows)/bare.took.Seconds(), perPoint(bare.cpu, bare.rows)
	r.bytesPerPoint, r.parts, err = t.onDisk()
	return r, err
}

// engineConfig is how to reach the engine of a data folder with all rights.
func engineConfig(dir string) (clickhouse.Config, error) {
	ports, err := app.ReadPorts(dir)
	if err != nil {
		return clickhouse.Config{}, err
	}
	c, err := engine.LoadCredentials(dir)
	return clickhouse.Config{Address: ports.ClickHouse, User: engine.AppUser, Password: c.App}, err
}

func natsURL(dir string) (string, error) {
	ports, err := app.ReadPorts(dir)
	if err != nil {
		return "", err
	}
	owner, err := vault.OwnerToken(dir)
	if err != nil {
		return "", err
	}
	return "nats://" + access.OwnerID + ":" + owner + "@" + ports.Near(ports.NATS), nil
}

// readBack asks until all that was acknowledged is there, once.
func (t *target) readBack(runs []string, want generate.Sum) error {
	var numbers []string
	for _, r := range runs {
		n, ok := track.ParseRunID(r)
		if !ok {
			return fmt.Errorf("the server's run id %q is none", r)
		}
		numbers = append(numbers, strconv.FormatUint(n, 10))
	}
	query := "SELECT count(), sum(step), toInt64(sum(v) * 1048576) FROM points WHERE run IN (" + strings.Join(numbers, ",") + ")"
	for end := time.Now().Add(settleMax); ; time.Sleep(50 * time.Millisecond) {
		row, err := t.sqlRow(query)
		if err != nil && time.Now().Before(end) {
			continue // 503: what was sent last is not there yet
		}
		if err != nil {
			return err
		}
		var points int64
		if _, err := fmt.Sscan(strings.Replace(row, ",", " ", 1), &points); err != nil {
			return fmt.Errorf("read back %q: %w", row, err)
		}
		expected := fmt.Sprintf("%d,%d,%d", want.Points, want.Steps, want.Values)
		switch {
		case row == expected:
			return nil
		case points > want.Points || time.Now().After(end):
			return fmt.Errorf("read back %s, acknowledged %s (points, sums of steps and values)", row, expected)
		}
	}
}

// onDisk asks for bytes a point and the number of parts.
func (t *target) onDisk() (bytes float64, parts int, err error) {
	row, err := t.sqlRow("SELECT sum(bytes_on_disk) / sum(rows), count() FROM system.parts WHERE active AND database = 'streamgauge' AND table = 'points'")
	if err == nil {
		_, err = fmt.Sscanf(row, "%g,%d", &bytes, &parts)
	}
	return bytes, parts, err
}

// sqlRow is the first row of an answer, as CSV.
func (t *target) sqlRow(query string) (string, error) {
	body, err := json.Marshal(map[string]string{"format": "csv", "query": query})
	if err != nil {
		return "", err
	}
	b, err := t.must("/v1/sql", body)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if err != nil || len(lines) < 2 {
		return "", fmt.Errorf("%s: %s: %w", query, b, err)
	}
	return lines[1], nil
}
