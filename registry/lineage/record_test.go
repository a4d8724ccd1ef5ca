package lineage_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/lineage"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	id  = "00000000000000010000000000000001"
	run = "0123456789abcdef0123456789abcdef"
)

type store map[string]*sgpb.Document

func (s store) Document(key string) (*sgpb.Document, bool) { return s[key], true }

// do carries out a rule and answers how many documents it wrote.
func (s store) do(r decide.Rule, nowMS int64) (int, error) {
	d, err := decide.Decide(s, decide.By(r), decide.Given{NowMS: nowMS, ID: id, Lanes: 1, By: "ann"})
	if err != nil {
		return 0, err
	}
	for _, e := range d.Events {
		s[e.Key], _ = decide.Evolve(s[e.Key], e, nowMS)
	}
	return len(d.Events), nil
}

func world(t *testing.T) store {
	t.Helper()
	s := store{document.RunKey(run): {Body: &sgpb.Document_Run{Run: &sgpb.Run{Id: run, ExperimentId: "6"}}}}
	for _, r := range []decide.Rule{catalog.CreateModel{Name: "wine"}, catalog.CreateVersion{Name: "wine", Source: "s3://b/x"}} {
		if _, err := s.do(r, 1); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func at(ms int64) *int64 { return &ms }

func TestAnEdgeIsRecordedChangedAndEnded(t *testing.T) {
	t.Parallel()
	s := world(t)
	edge := lineage.Edge{From: "run:" + run, To: "version:wine/1", Kind: "distilled", Name: "x", Attributes: map[string]string{"a": "b"}}
	key := document.LineageEdgeKey("run:"+run, "version:"+id+"/1", "distilled")
	for _, step := range []struct {
		edge           lineage.Edge
		writes         int
		since, until   int64
		name, attached string
	}{
		{edge, 1, 10, 0, "x", "b"},
		{edge, 0, 10, 0, "x", "b"},
		{lineage.Edge{From: edge.From, To: edge.To, Kind: edge.Kind, Name: "y", UntilMS: at(90)}, 1, 10, 90, "y", ""},
		{lineage.Edge{From: edge.From, To: edge.To, Kind: edge.Kind, Name: "y", SinceMS: at(5), UntilMS: at(0)}, 1, 5, 0, "y", ""},
	} {
		n, err := s.do(lineage.Record{Edges: []lineage.Edge{step.edge}}, 10)
		if err != nil || n != step.writes {
			t.Fatalf("%+v: %d writes, %v", step.edge, n, err)
		}
		e := s[key].GetLineageEdge()
		if e.GetSinceMs() != step.since || e.GetUntilMs() != step.until || e.GetName() != step.name || e.GetAttributes()["a"] != step.attached ||
			e.GetCreatedBy() != "ann" || !reflect.DeepEqual(e.GetExperimentIds(), []string{"6"}) {
			t.Errorf("after %+v: %v", step.edge, e)
		}
	}
	n, err := s.do(lineage.Record{Nodes: []lineage.Node{{Node: "table:x", Name: "X"}}}, 10)
	if doc := s[document.LineageNodeKey("table:x")].GetLineageNode(); err != nil || n != 1 || doc.GetName() != "X" {
		t.Errorf("%d writes of %v, %v", n, doc, err)
	}
}

func TestWhatIsNotRecorded(t *testing.T) {
	t.Parallel()
	s := world(t)
	const invalid, missing = track.InvalidParameterValue, track.ResourceDoesNotExist
	many := make(map[string]string)
	for i := range 33 {
		many[strings.Repeat("k", i+1)] = ""
	}
	edge := func(from, to string) lineage.Record {
		return lineage.Record{Edges: []lineage.Edge{{From: from, To: to}}}
	}
	for name, c := range map[string]struct {
		rule lineage.Record
		code track.Code
		part string
	}{
		"nothing":           {lineage.Record{}, invalid, "'edges'"},
		"too many":          {lineage.Record{Edges: make([]lineage.Edge, 61)}, invalid, "at most 60"},
		"no node":           {edge("x", "a:b"), invalid, "'edges[0].from'"},
		"no other node":     {edge("a:b", "A:b"), invalid, "'edges[0].to'"},
		"itself":            {edge("source:/x", "source:file:///x/"), invalid, "another node"},
		"the server's own":  {edge("recorded:x", "a:b"), invalid, "the server's own"},
		"no such run":       {edge("run:"+strings.Repeat("f", 32), "a:b"), missing, "not found"},
		"same number":       {edge("run:"+run[:16]+strings.Repeat("0", 16), "a:b"), missing, "not found"},
		"no run id":         {edge("run:'; DROP TABLE x", "a:b"), missing, "not found"},
		"no such model":     {edge("model:m-"+run, "a:b"), missing, "not found"},
		"no such version":   {edge("version:wine/2", "a:b"), missing, "version=2"},
		"no such endpoint":  {edge("endpoint:x", "a:b"), missing, "GET /v1/endpoints"},
		"strange kind":      {lineage.Record{Edges: []lineage.Edge{{From: "a:b", To: "c:d", Kind: "is a"}}}, invalid, "'edges[0].kind'"},
		"long name":         {lineage.Record{Edges: []lineage.Edge{{From: "a:b", To: "c:d", Name: strings.Repeat("ü", 257)}}}, invalid, "256 characters"},
		"many attributes":   {lineage.Record{Edges: []lineage.Edge{{From: "a:b", To: "c:d", Attributes: many}}}, invalid, "there are 33"},
		"before 1970":       {lineage.Record{Edges: []lineage.Edge{{From: "a:b", To: "c:d", SinceMS: at(-1)}}}, invalid, "'edges[0].since_ms'"},
		"ends too soon":     {lineage.Record{Edges: []lineage.Edge{{From: "a:b", To: "c:d", SinceMS: at(9), UntilMS: at(8)}}}, invalid, "'edges[0].until_ms'"},
		"twice":             {lineage.Record{Edges: []lineage.Edge{{From: "a:b", To: "c:d"}, {From: "a:b", To: "c:d"}}}, invalid, "'edges[1]'"},
		"a run's name":      {lineage.Record{Nodes: []lineage.Node{{Node: "run:" + run}}}, invalid, "stands where it was made"},
		"node twice":        {lineage.Record{Nodes: []lineage.Node{{Node: "a:b"}, {Node: "a:b"}}}, invalid, "'nodes[1]'"},
		"one bad edge of 2": {lineage.Record{Edges: []lineage.Edge{{From: "a:b", To: "c:d"}, {From: "a:b", To: "x"}}}, invalid, "'edges[1].to'"},
	} {
		n, err := s.do(c.rule, 10)
		if err == nil || n != 0 || track.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%s: %v, want %s %s", name, err, c.code, c.part)
		}
	}
}

// Events come in any order and more than once: what is known in the end is the same.
func TestTheOrderOfEventsDoesNotMatter(t *testing.T) {
	t.Parallel()
	job := lineage.JobName{Namespace: "n", Name: "j"}
	in := func(names ...string) (out []lineage.Data) {
		for _, n := range names {
			out = append(out, lineage.Data{Namespace: "s3://b", Name: n})
		}
		return out
	}
	events := []lineage.Observe{
		{Run: "u", Job: job, State: "START", TimeMS: 100, Inputs: in("a", "b")},
		{Run: "u", Job: job, State: "RUNNING", TimeMS: 150, Inputs: in("b", "c")},
		{Run: "u", Job: job, TimeMS: 150, Outputs: in("x")},
		{Run: "u", Job: job, State: "COMPLETE", TimeMS: 200, Outputs: in("x", "y")},
		{Run: "u", Job: job, State: "FAIL", TimeMS: 200},
	}
	r := rand.New(rand.NewPCG(5, 6))
	since := func(all []*sgpb.JobData) map[string]int64 {
		out := make(map[string]int64)
		for _, d := range all {
			if _, twice := out[d.GetName()]; twice {
				t.Fatalf("%s twice", d.GetName())
			}
			out[d.GetName()] = d.GetSinceMs()
		}
		return out
	}
	for range 200 {
		s := store{}
		order := append(r.Perm(len(events)), r.Perm(len(events))...)
		for _, i := range order {
			if _, err := s.do(events[i], 1000); err != nil {
				t.Fatal(err)
			}
		}
		j := s[document.JobRunKey("u")].GetJobRun()
		if j.GetState() != "FAIL" || j.GetStateMs() != 200 || j.GetStartMs() != 100 || j.GetEndMs() != 200 ||
			!reflect.DeepEqual(since(j.GetInputs()), map[string]int64{"a": 100, "b": 100, "c": 150}) ||
			!reflect.DeepEqual(since(j.GetOutputs()), map[string]int64{"x": 150, "y": 200}) {
			t.Fatalf("order %v: %v", order, j)
		}
		before := proto.Clone(j)
		if n, err := s.do(events[0], 2000); n != 0 || err != nil || !proto.Equal(before, s[document.JobRunKey("u")].GetJobRun()) {
			t.Fatalf("a repeated event writes %d documents, %v", n, err)
		}
	}
}

func TestAJobRunHasBounds(t *testing.T) {
	t.Parallel()
	s := store{}
	event := lineage.Observe{Run: "u", Job: lineage.JobName{Namespace: "n", Name: "j"}, TimeMS: 1}
	for i := range 2001 {
		event.Inputs = append(event.Inputs, lineage.Data{Namespace: "n", Name: strings.Repeat("x", i+1)})
	}
	if _, err := s.do(event, 1); err == nil || !strings.Contains(err.Error(), "2001 inputs") {
		t.Error(err)
	}
	event.Inputs = []lineage.Data{{Namespace: "n", Name: strings.Repeat("%", 4000)}}
	if _, err := s.do(event, 1); err == nil || !strings.Contains(err.Error(), "'inputs[0]'") {
		t.Error(err)
	}
}
