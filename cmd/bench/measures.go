package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	short   = 3 * time.Second
	long    = 8 * time.Second
	unbound = int64(1 << 40)
	mib     = 1 << 20
)

// measure is one piece of work, done to both servers.
type measure struct {
	name string
	run  func(*bench) error
	// large measures run only if asked for: they take minutes.
	large bool
}

var measures = []measure{
	{name: "start", run: (*bench).measureStart},
	{name: "log-metric", run: (*bench).measureLogMetric},
	{name: "create runs", run: (*bench).measureCreateRuns},
	{name: "search", run: (*bench).measureSearch},
	{name: "get-history", run: (*bench).measureHistory},
	{name: "log-batch", run: (*bench).measureLogBatch},
	{name: "frames", run: (*bench).measureFrames},
	{name: "client", run: (*bench).measureClient},
	{name: "library's log", run: (*bench).measureLogCall},
	{name: "artifacts", run: (*bench).measureArtifacts},
	{name: "trickle", run: (*bench).measureTrickle},
	// What fills the server comes after what asks how little an idle one takes.
	{name: "experiments", run: (*bench).measureExperiments},
	{name: "registry", run: (*bench).measureRegistry},
	{name: "many runs", run: (*bench).measureManyRuns},
	{name: "most runs", run: (*bench).measureMostRuns, large: true},
	{name: "series", run: (*bench).measureSeries},
	{name: "live", run: (*bench).measureLive},
	{name: "panels", run: (*bench).measurePanels},
	{name: "arrow", run: (*bench).measureArrow},
	{name: "heavy", run: (*bench).measureHeavy},
	{name: "lineage", run: (*bench).measureLineage, large: true},
}

// both measures a figure on our server and on the reference.
func (b *bench) both(work, want string, do func(*target) (string, error)) error {
	ours, err := b.streamgauge()
	if err != nil {
		return err
	}
	mine, err := do(ours)
	if err != nil {
		return err
	}
	theirs, err := b.reference()
	if err != nil {
		return err
	}
	other := "-"
	if theirs != nil {
		if other, err = do(theirs); err != nil {
			other = "failed: " + err.Error()
		}
	}
	b.add(work, want, mine, other)
	return nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }

func perSecond(x float64) string {
	if x >= 10000 {
		return fmt.Sprintf("%.0f k/s", x/1000)
	}
	return fmt.Sprintf("%.0f /s", x)
}

func (b *bench) measureStart() error {
	if _, err := b.streamgauge(); err != nil {
		return err
	}
	b.ours.stop()
	b.ours = nil
	theirs, err := b.reference()
	if err != nil {
		return err
	}
	begin := time.Now()
	t, err := b.streamgauge()
	if err != nil {
		return err
	}
	b.add("start to healthy, existing folder", "< 3 s", fmt.Sprintf("%.2f s", time.Since(begin).Seconds()), "-")
	time.Sleep(short)
	reference := "-"
	if theirs != nil {
		reference = fmt.Sprintf("%d MiB", theirs.rss()/mib)
	}
	b.add("resident memory, idle, engine included", "< 600 MiB", fmt.Sprintf("%d MiB", t.rss()/mib), reference)
	return nil
}

func (b *bench) measureLogMetric() error {
	for _, c := range []struct {
		connections int
		want        string
	}{{1, "p50 < 0.8 ms"}, {8, "> 5,000 /s"}} {
		err := b.both(fmt.Sprintf("log-metric, %d connection(s)", c.connections), c.want, func(t *target) (string, error) {
			run, err := t.createRun("0")
			if err != nil {
				return "", err
			}
			l, err := repeat(c.connections, short, unbound, func(_ int, n int64) error {
				_, err := t.must("/api/2.0/mlflow/runs/log-metric", fmt.Appendf(nil, `{"run_id":%q,"key":"loss","value":%g,"timestamp":%d,"step":%d}`, run, 1/float64(n), 1_700_000_000_000+n, n))
				return err
			})
			return fmt.Sprintf("%s, p50 %s", perSecond(l.rate()), ms(l.percentile(50))), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) measureCreateRuns() error {
	return b.both("create runs with 10 params and 10 metrics, 4 connections", "> 500 /s", func(t *target) (string, error) {
		exp, err := t.createExperiment("create")
		if err != nil {
			return "", err
		}
		l, err := repeat(4, short, unbound, func(_ int, n int64) error { return t.describedRun(exp, n, 10) })
		return perSecond(l.rate()), err
	})
}

func (b *bench) measureHistory() error {
	const points = 100_000
	return b.both("get-history of 100,000 points", "p50 < 100 ms", func(t *target) (string, error) {
		run, err := t.createRun("0")
		if err != nil {
			return "", err
		}
		for i := int64(0); i < points; i += 1000 {
			if _, err := t.must("/api/2.0/mlflow/runs/log-batch", metricBatch(run, "loss", i, 1000)); err != nil {
				return "", err
			}
		}
		l, err := repeat(1, long, 10, func(int, int64) error {
			status, body, err := t.get("/api/2.0/mlflow/metrics/get-history?metric_key=loss&run_id=" + run)
			if n := bytes.Count(body, []byte(`"step"`)); err == nil && (status != fasthttp.StatusOK || n != points) {
				err = fmt.Errorf("status %d, %d points", status, n)
			}
			return err
		})
		return "p50 " + ms(l.percentile(50)), err
	})
}

// measureLogBatch loads both ways and meanwhile asks for a run.
func (b *bench) measureLogBatch() error {
	for _, connections := range []int{1, 4} {
		want := map[int]string{1: "-", 4: "> 300 k/s"}[connections]
		if err := b.both(fmt.Sprintf("log-batch of 1,000 metrics, %d connection(s), points", connections), want, func(t *target) (string, error) {
			l, err := t.batches(connections, long)
			return perSecond(l.rate() * 1000), err
		}); err != nil {
			return err
		}
	}
	getRun := func(t *target, forAtMost time.Duration) (load, error) {
		run, err := t.createRun("0")
		if err != nil {
			return load{}, err
		}
		return repeat(1, forAtMost, unbound, func(int, int64) error {
			_, _, err := t.get("/api/2.0/mlflow/runs/get?run_id=" + run)
			return err
		})
	}
	if err := b.both("runs/get", "p50 < 0.5 ms", func(t *target) (string, error) {
		l, err := getRun(t, short)
		return "p50 " + ms(l.percentile(50)), err
	}); err != nil {
		return err
	}
	if err := b.both("runs/get while log-batch runs on 4 connections", "p50 < 2 ms", func(t *target) (string, error) {
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = t.batches(4, long) })
		time.Sleep(time.Second)
		l, err := getRun(t, long-2*time.Second)
		wg.Wait()
		return fmt.Sprintf("p50 %s, p99 %s", ms(l.percentile(50)), ms(l.percentile(99))), err
	}); err != nil {
		return err
	}
	return b.both("resident memory after that load", "< 1.5 GiB", func(t *target) (string, error) { return fmt.Sprintf("%d MiB", t.rss()/mib), nil })
}

// batches sends log-batch requests prepared beforehand, so that the generator costs little.
func (t *target) batches(connections int, forAtMost time.Duration) (load, error) {
	bodies := make([][][]byte, connections)
	for c := range bodies {
		run, err := t.createRun("0")
		if err != nil {
			return load{}, err
		}
		for i := range int64(200) {
			bodies[c] = append(bodies[c], metricBatch(run, "loss", i*1000, 1000))
		}
	}
	return repeat(connections, forAtMost, unbound, func(c int, n int64) error {
		_, err := t.must("/api/2.0/mlflow/runs/log-batch", bodies[c][n%200])
		return err
	})
}

const clientScript = `
import time, statistics, mlflow
took = []
with mlflow.start_run():
    for step in range(300):
        t = time.perf_counter()
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
        took.append(time.perf_counter() - t)
print(statistics.median(took) * 1000)
`

func (b *bench) measureClient() error {
	if b.python == "" {
		return nil
	}
	return b.both("mlflow.log_metric in the training, synchronous", "p50 < 3 ms", func(t *target) (string, error) {
		cmd := exec.Command(b.python, "-c", clientScript)
		cmd.Env = append(cmd.Environ(), "MLFLOW_TRACKING_URI="+t.url)
		out, err := cmd.Output()
		lines := strings.Fields(string(out))
		if err != nil || len(lines) == 0 {
			return "", fmt.Errorf("client: %w", err)
		}
		// The client prints links after the figure.
		for _, l := range lines {
			var v float64
			if _, err := fmt.Sscanf(l, "%f", &v); err == nil {
				return fmt.Sprintf("p50 %.2f ms", v), nil
			}
		}
		return "", fmt.Errorf("client printed no figure: %s", out)
	})
}
