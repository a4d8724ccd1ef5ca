package main

import (
	"bytes"
	"context"
	"fmt"
	"math/bits"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// seriesPoints are put into one series; ten times as many take a minute and need --large.
	seriesPoints   = 10_000_000
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
	points := seriesPoints
	if b.large {
		points *= 10
	}
	if err := putSeries(c, []string{long}, points); err != nil {
		return err
	}
	// The bare statements have the buckets of the answers: 1,000 of them at most, and 250.
	bare := func(where string, shift int) string {
		return fmt.Sprintf("SELECT count() FROM (SELECT min(v), max(v), sum(v) FROM streamgauge.points WHERE key = 'loss' AND %s GROUP BY run, bitShiftRight(step, %d))", where, shift)
	}
	shift := bits.Len(uint(points-1)) - 10
	rollup := strings.NewReplacer("min(v), max(v), sum(v)", "minIf(v, isFinite(v)), maxIf(v, isFinite(v)), sumIf(v, isFinite(v))", fmt.Sprintf("step, %d", shift), fmt.Sprintf("bitShiftRight(step, 8), %d", shift-8))
	number, _ := track.ParseRunID(long)
	if err := b.timeSeries(c, fmt.Sprintf("series of %d M points as 1,000 buckets", points/1_000_000), "p50 < 100 ms", func() ([]byte, error) {
		return t.mustGet("/v1/series?rank=0&key=loss&run_id=" + long)
	}, fmt.Sprintf(`"points_total":%d,`, points), rollup.Replace(bare(fmt.Sprintf("run = %d", number), shift))); err != nil {
		return err
	}
	var runs, numbers []string
	for range comparedRuns {
		run, err := t.createRun("0")
		if err != nil {
			return err
		}
		number, _ := track.ParseRunID(run)
		runs, numbers = append(runs, run), append(numbers, fmt.Sprint(number))
	}
	if err := putSeries(c, runs, comparedPoints); err != nil {
		return err
	}
	body := []byte(`{"run_ids":["` + strings.Join(runs, `","`) + `"],"keys":["loss"],"rank":0,"buckets":250,"columns":["step","min","max","mean"]}`)
	if err := b.timeSeries(c, fmt.Sprintf("series of %d runs, 1 key, %d points each, as 250 buckets", comparedRuns, comparedPoints), "p50 < 80 ms", func() ([]byte, error) {
		return t.must("/v1/series", body)
	}, fmt.Sprintf(`"points_total":%d,`, comparedPoints), bare("run IN ("+strings.Join(numbers, ",")+")", bits.Len(comparedPoints/250))); err != nil {
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
		if err := b.timeSeries(c, work, "p50 < 200 ms", func() ([]byte, error) { return t.mustGet("/v1/runs/" + run + "/metrics" + q.query) }, q.want, ""); err != nil {
			return err
		}
	}
	return nil
}

// putSeries writes points of one key straight into the tables, as a consumer does: the latest values first.
func putSeries(c *clickhouse.Client, runs []string, points int) error {
	var numbers []string
	for _, run := range runs {
		n, _ := track.ParseRunID(run)
		numbers = append(numbers, fmt.Sprint(n))
	}
	list := strings.Join(numbers, ",")
	if err := c.Exec(context.Background(), fmt.Sprintf(`INSERT INTO streamgauge.latest
		SELECT 0, 'loss', arrayJoin([%s]::Array(UInt64)), tuple(toInt64(0), toInt64(%d), toInt64(1760000000000), 0.1, 0.1)`, list, points-1)); err != nil {
		return err
	}
	return c.Exec(context.Background(), fmt.Sprintf(`INSERT INTO streamgauge.points (run, key, step, ts, v, month)
		SELECT arrayJoin([%s]::Array(UInt64)), 'loss', number, 1760000000000 + number * 10, 1 / (1 + number / 1e6) + (rand() %% 1000) / 1e4, 202611
		FROM numbers(%d) SETTINGS max_insert_threads = 1, max_insert_block_size = 1048576, min_insert_block_size_rows = 1048576`, list, points))
}

// timeSeries asks for the same again and again and looks whether the answer has what it must. In turn with it the engine
// answers bare, a statement of about the same that gives one number, unless that is "".
func (b *bench) timeSeries(c *clickhouse.Client, work, want string, ask func() ([]byte, error), must, bare string) error {
	var took, engine []time.Duration
	for range seriesCalls {
		begin := time.Now()
		body, err := ask()
		if err == nil && !bytes.Contains(body, []byte(must)) {
			err = fmt.Errorf("%s: the answer has no %s: %.300s", work, must, body)
		}
		if err != nil {
			return err
		}
		took = append(took, time.Since(begin))
		if bare == "" {
			continue
		}
		begin = time.Now()
		if _, err := c.Scalar(context.Background(), bare); err != nil {
			return err
		}
		engine = append(engine, time.Since(begin))
	}
	reference := "-"
	if bare != "" {
		reference = "a bare statement for least, greatest and sum: " + spread(engine)
	}
	b.add(work, want, spread(took), reference)
	return nil
}

// spread says how long something took.
func spread(took []time.Duration) string {
	slices.Sort(took)
	l := load{took: took}
	return fmt.Sprintf("p50 %s, p90 %s, least %s", ms(l.percentile(50)), ms(l.percentile(90)), ms(l.percentile(0)))
}
