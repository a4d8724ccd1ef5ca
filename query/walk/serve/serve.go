// Package serve answers GET /v1/lineage.
package serve

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/walk"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// readTimeout ends a walk.
const readTimeout = 30 * time.Second

// Experiments answers all experiments; what is in the list is shared.
type Experiments interface {
	Experiments() []*sgpb.Experiment
}

// Server answers GET /v1/lineage.
type Server struct {
	walker      *walk.Walker
	models      Models
	experiments Experiments
	logs        Logs
	now         func() time.Time
}

// Logs are waited for, so that a reader sees its own writes: the tail first, for what a frame says of a run is a document
// then.
type Logs struct {
	Tail      feed.Tail
	Documents feed.Documents
}

// NewServer makes a server.
func NewServer(w *walk.Walker, models Models, experiments Experiments, logs Logs) *Server {
	return &Server{w, models, experiments, logs, time.Now}
}

func (l Logs) await(ctx context.Context) error {
	if err := l.Tail.Await(ctx); err != nil {
		return err
	}
	return l.Documents.Await(ctx)
}

// Routes registers the handler.
func (s *Server) Routes(r fiber.Router) { r.Get("/v1/lineage", s.get) }

// Answer is a graph as the API shows it.
type Answer struct {
	// Root is the first node that was asked for and is known.
	Root      string `json:"root"`
	Direction string `json:"direction"`
	Depth     int    `json:"depth"`
	// AsOfMS is nothing for now.
	AsOfMS int64 `json:"as_of_ms,omitempty"`
	// Truncated says that there are more nodes than nodes_max.
	Truncated bool         `json:"truncated,omitempty"`
	Nodes     []AnswerNode `json:"nodes"`
	Edges     []AnswerEdge `json:"edges"`
}

// AnswerNode is a node. Distance is the least number of edges from the root, less than 0 above it.
type AnswerNode struct {
	Node         string            `json:"node"`
	Kind         string            `json:"kind"`
	Name         string            `json:"name,omitempty"`
	Distance     int               `json:"distance"`
	ExperimentID string            `json:"experiment_id,omitempty"`
	SinceMS      int64             `json:"since_ms,omitempty"`
	UntilMS      int64             `json:"until_ms,omitempty"`
	Attributes   map[string]string `json:"attributes,omitempty"`
	// More says that not all of its edges were followed.
	More bool `json:"more,omitempty"`
}

// AnswerEdge goes from what was there to what came of it.
type AnswerEdge struct {
	From       string            `json:"from"`
	To         string            `json:"to"`
	Kind       string            `json:"kind"`
	Name       string            `json:"name,omitempty"`
	SinceMS    int64             `json:"since_ms,omitempty"`
	UntilMS    int64             `json:"until_ms,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	// Recorded says that somebody recorded it by POST /v1/lineage.
	Recorded bool `json:"recorded,omitempty"`
}

func (s *Server) get(c *fiber.Ctx) error {
	args := make(map[string][]string)
	c.Context().QueryArgs().VisitAll(func(k, v []byte) { args[string(k)] = append(args[string(k)], string(v)) })
	ctx, cancel := context.WithTimeout(c.UserContext(), readTimeout)
	defer cancel()
	if err := s.logs.await(ctx); err != nil {
		return err
	}
	fields := mlflow.ParseQuery(args)
	request, err := parse(fields)
	if err != nil {
		return err
	}
	names, err := s.namesAt(ctx, request.AsOfMS)
	if err != nil {
		return err
	}
	belongs := &belonging{registry: s.models.Registry, ctx: ctx, known: make(map[lineage.Node]bool)}
	if caller := track.CallerOf(ctx); !caller.SeesAll() {
		belongs.experiments = s.seen(caller)
		request.Confined, request.Experiments, request.Belongs = true, belongs.experiments, belongs.has
	}
	if request.Roots, err = parseRoots(names, fields, request.Confined); err != nil {
		return err
	}
	g, err := s.walker.Walk(ctx, request, s.now().UnixMilli())
	if belongs.err != nil {
		return belongs.err
	}
	if track.CodeOf(err) == track.ResourceDoesNotExist { // in the words of the request: to the caller what is hidden is not there
		return absent(args["node"][0])
	}
	if err != nil {
		return err
	}
	answer := show(names, request, g)
	if then, ok := names.(*namesThen); ok && then.err != nil {
		return then.err
	}
	return c.JSON(answer)
}

// namesAt knows models as they were at a time, 0 for now.
func (s *Server) namesAt(ctx context.Context, ms int64) (Names, error) {
	if ms == 0 {
		return s.models.Names, nil
	}
	if err := s.logs.Documents.Flush(ctx); err != nil {
		return nil, err
	}
	return &namesThen{Names: s.models.Names, moves: s.models.Moves, ctx: ctx, atMS: ms, known: make(map[string]*sgpb.RegisteredModel)}, nil
}

// seen are the experiments that a confined caller may see.
func (s *Server) seen(caller *track.Caller) (out []uint32) {
	for _, e := range s.experiments.Experiments() {
		if id, ok := track.ParseExperimentID(e.GetId()); ok && caller.Sees(e.GetId(), e.GetName()) {
			out = append(out, id)
		}
	}
	return out
}

// parse reads all of a request but its roots.
func parse(f mlflow.Fields) (r walk.Request, err error) {
	direction, err := f.String("direction")
	if err != nil {
		return r, err
	}
	switch direction {
	case "", "both":
		r.Up, r.Down = true, true
	case "up":
		r.Up = true
	case "down":
		r.Down = true
	default:
		return r, track.Errorf(track.InvalidParameterValue, "Invalid value %q for parameter 'direction' supplied: it is up, down or both", direction)
	}
	for _, n := range []struct {
		name           string
		into           *int
		fallback, most int
	}{{"depth", &r.Depth, walk.DepthDefault, walk.DepthMax}, {"nodes_max", &r.NodesMax, walk.NodesDefault, walk.NodesMax}, {"edges_max", &r.EdgesMax, walk.EdgesDefault, walk.EdgesMax}} {
		v, err := f.Int64(n.name, int64(n.fallback))
		if err != nil {
			return r, err
		}
		if v < 1 || v > int64(n.most) {
			return r, track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter '%s' supplied: it must be from 1 to %d", v, n.name, n.most)
		}
		*n.into = int(v)
	}
	if r.Ended, err = f.Bool("ended", false); err != nil {
		return r, err
	}
	at, err := f.String("as_of")
	if err != nil {
		return r, err
	}
	r.AsOfMS, err = parseAsOf(at)
	return r, err
}

// parseRoots reads the nodes that a walk begins at. Of several, those that are not known are left out by the walk; a version
// that nobody can look up is an error all the same, but for a confined caller, to whom one that is hidden must look the same.
func parseRoots(names Names, f mlflow.Fields, confined bool) (roots []lineage.Node, err error) {
	texts, err := f.Strings("node")
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 || texts[0] == "" {
		return nil, mlflow.MissingParameter("node")
	}
	if len(texts) > walk.RootsMax {
		return nil, track.Errorf(track.InvalidParameterValue, "Invalid value for parameter 'node' supplied: %d nodes are asked for, and at most %d may be", len(texts), walk.RootsMax)
	}
	for _, text := range texts {
		n, err := parseNode(names, text)
		if confined && track.CodeOf(err) == track.ResourceDoesNotExist {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains(roots, n) {
			roots = append(roots, n)
		}
	}
	if len(roots) == 0 {
		return nil, absent(texts[0])
	}
	return roots, nil
}

// parseAsOf reads a time in milliseconds, or as people write one; a day is its end.
func parseAsOf(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 0 {
		return ms, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, strings.Replace(text, " ", "+", 1)); err == nil && t.UnixMilli() > 0 {
		return t.UnixMilli(), nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil && t.UnixMilli() >= 0 {
		return t.AddDate(0, 0, 1).UnixMilli() - 1, nil
	}
	return 0, track.Errorf(track.InvalidParameterValue, "Invalid value %q for parameter 'as_of' supplied: it is a time in milliseconds since 1970, 2026-01-31T12:00:00Z, or a day", text)
}

func show(models Names, r walk.Request, g *walk.Graph) Answer {
	out := Answer{Direction: "both", Depth: r.Depth, AsOfMS: r.AsOfMS, Truncated: g.Truncated, Nodes: make([]AnswerNode, 0, len(g.Nodes)), Edges: make([]AnswerEdge, 0, len(g.Edges))}
	switch {
	case !r.Down:
		out.Direction = "up"
	case !r.Up:
		out.Direction = "down"
	}
	names := make(map[lineage.Node]string, len(g.Nodes))
	for _, id := range sortedNodes(g) {
		n := g.Nodes[id]
		as, name, more := shown(models, id)
		names[id] = string(as)
		node := AnswerNode{
			Node: string(as), Kind: id.Kind(), Name: cmp.Or(name, n.Row.Name), Distance: n.Distance, SinceMS: n.Row.SinceMS, UntilMS: n.Row.UntilMS,
			Attributes: with(n.Row.Attributes, more), More: n.More,
		}
		if len(n.Row.Experiments) > 0 {
			node.ExperimentID = strconv.FormatUint(uint64(n.Row.Experiments[0]), 10)
		}
		out.Nodes = append(out.Nodes, node)
	}
	for _, root := range r.Roots {
		if name, known := names[root]; known { // one that is hidden has no name here
			out.Root = name
			break
		}
	}
	for _, e := range g.Edges {
		out.Edges = append(out.Edges, AnswerEdge{
			From: names[e.From()], To: names[e.To()], Kind: e.Kind, Name: e.Name, SinceMS: e.SinceMS, UntilMS: e.UntilMS, Attributes: e.Attributes,
			Recorded: e.Owner.Kind() == lineage.KindRecorded,
		})
	}
	slices.SortFunc(out.Edges, func(a, b AnswerEdge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}
