package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// aGraph is one of odd names, with a circle and a node that is reached twice.
func aGraph() *lineageGraph {
	const run, child = "run:0123456789abcdef0123456789abcdef", "run:1123456789abcdef0123456789abcdef"
	return &lineageGraph{
		Root: run,
		Nodes: []lineageNode{
			{Node: `dataset:wi"ne%0A\@d`, Kind: "dataset", Distance: -1},
			{Node: "source:s3://b/wine", Kind: "source", Distance: -2},
			{Node: run, Kind: "run", Name: "fit", ExperimentID: "7", SinceMS: 1000, Attributes: map[string]string{"status": "FINISHED", "end_ms": "2000"}},
			{Node: child, Kind: "run", Distance: 1, ExperimentID: "7", SinceMS: 1500, UntilMS: 9, More: true},
			{Node: "model:m-1", Kind: "model", Name: "forest", Distance: 1},
			{Node: "version:wine/1", Kind: "version", Name: "wine/1", Distance: 2, Attributes: map[string]string{"stage": "Production", "aliases": "champion"}},
		},
		Edges: []lineageEdge{
			{From: `dataset:wi"ne%0A\@d`, To: run, Kind: "input"},
			{From: "source:s3://b/wine", To: `dataset:wi"ne%0A\@d`, Kind: "holds"},
			{From: run, To: child, Kind: "parent"},
			{From: run, To: "model:m-1", Kind: "output"},
			{From: run, To: "version:wine/1", Kind: "registered"},
			{From: "model:m-1", To: "version:wine/1", Kind: "registered", Name: "\x1b[31mred"},
			{From: "version:wine/1", To: run, Kind: "derived"},
		},
	}
}

func TestLineageIsDrawnAsATree(t *testing.T) {
	const want = `run fit (0123456789abcdef0123456789abcdef) FINISHED
came from
├─ input: dataset wi"ne%0A\@d
│  └─ holds: source s3://b/wine
└─ derived: version wine/1 Production champion
   ├─ registered: run fit (0123456789abcdef0123456789abcdef) FINISHED (see above)
   └─  [31mred: model forest (m-1)
      └─ output: run fit (0123456789abcdef0123456789abcdef) FINISHED (see above)
what came of it
├─ parent: run 1123456789abcdef0123456789abcdef ended (and more)
├─ output: model forest (m-1)
│  └─  [31mred: version wine/1 Production champion
│     └─ derived: run fit (0123456789abcdef0123456789abcdef) FINISHED (see above)
└─ registered: version wine/1 Production champion (see above)
`
	if got := aGraph().tree(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLineageForGraphvizIsQuoted(t *testing.T) {
	got := aGraph().dot()
	for _, want := range []string{`"dataset:wi\"ne%0A\\@d" -> "run:0123456789abcdef0123456789abcdef" [label="input"];`, `penwidth=2`, `label=" [31mred"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestLineageAsOpenLineage(t *testing.T) {
	var out bytes.Buffer
	if err := aGraph().events(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d events", len(lines))
	}
	var first, second olEvent
	for line, into := range map[string]*olEvent{lines[0]: &first, lines[1]: &second} {
		if err := json.Unmarshal([]byte(line), into); err != nil {
			t.Fatal(err)
		}
	}
	if first.EventType != "COMPLETE" || first.EventTime != "1970-01-01T00:00:02.000Z" || first.Run.RunID != "01234567-89ab-cdef-0123-456789abcdef" ||
		first.Job != (olJob{"streamgauge", "experiment/7"}) || len(first.Inputs) != 1 || first.Inputs[0] != (olDataset{"s3://b", "wine"}) || len(first.Outputs) != 2 {
		t.Errorf("%+v", first)
	}
	if second.EventType != "OTHER" || second.Run.Facets["parent"] == nil {
		t.Errorf("%+v", second)
	}
}
