package models_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/models"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
)

const (
	worldModels   = 25
	worldPoints   = 120
	worldSearches = 80
)

var (
	someTexts    = []string{"", "a", "A", "b", "aB", "a%", "a_b", "a\\b", "\\", "it's", "é", "É", "two\nlines", "日本", "%", "0.1", "READY"}
	somePattern  = []string{"%", "_", "a%", "%b", "_%", "a_b", "\\%", "É%", "_B", "__", "A%", "", "日_", "%y%"}
	someKeys     = []string{"loss", "acc", "val acc", "a.b", "é"}
	someFloats   = []float64{0, math.Copysign(0, -1), 1, -1.5, 0.1, 0.30000000000000004, 1e308, 5e-324, math.Inf(1), math.Inf(-1), math.NaN(), 3}
	someTimes    = []int64{0, 1, 5, 1_700_000_000_000, 1_700_000_000_001, -3}
	someDatasets = []models.Dataset{{Name: "iris", Digest: "d1"}, {Name: "iris", Digest: "d2"}, {Name: "wine", Digest: "d1"}, {Name: "it's", Digest: "%"}}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// world are random models and points, few enough that values meet.
type world struct {
	*rand.Rand
	docs   []*sgpb.LoggedModel
	points map[string][]models.Point
}

func newWorld(r *rand.Rand) *world {
	w := &world{Rand: r, points: make(map[string][]models.Point)}
	texts := func() map[string]string {
		m := make(map[string]string)
		for range r.IntN(4) {
			m[pick(r, someKeys)] = pick(r, someTexts)
		}
		return m
	}
	for n := range worldModels {
		w.docs = append(w.docs, &sgpb.LoggedModel{
			Id: fmt.Sprintf("m-%032x", n*7%worldModels), ExperimentId: strconv.Itoa(r.IntN(3)), Name: pick(r, someTexts), ModelType: pick(r, someTexts),
			SourceRunId: pick(r, someTexts), Status: sgpb.LoggedModelStatus(1 + r.IntN(3)), StatusMessage: pick(r, someTexts), ArtifactUri: pick(r, someTexts),
			CreatedMs: pick(r, someTimes), UpdatedMs: pick(r, someTimes), Params: texts(), Tags: texts(), Lifecycle: sgpb.Lifecycle(1 + r.IntN(2)*r.IntN(2)),
		})
	}
	for range worldPoints {
		p := models.Point{Key: pick(r, someKeys), Run: 1 + r.Uint64N(3), TimeMS: r.Int64N(3), Step: r.Int64N(3), Value: pick(r, someFloats)}
		if r.IntN(3) > 0 {
			d := pick(r, someDatasets)
			p.Dataset = d.Name + "\n" + d.Digest
		}
		id := pick(r, w.docs).Id
		w.points[id] = append(w.points[id], p)
	}
	return w
}

// write puts the world into the tables, each model also in an older revision.
func (w *world) write(t *testing.T, e *enginetest.Engine) {
	t.Helper()
	exec := func(query string) {
		t.Helper()
		if err := e.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	exec("TRUNCATE TABLE streamgauge.logged_models")
	exec("TRUNCATE TABLE streamgauge.points")
	var rows strings.Builder
	enc := json.NewEncoder(&rows)
	row := func(v map[string]any) {
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	row(map[string]any{"experiment": 0, "id": "", "revision": 99})
	for i, m := range w.docs {
		b, err := proto.Marshal(&sgpb.Document{Body: &sgpb.Document_LoggedModel{LoggedModel: m}})
		if err != nil {
			t.Fatal(err)
		}
		row(map[string]any{"experiment": m.ExperimentId, "id": m.Id, "name": "old", "revision": 1})
		exec(fmt.Sprintf("INSERT INTO streamgauge.logged_models (experiment, id, name, model_type, source_run, status, status_message, lifecycle, artifact_uri, created_ms, updated_ms, params, tags, document, revision) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %d, %d, %s, %s, unhex('%x'), %d)",
			m.ExperimentId, sqlText(m.Id), sqlText(m.Name), sqlText(m.ModelType), sqlText(m.SourceRunId), sqlText(models.StatusName(m.Status)), sqlText(m.StatusMessage),
			sqlText(mlflow.LifecycleName(m.Lifecycle)), sqlText(m.ArtifactUri), m.CreatedMs, m.UpdatedMs, sqlMap(m.Params), sqlMap(m.Tags), b, 10+i))
	}
	exec("INSERT INTO streamgauge.logged_models FORMAT JSONEachRow\n" + rows.String())
	var values []string
	for id, points := range w.points {
		for _, p := range points {
			values = append(values, fmt.Sprintf("(%d, %s, %d, %d, reinterpretAsFloat64(toUInt64(%d)), 1, %s, %s)", p.Run, sqlText(p.Key), p.Step, p.TimeMS, math.Float64bits(p.Value), sqlText(id), sqlText(p.Dataset)))
		}
		values = append(values, "(9, 'acc', 5, 5, 77, 1, '', '')")
	}
	exec("INSERT INTO streamgauge.points (run, key, step, ts, v, experiment, model, dataset) VALUES " + strings.Join(values, ", "))
}

func sqlText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func sqlMap(m map[string]string) string {
	var items []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		items = append(items, sqlText(k), sqlText(m[k]))
	}
	return "CAST(map(" + strings.Join(items, ", ") + "), 'Map(LowCardinality(String), String)')"
}

var (
	numberOps = []filter.Op{filter.Equal, filter.NotEqual, filter.Less, filter.LessEqual, filter.Greater, filter.GreaterEqual}
	textOps   = []filter.Op{filter.Equal, filter.NotEqual, filter.Like, filter.ILike, filter.In, filter.NotIn}
)

func (w *world) clause() models.Clause {
	switch w.IntN(6) {
	case 0, 1, 2:
		return models.Clause{Field: models.Field{Entity: models.Metric, Key: pick(w.Rand, someKeys)}, Op: pick(w.Rand, numberOps), Number: pick(w.Rand, someFloats)}
	case 3:
		c := models.Clause{Field: models.Field{Entity: models.Attribute, Key: pick(w.Rand, []string{models.Created, models.Updated})}, Op: pick(w.Rand, numberOps)}
		c.Number = float64(pick(w.Rand, someTimes)) + pick(w.Rand, []float64{0, 0, 0.5})
		return c
	}
	f := models.Field{Entity: models.Attribute, Key: pick(w.Rand, []string{models.ID, models.Name, models.ModelType, models.Status, models.SourceRun, models.ExperimentID, models.ArtifactURI, models.StatusMessage, models.LifecycleStage})}
	if w.IntN(2) == 0 {
		f = models.Field{Entity: pick(w.Rand, []models.Entity{models.Param, models.Tag}), Key: pick(w.Rand, someKeys)}
	}
	c := models.Clause{Field: f, Op: pick(w.Rand, textOps), Text: pick(w.Rand, someTexts)}
	switch c.Op {
	case filter.Like, filter.ILike:
		c.Text = pick(w.Rand, somePattern)
	case filter.In, filter.NotIn:
		c.List = []string{pick(w.Rand, someTexts), pick(w.Rand, someTexts), pick(w.Rand, w.docs).Id}
	}
	return c
}

func (w *world) search(t *testing.T) (s models.Search, r models.Request) {
	for range w.IntN(3) {
		s.Where = append(s.Where, w.clause())
	}
	for range w.IntN(3) * w.IntN(2) {
		d := pick(w.Rand, someDatasets)
		d.Digest = pick(w.Rand, []string{d.Digest, ""})
		s.Datasets = append(s.Datasets, d)
	}
	for range w.IntN(4) {
		wish := models.Wish{Field: pick(w.Rand, []string{models.Name, models.ModelType, models.Status, models.SourceRun, models.StatusMessage, models.Updated, "creation_time", models.ID, models.ExperimentID}), Ascending: w.IntN(2) == 0}
		if w.IntN(2) == 0 {
			wish.Field = "metrics." + pick(w.Rand, someKeys)
			d := pick(w.Rand, someDatasets)
			wish.Dataset = pick(w.Rand, []models.Dataset{{}, {}, d, {Name: d.Name}, {Digest: d.Digest}})
		}
		r.Order = append(r.Order, wish)
	}
	var err error
	if s.Order, err = models.ParseOrder(r.Order); err != nil {
		t.Fatal(err)
	}
	for _, e := range w.Perm(3)[:1+w.IntN(3)] {
		s.Experiments = append(s.Experiments, uint32(e))
	}
	return s, r
}

// facts gives what the search must know of a model's points, joined of two parts that overlap.
func (w *world) facts(s *models.Search, id string) models.Facts {
	var a, b models.Facts
	for _, p := range w.points[id] {
		part := w.IntN(3)
		if part != 0 {
			s.Observe(&a, p)
		}
		if part != 1 {
			s.Observe(&b, p)
		}
	}
	a.Join(b)
	return a
}

// truth evaluates the search in Go.
func (w *world) truth(s *models.Search, except []string) (ids []string, keys []models.Key) {
	all := make(map[string]models.Key)
	for _, m := range w.docs {
		e, _ := strconv.Atoi(m.ExperimentId)
		if f := w.facts(s, m.Id); slices.Contains(s.Experiments, uint32(e)) && !slices.Contains(except, m.Id) && s.Match(m, f) {
			all[m.Id] = s.Order.Key(m, f)
		}
	}
	ids = slices.SortedFunc(maps.Keys(all), func(a, b string) int { return s.Order.CompareKeys(all[a], all[b]) })
	for _, id := range ids {
		keys = append(keys, all[id])
	}
	return ids, keys
}

// compare reads all pages of a search through their tokens and checks each against Go's answer.
func (w *world) compare(t *testing.T, store *clickhouse.Store) bool {
	t.Helper()
	s, r := w.search(t)
	var except []string
	for range w.IntN(3) {
		except = append(except, pick(w.Rand, w.docs).Id)
	}
	want, keys := w.truth(&s, except)
	limit := 3 + w.IntN(worldModels)
	page := models.Page{Except: except, Limit: limit}
	for from := 0; ; from += limit {
		found, err := store.SearchModels(t.Context(), &s, page)
		if err != nil {
			t.Errorf("%v\n%s", err, s.SQL("m.id", page).Text)
			return false
		}
		got := []string{}
		for i, m := range found {
			got = append(got, m.Doc.GetId())
			if at := from + i; at < len(keys) && s.Order.CompareKeys(s.Order.Key(m.Doc, m.Facts), keys[at]) != 0 {
				t.Errorf("the place of %s is %+v, want %+v", m.Doc.GetId(), m.Facts, keys[at])
			}
		}
		expected := want[min(from, len(want)):min(from+limit, len(want))]
		if !slices.Equal(got, expected) {
			t.Errorf("at %d of %d:\nSQL %q\n Go %q\n%+v\n%s", from, limit, got, expected, s, s.SQL("m.id", page).Text)
			return false
		}
		if len(got) < limit {
			return w.compareFacts(t, store, &s)
		}
		cursor, err := r.ParseToken(r.Token(s.Order, keys[from+limit-1]), s.Order)
		if err != nil {
			t.Error(err)
			return false
		}
		page.After = cursor.After
	}
}

// compareFacts checks what ClickHouse says of the points of all models.
func (w *world) compareFacts(t *testing.T, store *clickhouse.Store, s *models.Search) bool {
	t.Helper()
	var ids []string
	for id := range w.points {
		ids = append(ids, id)
	}
	stored, err := store.ModelFacts(t.Context(), s, ids)
	if err != nil {
		t.Errorf("%v\n%s", err, s.FactsSQL(ids).Text)
		return false
	}
	for _, id := range ids {
		m := w.docs[slices.IndexFunc(w.docs, func(m *sgpb.LoggedModel) bool { return m.Id == id })]
		truth, got := w.facts(s, id), stored[id]
		if s.Match(m, truth) != s.Match(m, got) || s.Order.CompareKeys(s.Order.Key(m, truth), s.Order.Key(m, got)) != 0 {
			t.Errorf("%s: ClickHouse says %+v, Go %+v of %+v\n%s", id, got, truth, s, s.FactsSQL(ids).Text)
			return false
		}
	}
	return true
}

func TestGoAndClickHouseFindTheSameModelsInTheSameOrder(t *testing.T) {
	e := enginetest.Start(t)
	if err := table.Migrate(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	store := clickhouse.New(clickhouse.Options{Addr: e.Addr, Options: ask.Options{User: e.User, Password: e.Password}})
	t.Cleanup(store.Close)
	first, count := uint64(time.Now().UnixNano()), uint64(4)
	if s := os.Getenv("MODELS_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		first, count = n, 1
	}
	for seed := first; seed < first+count; seed++ {
		w := newWorld(rand.New(rand.NewPCG(seed, 1)))
		w.write(t, e)
		for range worldSearches {
			if !w.compare(t, store) {
				t.Fatalf("repeat with MODELS_SEED=%d", seed)
			}
		}
	}
}
