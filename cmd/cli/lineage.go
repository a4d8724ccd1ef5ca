package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// lineageGraph is the answer of GET /v1/lineage.
type lineageGraph struct {
	Root      string        `json:"root"`
	Truncated bool          `json:"truncated"`
	Nodes     []lineageNode `json:"nodes"`
	Edges     []lineageEdge `json:"edges"`
}

type lineageNode struct {
	Node         string            `json:"node"`
	Kind         string            `json:"kind"`
	Name         string            `json:"name"`
	Distance     int               `json:"distance"`
	ExperimentID string            `json:"experiment_id"`
	SinceMS      int64             `json:"since_ms"`
	UntilMS      int64             `json:"until_ms"`
	Attributes   map[string]string `json:"attributes"`
	More         bool              `json:"more"`
}

type lineageEdge struct {
	From       string            `json:"from"`
	To         string            `json:"to"`
	Kind       string            `json:"kind"`
	Name       string            `json:"name"`
	SinceMS    int64             `json:"since_ms"`
	UntilMS    int64             `json:"until_ms"`
	Attributes map[string]string `json:"attributes"`
}

func newLineage() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lineage NODE",
		Short: "Say what something came from, and what came of it",
		Long: `Say what something came from, and what came of it: datasets, runs, models, versions, endpoints, commits, jobs.

A node is run:ID (or the id alone), model:ID, version:NAME/NUMBER, version:NAME/STAGE, version:NAME@ALIAS,
dataset:NAME@DIGEST, source:ADDRESS, commit:SHA, endpoint:ID, job:NAMESPACE/NAME, or what was recorded.`,
		Example: `  streamgauge lineage version:wine/Production
  streamgauge lineage dataset:wine@8f31c2 --direction down --depth 3
  streamgauge lineage version:wine@champion --as-of 2026-01-31 --dot | dot -Tsvg -o lineage.svg
  streamgauge lineage run:0123456789abcdef0123456789abcdef --openlineage`,
		Args: wants("a node, such as version:NAME/1"),
	}
	c := addURL(cmd, os.Getenv)
	direction := cmd.Flags().String("direction", "both", "up: what it came from; down: what came of it; both")
	depth := cmd.Flags().Int("depth", 5, "how many edges from the node")
	asOf := cmd.Flags().String("as-of", "", "the graph at a time: 2026-01-31T12:00:00Z, or a day")
	ended := cmd.Flags().Bool("ended", false, "show also what was deleted or has ended")
	asJSON, asDot := cmd.Flags().Bool("json", false, "print JSON"), cmd.Flags().Bool("dot", false, "print for Graphviz")
	asEvents := cmd.Flags().Bool("openlineage", false, "print runs as OpenLineage's events, one a line")
	cmd.MarkFlagsMutuallyExclusive("json", "dot", "openlineage")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		node := args[0]
		if !strings.Contains(node, ":") {
			node = "run:" + node
		}
		q := url.Values{"node": {node}, "direction": {*direction}, "depth": {strconv.Itoa(*depth)}, "ended": {strconv.FormatBool(*ended)}}
		if *asOf != "" {
			q.Set("as_of", *asOf)
		}
		body, err := c.raw(cmd.Context(), http.MethodGet, "/v1/lineage?"+q.Encode(), nil)
		if err != nil {
			return err
		}
		var g lineageGraph
		if err := json.Unmarshal(body, &g); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		out := cmd.OutOrStdout()
		switch {
		case *asJSON:
			_, err = out.Write(append(body, '\n'))
		case *asDot:
			_, err = out.Write([]byte(g.dot()))
		case *asEvents:
			err = g.events(out)
		default:
			t := newTerminal(out, os.Getenv)
			_, err = t.Write([]byte(g.tree()))
		}
		return err
	}
	return cmd
}

// label is a node as people read it.
func (n *lineageNode) label() string {
	_, text, _ := strings.Cut(n.Node, ":")
	out := n.Kind + " " + clean(text)
	if n.Name != "" && !strings.Contains(text, n.Name) {
		out = n.Kind + " " + clean(n.Name) + " (" + clean(text) + ")"
	}
	for _, key := range []string{"status", "state", "stage", "aliases", "url"} {
		if v := n.Attributes[key]; v != "" && v != "None" {
			out += " " + clean(v)
		}
	}
	if n.UntilMS != 0 || n.Attributes["deleted"] != "" {
		out += " ended"
	}
	return out
}

// tree draws what the root came from, and below it what came of it. A node that was drawn is not opened again.
func (g *lineageGraph) tree() string {
	nodes := make(map[string]*lineageNode, len(g.Nodes))
	for i := range g.Nodes {
		nodes[g.Nodes[i].Node] = &g.Nodes[i]
	}
	next := map[bool]map[string][]lineageEdge{true: {}, false: {}}
	for _, e := range g.Edges {
		next[true][e.From] = append(next[true][e.From], e)
		next[false][e.To] = append(next[false][e.To], e)
	}
	var b strings.Builder
	root := nodes[g.Root]
	if root == nil {
		root = &lineageNode{Node: g.Root}
	}
	b.WriteString(root.label() + "\n")
	for _, way := range []struct {
		title string
		down  bool
	}{{"came from", false}, {"what came of it", true}} {
		// Of a direction that was not asked for there are no edges at the root.
		if len(next[way.down][g.Root]) == 0 {
			continue
		}
		b.WriteString(way.title + "\n")
		d := drawing{out: &b, nodes: nodes, next: next[way.down], drawn: map[string]bool{g.Root: true}, down: way.down}
		d.draw(g.Root, "")
	}
	if g.Truncated {
		b.WriteString("There is more; ask for fewer levels, one direction, or with nodes_max over HTTP.\n")
	}
	return b.String()
}

type drawing struct {
	out   *strings.Builder
	nodes map[string]*lineageNode
	next  map[string][]lineageEdge
	drawn map[string]bool
	down  bool
}

func (d *drawing) draw(node, indent string) {
	edges := d.next[node]
	for i, e := range edges {
		branch, deeper := "├─ ", "│  "
		if i == len(edges)-1 {
			branch, deeper = "└─ ", "   "
		}
		other := e.To
		if !d.down {
			other = e.From
		}
		n := d.nodes[other]
		if n == nil {
			continue
		}
		fmt.Fprintf(d.out, "%s%s%s: %s", indent, branch, cmp.Or(clean(e.Name), e.Kind), n.label())
		again := d.drawn[other]
		if again && len(d.next[other]) > 0 {
			d.out.WriteString(" (see above)")
		}
		if n.More {
			d.out.WriteString(" (and more)")
		}
		d.out.WriteByte('\n')
		if !again {
			d.drawn[other] = true
			d.draw(other, indent+deeper)
		}
	}
}

// dot writes the graph for Graphviz; texts are quoted, whatever they hold.
func (g *lineageGraph) dot() string {
	var b strings.Builder
	b.WriteString("digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n")
	for i := range g.Nodes {
		n := &g.Nodes[i]
		style := ""
		if n.Node == g.Root {
			style = ", penwidth=2"
		}
		fmt.Fprintf(&b, "  %s [label=%s%s];\n", dotText(n.Node), dotText(n.label()), style)
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  %s -> %s [label=%s];\n", dotText(e.From), dotText(e.To), dotText(cmp.Or(e.Name, e.Kind)))
	}
	b.WriteString("}\n")
	return b.String()
}

// dotText quotes a text: in Graphviz only the quote must be escaped, and a backslash would begin one of its own escapes.
func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(clean(s)) + `"`
}

// byTime are the nodes of some kinds, the oldest first.
func (g *lineageGraph) byTime(kinds ...string) (out []*lineageNode) {
	for i := range g.Nodes {
		if slices.Contains(kinds, g.Nodes[i].Kind) {
			out = append(out, &g.Nodes[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *lineageNode) int { return cmp.Compare(a.SinceMS, b.SinceMS) })
	return out
}

func eventTime(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}
