package filter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// engine is a real ClickHouse with our tables.
type engine struct {
	*enginetest.Engine
	client *ch.Client
}

func startEngine(t testing.TB) engine {
	t.Helper()
	e := enginetest.Start(t)
	if err := table.Migrate(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	c, err := ch.Dial(t.Context(), ch.Options{Address: e.Addr, User: e.User, Password: e.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return engine{e, c}
}

func (e engine) exec(t testing.TB, query string) {
	t.Helper()
	if err := e.Exec(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

// ids runs a search and answers its one column.
func (e engine) ids(ctx context.Context, q filter.Query) ([]string, error) {
	var ids proto.ColStr
	var params []proto.Parameter
	for _, p := range q.Params {
		params = append(params, proto.Parameter{Key: p.Name, Value: encoded(p)})
	}
	found := []string{}
	err := e.client.Do(ctx, ch.Query{
		Body: q.Text, Parameters: params, Result: proto.Results{{Data: &ids}},
		OnResult: func(context.Context, proto.Block) error {
			for i := range ids.Rows() {
				found = append(found, ids.Row(i))
			}
			return nil
		},
	})
	return found, err
}

// Three layers escape a value on its way: the server reads a parameter as a quoted literal, what is in it
// as tab-separated text, and the items of an array as quoted strings.
var (
	literalEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`)
	textEscapes    = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`)
)

// encoded is a value as the native protocol carries it.
func encoded(b filter.Bound) string { return "'" + literalEscapes.Replace(plain(b)) + "'" }

func plain(b filter.Bound) string {
	switch v := b.Value.(type) {
	case string:
		return textEscapes.Replace(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case []string:
		return array(v, func(s string) string { return "'" + literalEscapes.Replace(s) + "'" })
	case []uint64:
		return array(v, func(n uint64) string { return strconv.FormatUint(n, 10) })
	case []uint32:
		return array(v, func(n uint32) string { return strconv.FormatUint(uint64(n), 10) })
	}
	panic(fmt.Sprintf("filter: parameter %s of type %T", b.Name, b.Value))
}

func array[T any](items []T, show func(T) string) string {
	var s strings.Builder
	s.WriteByte('[')
	for i, it := range items {
		if i > 0 {
			s.WriteByte(',')
		}
		s.WriteString(show(it))
	}
	s.WriteByte(']')
	return s.String()
}

// world is a set of random runs and experiments, small enough that values meet.
type world struct {
	*rand.Rand
	runs    []filter.RunRow
	metrics map[string]map[string]float64
	exps    []filter.ExperimentRow
	// stages are the lifecycles of the runs' experiments 0 to 2.
	stages [3]*sgpb.Experiment
}

var (
	someTexts   = []string{"", "a", "A", "b", "aB", "a%", "a_b", "a\\b", "\\", "\\%", "it's", `say "x"`, "é", "É", "two\nlines", "t\tab", "日本", "train", "test", "\x00z", "ä_", "%", "0.1"}
	somePattern = []string{"%", "_", "a%", "%b", "%a%", "_%", "a_b", "\\%", "%\\%", "é", "É%", "_B", "__", "two%", "%\n%", "日_", "A%", "%s%", "", "%_%_%", "a\\b", "it's"}
	someKeys    = []string{"loss", "acc", "val acc", "a.b", "it's", "k/x", `q"q`, "é"}
	someFloats  = []float64{0, math.Copysign(0, -1), 1, -1.5, 0.1, 0.30000000000000004, 1e308, math.MaxFloat64, 5e-324, math.Inf(1), math.Inf(-1), math.NaN(), 1e15 + 0.3, 3}
	someTimes   = []int64{0, 1, 5, 5, 1_700_000_000_000, 1_700_000_000_001, 9_007_199_254_740_993, -3}
	someStates  = []string{"RUNNING", "FINISHED", "FAILED", "KILLED", "SCHEDULED"}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func (w *world) texts() map[string]string {
	m := map[string]string{}
	for range w.IntN(4) {
		m[pick(w.Rand, someKeys)] = pick(w.Rand, someTexts)
	}
	return m
}

func newWorld(r *rand.Rand, size int) *world {
	w := &world{Rand: r, metrics: map[string]map[string]float64{}}
	for i := range w.stages {
		w.stages[i] = &sgpb.Experiment{Lifecycle: sgpb.Lifecycle(1 + r.IntN(2)), LifecycleEpoch: uint64(r.IntN(3))}
	}
	for range size {
		status, _ := mlflow.ParseStatus("status", pick(r, someStates))
		run := &sgpb.Run{
			Id: fmt.Sprintf("%016x%016x", r.Uint64()|1, r.Uint64()), ExperimentId: strconv.Itoa(r.IntN(3)), Name: pick(r, someTexts), User: pick(r, someTexts),
			Status: status, StartMs: pick(r, someTimes), EndMs: pick(r, someTimes), Lifecycle: sgpb.Lifecycle(1 + r.IntN(2)*r.IntN(2)), LifecycleEpoch: uint64(r.IntN(3)),
			ArtifactUri: pick(r, someTexts), Params: w.texts(), Tags: w.texts(),
		}
		run.Tags[mlflow.RunNameTag] = run.Name
		for range r.IntN(3) {
			in := &sgpb.DatasetInput{Dataset: &sgpb.Dataset{Name: pick(r, someTexts), Digest: pick(r, someTexts)}, Tags: map[string]string{}}
			if r.IntN(2) == 0 {
				in.Tags[filter.ContextTag] = pick(r, someTexts)
			}
			run.Inputs = append(run.Inputs, in)
		}
		metrics := map[string]float64{}
		for range r.IntN(5) {
			metrics[pick(r, someKeys)] = pick(r, someFloats)
		}
		w.metrics[run.Id] = metrics
		w.runs = append(w.runs, filter.RunRow{Run: run, Latest: func(k string) (float64, bool) { v, ok := metrics[k]; return v, ok }})
	}
	for i := range size / 2 {
		w.exps = append(w.exps, filter.ExperimentRow{Experiment: &sgpb.Experiment{
			Id: strconv.Itoa(i * 7), Name: pick(r, someTexts) + strconv.Itoa(r.IntN(5)), Lifecycle: sgpb.Lifecycle(1 + r.IntN(2)*r.IntN(2)),
			CreatedMs: pick(r, someTimes), UpdatedMs: pick(r, someTimes), Tags: w.texts(),
		}})
	}
	return w
}

// write puts the world into the tables, each row also in an older revision and each metric also older.
func (w *world) write(t *testing.T, e engine) {
	t.Helper()
	for _, name := range []string{"runs", "latest", "experiments"} {
		e.exec(t, "TRUNCATE TABLE streamgauge."+name)
	}
	rows := []any{map[string]any{"experiment": 0, "run_id": "", "revision": 99}}
	var points []string
	for i, r := range w.runs {
		names, digests, contexts := []string{}, []string{}, []string{}
		for _, d := range r.Datasets() {
			names, digests, contexts = append(names, d.Name), append(digests, d.Digest), append(contexts, d.Context)
		}
		number, _ := track.ParseRunID(r.Run.Id)
		row := map[string]any{
			"experiment": r.Run.ExperimentId, "run_id": r.Run.Id, "run": number, "name": r.Run.Name, "user": r.Run.User,
			"status": mlflow.StatusName(r.Run.Status), "lifecycle": mlflow.LifecycleName(r.Run.Lifecycle), "lifecycle_epoch": r.Run.LifecycleEpoch, "start_ms": r.Run.StartMs, "end_ms": r.Run.EndMs,
			"artifact_uri": r.Run.ArtifactUri, "params": r.Run.Params, "tags": r.Run.Tags,
			"dataset_names": names, "dataset_digests": digests, "dataset_contexts": contexts, "revision": 10 + i,
		}
		rows = append(rows, row, map[string]any{"experiment": r.Run.ExperimentId, "run_id": r.Run.Id, "run": number, "name": "old", "revision": 1})
		for k, v := range w.metrics[r.Run.Id] {
			// Another rank and an older step lose against the value.
			for _, p := range []struct {
				rank, step int64
				v          float64
			}{{0, 2, v}, {0, 1, 77}, {-1, 9, 78}} {
				points = append(points, fmt.Sprintf("(%s, %s, %d, (%d, %d, 5, %s, %s))", r.Run.ExperimentId, sqlText(k), number, p.rank, p.step, sqlFloat(zeroNaN(p.v)), sqlFloat(p.v)))
			}
		}
	}
	insert(t, e, "runs", rows)
	if len(points) > 0 {
		e.exec(t, "INSERT INTO streamgauge.latest (experiment, key, run, value) VALUES "+strings.Join(points, ", "))
	}
	rows = []any{map[string]any{"id": "", "revision": 99}}
	for _, x := range w.exps {
		rows = append(rows, map[string]any{
			"id": x.Experiment.Id, "name": x.Experiment.Name, "lifecycle": mlflow.LifecycleName(x.Experiment.Lifecycle),
			"created_ms": x.Experiment.CreatedMs, "updated_ms": x.Experiment.UpdatedMs, "tags": x.Experiment.Tags, "revision": 5,
		})
	}
	insert(t, e, "experiments", rows)
}

func insert(t *testing.T, e engine, name string, rows []any) {
	t.Helper()
	var b strings.Builder
	b.WriteString("INSERT INTO streamgauge." + name + " FORMAT JSONEachRow\n")
	enc := json.NewEncoder(&b)
	for _, r := range rows {
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	e.exec(t, b.String())
}

func sqlText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func sqlFloat(f float64) string {
	return fmt.Sprintf("reinterpretAsFloat64(toUInt64(%d))", math.Float64bits(f))
}

func zeroNaN(f float64) float64 {
	if math.IsNaN(f) {
		return 0
	}
	return f
}

// seeds are the worlds to try: one that is named, or a few.
func seeds(t *testing.T) []uint64 {
	if s := os.Getenv("FILTER_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []uint64{n}
	}
	first, count := uint64(time.Now().UnixNano()), 5
	if s := os.Getenv("FILTER_WORLDS"); s != "" {
		count, _ = strconv.Atoi(s)
	}
	all := make([]uint64, 0, count)
	for i := range count {
		all = append(all, first+uint64(i))
	}
	return all
}

func sorted[R filter.Row](o filter.Order, rows []R) []R {
	slices.SortFunc(rows, func(a, b R) int { return o.Compare(a, b) })
	return rows
}
