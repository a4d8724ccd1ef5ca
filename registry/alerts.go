package registry

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/streamgauge/streamgauge/registry/alerts"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// AlertRules answers all rules of alerts, without secrets.
func (r *Registry) AlertRules(ctx context.Context) ([]*alert.Rule, error) {
	e, err := r.committer.Load(ctx, document.AlertRules)
	if err != nil {
		return nil, err
	}
	all := e.Doc.GetAlertRules().GetRules()
	out := make([]*alert.Rule, len(all))
	for i, stored := range all {
		if out[i], err = alerts.RuleOf(stored); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// AlertsChanged tells that AlertRules are others than before.
func (r *Registry) AlertsChanged() <-chan struct{} { return r.alertsChanged }

// RecordAlerts stores events of alerts that are not known yet, and has people told of them.
func (r *Registry) RecordAlerts(ctx context.Context, events []*sgpb.AlertEvent) error {
	return r.alerts.Book.Record(ctx, events)
}

// SendAlerts tells people of alerts, until ctx ends.
func (r *Registry) SendAlerts(ctx context.Context) { r.alerts.Run(ctx) }

// Collectors are the registry's metrics.
func (r *Registry) Collectors() []prometheus.Collector { return r.alerts.Collectors() }

func (r *Registry) observeAlerts(docs []feed.Document) {
	for _, d := range docs {
		if d.Key == document.AlertRules {
			select {
			case r.alertsChanged <- struct{}{}:
			default: // it will look anyway
			}
		}
	}
}
