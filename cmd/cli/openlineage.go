package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// olProducer says who makes the events; OpenLineage wants an address.
const (
	olProducer = "https://github.com/streamgauge/streamgauge"
	olSchema   = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
	olParent   = "https://openlineage.io/spec/facets/1-0-1/ParentRunFacet.json#/$defs/ParentRunFacet"
	// olNamespace is that of our own jobs and of what has no place outside.
	olNamespace = "streamgauge"
)

type olEvent struct {
	EventType string      `json:"eventType"`
	EventTime string      `json:"eventTime"`
	Run       olRun       `json:"run"`
	Job       olJob       `json:"job"`
	Inputs    []olDataset `json:"inputs"`
	Outputs   []olDataset `json:"outputs"`
	Producer  string      `json:"producer"`
	SchemaURL string      `json:"schemaURL"`
}

type olRun struct {
	RunID  string         `json:"runId"`
	Facets map[string]any `json:"facets,omitempty"`
}

type olJob struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

type olDataset struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// events prints one event for each run and each run of a job: its state, what went in and what came out.
func (g *lineageGraph) events(out io.Writer) error {
	to := json.NewEncoder(out)
	to.SetEscapeHTML(false)
	for _, n := range g.byTime("run", "job-run") {
		if err := to.Encode(g.event(n)); err != nil {
			return fmt.Errorf("write an event: %w", err)
		}
	}
	return nil
}

func (g *lineageGraph) event(n *lineageNode) olEvent {
	at := n.SinceMS
	if end, err := strconv.ParseInt(n.Attributes["end_ms"], 10, 64); err == nil {
		at = end
	}
	e := olEvent{
		EventType: olState(n), EventTime: eventTime(at), Run: olRun{RunID: olRunID(n.Node)}, Job: g.job(n),
		Inputs: []olDataset{}, Outputs: []olDataset{}, Producer: olProducer, SchemaURL: olSchema,
	}
	for _, edge := range g.Edges {
		switch {
		case edge.To == n.Node && edge.Kind == "input":
			e.Inputs = append(e.Inputs, g.dataset(edge.From))
		case edge.From == n.Node && (edge.Kind == "output" || edge.Kind == "registered"):
			e.Outputs = append(e.Outputs, g.dataset(edge.To))
		case edge.To == n.Node && edge.Kind == "parent":
			e.Run.Facets = map[string]any{"parent": map[string]any{
				"_producer": olProducer, "_schemaURL": olParent, "run": olRun{RunID: olRunID(edge.From)}, "job": g.job(g.find(edge.From)),
			}}
		}
	}
	return e
}

func (g *lineageGraph) find(node string) *lineageNode {
	for i := range g.Nodes {
		if g.Nodes[i].Node == node {
			return &g.Nodes[i]
		}
	}
	return &lineageNode{Node: node}
}

// olRunID makes the UUID that OpenLineage wants of 32 hex digits; other ids came as they are.
func olRunID(node string) string {
	_, id, _ := strings.Cut(node, ":")
	if strings.HasPrefix(node, "run:") && len(id) == 32 {
		return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
	}
	return unescape(id)
}

func olState(n *lineageNode) string {
	switch n.Attributes["status"] {
	case "FINISHED":
		return "COMPLETE"
	case "FAILED":
		return "FAIL"
	case "KILLED":
		return "ABORT"
	case "":
		if s := n.Attributes["state"]; s != "" {
			return s
		}
		return "OTHER"
	}
	return "RUNNING"
}

// job is the job of a run: of ours the experiment, of others what they said.
func (g *lineageGraph) job(n *lineageNode) olJob {
	if n.Kind == "job-run" {
		return olJob{n.Attributes["namespace"], n.Name}
	}
	return olJob{olNamespace, "experiment/" + n.ExperimentID}
}

// dataset names a node as OpenLineage does. Where a dataset is a state of a place, the place is what others know.
func (g *lineageGraph) dataset(node string) olDataset {
	for _, e := range g.Edges {
		if e.To == node && e.Kind == "holds" {
			node = e.From
			break
		}
	}
	kind, rest, _ := strings.Cut(node, ":")
	rest = unescape(rest)
	if kind != "source" {
		return olDataset{olNamespace, kind + ":" + rest}
	}
	if path, ok := strings.CutPrefix(rest, "file://"); ok {
		return olDataset{"file", path}
	}
	scheme, path, ok := strings.Cut(rest, "://")
	if !ok {
		return olDataset{olNamespace, rest}
	}
	host, name, _ := strings.Cut(path, "/")
	return olDataset{scheme + "://" + host, name}
}

// unescape undoes how nodes are written.
func unescape(s string) string {
	if out, err := url.PathUnescape(s); err == nil {
		return out
	}
	return s
}
