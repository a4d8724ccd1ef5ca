package lane

import "github.com/prometheus/client_golang/prometheus"

// Meter counts what publishers do.
type Meter struct {
	ack        prometheus.Histogram
	frameBytes prometheus.Histogram
	points     prometheus.Counter
	repeated   prometheus.Counter
	writers    prometheus.Counter
	refused    *prometheus.CounterVec
}

// The reasons of refused requests.
const (
	refusedQueue = "queue full"
	refusedLane  = "lane refuses"
	refusedFate  = "fate unknown"
	refusedRate  = "too fast"
)

// NewMeter makes a meter.
func NewMeter() *Meter {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "streamgauge_ingest_" + name, Help: help})
	}
	return &Meter{
		ack: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "streamgauge_ingest_ack_seconds", Help: "Time from a request's points to their acknowledgement by the bus.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 18)}),
		frameBytes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "streamgauge_ingest_frame_bytes", Help: "Size of acknowledged frames.",
			Buckets: prometheus.ExponentialBuckets(128, 4, 8)}),
		points:   counter("points_total", "Acknowledged points."),
		repeated: counter("repeated_appends_total", "Appends of a frame whose fate was unknown."),
		writers:  counter("writers_total", "Writer ids drawn; more than one a lane means that fates stayed unknown."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "streamgauge_ingest_refused_total", Help: "Requests whose points were not acknowledged."}, []string{"reason"}),
	}
}

// Collectors are for registration.
func (m *Meter) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.ack, m.frameBytes, m.points, m.repeated, m.writers, m.refused}
}
