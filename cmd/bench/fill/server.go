package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/engine"
	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// keysASection have a prefix of their own: the page makes a section of charts of each.
const keysASection = 10

// server is what is filled.
type server struct{ url, data string }

var client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * batches}}

// experiment makes one.
func (to server) experiment(ctx context.Context, name string) (filled, error) {
	var a struct {
		ID string `json:"experiment_id"`
	}
	err := to.ask(ctx, "/api/2.0/mlflow/experiments/create", map[string]string{"name": fmt.Sprintf("%s of %s", name, time.Now().Format(time.StampMilli))}, &a)
	return filled{Experiment: a.ID}, err
}

func (to server) ask(ctx context.Context, path string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if b, err = io.ReadAll(resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %.300s", path, resp.StatusCode, b)
	}
	return json.Unmarshal(b, answer)
}

// applied waits until the server has at least so many runs and nothing on the bus that ClickHouse has not.
func (to server) applied(ctx context.Context, runs int) error {
	for end := time.Now().Add(waitMax); ; time.Sleep(50 * time.Millisecond) {
		var s struct {
			Runs    int `json:"runs"`
			Waiting int `json:"points_waiting"`
		}
		err := to.get(ctx, "/v1/status", &s) // 503: what was sent last is not there yet
		if err == nil && s.Runs >= runs && s.Waiting == 0 {
			return nil
		}
		if time.Now().After(end) {
			return errors.Join(err, fmt.Errorf("after %v the server has %d runs of %d, and %d points wait", waitMax, s.Runs, runs, s.Waiting))
		}
	}
}

func (to server) get(ctx context.Context, path string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.url+path, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d", path, resp.StatusCode)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}

// series makes finished runs with the same metrics, each of so many points. The last point of each is sent as a job sends it.
func (to server) series(ctx context.Context, runs, keys, points int) (filled, error) {
	f, err := to.experiment(ctx, "series")
	if err != nil {
		return f, err
	}
	for k := range keys {
		f.Keys = append(f.Keys, fmt.Sprintf("part%02d/loss_%02d", k/keysASection, k))
	}
	s := newSender(to.url)
	for i := range runs {
		run := track.NewRunID()
		f.Runs = append(f.Runs, run)
		section := finish(start(run, f.Experiment, fmt.Sprintf("run-%02d", i)))
		p := &track.Points{Keys: f.Keys}
		for k := range keys {
			p.Key, p.Step = append(p.Key, uint32(k)), append(p.Step, int64(points-1))
			p.TimeMS, p.Value = append(p.TimeMS, time.Now().UnixMilli()), append(p.Value, 0.1)
		}
		section.Points = frame.PackPoints(p)
		if err := s.send(ctx, []*sgpb.Section{section}); err != nil {
			return f, err
		}
	}
	if err := s.close(ctx); err != nil {
		return f, err
	}
	if err := to.applied(ctx, runs); err != nil {
		return f, err
	}
	return f, to.insert(ctx, f, points-1)
}

// insert puts points straight into the table, a run after the other, in the table's own order.
func (to server) insert(ctx context.Context, f filled, points int) error {
	ports, err := app.ReadPorts(to.data)
	if err != nil {
		return err
	}
	secret, err := engine.LoadCredentials(to.data)
	if err != nil {
		return err
	}
	c := clickhouse.NewClient(clickhouse.Config{Address: ports.ClickHouse, User: engine.AppUser, Password: secret.App})
	defer c.Close()
	began := time.Now().UnixMilli() - int64(points)*10
	for _, run := range f.Runs {
		number, _ := track.ParseRunID(run)
		statement := fmt.Sprintf(`INSERT INTO streamgauge.points (run, key, step, ts, v, experiment, month)
			SELECT %d, ['%s'][intDiv(number, %d) + 1], number %% %d AS s, %d + s * 10, 1 / (1 + s / 1e5) + (rand() %% 1000) / 1e4, %s, toYYYYMM(now())
			FROM numbers(%d) SETTINGS max_insert_threads = 1, max_insert_block_size = 1048576, min_insert_block_size_rows = 1048576`,
			number, strings.Join(f.Keys, "','"), points, points, began, f.Experiment, points*len(f.Keys))
		if err := c.Exec(ctx, statement); err != nil {
			return err
		}
	}
	for end := time.Now().Add(mergesMax); time.Now().Before(end); time.Sleep(time.Second / 2) {
		if merges, err := c.Scalar(ctx, "SELECT count() FROM system.merges"); err != nil || merges == 0 {
			return err
		}
	}
	return nil
}
