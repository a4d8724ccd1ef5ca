package clickhouse

import (
	"context"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// ModelValue is the latest value measured for a logged model by one run on one dataset.
type ModelValue struct {
	Run     track.RunNumber
	Key     string
	Dataset string
	Latest  track.Latest
}

type modelRows struct {
	run      proto.ColUInt64
	key      *proto.ColLowCardinality[string]
	dataset  *proto.ColLowCardinality[string]
	step, ts proto.ColInt64
	v        proto.ColFloat64
	list     []ModelValue
}

func (r *modelRows) columns() proto.Results {
	r.key, r.dataset = new(proto.ColStr).LowCardinality(), new(proto.ColStr).LowCardinality()
	return proto.Results{{Name: "run", Data: &r.run}, {Name: "key", Data: r.key}, {Name: "dataset", Data: r.dataset}, {Name: "at_step", Data: &r.step}, {Name: "at", Data: &r.ts}, {Name: "value", Data: &r.v}}
}

func (r *modelRows) reset() { r.list = nil }

func (r *modelRows) take(rows int) error {
	for i := range rows {
		r.list = append(r.list, ModelValue{r.run[i], r.key.Row(i), r.dataset.Row(i), track.Latest{Step: r.step[i], TimeMS: r.ts[i], Value: r.v[i]}})
	}
	return nil
}

// ModelMetrics reads the latest values measured for a logged model.
func (s *Store) ModelMetrics(ctx context.Context, model string, experiment uint32) ([]ModelValue, error) {
	var r modelRows
	err := s.statement(ctx, "model_metrics", params{"model": model, "experiment": uint64(experiment)}, &r)
	return r.list, err
}

type idRows struct {
	run proto.ColUInt64
	id  proto.ColStr
	ids map[track.RunNumber]string
}

func (r *idRows) columns() proto.Results {
	return proto.Results{{Name: "run", Data: &r.run}, {Name: "id", Data: &r.id}}
}

func (r *idRows) reset() { r.ids = make(map[track.RunNumber]string) }

func (r *idRows) take(rows int) error {
	for i := range rows {
		r.ids[r.run[i]] = r.id.Row(i)
	}
	return nil
}

// RunIDs reads the ids of runs by number.
func (s *Store) RunIDs(ctx context.Context, experiment uint32, runs []track.RunNumber) (map[track.RunNumber]string, error) {
	var r idRows
	err := s.statement(ctx, "run_ids", params{"experiment": uint64(experiment), "runs": runs}, &r)
	return r.ids, err
}
