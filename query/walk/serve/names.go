package serve

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/query/walk"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Names knows registered models. In the graph a version stands under its model's id, which stays when the name changes;
// people name it. What Names answers is shared.
type Names interface {
	// ModelByName answers the living model of a name, nil if there is none.
	ModelByName(name string) *sgpb.RegisteredModel
	// ModelByID answers a living model, nil if there is none.
	ModelByID(id string) *sgpb.RegisteredModel
}

// idMark begins what stands for the name of a model that has none any more: names have no colon.
const idMark = ":"

// parseNode reads a node as a request names it. A version is version:NAME/NUMBER, or NAME/STAGE or NAME@ALIAS, which are
// looked up as they are now.
func parseNode(names Names, text string) (lineage.Node, error) {
	kind, rest, _ := strings.Cut(text, ":")
	if kind == lineage.KindVersion && rest != "" {
		return parseVersion(names, text, rest)
	}
	n, err := lineage.Parse(text)
	if err == nil && n.Kind() == lineage.KindRecorded {
		return "", unknown(text)
	}
	if err != nil {
		return "", track.Errorf(track.InvalidParameterValue, "Invalid value %q for parameter 'node' supplied: %v", text, err)
	}
	return n, nil
}

func unknown(text string) error {
	return track.Errorf(track.ResourceDoesNotExist, "Nothing is known of the node %q; nodes are KIND:NAME, such as run:ID, dataset:NAME@DIGEST or version:NAME/1", text)
}

func parseVersion(names Names, text, rest string) (lineage.Node, error) {
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		name, pick := rest[:i], rest[i+1:]
		if id, ok := strings.CutPrefix(name, idMark); ok {
			if n, ok := lineage.ParseVersion(id, pick); ok {
				return n, nil
			}
		}
		m := names.ModelByName(unescaped(name))
		if n, ok := lineage.ParseVersion(m.GetId(), pick); ok {
			return n, nil
		}
		for _, v := range document.LatestVersions(m) {
			if strings.EqualFold(mlflow.StageName(document.StageOf(m, v)), pick) {
				return lineage.Version(m.GetId(), v), nil
			}
		}
		return "", noVersion(text)
	}
	i := strings.LastIndexByte(rest, '@')
	if i < 0 {
		return "", track.Errorf(track.InvalidParameterValue, "Invalid value %q for parameter 'node' supplied: a version is version:NAME/NUMBER, version:NAME/STAGE or version:NAME@ALIAS", text)
	}
	m := names.ModelByName(unescaped(rest[:i]))
	if v, ok := m.GetAliases()[rest[i+1:]]; ok {
		return lineage.Version(m.GetId(), v), nil
	}
	return "", noVersion(text)
}

// unescaped reads a name as the graph writes it.
func unescaped(name string) string {
	first, _ := lineage.Node(lineage.KindVersion + ":" + name + "/1").Parts()
	return first
}

// absent is the same for what never was and for what the caller may not see.
func absent(text string) error {
	if kind, _, _ := strings.Cut(text, ":"); kind == lineage.KindVersion {
		return noVersion(text)
	}
	return unknown(text)
}

func noVersion(text string) error {
	return track.Errorf(track.ResourceDoesNotExist, "No version is known as %q; `streamgauge registry models` lists the models, and a version is version:NAME/NUMBER, version:NAME/STAGE or version:NAME@ALIAS", text)
}

// shown is a node under the name that people use, and what its registered model says of it.
func shown(names Names, n lineage.Node) (as lineage.Node, name string, more map[string]string) {
	if n.Kind() != lineage.KindVersion {
		return n, "", nil
	}
	id, number := n.Parts()
	v, err := strconv.ParseUint(number, 10, 64)
	m := names.ModelByID(id)
	if m == nil || err != nil {
		return lineage.Node(lineage.KindVersion + ":" + idMark + id + "/" + number), "", map[string]string{"deleted": "true"}
	}
	more = map[string]string{"stage": mlflow.StageName(document.StageOf(m, v))}
	if aliases := document.AliasesOf(m, v); len(aliases) > 0 {
		more["aliases"] = strings.Join(aliases, " ")
	}
	return lineage.Version(m.GetName(), v), m.GetName() + "/" + number, more
}

// with adds texts to those of a row, which stay as they are.
func with(attributes, more map[string]string) map[string]string {
	if len(more) == 0 {
		return attributes
	}
	out := maps.Clone(attributes)
	if out == nil {
		out = make(map[string]string)
	}
	maps.Copy(out, more)
	return out
}

func sortedNodes(g *walk.Graph) []lineage.Node {
	return slices.SortedFunc(maps.Keys(g.Nodes), func(a, b lineage.Node) int {
		if d := g.Nodes[a].Distance - g.Nodes[b].Distance; d != 0 {
			return d
		}
		return strings.Compare(string(a), string(b))
	})
}
