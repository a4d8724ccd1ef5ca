package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// modelKey is what one value of a logged model is the latest of.
type modelKey struct {
	run          track.RunNumber
	key, dataset string
}

// modelValues joins values of a logged model; ids are the runs' ids as far as they are known.
type modelValues struct {
	latest map[modelKey]track.Latest
	ids    map[track.RunNumber]string
}

func (m *modelValues) join(k modelKey, l track.Latest) {
	// Whatever rank measured it: the model is the same.
	l.Rank = 0
	if old, ok := m.latest[k]; !ok || l.Compare(old) > 0 {
		m.latest[k] = l
	}
}

func (m *modelValues) joinSection(s *feed.Section, model string) {
	for i, k := range s.Points.Key {
		c := s.Points.ContextOf(i)
		if c.ModelID != model {
			continue
		}
		m.ids[s.Run] = s.RunID
		m.join(modelKey{s.Run, s.Points.Keys[k], c.Dataset()}, track.Latest{Step: s.Points.Step[i], TimeMS: s.Points.TimeMS[i], Value: s.Points.Value[i]})
	}
}

// ModelMetrics gives the latest values measured for a logged model, per metric, dataset and run.
func (q *Query) ModelMetrics(ctx context.Context, modelID, experiment string) ([]mlflow.Metric, error) {
	number, ok := track.ParseExperimentID(experiment)
	if !ok {
		return nil, nil
	}
	m := modelValues{latest: make(map[modelKey]track.Latest), ids: make(map[track.RunNumber]string)}
	// The tail first. What is in both is joined twice, which changes nothing.
	if err := q.modelTail(ctx, modelID, number, &m); err != nil {
		return nil, err
	}
	stored, err := q.store.ModelMetrics(ctx, modelID, number)
	if err != nil {
		return nil, fmt.Errorf("metrics of model %s: %w", modelID, err)
	}
	for _, v := range stored {
		m.join(modelKey{v.Run, v.Key, v.Dataset}, v.Latest)
	}
	if err := q.nameRuns(ctx, number, &m); err != nil {
		return nil, err
	}
	return m.metrics(modelID), nil
}

func (q *Query) modelTail(ctx context.Context, modelID string, experiment uint32, m *modelValues) error {
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
			if s.Experiment == experiment {
				m.joinSection(s, modelID)
			}
		}
	}
	return nil
}

// nameRuns finds the ids of runs that have a number only: in the hot set, else in ClickHouse.
func (q *Query) nameRuns(ctx context.Context, experiment uint32, m *modelValues) error {
	missing := make(map[track.RunNumber]struct{})
	for k := range m.latest {
		if m.ids[k.run] == "" {
			missing[k.run] = struct{}{}
		}
	}
	for _, r := range q.hot.DirtyRuns() {
		if _, ok := missing[r.Number]; ok {
			m.ids[r.Number] = r.ID
			delete(missing, r.Number)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	numbers := make([]track.RunNumber, 0, len(missing))
	for n := range missing {
		numbers = append(numbers, n)
	}
	ids, err := q.store.RunIDs(ctx, experiment, numbers)
	if err != nil {
		return fmt.Errorf("ids of %d runs: %w", len(numbers), err)
	}
	for n, id := range ids {
		m.ids[n] = id
	}
	return nil
}

func (m *modelValues) metrics(modelID string) []mlflow.Metric {
	out := make([]mlflow.Metric, 0, len(m.latest))
	for k, l := range m.latest {
		name, digest, _ := strings.Cut(k.dataset, "\n")
		out = append(out, mlflow.Metric{
			Key: k.key, Value: l.Value, TimeMS: l.TimeMS, Step: l.Step, RunID: m.ids[k.run],
			Context: track.PointContext{ModelID: modelID, DatasetName: name, DatasetDigest: digest},
		})
	}
	slices.SortFunc(out, func(a, b mlflow.Metric) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Context.Dataset(), b.Context.Dataset()), strings.Compare(a.RunID, b.RunID))
	})
	return out
}
