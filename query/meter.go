package query

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/sheet"
)

// meter counts for Prometheus.
type meter struct {
	set      *hot.Set
	sheets   *sheet.Set // may be nil
	searches prometheus.Histogram
}

var (
	hotRuns      = prometheus.NewDesc("query_hot_runs", "Runs in the hot set.", nil, nil)
	hotKeys      = prometheus.NewDesc("query_hot_keys", "Latest values in the hot set.", nil, nil)
	hotBytes     = prometheus.NewDesc("query_hot_bytes", "Estimated size of the hot set.", nil, nil)
	hotDirty     = prometheus.NewDesc("query_hot_dirty_runs", "Runs whose newest document is not in ClickHouse yet.", nil, nil)
	hotHits      = prometheus.NewDesc("query_hot_hits_total", "Runs that were asked for and in the hot set.", nil, nil)
	hotMisses    = prometheus.NewDesc("query_hot_misses_total", "Runs that were asked for and not in the hot set.", nil, nil)
	hotEvictions = prometheus.NewDesc("query_hot_evictions_total", "Runs that left the hot set.", nil, nil)

	sheetExperiments = prometheus.NewDesc("query_sheet_experiments", "Experiments that are in memory for searches.", nil, nil)
	sheetBytes       = prometheus.NewDesc("query_sheet_bytes", "Estimated size of the experiments in memory.", nil, nil)
	sheetLoaded      = prometheus.NewDesc("query_sheet_loaded_total", "Experiments that were read into memory.", nil, nil)
	sheetDropped     = prometheus.NewDesc("query_sheet_dropped_total", "Experiments that left memory.", nil, nil)
	sheetTooLarge    = prometheus.NewDesc("query_sheet_too_large_total", "Times that an experiment was found too large for memory.", nil, nil)
	sheetFailed      = prometheus.NewDesc("query_sheet_failed_total", "Times that a large experiment could not be read into memory.", nil, nil)
)

func newMeter(set *hot.Set, sheets *sheet.Set) *meter {
	return &meter{set: set, sheets: sheets, searches: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "query_search_seconds", Help: "Time to find one page of runs and to encode it.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
	})}
}

// search times a search: it is called at its beginning, and what it gives at its end.
func (m *meter) search() func() {
	begin := time.Now()
	return func() { m.searches.Observe(time.Since(begin).Seconds()) }
}

// Collectors are for the process's registry.
func (q *Query) Collectors() []prometheus.Collector {
	return []prometheus.Collector{q.meter, registryMeter{q.registered}}
}

// Describe implements prometheus.Collector.
func (m *meter) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{hotRuns, hotKeys, hotBytes, hotDirty, hotHits, hotMisses, hotEvictions, sheetExperiments, sheetBytes, sheetLoaded, sheetDropped, sheetTooLarge, sheetFailed} {
		ch <- d
	}
	m.searches.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *meter) Collect(ch chan<- prometheus.Metric) {
	s := m.set.Stats()
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	counter := func(d *prometheus.Desc, v uint64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	gauge(hotRuns, float64(s.Runs))
	gauge(hotKeys, float64(s.Keys))
	gauge(hotBytes, float64(s.Bytes))
	gauge(hotDirty, float64(s.Dirty))
	counter(hotHits, s.Hits)
	counter(hotMisses, s.Misses)
	counter(hotEvictions, s.Evictions)
	if m.sheets != nil {
		s := m.sheets.Stats()
		gauge(sheetExperiments, float64(s.Experiments))
		gauge(sheetBytes, float64(s.Bytes))
		counter(sheetLoaded, s.Loaded)
		counter(sheetDropped, s.Dropped)
		counter(sheetTooLarge, s.TooLarge)
		counter(sheetFailed, s.Failed)
	}
	m.searches.Collect(ch)
}
