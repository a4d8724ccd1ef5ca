package query

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/models"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// modelSeriesMax bounds the values of one metric of a model on one dataset by one run that are shown with the
// model. MLflow shows all, with every model of a page; a model is measured a few times, or at every step of a
// training that has a history of its own.
const modelSeriesMax = 100

// modelSeries is what the bound holds for.
type modelSeries struct {
	model, key, dataset string
	run                 track.RunNumber
}

// modelValue is one value; the value is its bits, so that NaN is equal to itself.
type modelValue struct {
	timeMS, step int64
	bits         uint64
}

// modelValues joins values of logged models; what comes twice is one value.
type modelValues struct {
	series map[modelSeries]map[modelValue]struct{}
	// ids are the runs' ids as far as they are known, and experiments those of the others.
	ids         map[track.RunNumber]string
	experiments map[track.RunNumber]uint32
}

func newModelValues() *modelValues {
	return &modelValues{series: make(map[modelSeries]map[modelValue]struct{}), ids: make(map[track.RunNumber]string), experiments: make(map[track.RunNumber]uint32)}
}

func (m *modelValues) add(model string, p models.Point) {
	k := modelSeries{model, p.Key, p.Dataset, p.Run}
	if m.series[k] == nil {
		m.series[k] = make(map[modelValue]struct{})
	}
	m.series[k][modelValue{p.TimeMS, p.Step, math.Float64bits(p.Value)}] = struct{}{}
}

// ModelMetrics gives the values measured for a logged model.
func (q *Query) ModelMetrics(ctx context.Context, modelID string) ([]mlflow.Metric, error) {
	byModel, err := q.modelMetrics(ctx, []string{modelID})
	return byModel[modelID], err
}

func (q *Query) modelMetrics(ctx context.Context, ids []string) (map[string][]mlflow.Metric, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	m := newModelValues()
	// The tail first. What is in both is joined twice, which changes nothing.
	err := q.modelTail(ctx, func(s *feed.Section, model string, p models.Point) {
		if slices.Contains(ids, model) {
			m.ids[s.Run] = s.RunID
			m.add(model, p)
		}
	})
	if err != nil {
		return nil, err
	}
	stored, err := q.store.ModelMetrics(ctx, ids, modelSeriesMax)
	if err != nil {
		return nil, fmt.Errorf("metrics of %d models: %w", len(ids), err)
	}
	for _, v := range stored {
		m.add(v.Model, v.Point)
		m.experiments[v.Run] = v.Experiment
	}
	if err := q.nameRuns(ctx, m); err != nil {
		return nil, err
	}
	return m.metrics(), nil
}

// modelTail visits every point of the tail that was measured for a model.
func (q *Query) modelTail(ctx context.Context, visit func(s *feed.Section, model string, p models.Point)) error {
	touched, err := q.tail.Runs(ctx)
	if err != nil {
		return behind("points", err)
	}
	for _, id := range touched {
		run, ok := track.ParseRunID(id)
		if !ok {
			continue
		}
		snapshot, err := q.tail.Run(ctx, run)
		if err != nil {
			return behind("points", err)
		}
		for _, s := range snapshot.Sections {
			for i, k := range s.Points.Key {
				if c := s.Points.ContextOf(i); c.ModelID != "" {
					visit(s, c.ModelID, models.Point{
						Key: s.Points.Keys[k], Dataset: c.Dataset(), Run: s.Run, TimeMS: s.Points.TimeMS[i], Step: s.Points.Step[i], Value: s.Points.Value[i],
					})
				}
			}
		}
	}
	return nil
}

// nameRuns finds the ids of runs that have a number only: in the hot set, else in ClickHouse.
func (q *Query) nameRuns(ctx context.Context, m *modelValues) error {
	maps.DeleteFunc(m.experiments, func(r track.RunNumber, _ uint32) bool { return m.ids[r] != "" })
	for _, r := range q.hot.DirtyRuns() {
		if _, ok := m.experiments[r.Number]; ok {
			m.ids[r.Number] = r.ID
			delete(m.experiments, r.Number)
		}
	}
	if len(m.experiments) == 0 {
		return nil
	}
	experiments := slices.Compact(slices.Sorted(maps.Values(m.experiments)))
	ids, err := q.store.RunIDs(ctx, experiments, slices.Collect(maps.Keys(m.experiments)))
	if err != nil {
		return fmt.Errorf("ids of %d runs: %w", len(m.experiments), err)
	}
	maps.Copy(m.ids, ids)
	return nil
}

// metrics are the newest values of each series, by model, in order of metric and time.
func (m *modelValues) metrics() map[string][]mlflow.Metric {
	out := make(map[string][]mlflow.Metric)
	for k, values := range m.series {
		newest := slices.SortedFunc(maps.Keys(values), func(a, b modelValue) int {
			return cmp.Or(cmp.Compare(a.timeMS, b.timeMS), cmp.Compare(a.step, b.step), cmp.Compare(a.bits, b.bits))
		})
		name, digest, _ := strings.Cut(k.dataset, "\n")
		for _, v := range newest[max(0, len(newest)-modelSeriesMax):] {
			out[k.model] = append(out[k.model], mlflow.Metric{
				Key: k.key, Value: math.Float64frombits(v.bits), TimeMS: v.timeMS, Step: v.step, RunID: m.ids[k.run],
				Context: track.PointContext{ModelID: k.model, DatasetName: name, DatasetDigest: digest},
			})
		}
	}
	for _, metrics := range out {
		slices.SortFunc(metrics, func(a, b mlflow.Metric) int {
			return cmp.Or(strings.Compare(a.Key, b.Key), cmp.Compare(a.TimeMS, b.TimeMS), cmp.Compare(a.Step, b.Step),
				strings.Compare(a.Context.Dataset(), b.Context.Dataset()), strings.Compare(a.RunID, b.RunID), cmp.Compare(a.Value, b.Value))
		})
	}
	return out
}

var _ Models = (*clickhouse.Store)(nil)
