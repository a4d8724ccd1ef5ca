package clickhouse

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what inserts tell of themselves. Make one for a process with NewMetrics.
type Metrics struct {
	seconds *prometheus.HistogramVec
	rows    *prometheus.CounterVec
}

// NewMetrics registers the collectors.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "streamgauge_insert_seconds", Help: "Time of one insert, by table.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}, []string{"table"}),
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "streamgauge_insert_rows_total", Help: "Rows inserted, by table, bookkeeping included."}, []string{"table"}),
	}
	r.MustRegister(m.seconds, m.rows)
	return m
}

func (m *Metrics) inserted(table string, rows int, start time.Time) {
	if m == nil {
		return
	}
	m.seconds.WithLabelValues(table).Observe(time.Since(start).Seconds())
	m.rows.WithLabelValues(table).Add(float64(rows))
}
