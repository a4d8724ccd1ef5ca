package filter

import (
	"slices"
	"strconv"
	"strings"
)

// grammar is what differs between the searches of MLflow: names, comparators and the words of messages.
type grammar struct {
	subject    Subject
	entities   map[string]Entity
	filterKeys []string
	orderKeys  []string
	aliases    map[string]string
	times      map[string]bool
	// listed is the one attribute that IN takes.
	listed string
	// or says that comparisons may be joined by OR and stand in parentheses, which MLflow refuses. AND binds stronger.
	or bool
	// foldOps says that comparators may be written in any case.
	foldOps bool
}

var runGrammar = &grammar{
	subject: Runs,
	entities: map[string]Entity{
		"metric": Metric, "metrics": Metric,
		"parameter": Param, "parameters": Param, "param": Param, "params": Param,
		"tag": Tag, "tags": Tag,
		"attribute": Attribute, "attributes": Attribute, "attr": Attribute, "run": Attribute,
		"dataset": DatasetField, "datasets": DatasetField,
	},
	filterKeys: []string{StartTime, EndTime, "created", "Created", RunID, RunName, "run name", "Run name", "Run Name", Status, ArtifactURI, UserID},
	orderKeys:  []string{StartTime, EndTime, "created", "Created", RunID, RunName, Status, ArtifactURI, UserID},
	aliases:    map[string]string{"created": StartTime, "Created": StartTime, "run name": RunName, "Run name": RunName, "Run Name": RunName},
	times:      map[string]bool{StartTime: true, EndTime: true},
	listed:     RunID,
	or:         true,
	foldOps:    true,
}

var experimentGrammar = &grammar{
	subject:    Experiments,
	entities:   map[string]Entity{"attribute": Attribute, "tag": Tag, "tags": Tag},
	filterKeys: []string{Name, ExperimentID, CreationTime, LastUpdateTime},
	orderKeys:  []string{Name, ExperimentID, CreationTime, LastUpdateTime},
	times:      map[string]bool{CreationTime: true, LastUpdateTime: true},
	listed:     ExperimentID,
}

func (g *grammar) entity(name string) (Entity, error) {
	if g.subject == Experiments {
		if e, ok := g.entities[name]; ok {
			return e, nil
		}
		return 0, invalid("Invalid entity type '%s'. Valid entity types are ('attribute', 'tag', 'tags')", name)
	}
	if quoted(name, '`') {
		name = name[1 : len(name)-1]
	}
	if e, ok := g.entities[name]; ok {
		return e, nil
	}
	return 0, invalid("Invalid entity type '%s'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']", name)
}

// wrong shows a token in the message about clauses that are none.
func (g *grammar) wrong(text string) string {
	if g.subject == Experiments {
		return text
	}
	return "'" + text + "'"
}

// nullable says whether IS NULL makes sense for a field.
func (g *grammar) nullable(f Field) error {
	switch {
	case f.Entity == Tag || f.Entity == Param:
		return nil
	case g.subject == Experiments:
		return invalid("IS NULL / IS NOT NULL is only supported for tags, not for attribute '%s'", f.Key)
	}
	return invalid("IS NULL / IS NOT NULL is only supported for tags and params, not for '%s' '%s'", f.Entity, f.Key)
}

var (
	numberOps = []Op{NotEqual, Equal, Less, LessEqual, Greater, GreaterEqual}
	textOps   = []Op{NotEqual, Equal, Like, ILike, In, NotIn}
	mapOps    = []Op{NotEqual, Equal, Like, ILike, IsNull, IsNotNull}
)

// judge checks the comparator of a clause and makes the node.
func (g *grammar) judge(c clause) (Compare, error) {
	name := c.op
	if g.foldOps || c.value == nil {
		name = strings.ToUpper(name)
	}
	op := Op(max(0, slices.Index(opNames[:], name)))
	if err := g.allowed(c.field, op, name); err != nil {
		return Compare{}, err
	}
	if _, list := c.value.(List); list != (op == In || op == NotIn) {
		return Compare{}, invalid("Invalid comparator '%s': a list is compared with IN or NOT IN, and nothing else is", name)
	}
	n := Compare{c.field, op, c.value}
	switch {
	case g.subject == Runs && n.Field == (Field{Attribute, RunName}):
		n.Field = runNameTag
	case g.subject == Experiments && n.Field == (Field{Attribute, ExperimentID}):
		return experimentIDs(n)
	case g.subject == Experiments && n.Field.numeric():
		if f, ok := n.Value.(Float); ok {
			return Compare{}, invalid("Invalid value for numeric attribute '%s': '%s'", n.Field.Key, formatLiteral(float64(f)))
		}
	}
	return n, nil
}

// allowed answers MLflow's message for a comparator that the field does not take; its quotes are MLflow's.
func (g *grammar) allowed(f Field, op Op, name string) error {
	ops, shown, end := textOps, textOps, "'"
	switch {
	case f.Entity == Metric:
		ops, shown, end = numberOps, numberOps, ""
	case f.Entity == Param:
		ops, shown = mapOps, mapOps
	case f.Entity == Tag:
		ops, shown, end = mapOps, mapOps, ""
	case f.Entity == DatasetField:
		end = ""
	case f.numeric():
		ops, end = numberOps, ""
	}
	switch {
	case g.subject == Experiments && f.Key == ExperimentID && f.Entity == Attribute:
		if !slices.Contains([]Op{Equal, NotEqual, In, NotIn}, op) {
			return invalid("Invalid comparator for experiment_id: %s", name)
		}
	case slices.Contains(ops, op):
	case g.subject == Experiments && f.Entity == Tag:
		return invalid("Invalid comparator for tag: %s", name)
	default:
		return invalid("Invalid comparator '%s' not one of '%s%s", name, pythonSet(names(shown)), end)
	}
	return nil
}

func names(ops []Op) []string {
	var s []string
	for _, op := range ops {
		s = append(s, op.String())
	}
	return s
}

// experimentIDs reads ids as numbers and writes them as documents do.
func experimentIDs(n Compare) (Compare, error) {
	canonical := func(s string) (string, error) {
		id, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil {
			return "", invalid("Invalid experiment ID '%s'. Experiment ID must be a valid integer.", s)
		}
		return strconv.FormatInt(id, 10), nil
	}
	switch v := n.Value.(type) {
	case Text:
		id, err := canonical(string(v))
		n.Value = Text(id)
		return n, err
	case List:
		ids := make(List, 0, len(v))
		for _, s := range v {
			id, err := canonical(s)
			if err != nil {
				return n, err
			}
			ids = append(ids, id)
		}
		n.Value = ids
	}
	return n, nil
}
