package follow

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Metrics are what a follower tells of itself.
type Metrics struct {
	fired, resolved              *prometheus.CounterVec
	notJudged, gaps, interrupted prometheus.Counter
	states                       prometheus.Gauge
}

// NewMetrics registers the collectors. A nil registerer registers none.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	byKind := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"kind"})
	}
	m := &Metrics{
		fired:       byKind("streamgauge_alerts_fired_total", "Times that rules fired, those included that are found again after a crash."),
		resolved:    byKind("streamgauge_alerts_resolved_total", "Times that what had fired was over."),
		notJudged:   counter("streamgauge_alerts_not_judged_total", "Sections of points that were not judged because too many series have a state."),
		gaps:        counter("streamgauge_alerts_gap_frames_total", "Frames that were purged before they were judged."),
		interrupted: counter("streamgauge_alerts_interrupted_total", "Times that judging began again at its last snapshot after an error."),
		states:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "streamgauge_alerts_states", Help: "Series of which something is remembered."}),
	}
	if r != nil {
		r.MustRegister(m.fired, m.resolved, m.notJudged, m.gaps, m.interrupted, m.states)
	}
	return m
}

func (m *Metrics) found(e *sgpb.AlertEvent) {
	if e.GetResolved() {
		m.resolved.WithLabelValues(e.GetKind()).Inc()
		return
	}
	m.fired.WithLabelValues(e.GetKind()).Inc()
}
