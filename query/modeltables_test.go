package query_test

import (
	"context"
	"slices"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/models"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// putModel writes a logged model's document; apply brings it into the tables, too.
func (r *rig) putModel(m *sgpb.LoggedModel, apply bool) {
	r.revision++
	r.observeDocuments(feed.Document{Key: document.LoggedModelKey(m.Id), Revision: r.revision, Doc: &sgpb.Document{Body: &sgpb.Document_LoggedModel{LoggedModel: m}}})
	if apply {
		r.models[m.Id] = hot.Model{Doc: m, Revision: r.revision}
		r.documentsApplied()
	}
}

func (r *rig) Models(_ context.Context, ids []string) (out []hot.Model, _ error) {
	for _, id := range ids {
		if m, ok := r.models[id]; ok {
			out = append(out, m)
		}
	}
	return out, r.down
}

// modelPoints visits the points of sections that were measured for models.
func modelPoints(sections []*feed.Section, visit func(model string, p models.Point)) {
	for _, s := range sections {
		for i, k := range s.Points.Key {
			if c := s.Points.ContextOf(i); c.ModelID != "" {
				visit(c.ModelID, models.Point{Key: s.Points.Keys[k], Dataset: c.Dataset(), Run: s.Run, TimeMS: s.Points.TimeMS[i], Step: s.Points.Step[i], Value: s.Points.Value[i]})
			}
		}
	}
}

func modelFacts(s *models.Search, sections []*feed.Section) map[string]models.Facts {
	out := make(map[string]models.Facts)
	modelPoints(sections, func(model string, p models.Point) {
		f := out[model]
		s.Observe(&f, p)
		out[model] = f
	})
	return out
}

// SearchModels evaluates in Go what the real store does in SQL; a property test of package models holds them equal.
func (r *rig) SearchModels(_ context.Context, s *models.Search, page models.Page) (out []clickhouse.FoundModel, _ error) {
	facts := modelFacts(s, r.lane[:r.applied])
	for id, m := range r.models {
		e, _ := track.ParseExperimentID(m.Doc.ExperimentId)
		in := slices.Contains(s.Experiments, e) && !slices.Contains(page.Except, id) && s.Match(m.Doc, facts[id])
		if in && (page.After == nil || s.Order.CompareKeys(s.Order.Key(m.Doc, facts[id]), page.After) > 0) {
			out = append(out, clickhouse.FoundModel{Model: m, Facts: facts[id]})
		}
	}
	slices.SortFunc(out, func(a, b clickhouse.FoundModel) int {
		return s.Order.CompareKeys(s.Order.Key(a.Doc, a.Facts), s.Order.Key(b.Doc, b.Facts))
	})
	return out[:min(len(out), page.Limit)], r.down
}

func (r *rig) ModelFacts(_ context.Context, s *models.Search, ids []string) (map[string]models.Facts, error) {
	all := modelFacts(s, r.lane[:r.applied])
	for id := range all {
		if !slices.Contains(ids, id) {
			delete(all, id)
		}
	}
	return all, r.down
}

func (r *rig) ModelMetrics(_ context.Context, ids []string, _ int) (out []clickhouse.ModelValue, _ error) {
	modelPoints(r.lane[:r.applied], func(model string, p models.Point) {
		if slices.Contains(ids, model) {
			out = append(out, clickhouse.ModelValue{Model: model, Point: p})
		}
	})
	return out, r.down
}

func (r *rig) RunIDs(_ context.Context, _ []uint32, runs []track.RunNumber) (map[track.RunNumber]string, error) {
	out := make(map[track.RunNumber]string)
	for id := range r.stored {
		if n, _ := track.ParseRunID(id); slices.Contains(runs, n) {
			out[n] = id
		}
	}
	return out, r.down
}
