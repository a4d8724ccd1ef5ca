package clickhouse_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go"

	"github.com/streamgauge/streamgauge/query/walk"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// graphWorld is documents that change, some of their revisions in the table and the others in memory.
type graphWorld struct {
	rig
	t        *testing.T
	set      *walk.Set
	revision uint64
	newest   map[string]*sgpb.Document
	waiting  []feed.Document
}

func (w *graphWorld) put(key string, doc *sgpb.Document) {
	w.revision++
	w.newest[key] = doc
	d := feed.Document{Key: key, Revision: w.revision, Doc: doc}
	w.waiting = append(w.waiting, d)
	w.set.ObserveDocuments([]feed.Document{d})
}

// apply inserts what waits, and tells memory only if told is set: a reader may come between the two.
func (w *graphWorld) apply(told bool) {
	w.t.Helper()
	rows := table.NewLineage()
	for _, d := range w.waiting {
		if p, ok := lineage.Of(d.Doc); ok {
			rows.Append(p, d.Revision)
		}
	}
	if rows.Rows() > 0 {
		c, err := ch.Dial(w.t.Context(), ch.Options{Address: w.Addr, User: w.User, Password: w.Password, Database: table.Database})
		if err != nil {
			w.t.Fatal(err)
		}
		defer c.Close()
		in := rows.Input()
		if err := c.Do(w.t.Context(), ch.Query{Body: "INSERT INTO lineage " + in.Columns() + " VALUES", Input: in}); err != nil {
			w.t.Fatal(err)
		}
	}
	if told {
		w.set.DocumentsApplied(w.revision)
		w.waiting = nil
	}
}

// reachable is the same graph by the book: all newest documents, edge by edge.
func (w *graphWorld) reachable(r walk.Request, down bool, nowMS int64) (nodes []string, edges int) {
	seen := map[lineage.Node]bool{r.Roots[0]: true}
	hidden := func(n lineage.Node) bool {
		if !r.Confined || n.Kind() != lineage.KindRun {
			return false
		}
		doc := w.newest[document.RunKey(n.Text())].GetRun()
		e, ok := track.ParseExperimentID(doc.GetExperimentId())
		return doc == nil || !ok || !slices.Contains(r.Experiments, e)
	}
	found := make(map[string]bool)
	for level, frontier := 0, r.Roots; level < r.Depth; level++ {
		var next []lineage.Node
		for _, doc := range w.newest {
			p, _ := lineage.Of(doc)
			for _, e := range p.Edges {
				from, to := e.From, e.To
				if !down {
					from, to = to, from
				}
				over := e.UntilMS != 0 && e.UntilMS <= nowMS && !r.Ended
				outside := r.Confined && (len(p.Experiments) == 0 || !slices.Contains(r.Experiments, p.Experiments[0]))
				if over || outside || hidden(from) || hidden(to) || !slices.Contains(frontier, from) {
					continue
				}
				found[fmt.Sprint(e.From, e.To, e.Kind)] = true
				if !seen[to] {
					seen[to] = true
					next = append(next, to)
				}
			}
		}
		frontier = next
	}
	for n := range seen {
		nodes = append(nodes, string(n))
	}
	slices.Sort(nodes)
	return nodes, len(found)
}

func (w *graphWorld) check(r walk.Request, down bool) {
	w.t.Helper()
	const now = 1000
	r.Up, r.Down, r.NodesMax, r.EdgesMax = !down, down, 1000, 1000
	want, edges := w.reachable(r, down, now)
	g, err := walk.New(w.store, w.set).Walk(w.t.Context(), r, now)
	if err != nil {
		if len(want) == 1 && track.CodeOf(err) == track.ResourceDoesNotExist {
			return
		}
		w.t.Fatalf("%+v: %v, want %v", r, err, want)
	}
	var got []string
	for n := range g.Nodes {
		got = append(got, string(n))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || len(g.Edges) != edges {
		w.t.Fatalf("%+v:\n got %v and %d edges\nwant %v and %d", r, got, len(g.Edges), want, edges)
	}
}

// However documents change and wherever their revisions are, a walk gives what the newest documents say.
func TestAWalkSeesTheNewestDocuments(t *testing.T) {
	e := start(t, enginetest.Fresh(t))
	names := []string{"it's", `a"b`, "100%", "tab\tline\n", `back\slash`, "{x:String}", "名@1/2"}
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 9))
		e.exec(t, "TRUNCATE TABLE streamgauge.lineage")
		w := &graphWorld{rig: e, t: t, set: walk.NewSet(), newest: make(map[string]*sgpb.Document)}
		id := func(n int) string { return runID(n) }
		for round := range 12 {
			for range 1 + r.IntN(6) {
				n := r.IntN(10)
				run := &sgpb.Run{Id: id(n), ExperimentId: []string{"1", "2"}[n%2], CreatedMs: 10, UpdatedMs: int64(20 + round), Tags: make(map[string]string)}
				for range r.IntN(3) {
					run.Inputs = append(run.Inputs, &sgpb.DatasetInput{Dataset: &sgpb.Dataset{Name: names[r.IntN(len(names))], Digest: "d"}}) // without a source: that edge has no end of its own, and inputs go in truth never
				}
				if r.IntN(2) == 0 {
					run.Tags["mlflow.parentRunId"] = id(r.IntN(10)) // it may change, and lead in a circle
				}
				if r.IntN(3) == 0 {
					run.ModelOutputs = []*sgpb.ModelOutput{{ModelId: fmt.Sprintf("m-%d", n)}}
				}
				if r.IntN(5) == 0 {
					run.Lifecycle, run.DeletedMs = sgpb.Lifecycle_LIFECYCLE_DELETED, 500
				}
				w.put(document.RunKey(id(n)), &sgpb.Document{Body: &sgpb.Document_Run{Run: run}})
			}
			model := r.IntN(10)
			w.put(document.LoggedModelKey(fmt.Sprint(model)), &sgpb.Document{Body: &sgpb.Document_LoggedModel{LoggedModel: &sgpb.LoggedModel{Id: fmt.Sprintf("m-%d", model), ExperimentId: []string{"1", "2"}[model%2], SourceRunId: id(model), CreatedMs: 5}}})
			switch r.IntN(3) {
			case 0:
				w.apply(true)
			case 1:
				w.apply(false)
			}
			for range 4 {
				req := walk.Request{Roots: []lineage.Node{lineage.Run(id(r.IntN(10)))}, Depth: 1 + r.IntN(5)}
				if r.IntN(3) == 0 {
					req.Roots[0] = lineage.Dataset(names[r.IntN(len(names))], "d")
				}
				w.check(req, r.IntN(2) == 0)
			}
		}
	}
}

func version(number uint64, run, source string) *sgpb.Document {
	v := &sgpb.ModelVersion{RegisteredModelId: runID(9), Version: number, RunId: run, Source: source, CreatedMs: 410, UpdatedMs: 410}
	return &sgpb.Document{Body: &sgpb.Document_ModelVersion{ModelVersion: v}}
}

func TestAWalkOfAConfinedCallerAndOfAnotherTime(t *testing.T) {
	e := start(t, enginetest.Fresh(t))
	e.exec(t, "TRUNCATE TABLE streamgauge.lineage")
	w := &graphWorld{rig: e, t: t, set: walk.NewSet(), newest: make(map[string]*sgpb.Document)}
	run := func(n int, experiment, parent string, until int64) {
		doc := &sgpb.Run{
			Id: runID(n), ExperimentId: experiment, CreatedMs: int64(100 * n), UpdatedMs: int64(100*n + 1), Tags: map[string]string{"mlflow.parentRunId": parent},
			Inputs: []*sgpb.DatasetInput{{Dataset: &sgpb.Dataset{Name: "wine", Digest: "d"}, AddedMs: int64(100*n + 50)}}, DeletedMs: until, Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE,
		}
		if until != 0 {
			doc.Lifecycle = sgpb.Lifecycle_LIFECYCLE_DELETED
		}
		w.put(document.RunKey(doc.GetId()), &sgpb.Document{Body: &sgpb.Document_Run{Run: doc}})
	}
	run(1, "1", "", 0)
	run(2, "2", runID(1), 0)
	run(3, "1", runID(2), 0) // reached through a run of another experiment
	run(4, "1", "", 700)
	w.put("x", &sgpb.Document{Body: &sgpb.Document_LineageEdge{LineageEdge: &sgpb.LineageEdge{From: string(lineage.Run(runID(1))), To: "table:t", Kind: "wrote", SinceMs: 300, ExperimentIds: []string{"1"}}}})
	w.put("y", &sgpb.Document{Body: &sgpb.Document_LineageEdge{LineageEdge: &sgpb.LineageEdge{From: string(lineage.Run(runID(1))), To: "table:secret", Kind: "wrote", SinceMs: 300}}})
	for n, experiment := range map[int]string{6: "1", 7: "2"} {
		w.put(document.RunKey(runID(n)), &sgpb.Document{Body: &sgpb.Document_Run{Run: &sgpb.Run{Id: runID(n), ExperimentId: experiment, CreatedMs: 400, UpdatedMs: 400}}})
	}
	w.put("v1", version(1, runID(6), ""))
	w.put("v2", version(2, runID(7), ""))
	w.put("v3", version(3, "", "s3://bucket/model"))
	w.put("e1", &sgpb.Document{Body: &sgpb.Document_Endpoint{Endpoint: &sgpb.Endpoint{Id: runID(5), RegisteredModelId: runID(9), Version: 1, SinceMs: 420}}})
	v1, live := lineage.Version(runID(9), 1), lineage.Endpoint(runID(5))
	mine := func(n lineage.Node) bool { return n == v1 || n == live }
	for _, applied := range []bool{false, true} {
		if applied {
			w.apply(true)
		}
		dataset := lineage.Dataset("wine", "d")
		for name, c := range map[string]struct {
			root    lineage.Node
			request walk.Request
			want    []lineage.Node
		}{
			"everything":               {dataset, walk.Request{Depth: 5}, []lineage.Node{dataset, lineage.Run(runID(1)), lineage.Run(runID(2)), lineage.Run(runID(3)), "table:t", "table:secret"}},
			"one experiment":           {dataset, walk.Request{Depth: 5, Confined: true, Experiments: []uint32{1}}, []lineage.Node{dataset, lineage.Run(runID(1)), lineage.Run(runID(3)), "table:t"}},
			"through another's run":    {lineage.Run(runID(1)), walk.Request{Depth: 5, Confined: true, Experiments: []uint32{1}}, []lineage.Node{lineage.Run(runID(1)), "table:t"}},
			"another experiment's run": {lineage.Run(runID(2)), walk.Request{Depth: 5, Confined: true, Experiments: []uint32{1}}, nil},
			"a dataset of others":      {dataset, walk.Request{Depth: 5, Confined: true, Experiments: []uint32{7}}, nil},
			"where a version serves":   {lineage.Run(runID(6)), walk.Request{Depth: 5, Confined: true, Experiments: []uint32{1}}, []lineage.Node{lineage.Run(runID(6)), v1, live}},
			"from the version on":      {v1, walk.Request{Depth: 5, Confined: true, Experiments: []uint32{1}}, []lineage.Node{v1, live}},
			"another's version":        {lineage.Version(runID(9), 2), walk.Request{Depth: 5, Confined: true, Experiments: []uint32{1}}, nil},
			"a version's source":       {lineage.Source("s3://bucket/model"), walk.Request{Depth: 5, Confined: true, Experiments: []uint32{1}}, nil},
			"the source, of all":       {lineage.Source("s3://bucket/model"), walk.Request{Depth: 5}, []lineage.Node{lineage.Source("s3://bucket/model"), lineage.Version(runID(9), 3)}},
			"no experiment":            {dataset, walk.Request{Depth: 5, Confined: true}, nil},
			"before all":               {lineage.Run(runID(1)), walk.Request{Depth: 5, AsOfMS: 150}, []lineage.Node{lineage.Run(runID(1))}},
			"when there were two":      {dataset, walk.Request{Depth: 1, AsOfMS: 250}, []lineage.Node{dataset, lineage.Run(runID(1)), lineage.Run(runID(2))}},
			"before one was deleted":   {dataset, walk.Request{Depth: 1, AsOfMS: 600}, []lineage.Node{dataset, lineage.Run(runID(1)), lineage.Run(runID(2)), lineage.Run(runID(3)), lineage.Run(runID(4))}},
			"with what has ended":      {dataset, walk.Request{Depth: 1, Ended: true}, []lineage.Node{dataset, lineage.Run(runID(1)), lineage.Run(runID(2)), lineage.Run(runID(3)), lineage.Run(runID(4))}},
			"few nodes":                {dataset, walk.Request{Depth: 5, NodesMax: 2}, []lineage.Node{dataset, lineage.Run(runID(3))}},
			"few edges":                {dataset, walk.Request{Depth: 1, EdgesMax: 2}, []lineage.Node{dataset, lineage.Run(runID(2)), lineage.Run(runID(3))}},
			"nothing":                  {"table:unknown", walk.Request{Depth: 1}, nil},
			"one of two is not known":  {lineage.Run(runID(1)), walk.Request{Depth: 1, Roots: []lineage.Node{"table:unknown"}}, []lineage.Node{lineage.Run(runID(1)), lineage.Run(runID(2)), "table:t", "table:secret"}},
			"two, one below the other": {lineage.Run(runID(1)), walk.Request{Depth: 1, Roots: []lineage.Node{lineage.Run(runID(2))}}, []lineage.Node{lineage.Run(runID(1)), lineage.Run(runID(2)), lineage.Run(runID(3)), "table:t", "table:secret"}},
			"two, one of them hidden":  {lineage.Run(runID(2)), walk.Request{Depth: 1, Confined: true, Experiments: []uint32{1}, Roots: []lineage.Node{lineage.Run(runID(1))}}, []lineage.Node{lineage.Run(runID(1)), "table:t"}},
		} {
			r := c.request
			r.Belongs = mine
			r.Roots, r.Down, r.NodesMax, r.EdgesMax = append([]lineage.Node{c.root}, r.Roots...), true, max(r.NodesMax, 1000*min(1, 2-min(r.NodesMax, 2))), max(r.EdgesMax, 1000*min(1, 2-min(r.EdgesMax, 2)))
			g, err := walk.New(w.store, w.set).Walk(t.Context(), r, 1000)
			if c.want == nil {
				if track.CodeOf(err) != track.ResourceDoesNotExist {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			slices.Sort(c.want)
			if got := slices.Sorted(maps.Keys(g.Nodes)); !slices.Equal(got, c.want) {
				t.Errorf("%s, applied %t:\n got %v\nwant %v", name, applied, got, c.want)
			}
			if (g.Truncated || g.Nodes[c.root] != nil && g.Nodes[c.root].More) != (name == "few nodes" || name == "few edges") {
				t.Errorf("%s: what is left out is not told", name)
			}
		}
	}
}

// Whether a node has few rows or many, and so whether they are picked here or in the engine, the same are picked.
func TestRowsOfANodeAreTheSameHoweverManyThereAre(t *testing.T) {
	e := start(t, enginetest.Fresh(t))
	e.exec(t, "TRUNCATE TABLE streamgauge.lineage")
	w := &graphWorld{rig: e, t: t, set: walk.NewSet(), newest: make(map[string]*sgpb.Document)}
	r := rand.New(rand.NewPCG(5, 5))
	var nodes []lineage.Node
	for n := range 6 {
		nodes = append(nodes, lineage.Dataset(fmt.Sprint(n), "d"), lineage.Source(fmt.Sprintf("s3://lake/%d", n)), lineage.Run(runID(n)))
	}
	for revision := range 600 {
		run := &sgpb.Run{Id: runID(r.IntN(400)), ExperimentId: []string{"1", "2"}[r.IntN(2)], CreatedMs: int64(10 + r.IntN(5)), UpdatedMs: int64(100 + revision)}
		for range 1 + r.IntN(3) { // many runs tell that a source holds a dataset
			n := r.IntN(1 + r.IntN(6)) // of the first dataset, and where it lies, many more than of the last
			run.Inputs = append(run.Inputs, &sgpb.DatasetInput{
				AddedMs: int64(20 + r.IntN(5)), Dataset: &sgpb.Dataset{Name: fmt.Sprint(n), Digest: "d", SourceType: "s3", Source: fmt.Sprintf("s3://lake/%d", n)},
			})
		}
		if r.IntN(5) == 0 {
			run.Lifecycle, run.DeletedMs = sgpb.Lifecycle_LIFECYCLE_DELETED, int64(30+r.IntN(100))
		}
		w.put(document.RunKey(run.GetId()), &sgpb.Document{Body: &sgpb.Document_Run{Run: run}})
		if r.IntN(100) == 0 {
			w.apply(true)
		}
	}
	for n := range uint64(250) { // edges that say no experiment: whose these are the walk knows, but for a source's
		w.put(fmt.Sprint("of a run ", n), version(n+1, runID(0), ""))
		w.put(fmt.Sprint("of a source ", n), version(n+1001, "", "s3://lake/0"))
		w.put(fmt.Sprint("endpoint ", n), &sgpb.Document{Body: &sgpb.Document_Endpoint{Endpoint: &sgpb.Endpoint{Id: runID(500 + int(n)), RegisteredModelId: runID(9), Version: 1, SinceMs: 20}}})
	}
	nodes = append(nodes, lineage.Version(runID(9), 1))
	w.apply(true)
	for _, ask := range []walk.Ask{
		{BegunMS: 1000, EndMS: 1000}, {BegunMS: 22, EndMS: 60}, {BegunMS: 1000, EndMS: 1000, Ended: true}, {BegunMS: 1000, EndMS: 1000, Confined: true, Experiments: []uint32{1}},
	} {
		ask.Nodes, ask.Ways, ask.Max = nodes, []uint8{table.LineageNode, table.LineageDown, table.LineageUp}, 5000
		all, err := w.store.Lineage(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		for _, ask.Max = range []int{1, 5, 40, 300} {
			got, err := w.store.Lineage(t.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			want := ask.Pick(slices.Clone(all))
			order := func(a, b walk.Row) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
			slices.SortFunc(got, order)
			slices.SortFunc(want, order)
			if len(got) == 0 || !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v:\n got %v\nwant %v", ask, got, want)
			}
		}
	}
}
