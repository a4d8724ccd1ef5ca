package documents

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what the loop tells of itself.
type Metrics struct {
	lag, bytes           prometheus.Gauge
	rows, seconds        prometheus.Histogram
	quarantined, retries prometheus.Counter
}

// NewMetrics registers the collectors. A nil registerer registers none.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		lag:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "streamgauge_docs_lag", Help: "Document messages fetched and not yet in ClickHouse."}),
		bytes: prometheus.NewGauge(prometheus.GaugeOpts{Name: "streamgauge_docs_lag_bytes", Help: "Memory of document messages not yet in ClickHouse."}),
		rows: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "streamgauge_docs_lot_rows", Help: "Rows of a lot of documents.", Buckets: prometheus.ExponentialBuckets(1, 4, 9)}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "streamgauge_docs_insert_seconds", Help: "Time to insert a lot, retries included.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}),
		quarantined: prometheus.NewCounter(prometheus.CounterOpts{Name: "streamgauge_docs_quarantined_total", Help: "Document messages sent to quarantine."}),
		retries:     prometheus.NewCounter(prometheus.CounterOpts{Name: "streamgauge_docs_retries_total", Help: "Errors that were tried again."}),
	}
	if r != nil {
		r.MustRegister(m.lag, m.bytes, m.rows, m.seconds, m.quarantined, m.retries)
	}
	return m
}
