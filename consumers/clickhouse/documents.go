package clickhouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/consumers/documents"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// Documents writes lots of documents. It implements documents.Sink.
type Documents struct {
	client *Client
	// over is the connection that the watermark was read over.
	over int
}

var _ documents.Sink = (*Documents)(nil)

// NewDocuments has a connection of its own.
func NewDocuments(c Config) *Documents { return &Documents{client: NewClient(c.bounded())} }

// Close ends the connection.
func (d *Documents) Close() error { return d.client.Close() }

// Write implements documents.Sink.
func (d *Documents) Write(ctx context.Context, l *documents.Lot) error {
	if c := d.client.connection(); c == 0 || c != d.over {
		return documents.ErrNewConnection
	}
	for _, t := range []struct {
		name string
		rows int
		in   proto.Input
	}{
		{"quarantine", l.Quarantine.Rows(), l.Quarantine.Input()},
		{"experiments", l.Experiments.Rows(), l.Experiments.Input()},
		{"runs", l.Runs.Rows(), l.Runs.Input()},
		{"logged_models", l.Models.Rows(), l.Models.Input()},
		{"registered_models", l.Registered.Rows(), l.Registered.Input()},
		{"model_versions", l.Versions.Rows(), l.Versions.Input()},
		{"endpoints", l.Endpoints.Rows(), l.Endpoints.Input()},
		{"approvals", l.Approvals.Rows(), l.Approvals.Input()},
		{"alert_events", l.AlertEvents.Rows(), l.AlertEvents.Input()},
		{"history", l.History.Rows(), l.History.Input()},
		{"lineage", l.Lineage.Rows(), l.Lineage.Input()},
	} {
		if t.rows == 0 {
			continue
		}
		if err := insert(ctx, d.client, t.name, t.in, insertSettings, ""); err != nil {
			return err
		}
	}
	return nil
}

// Watermark implements documents.Sink.
func (d *Documents) Watermark(ctx context.Context) (uint64, error) {
	w, err := d.client.Scalar(ctx, fmt.Sprintf(`
		SELECT assumeNotNull(least( -- a scalar subquery is nullable, these are never null
			(SELECT max(revision) FROM %[1]s.runs WHERE experiment = 0 AND run_id = ''),
			(SELECT max(revision) FROM %[1]s.experiments WHERE id = ''),
			(SELECT max(revision) FROM %[1]s.logged_models WHERE experiment = 0 AND id = ''),
			(SELECT max(revision) FROM %[1]s.registered_models WHERE id = ''),
			(SELECT max(revision) FROM %[1]s.model_versions WHERE model = ''),
			(SELECT max(revision) FROM %[1]s.endpoints WHERE id = ''),
			(SELECT max(revision) FROM %[1]s.approvals WHERE model = ''),
			(SELECT max(revision) FROM %[1]s.alert_events WHERE id = ''),
			(SELECT max(revision) FROM %[1]s.history WHERE document = ''),
			(SELECT max(revision) FROM %[1]s.lineage WHERE node = ''))) AS x`, table.Database))
	if err != nil {
		return 0, fmt.Errorf("read watermarks of documents: %w", err)
	}
	d.over = d.client.connection()
	return w, nil
}
