package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	seriesPoints   = 100_000_000
	comparedRuns   = 100
	comparedPoints = 5_000
	seriesNames    = 1_000_000
	// seriesCalls are enough for a median of reads that take a tenth of a second.
	seriesCalls = 30
)

// measureSeries reads series that are put into the tables by SQL, for sending a hundred million points is another measure.
func (b *bench) measureSeries() error {
	t, err := b.streamgauge()
	if err != nil {
		return err
	}
	config, err := engineConfig(filepath.Join(b.oursDirs, "data"))
	if err != nil {
		return err
	}
	c := clickhouse.NewClient(config)
	defer c.Close()
	long, err := t.createRun("0")
	if err != nil {
		return err
	}
	if err := putSeries(c, []string{long}, seriesPoints); err != nil {
		return err
	}
	if err := b.timeSeries(fmt.Sprintf("series of %d M points as 1,000 buckets", seriesPoints/1_000_000), "p50 < 100 ms", func() ([]byte, error) {
		return t.mustGet("/v1/series?rank=0&key=loss&run_id=" + long)
	}, fmt.Sprintf(`"points_total":%d,`, seriesPoints)); err != nil {
		return err
	}
	var runs []string
	for range comparedRuns {
		run, err := t.createRun("0")
		if err != nil {
			return err
		}
		runs = append(runs, run)
	}
	if err := putSeries(c, runs, comparedPoints); err != nil {
		return err
	}
	body := []byte(`{"run_ids":["` + strings.Join(runs, `","`) + `"],"keys":["loss"],"rank":0,"buckets":250,"columns":["step","min","max","mean"]}`)
	if err := b.timeSeries(fmt.Sprintf("series of %d runs, 1 key, %d points each, as 250 buckets", comparedRuns, comparedPoints), "p50 < 80 ms", func() ([]byte, error) {
		return t.must("/v1/series", body)
	}, fmt.Sprintf(`"points_total":%d,`, comparedPoints)); err != nil {
		return err
	}
	return b.measureNames(t, c)
}

func (b *bench) measureNames(t *target, c *clickhouse.Client) error {
	run, err := t.createRun("0")
	if err != nil {
		return err
	}
	number, _ := track.ParseRunID(run)
	if err := c.Exec(context.Background(), fmt.Sprintf(`INSERT INTO streamgauge.latest
		SELECT 0, concat('layer/', toString(number %% 1000), '/', toString(number)), %d, tuple(toInt64(0), toInt64(7), toInt64(1760000000000), toFloat64(number), toFloat64(number))
		FROM numbers(%d)`, number, seriesNames)); err != nil {
		return err
	}
	for _, q := range []struct{ name, query, want string }{
		{"the first page", "", "layer/0/0"}, {"by prefix", "?prefix=layer/500/", "layer/500/500"}, {"by expression", "?regex=/77.*123$", "123"},
	} {
		work := fmt.Sprintf("names of metrics, 1 M in the run, %s", q.name)
		if err := b.timeSeries(work, "p50 < 200 ms", func() ([]byte, error) { return t.mustGet("/v1/runs/" + run + "/metrics" + q.query) }, q.want); err != nil {
			return err
		}
	}
	return nil
}

// putSeries writes points of one key straight into the table.
func putSeries(c *clickhouse.Client, runs []string, points int) error {
	var numbers []string
	for _, run := range runs {
		n, _ := track.ParseRunID(run)
		numbers = append(numbers, fmt.Sprint(n))
	}
	return c.Exec(context.Background(), fmt.Sprintf(`INSERT INTO streamgauge.points (run, key, step, ts, v, month)
		SELECT arrayJoin([%s]::Array(UInt64)), 'loss', number, 1760000000000 + number * 10, 1 / (1 + number / 1e6) + (rand() %% 1000) / 1e4, 202611
		FROM numbers(%d) SETTINGS max_insert_threads = 1, max_insert_block_size = 1048576, min_insert_block_size_rows = 1048576`, strings.Join(numbers, ","), points))
}

// timeSeries asks for the same again and again and looks whether the answer has what it must.
func (b *bench) timeSeries(work, want string, ask func() ([]byte, error), must string) error {
	l, err := repeat(1, time.Minute, seriesCalls, func(int, int64) error {
		body, err := ask()
		if err == nil && !bytes.Contains(body, []byte(must)) {
			err = fmt.Errorf("%s: the answer has no %s: %.300s", work, must, body)
		}
		return err
	})
	if err != nil {
		return err
	}
	b.add(work, want, fmt.Sprintf("p50 %s, p90 %s", ms(l.percentile(50)), ms(l.percentile(90))), "-")
	return nil
}
