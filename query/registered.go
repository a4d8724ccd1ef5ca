package query

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/registered"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Registry is what is stored of registered models and versions.
type Registry interface {
	RegisteredModels(ctx context.Context) ([]registered.Document, error)
	ModelVersions(ctx context.Context) ([]registered.Document, error)
	Moves(ctx context.Context, model string, max int) (registered.Moves, error)
}

// NewRegistered makes the set of registered models, which must observe the documents from their watermark on.
func NewRegistered() *registered.Set { return registered.New(registered.Options{}) }

// registryMeter tells Prometheus how full the set is.
type registryMeter struct{ set *registered.Set }

var (
	registeredModels   = prometheus.NewDesc("query_registered_models", "Registered models in memory, deleted ones included.", nil, nil)
	registeredVersions = prometheus.NewDesc("query_registered_versions", "Versions of registered models in memory.", nil, nil)
	registeredBytes    = prometheus.NewDesc("query_registered_bytes", "Estimated size of the versions in memory.", nil, nil)
)

// Describe implements prometheus.Collector.
func (registryMeter) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{registeredModels, registeredVersions, registeredBytes} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m registryMeter) Collect(ch chan<- prometheus.Metric) {
	models, versions, bytes := m.set.Counts()
	for d, v := range map[*prometheus.Desc]float64{registeredModels: float64(models), registeredVersions: float64(versions), registeredBytes: float64(bytes)} {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
}

// startRegistered loads the registry. Documents may be observed before, meanwhile and after.
func (q *Query) startRegistered(ctx context.Context) error {
	models, err := q.store.RegisteredModels(ctx)
	if err != nil {
		return fmt.Errorf("load registered models: %w", err)
	}
	q.registered.Add(models)
	versions, err := q.store.ModelVersions(ctx)
	if err != nil {
		return fmt.Errorf("load versions of registered models: %w", err)
	}
	q.registered.Add(versions)
	return nil
}

func (q *Query) searchRegisteredModels(c *fiber.Ctx) error {
	s, err := q.registrySearch(c, registryRules{filter.ParseModels, filter.ParseModelOrder, mlflow.RegisteredModelsDefault, mlflow.RegisteredModelsMax})
	if err != nil {
		return err
	}
	page, next, err := q.registered.Models(s)
	if err != nil {
		return err
	}
	return sendPage(c, "registered_models", next, len(page), func(w *jx.Encoder, i int) {
		mlflow.EncodeRegisteredModel(w, page[i].Model, page[i].Latest)
	})
}

func (q *Query) searchModelVersions(c *fiber.Ctx) error {
	s, err := q.registrySearch(c, registryRules{filter.ParseVersions, filter.ParseVersionOrder, mlflow.ModelVersionsMax, mlflow.ModelVersionsMax})
	if err != nil {
		return err
	}
	page, next, err := q.registered.Versions(s)
	if err != nil {
		return err
	}
	return sendPage(c, "model_versions", next, len(page), func(w *jx.Encoder, i int) {
		mlflow.EncodeModelVersion(w, mlflow.VersionView{Model: page[i].Model, Version: page[i].Version})
	})
}

// registryRules is what differs between the two searches.
type registryRules struct {
	where    func(string) (filter.Expr, error)
	order    func([]string) (filter.Order, error)
	max, top int64
}

// registrySearch reads a search and waits for what this process had acknowledged.
func (q *Query) registrySearch(c *fiber.Ctx, rules registryRules) (s registered.Search, err error) {
	f, err := parse(c)
	if err != nil {
		return s, err
	}
	n, err := f.Int64("max_results", rules.max)
	switch {
	case err != nil:
		return s, err
	case n > rules.top:
		return s, mlflow.InvalidParameter("max_results", strconv.Quote(strconv.FormatInt(n, 10)), "str")
	case n < 1:
		return s, track.Errorf(track.InvalidParameterValue, "Invalid value for max_results. It must be a positive integer, but got %d", n)
	}
	s.Max = int(n)
	text, err := f.String("filter")
	if err != nil {
		return s, err
	}
	if s.Where, err = rules.where(text); err != nil {
		return s, err
	}
	clauses, err := f.Strings("order_by")
	if err != nil {
		return s, err
	}
	if s.Order, err = rules.order(clauses); err != nil {
		return s, err
	}
	token, err := f.String("page_token")
	if err != nil {
		return s, err
	}
	if s.From, err = s.Order.ParseToken(token); err != nil {
		return s, err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	if err := q.docs.Await(ctx); err != nil {
		return s, behind("documents", err)
	}
	return s, nil
}

// sendPage writes a page; what is empty is left out.
func sendPage(c *fiber.Ctx, field, next string, n int, item func(w *jx.Encoder, i int)) error {
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ObjStart()
	if n > 0 {
		w.FieldStart(field)
		w.ArrStart()
		for i := range n {
			item(w, i)
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

// transitionsMax is how many transitions of a model and changes of its aliases are told, the newest.
const transitionsMax = 10_000

// getTransitions answers who moved which version of a model to which stage, and which alias to which version; the newest first.
func (q *Query) getTransitions(c *fiber.Ctx) error {
	name, err := url.PathUnescape(c.Params("name"))
	if err != nil {
		return track.Errorf(track.InvalidParameterValue, "Invalid value for parameter 'name' in the path: %v", err)
	}
	model := q.registered.ModelByName(name)
	if model == nil {
		return track.Errorf(track.ResourceDoesNotExist, "Registered Model with name=%s not found", name)
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	if err := q.docs.Flush(ctx); err != nil {
		return behind("documents", err)
	}
	found, err := q.store.Moves(ctx, model.GetId(), transitionsMax)
	if err != nil {
		return fmt.Errorf("read transitions: %w", err)
	}
	b, err := json.Marshal(found)
	if err != nil {
		return err
	}
	return sendJSON(c, b)
}
