package cli

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// metricColumnsMax beside the fixed columns still fit a wide terminal.
	metricColumnsMax = 6
	// crowdedMetrics: a run with more than these says little about what is worth a column.
	crowdedMetrics = 50
)

// The columns of runs before those of metrics.
const (
	columnName = 1 + iota
	columnExperiment
	columnStatus
	columnStarted
	columnTook
	columnsFixed
)

// runTable lays runs out, with some of their metrics.
func runTable(runs []run, all []experiment, metrics []metricColumn, now time.Time) *table {
	name := map[string]string{}
	for _, e := range all {
		name[e.ID] = e.Name
	}
	t := &table{header: []string{"RUN", "NAME", "EXPERIMENT", "STATUS", "STARTED", "TOOK"}, right: map[int]bool{columnTook: true}}
	for i, m := range metrics {
		t.right[columnsFixed+i] = true
		t.header = append(t.header, m.key)
	}
	t.yield = yields(metrics, sameExperiment(runs))
	for i := range runs {
		r := &runs[i]
		row := []string{
			r.Info.ID[:min(shortID, len(r.Info.ID))], r.Info.Name, cmp.Or(name[r.Info.ExperimentID], r.Info.ExperimentID),
			r.Info.Status, formatTime(r.Info.StartMS), r.took(now),
		}
		for _, c := range metrics {
			cell := ""
			if m, ok := r.metric(c.key); ok {
				cell = formatNumber(float64(m.Value))
			}
			row = append(row, cell)
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// yields says which columns of runs are given up first where there is too little room: metrics but the first two
// that nobody asked for, then what is the same or of least use, and last the metrics that were asked for.
func yields(metrics []metricColumn, same bool) map[int]int {
	y := map[int]int{columnName: 5, columnExperiment: 40, columnTook: 50, columnStarted: 30, columnStatus: 10}
	if same {
		y[columnExperiment] = 60
	}
	for i, m := range metrics {
		switch {
		case m.wanted:
			y[columnsFixed+i] = 1
		case i < 2:
			y[columnsFixed+i] = 20
		default:
			y[columnsFixed+i] = 70
		}
	}
	return y
}

func sameExperiment(runs []run) bool {
	return !slices.ContainsFunc(runs, func(r run) bool { return r.Info.ExperimentID != runs[0].Info.ExperimentID })
}

// shortenStarts leaves year and seconds out.
func shortenStarts(t *table, runs []run) {
	for i := range t.rows {
		if ms := runs[i].Info.StartMS; ms > 0 {
			t.rows[i][columnStarted] = time.UnixMilli(ms).Format("01-02 15:04")
		}
	}
}

// metricColumn is a metric with a column of its own; wanted says that somebody asked for it.
type metricColumn struct {
	key    string
	wanted bool
}

// metricColumns chooses the metrics to show: those named, else those ordered by and then those that most runs
// have. Of equal ones those win whose runs have few metrics: a run with thousands must not choose for all.
func metricColumns(runs []run, orderBy, named []string) []metricColumn {
	var out []metricColumn
	add := func(key string, wanted bool) {
		if !slices.ContainsFunc(out, func(c metricColumn) bool { return c.key == key }) {
			out = append(out, metricColumn{key, wanted})
		}
	}
	for _, key := range named {
		add(strings.TrimPrefix(key, "metrics."), true)
	}
	for _, o := range orderBy {
		if key, ok := orderedMetric(o); ok {
			add(key, true)
		}
	}
	if len(named) > 0 {
		return out
	}
	for _, key := range commonMetrics(runs) {
		if len(out) >= metricColumnsMax {
			break
		}
		add(key, false)
	}
	return out
}

// orderedMetric is the key of an order such as metrics.`val loss` DESC.
func orderedMetric(order string) (string, bool) {
	key, ok := strings.CutPrefix(strings.TrimSpace(order), "metrics.")
	if !ok || key == "" {
		return "", false
	}
	if quote := key[:1]; quote == "`" || quote == `"` {
		key, _, ok = strings.Cut(key[1:], quote)
		return key, ok
	}
	return strings.Fields(key)[0], true
}

// systemPrefix begins the metrics of the machine, which say least of what a run is worth.
const systemPrefix = "system/"

// commonMetrics are the keys by how much they say about the runs.
func commonMetrics(runs []run) []string {
	counts, weights := map[string]int{}, map[string]float64{}
	for _, r := range runs {
		for _, m := range r.Data.Metrics {
			counts[m.Key]++
			weights[m.Key] += 1 / float64(len(r.Data.Metrics))
		}
	}
	of := func(key string) int { // the machine's after all others
		if strings.HasPrefix(key, systemPrefix) {
			return 1
		}
		return 0
	}
	keys := slices.Collect(maps.Keys(counts))
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(of(a), of(b)), counts[b]-counts[a], cmp.Compare(weights[b], weights[a]), strings.Compare(a, b))
	})
	crowded := func(key string) bool { return weights[key] < 1.0/crowdedMetrics }
	if slices.ContainsFunc(keys, func(key string) bool { return !crowded(key) }) {
		keys = slices.DeleteFunc(keys, crowded)
	}
	return keys
}
