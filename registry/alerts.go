package registry

import (
	"context"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/streamgauge/streamgauge/registry/alerts"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// AlertRules answers the rules of alerts that can be judged by, without secrets. What cannot be read is told once.
func (r *Registry) AlertRules(ctx context.Context) ([]*alert.Rule, error) {
	e, err := r.committer.Load(ctx, document.AlertRules)
	if err != nil {
		return nil, err
	}
	all := e.Doc.GetAlertRules().GetRules()
	out := make([]*alert.Rule, 0, len(all))
	for _, stored := range all {
		rule, err := alerts.Usable(stored)
		if err != nil {
			r.alerts.Unreadable(alerts.RuleName(stored), err)
			continue
		}
		out = append(out, rule)
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
		switch {
		case d.Key == document.AlertRules:
			select {
			case r.alertsChanged <- struct{}{}:
			default: // it will look anyway
			}
		case strings.HasPrefix(d.Key, document.AlertImportedPrefix) && d.Doc.GetAlertEvent() != nil:
			r.alerts.Book.Imported(d.Doc.GetAlertEvent())
		}
	}
}
