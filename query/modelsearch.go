package query

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/models"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// The page of a search for logged models. MLflow takes 0 for its store's own default, and knows no maximum.
const (
	modelsDefault     = 50
	modelsDefaultZero = 100
	modelsMax         = 50_000
)

// modelSearch is a parsed logged-models/search.
type modelSearch struct {
	models.Search
	request models.Request
	from    models.Cursor
	max     int
}

func (q *Query) searchModels(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	s, err := parseModelSearch(f)
	if err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	defer q.meter.search()()
	page, next, err := q.findModels(ctx, &s)
	if err != nil {
		return err
	}
	ids := make([]string, len(page))
	for i, m := range page {
		ids[i] = m.GetId()
	}
	metrics, err := q.modelMetrics(ctx, ids)
	if err != nil {
		return err
	}
	return sendModels(c, page, metrics, next)
}

func sendModels(c *fiber.Ctx, page []*sgpb.LoggedModel, metrics map[string][]mlflow.Metric, next string) error {
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ObjStart()
	if len(page) > 0 {
		w.FieldStart("models")
		w.ArrStart()
		for _, m := range page {
			mlflow.EncodeLoggedModel(w, m, metrics[m.GetId()])
		}
		w.ArrEnd()
	}
	if next != "" {
		w.FieldStart("next_page_token")
		w.Str(next)
	}
	w.ObjEnd()
	return sendJSON(c, w.Bytes())
}

func parseModelSearch(f mlflow.Fields) (s modelSearch, err error) {
	if !f.Has("experiment_ids") {
		return s, mlflow.MissingParameter("experiment_ids")
	}
	if s.request.Experiments, err = f.Strings("experiment_ids"); err != nil {
		return s, err
	}
	if s.max, err = modelPage(f); err != nil {
		return s, err
	}
	if s.request.Filter, err = f.String("filter"); err != nil {
		return s, err
	}
	if s.request.Datasets, err = modelDatasets(f); err != nil {
		return s, err
	}
	if s.request.Order, err = modelOrder(f); err != nil {
		return s, err
	}
	s.Datasets = s.request.Datasets
	if s.Where, err = models.Parse(s.request.Filter); err != nil {
		return s, err
	}
	if s.Order, err = models.ParseOrder(s.request.Order); err != nil {
		return s, err
	}
	token, err := f.String("page_token")
	if err != nil {
		return s, err
	}
	if s.from, err = s.request.ParseToken(token, s.Order); err != nil {
		return s, err
	}
	s.Experiments, err = experimentIDs(f)
	return s, err
}

func modelPage(f mlflow.Fields) (int, error) {
	n, err := f.Int64("max_results", modelsDefault)
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		return modelsDefaultZero, nil
	case n < 0 || n > modelsMax:
		return 0, track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter 'max_results' supplied: it must be between 1 and %d", n, modelsMax)
	}
	return int(n), nil
}

func modelDatasets(f mlflow.Fields) (out []models.Dataset, err error) {
	items, err := f.Objects("datasets")
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		var d models.Dataset
		if d.Name, err = it.String("dataset_name"); err != nil {
			return nil, err
		}
		if d.Digest, err = it.String("dataset_digest"); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, models.CheckDatasets(out)
}

func modelOrder(f mlflow.Fields) (out []models.Wish, err error) {
	items, err := f.Objects("order_by")
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		var w models.Wish
		if w.Field, err = it.String("field_name"); err != nil {
			return nil, err
		}
		if w.Ascending, err = it.Bool("ascending", true); err != nil {
			return nil, err
		}
		if w.Dataset.Name, err = it.String("dataset_name"); err != nil {
			return nil, err
		}
		if w.Dataset.Digest, err = it.String("dataset_digest"); err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// modelHit is a model that was found, with its place in the order.
type modelHit struct {
	key models.Key
	doc *sgpb.LoggedModel
}

// findModels finds one page. Models that are newer than ClickHouse, by their document or by points of the tail, are
// evaluated in Go, all others in SQL.
func (q *Query) findModels(ctx context.Context, s *modelSearch) (page []*sgpb.LoggedModel, next string, err error) {
	if err := q.docs.Await(ctx); err != nil {
		return nil, "", behind("documents", err)
	}
	// Both taken before ClickHouse is asked: a model that is in neither is there as it is.
	facts := make(map[string]models.Facts)
	if s.NeedsPoints() {
		err := q.modelTail(ctx, func(_ *feed.Section, model string, p models.Point) {
			f := facts[model]
			s.Observe(&f, p)
			facts[model] = f
		})
		if err != nil {
			return nil, "", err
		}
	}
	newer, err := q.newerModels(ctx, facts)
	if err != nil {
		return nil, "", err
	}
	hits, err := q.matchModels(ctx, s, newer, facts)
	if err != nil {
		return nil, "", err
	}
	except := make([]string, 0, len(newer))
	for id := range newer {
		except = append(except, id)
	}
	stored, err := q.searchStoredModels(ctx, s, except)
	if err != nil {
		return nil, "", err
	}
	page, next = s.cut(append(hits, stored...))
	return page, next, nil
}

// newerModels are the models, by id, that ClickHouse does not have as they are; nil for one that was removed.
func (q *Query) newerModels(ctx context.Context, facts map[string]models.Facts) (map[string]*sgpb.LoggedModel, error) {
	newer := make(map[string]*sgpb.LoggedModel)
	for id, m := range q.hot.RecentModels() {
		newer[id] = m.Doc
	}
	var missing []string
	for id := range facts {
		if _, ok := newer[id]; !ok {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return newer, nil
	}
	docs, err := q.store.Models(ctx, missing)
	if err != nil {
		return nil, fmt.Errorf("read %d models: %w", len(missing), err)
	}
	for _, m := range docs {
		newer[m.Doc.GetId()] = m.Doc
	}
	return newer, nil
}

// matchModels evaluates the search in Go.
func (q *Query) matchModels(ctx context.Context, s *modelSearch, newer map[string]*sgpb.LoggedModel, facts map[string]models.Facts) ([]modelHit, error) {
	var ids []string
	for id, m := range newer {
		if e, ok := track.ParseExperimentID(m.GetExperimentId()); m != nil && ok && slices.Contains(s.Experiments, e) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var stored map[string]models.Facts
	if s.NeedsPoints() {
		var err error
		if stored, err = q.store.ModelFacts(ctx, &s.Search, ids); err != nil {
			return nil, fmt.Errorf("metrics of %d models: %w", len(ids), err)
		}
	}
	var hits []modelHit
	for _, id := range ids {
		f := facts[id]
		f.Join(stored[id])
		if m := newer[id]; s.Match(m, f) {
			hits = append(hits, modelHit{s.Order.Key(m, f), m})
		}
	}
	return hits, nil
}

// searchStoredModels evaluates the search in SQL.
func (q *Query) searchStoredModels(ctx context.Context, s *modelSearch, except []string) ([]modelHit, error) {
	if len(s.Experiments) == 0 {
		return nil, nil
	}
	found, err := q.store.SearchModels(ctx, &s.Search, models.Page{After: s.from.After, Except: except, Limit: s.from.Offset + s.max + 1})
	if err != nil {
		return nil, fmt.Errorf("search models in ClickHouse: %w", err)
	}
	hits := make([]modelHit, len(found))
	for i, m := range found {
		hits[i] = modelHit{s.Order.Key(m.Doc, m.Facts), m.Doc}
	}
	return hits, nil
}

// cut sorts what was found and takes one page; next is the token of the page behind it, if there is one.
func (s *modelSearch) cut(hits []modelHit) (page []*sgpb.LoggedModel, next string) {
	if s.from.After != nil {
		hits = slices.DeleteFunc(hits, func(h modelHit) bool { return s.Order.CompareKeys(h.key, s.from.After) <= 0 })
	}
	slices.SortFunc(hits, func(a, b modelHit) int { return s.Order.CompareKeys(a.key, b.key) })
	hits = hits[min(s.from.Offset, len(hits)):]
	if len(hits) > s.max {
		hits = hits[:s.max]
		next = s.request.Token(s.Order, hits[s.max-1].key)
	}
	for _, h := range hits {
		page = append(page, h.doc)
	}
	return page, next
}
