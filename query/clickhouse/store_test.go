package clickhouse_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/models"
	"github.com/streamgauge/streamgauge/query/registered"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
	"github.com/streamgauge/streamgauge/schemas/views"
)

// rig is an engine with our tables, and a store over it.
type rig struct {
	*enginetest.Engine
	store *clickhouse.Store
}

func start(t *testing.T, e *enginetest.Engine) rig {
	t.Helper()
	if err := table.Migrate(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if err := views.Apply(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	s := clickhouse.New(clickhouse.Options{
		Addr: e.Addr, Options: ask.Options{
			HTTPAddr: e.HTTPAddr, User: e.User, Password: e.Password, ReaderUser: "reader", ReaderPassword: e.ReaderPassword,
			ConfinedUser: "confined", ConfinedPassword: e.ConfinedPassword, RowsToReadMax: 1_000_000,
		},
	})
	t.Cleanup(s.Close)
	return rig{e, s}
}

func (r rig) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if err := r.Exec(t.Context(), fmt.Sprintf(query, args...)); err != nil {
		t.Fatal(err)
	}
}

func (r rig) insertRun(t *testing.T, run *sgpb.Run, revision uint64) {
	t.Helper()
	b, err := proto.Marshal(&sgpb.Document{Body: &sgpb.Document_Run{Run: run}})
	if err != nil {
		t.Fatal(err)
	}
	number, _ := track.ParseRunID(run.GetId())
	r.exec(t, "INSERT INTO streamgauge.runs (experiment, run_id, run, name, lifecycle, start_ms, document, revision) VALUES (%s, '%s', %d, '%s', 'active', %d, base64Decode('%s'), %d)",
		run.GetExperimentId(), run.GetId(), number, run.GetName(), run.GetStartMs(), base64.StdEncoding.EncodeToString(b), revision)
}

func runID(n int) string { return fmt.Sprintf("%016x%016x", 0xabc000+n, n) }

func number(n int) track.RunNumber { return track.RunNumber(0xabc000 + n) }

func TestDocumentsAreReadInTheirNewestRevision(t *testing.T) {
	r := start(t, enginetest.Start(t))
	const experiment = 71
	for i := range 3 {
		r.insertRun(t, &sgpb.Run{Id: runID(i), ExperimentId: "71", Name: "old"}, 1)
		r.insertRun(t, &sgpb.Run{Id: runID(i), ExperimentId: "71", Name: "new", StartMs: int64(i)}, 2)
	}
	r.exec(t, "INSERT INTO streamgauge.runs (experiment, run_id, revision) VALUES (0, '', 9)")
	check := func(what string, docs []hot.Document, err error, want int) {
		t.Helper()
		if err != nil || len(docs) != want {
			t.Fatalf("%s: %d documents, %v", what, len(docs), err)
		}
		for _, d := range docs {
			if d.Run.GetName() != "new" || d.Revision != 2 {
				t.Errorf("%s: %v of revision %d", what, d.Run, d.Revision)
			}
		}
	}
	ctx := t.Context()
	docs, err := r.store.Runs(ctx, []string{runID(0), runID(2), runID(99), "it's \\ not\tan id"})
	check("by id", docs, err, 2)
	var all []hot.Document
	err = r.store.ExperimentRuns(ctx, experiment, func(some []hot.Document) error {
		all = append(all, some...)
		return nil
	})
	check("of the experiment", all, err, 3)
	if n, err := r.store.ExperimentSize(ctx, experiment); err != nil || n != 3 {
		t.Errorf("size: %d, %v", n, err)
	}
	enough := errors.New("enough")
	if err := r.store.ExperimentRuns(ctx, experiment, func([]hot.Document) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("a visitor that has enough: %v", err)
	}
	r.exec(t, "INSERT INTO streamgauge.latest VALUES (%d, 'loss', %d, (0, 1, 1, 0.5, 0.5))", experiment, number(2))
	for by, want := range map[string][2]int{"start_time ASC": {0, 2}, "metrics.loss DESC": {2, 0}} {
		order, err := filter.ParseRunOrder([]string{by})
		if err != nil {
			t.Fatal(err)
		}
		found, err := r.store.SearchRuns(ctx, filter.RunSearch{Experiments: []uint32{experiment}, View: filter.ActiveOnly, Order: order, Except: []string{runID(1)}, Limit: 10})
		if err != nil || len(found) != 2 || found[0].Run.GetId() != runID(want[0]) || found[1].Run.GetId() != runID(want[1]) {
			t.Errorf("searched by %s: %v, %v", by, found, err)
			continue
		}
		if v, ok := found[0].Compared["loss"]; ok != (want[0] == 2) || ok && v != 0.5 {
			t.Errorf("searched by %s: compared %v", by, found[0].Compared)
		}
	}
	for limit, want := range map[int]int{10: 2, 1: 1} {
		if n, err := r.store.CountRuns(ctx, filter.RunSearch{Experiments: []uint32{experiment}, View: filter.ActiveOnly, Except: []string{runID(1)}, Limit: limit}); err != nil || n != want {
			t.Errorf("counted as far as %d: %d, %v", limit, n, err)
		}
	}
	_, runs, err := r.store.Stored(ctx, []string{runID(1)}, nil)
	if err != nil || runs < 2 {
		t.Errorf("stored: %d runs, %v", runs, err)
	}
	_, fewer, err := r.store.Stored(ctx, []string{runID(1)}, []filter.Stage{{Experiment: experiment, Epoch: 1, Deleted: true}})
	if err != nil || fewer != runs-2 {
		t.Errorf("stored: %d runs after their experiment's deletion, %v", fewer, err)
	}
}

func TestLatestTakesTheGreatestOfTheLowestRank(t *testing.T) {
	r := start(t, enginetest.Start(t))
	add := func(run int, key string, rank uint32, step int64, v string) {
		r.exec(t, "INSERT INTO streamgauge.latest VALUES (72, '%s', %d, (-%d, %d, 5, if(isNaN(%s), 0, %s), %s))", key, number(run), rank, step, v, v, v)
	}
	add(1, "loss", 0, 3, "0.25")
	add(1, "loss", 0, 2, "9")
	add(1, "loss", 1, 100, "1")
	add(1, "acc", 4, 1, "nan")
	add(2, "loss", 0, 1, "inf")
	values, err := r.store.Latest(t.Context(), 72, []track.RunNumber{number(1)})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(values, func(a, b hot.Value) int { return strings.Compare(a.Key, b.Key) })
	if len(values) != 2 || values[1] != (hot.Value{Run: number(1), Key: "loss", Latest: track.Latest{Step: 3, TimeMS: 5, Value: 0.25}}) {
		t.Errorf("got %v", values)
	}
	if acc := values[0].Latest; acc.Rank != 4 || !math.IsNaN(acc.Value) {
		t.Errorf("acc is %v", acc)
	}
	greatest := make(map[track.RunNumber]track.Latest)
	err = r.store.ExperimentLatest(t.Context(), 72, func(some []hot.Value) error {
		for _, v := range some {
			if old, ok := greatest[v.Run]; v.Key == "loss" && (!ok || v.Latest.Compare(old) > 0) {
				greatest[v.Run] = v.Latest
			}
		}
		return nil
	})
	if err != nil || len(greatest) != 2 || greatest[number(1)].Value != 0.25 || !math.IsInf(greatest[number(2)].Value, 1) {
		t.Errorf("of the experiment: %v, %v", greatest, err)
	}
}

// insertPoints writes rows of points from a SELECT of step, ts, v, rank, seq, model, dataset.
func (r rig) insertPoints(t *testing.T, run int, key, rows string) {
	t.Helper()
	r.exec(t, "INSERT INTO streamgauge.points (run, key, rank, attempt, step, ts, v, experiment, model, dataset, lane, batch, seq, writer, frame, month) "+
		"SELECT %d, '%s', rank, 0, step, ts, v, 73, model, dataset, 0, 1, seq, 7, 1, 202611 FROM (%s)", number(run), key, rows)
}

func TestHistoryIsPinnedAndPaged(t *testing.T) {
	r := start(t, enginetest.Start(t))
	ctx := t.Context()
	const key = `it's "odd" \ key`
	r.insertPoints(t, 3, strings.ReplaceAll(strings.ReplaceAll(key, `\`, `\\`), `'`, `\'`),
		"SELECT toInt64(number) AS step, toInt64(1000 - intDiv(number, 2)) AS ts, if(number % 5 = 0, nan, number) AS v, 2 AS rank, 10 + number AS seq, if(number = 7, 'm-1', '') AS model, '' AS dataset FROM numbers(20) "+
			"UNION ALL SELECT 1, 1, 1., 3, 1, '', ''")
	read := history.Read{Run: number(3), Key: key, Rank: history.RankUnknown, Watermarks: map[uint16]uint64{0: 25}, From: history.StepMin, To: history.StepMax}
	all, err := r.store.History(ctx, read)
	all.Sort()
	if err != nil || len(all.List) != 16 {
		t.Fatalf("%d points up to sequence 25, want 16: %v", len(all.List), err)
	}
	if rank, err := r.store.LowestRank(ctx, read); err != nil || rank != 2 {
		t.Errorf("lowest rank %d, %v", rank, err)
	}
	if none, err := r.store.LowestRank(ctx, history.Read{Run: 5, Key: "x"}); err != nil || none != history.RankUnknown {
		t.Errorf("lowest rank of nothing %d, %v", none, err)
	}
	var paged []history.Key
	for read.Max = 3; ; {
		page, err := r.store.History(ctx, read)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.List {
			paged = append(paged, page.KeyOf(p))
		}
		if len(page.List) < read.Max {
			break
		}
		last := paged[len(paged)-1]
		read.After = &last
	}
	if len(paged) != 16 {
		t.Fatalf("pages hold %d points", len(paged))
	}
	for i, p := range all.List {
		if want := all.KeyOf(p).Token(); paged[i].Token() != want {
			t.Errorf("point %d of the pages is %v, want %v", i, paged[i], all.KeyOf(p))
		}
	}
}

func TestModelMetricsAndRunIDs(t *testing.T) {
	r := start(t, enginetest.Start(t))
	r.insertPoints(t, 5, "f1", "SELECT toInt64(number) AS step, 1 AS ts, number * 0.5 AS v, 0 AS rank, 1 AS seq, 'm-a' AS model, 'wine\nd1' AS dataset FROM numbers(3)")
	r.insertPoints(t, 5, "f1", "SELECT 1 AS step, 1 AS ts, 0.5 AS v, 0 AS rank, 2 AS seq, 'm-a' AS model, 'wine\nd1' AS dataset")
	values, err := r.store.ModelMetrics(t.Context(), []string{"m-a", "m-b"}, 2)
	at := func(step int64, value float64) clickhouse.ModelValue {
		p := models.Point{Key: "f1", Dataset: "wine\nd1", Run: number(5), TimeMS: 1, Step: step, Value: value}
		return clickhouse.ModelValue{Model: "m-a", Experiment: 73, Point: p}
	}
	if err != nil || !slices.Equal(values, []clickhouse.ModelValue{at(2, 1), at(1, 0.5)}) {
		t.Errorf("got %v, %v", values, err)
	}
	r.insertRun(t, &sgpb.Run{Id: runID(5), ExperimentId: "73"}, 1)
	if ids, err := r.store.RunIDs(t.Context(), []uint32{73}, []track.RunNumber{number(5)}); err != nil || ids[number(5)] != runID(5) {
		t.Errorf("ids %v, %v", ids, err)
	}
}

func TestExperimentsLeaveTheWatermarkOut(t *testing.T) {
	r := start(t, enginetest.Start(t))
	b, _ := proto.Marshal(&sgpb.Document{Body: &sgpb.Document_Experiment{Experiment: &sgpb.Experiment{Id: "74", Name: "wine"}}})
	r.exec(t, "INSERT INTO streamgauge.experiments (id, document, revision) VALUES ('74', base64Decode('%s'), 3), ('', '', 4)", base64.StdEncoding.EncodeToString(b))
	all, err := r.store.Experiments(t.Context())
	if err != nil || len(all) != 1 || all[0].Doc.GetName() != "wine" || all[0].Revision != 3 {
		t.Errorf("got %v, %v", all, err)
	}
}

func TestTheRegistryIsReadWithoutWhatIsDeletedWithItsModel(t *testing.T) {
	r := start(t, enginetest.Fresh(t))
	insert := func(doc *sgpb.Document, into string, revision int) {
		t.Helper()
		b, err := proto.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		columns, values, _ := strings.Cut(into, " VALUES ")
		r.exec(t, "INSERT INTO streamgauge.%s, document, revision) VALUES (%s, base64Decode('%s'), %d)", columns, values, base64.StdEncoding.EncodeToString(b), revision)
	}
	model := func(id, name, lifecycle string, revision int) {
		t.Helper()
		insert(&sgpb.Document{Body: &sgpb.Document_RegisteredModel{RegisteredModel: &sgpb.RegisteredModel{Id: id, Name: name}}}, "registered_models (id, lifecycle VALUES '"+id+"', '"+lifecycle+"'", revision)
	}
	version := func(id string, n uint64, revision int) {
		t.Helper()
		insert(&sgpb.Document{Body: &sgpb.Document_ModelVersion{ModelVersion: &sgpb.ModelVersion{RegisteredModelId: id, Version: n}}}, fmt.Sprintf("model_versions (model, version VALUES '%s', %d", id, n), revision)
	}
	model("a", "old", "active", 1)
	model("a", "new", "active", 3)
	model("b", "gone", "deleted", 4)
	model("", "", "", 9)
	version("a", 1, 2)
	version("b", 1, 2)
	version("", 0, 9)
	models, err := r.store.RegisteredModels(t.Context())
	slices.SortFunc(models, func(a, b registered.Document) int { return strings.Compare(a.Model.GetId(), b.Model.GetId()) })
	if err != nil || len(models) != 2 || models[0].Model.GetName()+models[1].Model.GetName() != "newgone" {
		t.Errorf("models %v, %v", models, err)
	}
	versions, err := r.store.ModelVersions(t.Context())
	if err != nil || len(versions) != 1 || versions[0].Version.GetRegisteredModelId() != "a" || versions[0].Revision != 2 {
		t.Errorf("versions %v, %v", versions, err)
	}
}

func TestAnEngineThatEndedIsUnavailable(t *testing.T) {
	s := clickhouse.New(clickhouse.Options{Addr: "127.0.0.1:1", Options: ask.Options{HTTPAddr: "127.0.0.1:1"}})
	if _, err := s.Experiments(t.Context()); track.CodeOf(err) != track.TemporarilyUnavailable {
		t.Errorf("got %v", err)
	}
	if _, err := s.Ask(t.Context(), ask.Question{Text: "SELECT 1", Format: "JSONCompact"}); track.CodeOf(err) != track.TemporarilyUnavailable {
		t.Errorf("got %v", err)
	}
}
