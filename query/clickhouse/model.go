package clickhouse

import (
	"context"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/models"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// ModelValue is a value that a run measured for a logged model.
type ModelValue struct {
	Model      string
	Experiment uint32
	models.Point
}

type modelRows struct {
	run                 proto.ColUInt64
	experiment          proto.ColUInt32
	model, key, dataset *proto.ColLowCardinality[string]
	step, ts            proto.ColInt64
	v                   proto.ColFloat64
	list                []ModelValue
}

func (r *modelRows) columns() proto.Results {
	r.model, r.key, r.dataset = new(proto.ColStr).LowCardinality(), new(proto.ColStr).LowCardinality(), new(proto.ColStr).LowCardinality()
	return proto.Results{
		{Name: "model", Data: r.model}, {Name: "run", Data: &r.run}, {Name: "experiment", Data: &r.experiment}, {Name: "key", Data: r.key},
		{Name: "dataset", Data: r.dataset}, {Name: "step", Data: &r.step}, {Name: "ts", Data: &r.ts}, {Name: "v", Data: &r.v},
	}
}

func (r *modelRows) reset() { r.list = nil }

func (r *modelRows) take(rows int) error {
	for i := range rows {
		p := models.Point{Key: r.key.Row(i), Dataset: r.dataset.Row(i), Run: r.run[i], TimeMS: r.ts[i], Step: r.step[i], Value: r.v[i]}
		r.list = append(r.list, ModelValue{r.model.Row(i), r.experiment[i], p})
	}
	return nil
}

// ModelMetrics reads the newest values measured for some logged models, at most seriesMax of each metric, dataset
// and run.
func (s *Store) ModelMetrics(ctx context.Context, ids []string, seriesMax int) ([]ModelValue, error) {
	var r modelRows
	err := s.statement(ctx, "model_metrics", params{"models": ids, "max": uint64(seriesMax)}, &r)
	return r.list, err
}

func (d *documents) models() []hot.Model {
	out := make([]hot.Model, 0, len(d.docs))
	for i, doc := range d.docs {
		if m := doc.GetLoggedModel(); m != nil {
			out = append(out, hot.Model{Doc: m, Revision: d.revs[i]})
		}
	}
	return out
}

// Models reads the newest documents of logged models by id; unknown ids are left out.
func (s *Store) Models(ctx context.Context, ids []string) ([]hot.Model, error) {
	var d documents
	err := s.statement(ctx, "models_by_id", params{"ids": ids}, &d)
	return d.models(), err
}

// FoundModel is a model that a search found, with the facts by which it stands in the search's order.
type FoundModel struct {
	hot.Model
	Facts models.Facts
}

// foundModels is a result of documents and their facts.
type foundModels struct {
	documents
	latestRows
	facts []models.Facts
}

func (r *foundModels) columns() proto.Results {
	return append(r.documents.columns(), r.latestRows.columns()...)
}

func (r *foundModels) reset() {
	r.documents.reset()
	r.facts = nil
}

func (r *foundModels) take(rows int) error {
	for i := range rows {
		r.facts = append(r.facts, models.Facts{Latest: r.row(i)})
	}
	return r.documents.take(rows)
}

// SearchModels evaluates a search; what it finds comes in its order.
func (s *Store) SearchModels(ctx context.Context, search *models.Search, page models.Page) ([]FoundModel, error) {
	var r foundModels
	if err := s.compiled(ctx, "search_models", search.SQL("m.document AS doc, m.revision AS rev", page), &r); err != nil {
		return nil, err
	}
	out := make([]FoundModel, 0, len(r.docs))
	for i, doc := range r.docs {
		if m := doc.GetLoggedModel(); m != nil {
			out = append(out, FoundModel{hot.Model{Doc: m, Revision: r.revs[i]}, r.facts[i]})
		}
	}
	return out, nil
}

// latestRows are the columns of the newest points of an order's metrics.
type latestRows struct {
	known    *proto.ColArr[uint8]
	ts, step *proto.ColArr[int64]
	run      *proto.ColArr[uint64]
	value    *proto.ColArr[float64]
}

func (r *latestRows) columns() proto.Results {
	r.known, r.ts, r.step = proto.NewArray(new(proto.ColUInt8)), proto.NewArray(new(proto.ColInt64)), proto.NewArray(new(proto.ColInt64))
	r.run, r.value = proto.NewArray(new(proto.ColUInt64)), proto.NewArray(new(proto.ColFloat64))
	return proto.Results{{Name: "known", Data: r.known}, {Name: "ts", Data: r.ts}, {Name: "step", Data: r.step}, {Name: "run", Data: r.run}, {Name: "value", Data: r.value}}
}

func (r *latestRows) row(i int) (out []models.Latest) {
	ts, step, run, value := r.ts.Row(i), r.step.Row(i), r.run.Row(i), r.value.Row(i)
	for n, k := range r.known.Row(i) {
		l := models.Latest{}
		if k != 0 {
			l = models.Latest{Known: true, TimeMS: ts[n], Step: step[n], Run: run[n], Value: value[n]}
		}
		out = append(out, l)
	}
	return out
}

type factRows struct {
	latestRows
	model   proto.ColStr
	holds   *proto.ColArr[uint8]
	byModel map[string]models.Facts
}

func (r *factRows) columns() proto.Results {
	r.holds = proto.NewArray(new(proto.ColUInt8))
	return append(proto.Results{{Name: "id", Data: &r.model}, {Name: "holds", Data: r.holds}}, r.latestRows.columns()...)
}

func (r *factRows) reset() { r.byModel = make(map[string]models.Facts) }

func (r *factRows) take(rows int) error {
	for i := range rows {
		f := models.Facts{Latest: r.row(i)}
		for _, h := range r.holds.Row(i) {
			f.Holds = append(f.Holds, h != 0)
		}
		r.byModel[r.model.Row(i)] = f
	}
	return nil
}

// ModelFacts reads what a search must know of the stored points of some logged models.
func (s *Store) ModelFacts(ctx context.Context, search *models.Search, ids []string) (map[string]models.Facts, error) {
	var r factRows
	err := s.compiled(ctx, "model_facts", search.FactsSQL(ids), &r)
	return r.byModel, err
}

// RunIDs reads the ids of runs by number.
func (s *Store) RunIDs(ctx context.Context, experiments []uint32, runs []track.RunNumber) (map[track.RunNumber]string, error) {
	r := byRun[string]{name: "id", of: new(proto.ColStr)}
	err := s.statement(ctx, "run_ids", params{"experiments": experiments, "runs": runs}, &r)
	return r.out, err
}
