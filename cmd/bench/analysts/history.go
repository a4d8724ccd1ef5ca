package analysts

import (
	"fmt"
	"strings"
	"time"
)

// History says how much there is.
type History struct {
	// Points are those of the many runs together; the long run and the one with ranks come on top.
	Points, Runs int
}

const (
	// days is how far the history goes back; runs begin evenly over them.
	days = 90
	// stepMS is the time of a step.
	stepMS = 10_000
	// experiments have the runs in turn, so many at a time.
	experiments, runsInARow = 100, 20
	// ranks of the run that has some, and what part of all points it has, as the long run has.
	ranks, part = 64, 100
	// models are registered, with so many versions each.
	models, versions = 1_000, 10
	// batchMS is the time between batches.
	batchMS, otherLane = 30_000, 1
	// lines of console that one run has.
	lines = 100_000
	// pointsAtOnce are inserted with one statement.
	pointsAtOnce = 50_000_000
	// block is what one part gets at first: as many rows as a batch of the consumers has when much comes in.
	block = 1 << 20
)

// keys are logged by every run at every step.
var keys = []string{
	"loss", "accuracy", "grad_norm", "lr", "step_seconds", "data_seconds", "comm_seconds",
	"system/gpu_0_utilization_percentage", "system/cpu_utilization_percentage", "system/system_memory_usage_megabytes",
}

// Names of the two runs that are not like the others.
const (
	longRun   = "long run"
	rankedRun = "run with ranks"
)

// steps of each of the many runs.
func (h History) steps() int { return max(h.Points/h.Runs/len(keys), 1) }

// statements fill the tables. Runs are numbered from 0; the long one and that with ranks are the last two.
func (h History) statements(now time.Time) []string {
	out := []string{
		fmt.Sprintf(`INSERT INTO streamgauge.experiments (id, name, lifecycle, created_ms, updated_ms, revision)
			SELECT toString(number + 1), concat('experiment ', toString(number + 1)), 'active', %[1]d, %[1]d + number, 1 FROM numbers(%[2]d)`,
			now.AddDate(0, 0, -days).UnixMilli(), experiments),
		h.runs(now), h.latest(now), h.markers(now),
	}
	out = append(append(out, h.registry(now)...), h.lineage(now)...)
	steps, runs := h.steps(), max(pointsAtOnce/len(keys)/h.steps(), 1)
	for from := 0; from < h.Runs; from += runs {
		out = append(out, h.points(now, rows{from: from, runs: min(runs, h.Runs-from), ranks: 1, keys: keys, steps: steps, stepMS: stepMS}))
	}
	long, ranked := max(h.Points/part, 1), max(h.Points/part/len(keys)/ranks, 1)
	return append(out,
		h.points(now, rows{from: h.Runs, runs: 1, ranks: 1, keys: keys[:1], steps: long, stepMS: dayMS / float64(long)}),
		h.points(now, rows{from: h.Runs + 1, runs: 1, ranks: ranks, keys: keys, steps: ranked, stepMS: dayMS / float64(ranked)}),
		fmt.Sprintf(`INSERT INTO streamgauge.console (run, ts, rank, attempt, stream, number, text, experiment)
			WITH %d AS n, %s SELECT run, started + number * 100, 0, 0, 1, number + 1, concat('step ', toString(number), ' of the training'), experiment FROM numbers(%d)`,
			h.Runs+1, h.facts(now), lines))
}

const dayMS = 86_400_000

// facts are expressions of what a run's number n says. Runs begin evenly; the two special ones a day ago.
func (h History) facts(now time.Time) string {
	return fmt.Sprintf(`lower(hex(sipHash128(toUInt64(n)))) AS run_id, sgRun(run_id) AS run, toUInt32(intDiv(n, %d) %% %d + 1) AS experiment,
		toInt64(%d) AS now_ms, toInt64(now_ms - if(n < %d, %d - intDiv(toUInt64(n) * %d, %d), %d)) AS started`,
		runsInARow, experiments, now.UnixMilli(), h.Runs, int64(days)*dayMS, int64(days)*dayMS, h.Runs, dayMS)
}

func list(texts []string) string { return "['" + strings.Join(texts, "','") + "']" }

// rows of one insert: every step of every key of every rank of consecutive runs.
type rows struct {
	from, runs, ranks, steps int
	keys                     []string
	stepMS                   float64
}

// stepsAtOnce of a series are made of one row, so that no block is much larger than a batch.
const stepsAtOnce = 100_000

// points inserts rows; what is the same for a whole run is computed once for it. What lies in the future has not been logged yet.
func (h History) points(now time.Time, r rows) string {
	some := min(r.steps, stepsAtOnce)
	return fmt.Sprintf(`INSERT INTO streamgauge.points (run, key, rank, attempt, step, ts, v, experiment, lane, month)
		SELECT run, key_, rank_, 0, step_, toInt64(started + step_ * %[1]g) AS ts_, 1 / (1 + step_ / 100) + (rand() %% 1000) / 1e4 + rank_ / 1e3, experiment, 0, toYYYYMM(fromUnixTimestamp64Milli(ts_))
		FROM (
			SELECT run, experiment, started, now_ms, key_, rank_, first_
			FROM (WITH %[2]d + number AS n, %[3]s SELECT run, experiment, started, now_ms FROM numbers(%[4]d))
			ARRAY JOIN %[5]s AS key_
			ARRAY JOIN range(toUInt32(%[6]d)) AS rank_
			ARRAY JOIN range(toInt64(0), toInt64(%[7]d), toInt64(%[8]d)) AS first_
		)
		ARRAY JOIN range(first_, least(first_ + %[8]d, toInt64(%[7]d))) AS step_
		WHERE ts_ <= now_ms
		SETTINGS max_insert_threads = 1, max_block_size = 65536, max_insert_block_size = %[9]d, min_insert_block_size_rows = %[9]d, min_insert_block_size_bytes = 0`,
		r.stepMS, r.from, h.facts(now), r.runs, list(r.keys), r.ranks, r.steps, some, block)
}

func (h History) runs(now time.Time) string {
	return fmt.Sprintf(`INSERT INTO streamgauge.runs (experiment, run_id, run, name, user, status, lifecycle, start_ms, end_ms, params, tags,
			dataset_names, dataset_digests, dataset_contexts, ranks, revision)
		WITH number AS n, %[1]s, n >= %[2]d OR started + %[3]d > now_ms AS goes_on
		SELECT experiment, run_id, run, multiIf(n = %[2]d, '%[4]s', n = %[2]d + 1, '%[5]s', concat('run ', toString(n))), concat('user ', toString(n %% 40)),
			multiIf(goes_on, 'RUNNING', n %% 33 = 1, 'FAILED', n %% 50 = 2, 'KILLED', 'FINISHED'), 'active', started, if(goes_on, 0, started + %[3]d),
			map('lr', toString((n %% 97) / 1000), 'batch', toString(pow(2, 4 + n %% 6)), 'optimizer', ['adam', 'sgd', 'lion'][n %% 3 + 1], 'seed', toString(n)),
			map('mlflow.source.name', 'train.py', 'mlflow.source.git.commit', %[8]s, 'streamgauge.host', concat('node ', toString(n %% 60)), 'team', 'vision'),
			[%[9]s], [toString(n %% %[10]d)], ['training'], if(n = %[2]d + 1, %[6]d, 0), n + 2
		FROM numbers(%[7]d)`, h.facts(now), h.Runs, h.steps()*stepMS, longRun, rankedRun, ranks, h.Runs+2, commit, dataset, datasets)
}

// markers are those of batches that the points might have come in. Their lane is one that the server does not read, for to the lane
// that it has they would say that the table is ahead of the bus.
func (h History) markers(now time.Time) string {
	batches := int64(days) * dayMS / batchMS
	return fmt.Sprintf(`INSERT INTO streamgauge.points (run, key, rank, attempt, step, ts, v, experiment, lane, batch, seq, month)
		SELECT 0, '', 0, %[1]d, number + 1, toInt64(%[2]d + number * %[3]d) AS ts_, %[4]d, 0, %[1]d, number + 1, number + 1, toYYYYMM(fromUnixTimestamp64Milli(ts_))
		FROM numbers(%[5]d)`, otherLane, now.UnixMilli()-batches*batchMS, batchMS, int64(h.Points)/batches, batches)
}

func (h History) latest(now time.Time) string {
	return fmt.Sprintf(`INSERT INTO streamgauge.latest (experiment, key, run, value)
		WITH number AS n, %s, if(n < %d, least(%d, intDiv(now_ms - started, %[4]d)), %[3]d) AS steps
		SELECT experiment, key, run, (toInt64(0), toInt64(steps), if(n < %[2]d, started + steps * %[4]d, now_ms), 1 / (1 + n %% 1000), 1 / (1 + n %% 1000))
		FROM numbers(%[5]d) ARRAY JOIN %[6]s AS key`, h.facts(now), h.Runs, h.steps()-1, stepMS, h.Runs+2, list(keys))
}
