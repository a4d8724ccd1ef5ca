package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	trickleRuns = 50
	// tricklePause spreads the runs' points over the second, as so many trainings would be.
	tricklePause = 15 * time.Millisecond
	// bareBytes is about what one frame with one point takes on the log.
	bareBytes = 200
)

// measureTrickle is the quiet life: 50 runs log a point a second each; then the same with a search a second. What
// it costs a bare server to take the same requests and sync each one stands beside it.
func (b *bench) measureTrickle() error {
	bare, err := b.bareTrickle()
	if err != nil {
		return err
	}
	work := fmt.Sprintf("%d runs, a point a second each, for %v", trickleRuns, b.trickle)
	if err := b.both(work, "< 5 % of a core", func(t *target) (string, error) { return t.trickle(b.trickle, false) }); err != nil {
		return err
	}
	b.add("the same requests to a Go server that only syncs 200 bytes for each", "-", bare, "-")
	if err := b.both("the points and a search a second", "< 25 % of a core", func(t *target) (string, error) { return t.trickle(b.trickle, true) }); err != nil {
		return err
	}
	parts, err := b.ours.activeParts()
	b.add("active parts of all tables after that", "< 100", parts, "-")
	return err
}

// trickle loads a server and gives the share of a core that its processes took.
func (t *target) trickle(duration time.Duration, search bool) (string, error) {
	experiment, err := t.createExperiment(fmt.Sprintf("trickle %d", time.Now().UnixNano()))
	if err != nil {
		return "", err
	}
	var runs []string
	for range trickleRuns {
		run, err := t.createRun(experiment)
		if err != nil {
			return "", err
		}
		runs = append(runs, run)
	}
	find := fmt.Appendf(nil, `{"experiment_ids":[%q],"filter":"metrics.loss > 0","order_by":["metrics.loss ASC"],"max_results":100}`, experiment)
	time.Sleep(short)
	return t.share(duration, func(n int) error {
		for _, run := range runs {
			if _, err := t.must("/api/2.0/mlflow/runs/log-metric", fmt.Appendf(nil, `{"run_id":%q,"key":"loss","value":1,"timestamp":%d,"step":%d}`, run, time.Now().UnixMilli(), n)); err != nil {
				return err
			}
			time.Sleep(tricklePause)
		}
		if search {
			_, err := t.must("/api/2.0/mlflow/runs/search", find)
			return err
		}
		return nil
	})
}

// share does something once a second, and gives the share of a core that the server took meanwhile.
func (t *target) share(duration time.Duration, each func(n int) error) (string, error) {
	cpu, begin := t.cpu(), time.Now()
	for n := 0; time.Since(begin) < duration; n++ {
		second := time.Now()
		if err := each(n); err != nil {
			return "", err
		}
		time.Sleep(time.Until(second.Add(time.Second)))
	}
	return fmt.Sprintf("%.1f %%", float64(t.cpu()-cpu)/float64(time.Since(begin))*100), nil
}

// bareTrickle sends the requests to the bare server, which is this program in another process.
func (b *bench) bareTrickle() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "streamgauge-bare-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	ports, err := freePorts(1)
	if err != nil {
		return "", err
	}
	t, err := start(ports[0], dir, self, "--bare", ports[0], "--out", filepath.Join(dir, "log"))
	if err != nil {
		return "", err
	}
	defer t.stop()
	return t.share(min(b.trickle, time.Minute), func(int) error {
		for range trickleRuns {
			if _, err := t.must("/", make([]byte, bareBytes)); err != nil {
				return err
			}
			time.Sleep(tricklePause)
		}
		return nil
	})
}

// serveBare answers every request once its bytes are on disk.
func serveBare(port, file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	return http.ListenAndServe(net.JoinHostPort("127.0.0.1", port), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := f.Write(make([]byte, bareBytes))
		if err == nil {
			err = f.Sync()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
}

func (t *target) activeParts() (string, error) {
	return t.sqlRow("SELECT count() FROM system.parts WHERE active AND database = 'streamgauge'")
}
