package incoming

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
	placing "github.com/streamgauge/streamgauge/registry/transfer"
	"github.com/streamgauge/streamgauge/registry/transfer/serve"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

const (
	// batchMax and batchBytesMax bound a request.
	batchMax      = 200
	batchBytesMax = 8 << 20
	// documentBytesMax is what the server takes at most, with room for what is around it.
	documentBytesMax = 31 << 20
)

// item is a document of a request.
type item struct {
	Document json.RawMessage   `json:"document"`
	Changes  []json.RawMessage `json:"changes,omitempty"`
	Of       string            `json:"of,omitempty"`

	doc *sgpb.Document
	id  string
}

// documents places all documents, or asks what would become of them.
func (l *load) documents(ctx context.Context, check bool) error {
	for _, table := range transfer.DocumentTables {
		t := l.manifest.Table(table)
		b := &batch{load: l, table: table, check: check}
		err := sheet.Each(ctx, l.Dir, t, func(r *sheet.Rows) error {
			document, changes, of := r.Texts("document"), r.Lists("changes"), r.Texts("of")
			if r.Err() != nil {
				return r.Err()
			}
			for i := range r.Len {
				if err := b.add(ctx, document(i), changes(i), of(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			err = b.send(ctx)
		}
		if err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
		if o := l.report.Tables[table]; o != nil && !check {
			l.Tell("%-20s %8d new, %d there already, %d refused", table, o.Created, o.Same+o.Matched, o.Refused)
		}
	}
	return nil
}

// batch gathers documents of one table for a request.
type batch struct {
	*load
	table string
	check bool
	items []*item
	bytes int
}

func (b *batch) add(ctx context.Context, document string, changes []string, of string) error {
	it := &item{doc: new(sgpb.Document)}
	if err := protojson.Unmarshal([]byte(document), it.doc); err != nil {
		return fmt.Errorf("%w: a document cannot be read: %v", errDamaged, err)
	}
	it.id = idOf(it.doc, of)
	if b.belongs(it.doc, of) {
		b.report.of(b.table).Refused++
		return nil
	}
	if _, known := b.names.Experiments[of]; b.check && !known && it.doc.GetScorers() != nil {
		b.report.of(b.table).Created++ // its experiment will get an id that nothing has yet
		return nil
	}
	if r := it.doc.GetRun(); r != nil {
		b.runs[number(r.GetId())] = r.GetId()
	}
	it.Of = b.names.Document(it.doc, of)
	raw, err := protojson.Marshal(it.doc)
	if err != nil {
		return fmt.Errorf("encode a document: %w", err)
	}
	it.Document = raw
	size := len(raw)
	for _, c := range changes {
		it.Changes = append(it.Changes, json.RawMessage(c))
		size += len(c)
	}
	if size > documentBytesMax {
		b.refuse(b.table, it.id, fmt.Sprintf("%s is larger than %d MiB, which is more than a request may have", placing.What(it.doc), documentBytesMax>>20))
		return nil
	}
	if len(b.items) == batchMax || b.bytes+size > batchBytesMax {
		if err := b.send(ctx); err != nil {
			return err
		}
	}
	b.items = append(b.items, it)
	b.bytes += size
	return nil
}

// number is that of a run in ClickHouse.
func number(runID string) uint64 {
	if len(runID) < 16 {
		return 0
	}
	n, _ := strconv.ParseUint(runID[:16], 16, 64) // 0 is no run's
	return n
}

// belongs says whether a document is of another that is left out.
func (b *batch) belongs(d *sgpb.Document, of string) bool {
	switch x := d.GetBody().(type) {
	case *sgpb.Document_ModelVersion:
		return b.refused["registered_models"][x.ModelVersion.GetRegisteredModelId()]
	case *sgpb.Document_Approval:
		return b.refused["registered_models"][x.Approval.GetRegisteredModelId()]
	case *sgpb.Document_Endpoint:
		return b.refused["registered_models"][x.Endpoint.GetRegisteredModelId()]
	case *sgpb.Document_EvaluationRecords:
		return b.refused["evaluation_datasets"][of]
	case *sgpb.Document_AlertEvent:
		return b.refused["runs"][x.AlertEvent.GetRunId()]
	}
	return false
}

// idOf tells documents of one table apart.
func idOf(d *sgpb.Document, of string) string {
	switch x := d.GetBody().(type) {
	case *sgpb.Document_Experiment:
		return x.Experiment.GetId()
	case *sgpb.Document_Run:
		return x.Run.GetId()
	case *sgpb.Document_RegisteredModel:
		return x.RegisteredModel.GetId()
	case *sgpb.Document_EvaluationDataset:
		return x.EvaluationDataset.GetId()
	case *sgpb.Document_EvaluationRecords, *sgpb.Document_Scorers:
		return of
	}
	return placing.What(d)
}

// send asks the server to place what is gathered.
func (b *batch) send(ctx context.Context) error {
	if len(b.items) == 0 {
		return nil
	}
	in := map[string]any{"documents": b.items, "check": b.check}
	var out serve.Results
	if err := transfer.Ask(ctx, b.server, "/v1/import", in, &out); err != nil {
		return err
	}
	if len(out.Results) != len(b.items) {
		return fmt.Errorf("the server answered for %d of %d documents", len(out.Results), len(b.items))
	}
	count := b.report.of(b.table)
	for i, r := range out.Results {
		it := b.items[i]
		switch r.Outcome {
		case placing.Created:
			count.Created++
		case placing.Same:
			count.Same++
		case placing.Matched:
			count.Matched++
		default:
			count.Refused++
			b.refuse(b.table, it.id, r.Message)
		}
		if it.doc.GetExperiment() != nil && r.ExperimentID != "" {
			b.names.Experiments[it.id] = r.ExperimentID
		}
	}
	b.items, b.bytes = nil, 0
	return nil
}
