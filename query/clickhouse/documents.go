package clickhouse

import (
	"context"
	"fmt"
	"math"

	"github.com/ClickHouse/ch-go/proto"
	pb "google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// documents is a result of encoded documents and their revisions.
type documents struct {
	doc      proto.ColBytes
	revision proto.ColUInt64
	docs     []*sgpb.Document
	revs     []uint64
}

func (d *documents) columns() proto.Results {
	return proto.Results{{Name: "doc", Data: &d.doc}, {Name: "rev", Data: &d.revision}}
}

func (d *documents) reset() { d.docs, d.revs = nil, nil }

func (d *documents) take(rows int) error {
	for i := range rows {
		doc := new(sgpb.Document)
		if err := pb.Unmarshal(d.doc.Row(i), doc); err != nil {
			return fmt.Errorf("decode document of revision %d: %w", d.revision.Row(i), err)
		}
		d.docs = append(d.docs, doc)
		d.revs = append(d.revs, d.revision.Row(i))
	}
	return nil
}

func (d *documents) runs() []hot.Document {
	out := make([]hot.Document, 0, len(d.docs))
	for i, doc := range d.docs {
		// A deleted document leaves an empty one behind.
		if run := doc.GetRun(); run != nil {
			out = append(out, hot.Document{Run: run, Revision: d.revs[i]})
		}
	}
	return out
}

// Runs implements hot.Source.
func (s *Store) Runs(ctx context.Context, ids []string) ([]hot.Document, error) {
	var d documents
	err := s.statement(ctx, "runs_by_id", params{"ids": ids}, &d)
	return d.runs(), err
}

// FoundRun is a run as a search found it.
type FoundRun struct {
	hot.Document
	// Compared are the metrics that the search compared, with the values it saw.
	Compared map[string]float64
}

// foundRuns is a result of runs and of what their search compared.
type foundRuns struct {
	documents
	keys   []string
	known  *proto.ColArr[uint8]
	values *proto.ColArr[float64]
	found  []FoundRun
}

func (f *foundRuns) columns() proto.Results {
	f.known, f.values = new(proto.ColUInt8).Array(), new(proto.ColFloat64).Array()
	return append(f.documents.columns(), proto.ResultColumn{Name: "metric_known", Data: f.known}, proto.ResultColumn{Name: "metric_values", Data: f.values})
}

func (f *foundRuns) reset() {
	f.documents.reset()
	f.found = nil
}

func (f *foundRuns) take(rows int) error {
	from := len(f.docs)
	if err := f.documents.take(rows); err != nil {
		return err
	}
	for i := range rows {
		run := f.docs[from+i].GetRun()
		if run == nil {
			continue // a deleted document leaves an empty one behind
		}
		compared := make(map[string]float64)
		values := f.values.Row(i)
		for k, known := range f.known.Row(i) {
			if known == 1 {
				compared[f.keys[k]] = values[k]
			}
		}
		f.found = append(f.found, FoundRun{hot.Document{Run: run, Revision: f.revs[from+i]}, compared})
	}
	return nil
}

// SearchRuns evaluates a search; the runs come in its order.
func (s *Store) SearchRuns(ctx context.Context, search filter.RunSearch) ([]FoundRun, error) {
	f := foundRuns{keys: search.MetricKeys()}
	err := s.compiled(ctx, "search_runs", search.SQL("r.document AS doc, r.revision AS rev, "+search.MetricColumns()), &f)
	return f.found, err
}

// CountRuns counts what a search finds, as far as its limit.
func (s *Store) CountRuns(ctx context.Context, search filter.RunSearch) (int, error) {
	// A deleted document leaves an empty one behind.
	q := search.SQL("notEmpty(r.document) AS there")
	q.Text = "SELECT countIf(there) AS n FROM (" + q.Text + ")"
	var r count
	err := s.compiled(ctx, "count_runs", q, &r)
	return int(r.got), err
}

// Experiments reads all experiments.
func (s *Store) Experiments(ctx context.Context) ([]hot.Experiment, error) {
	var d documents
	if err := s.statement(ctx, "experiments", nil, &d); err != nil {
		return nil, err
	}
	var out []hot.Experiment
	for i, doc := range d.docs {
		if e := doc.GetExperiment(); e != nil {
			out = append(out, hot.Experiment{Doc: e, Revision: d.revs[i]})
		}
	}
	return out, nil
}

// values is a result of latest values.
type values struct {
	run            proto.ColUInt64
	key            *proto.ColLowCardinality[string]
	rank, step, ts proto.ColInt64
	v              proto.ColFloat64
	list           []hot.Value
}

func (r *values) columns() proto.Results {
	r.key = new(proto.ColStr).LowCardinality()
	return proto.Results{{Name: "run", Data: &r.run}, {Name: "key", Data: r.key}, {Name: "rank", Data: &r.rank}, {Name: "step", Data: &r.step}, {Name: "ts", Data: &r.ts}, {Name: "v", Data: &r.v}}
}

func (r *values) reset() { r.list = nil }

func (r *values) take(rows int) error {
	for i := range rows {
		r.list = append(r.list, hot.Value{Run: r.run[i], Key: r.key.Row(i), Latest: track.Latest{Rank: uint32(-r.rank[i]), Step: r.step[i], TimeMS: r.ts[i], Value: r.v[i]}})
	}
	return nil
}

// Latest implements hot.Source.
func (s *Store) Latest(ctx context.Context, experiment uint32, runs []track.RunNumber) ([]hot.Value, error) {
	var r values
	err := s.statement(ctx, "latest", params{"experiment": uint64(experiment), "runs": runs}, &r)
	return r.list, err
}

// LatestSome reads the latest values of some metrics of an experiment's runs, run by run, and up to so many others of each run, at most 201.
func (s *Store) LatestSome(ctx context.Context, experiment uint32, runs []track.RunNumber, keys []string, others int) ([]hot.Value, error) {
	var r values
	err := s.statement(ctx, "latest_some", params{"experiment": uint64(experiment), "runs": runs, "keys": keys, "others": uint64(others)}, &r)
	return r.list, err
}

// byRun is a result of runs and what a column says of each.
type byRun[V any] struct {
	run  proto.ColUInt64
	name string
	of   proto.ColumnOf[V]
	out  map[track.RunNumber]V
}

func (r *byRun[V]) columns() proto.Results {
	return proto.Results{{Name: "run", Data: &r.run}, {Name: r.name, Data: r.of}}
}

func (r *byRun[V]) reset() { r.out = make(map[track.RunNumber]V) }

func (r *byRun[V]) take(rows int) error {
	for i := range rows {
		r.out[track.RunNumber(r.run[i])] = r.of.Row(i)
	}
	return nil
}

// LastLogged reads the newest time among the latest values of runs of an experiment, by run.
func (s *Store) LastLogged(ctx context.Context, experiment uint32, runs []track.RunNumber) (map[track.RunNumber]int64, error) {
	r := byRun[int64]{name: "ts", of: new(proto.ColInt64)}
	err := s.statement(ctx, "last_logged", params{"experiment": uint64(experiment), "runs": runs}, &r)
	return r.out, err
}

// numbers is a result of one row of two numbers.
type numbers struct {
	names  [2]string
	column [2]proto.ColUInt64
	got    [2]uint64
}

func (r *numbers) columns() proto.Results {
	return proto.Results{{Name: r.names[0], Data: &r.column[0]}, {Name: r.names[1], Data: &r.column[1]}}
}

func (r *numbers) reset() {}

func (r *numbers) take(rows int) error {
	if rows > 0 {
		r.got = [2]uint64{r.column[0][0], r.column[1][0]}
	}
	return nil
}

// experimentNone is no experiment; it stands in lists that must not be empty.
const experimentNone = math.MaxUint32

// Stored counts the points that are stored, and the active runs but those left out. stages are the lifecycles
// of experiments that were ever deleted.
func (s *Store) Stored(ctx context.Context, except []string, stages []filter.Stage) (points, runs uint64, err error) {
	moved, epochs, deleted := []uint32{experimentNone}, []uint64{0}, []uint32{}
	for _, st := range stages {
		moved, epochs = append(moved, st.Experiment), append(epochs, st.Epoch)
		if st.Deleted {
			deleted = append(deleted, st.Experiment)
		}
	}
	r := numbers{names: [2]string{"points", "runs"}}
	err = s.statement(ctx, "status", params{"except": except, "moved": moved, "epochs": epochs, "deleted": deleted}, &r)
	return r.got[0], r.got[1], err
}
