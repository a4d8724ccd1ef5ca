package consumers

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what the loops tell of themselves. Make one for a process with NewMetrics.
type Metrics struct {
	lagFrames, lagBytes, tailBytes, writerHoles *prometheus.GaugeVec
	batchRows                                   *prometheus.HistogramVec
	insertSeconds, buildSeconds                 *prometheus.HistogramVec
	quarantined, repeats, holes, retries, burnt *prometheus.CounterVec
	rewinds                                     *prometheus.CounterVec
}

// NewMetrics registers the collectors of all lanes. A nil registerer registers none.
func NewMetrics(r prometheus.Registerer) *Metrics {
	lane := []string{"lane"}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, lane)
	}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, lane)
	}
	seconds := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}, lane)
	}
	m := &Metrics{
		lagFrames:   gauge("streamgauge_lane_lag_frames", "Frames on the log that are not yet in ClickHouse."),
		lagBytes:    gauge("streamgauge_lane_lag_bytes", "Bytes on the bus of the fetched frames that are not yet in ClickHouse."),
		tailBytes:   gauge("streamgauge_lane_tail_bytes", "Memory of the tail."),
		writerHoles: gauge("streamgauge_lane_writer_gaps", "Frame numbers missing between numbers seen, as ranges."),
		batchRows: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "streamgauge_lane_batch_rows", Help: "Points in a batch.", Buckets: prometheus.ExponentialBuckets(1, 4, 11)}, lane),
		insertSeconds: seconds("streamgauge_lane_insert_seconds", "Time from cutting a batch to its marker, retries included."),
		buildSeconds:  seconds("streamgauge_lane_build_seconds", "Time to merge the frames of a batch."),
		quarantined:   counter("streamgauge_lane_quarantined_total", "Messages and sections sent to quarantine."),
		repeats:       counter("streamgauge_lane_repeats_total", "Frames dropped because their number was seen before."),
		holes:         counter("streamgauge_lane_log_gaps_total", "Sequences that the log skipped."),
		retries:       counter("streamgauge_lane_retries_total", "Errors that were tried again."),
		burnt:         counter("streamgauge_lane_burnt_tokens_total", "Inserts that the engine answered well and did not keep."),
		rewinds:       counter("streamgauge_lane_rewinds_total", "Times that the bus was found restored from an older copy."),
	}
	if r != nil {
		r.MustRegister(m.lagFrames, m.lagBytes, m.tailBytes, m.writerHoles, m.batchRows, m.insertSeconds, m.buildSeconds,
			m.quarantined, m.repeats, m.holes, m.retries, m.burnt, m.rewinds)
	}
	return m
}

// laneMetrics are the metrics of one lane.
type laneMetrics struct {
	lagFrames, lagBytes, tailBytes, writerHoles prometheus.Gauge
	batchRows, insertSeconds, buildSeconds      prometheus.Observer
	quarantined, repeats, holes, retries, burnt prometheus.Counter
	rewinds                                     prometheus.Counter
}

func (m *Metrics) lane(number uint16) laneMetrics {
	if m == nil {
		m = NewMetrics(nil)
	}
	l := strconv.Itoa(int(number))
	return laneMetrics{
		lagFrames: m.lagFrames.WithLabelValues(l), lagBytes: m.lagBytes.WithLabelValues(l),
		tailBytes: m.tailBytes.WithLabelValues(l), writerHoles: m.writerHoles.WithLabelValues(l),
		batchRows: m.batchRows.WithLabelValues(l), insertSeconds: m.insertSeconds.WithLabelValues(l), buildSeconds: m.buildSeconds.WithLabelValues(l),
		quarantined: m.quarantined.WithLabelValues(l), repeats: m.repeats.WithLabelValues(l),
		holes: m.holes.WithLabelValues(l), retries: m.retries.WithLabelValues(l), burnt: m.burnt.WithLabelValues(l), rewinds: m.rewinds.WithLabelValues(l),
	}
}

func since(o prometheus.Observer, start time.Time) { o.Observe(time.Since(start).Seconds()) }
