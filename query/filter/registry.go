package filter

import (
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/document"
)

// The attributes of registered models and of versions, beside Name and RunID.
const (
	VersionNumber        = "version_number"
	SourcePath           = "source_path"
	CreationTimestamp    = "creation_timestamp"
	LastUpdatedTimestamp = "last_updated_timestamp"
)

// registry is what differs between the two searches of the registry. Its language is the common one; its words
// and the order of its checks are of a grammar of their own in MLflow.
type registry struct {
	subject   Subject
	keys      []string
	listed    []string
	orderKeys []string
}

var modelGrammar = &registry{subject: RegisteredModels, keys: []string{Name}, listed: []string{Name}}

var versionGrammar = &registry{
	subject: ModelVersions,
	keys:    []string{Name, VersionNumber, RunID, SourcePath},
	listed:  []string{Name, RunID},
	orderKeys: []string{
		Name, VersionNumber, CreationTimestamp, LastUpdatedTimestamp,
	},
}

// ParseModels reads the filter of registered-models/search.
func ParseModels(filter string) (Expr, error) { return modelGrammar.parse(filter) }

// ParseVersions reads the filter of model-versions/search.
func ParseVersions(filter string) (Expr, error) { return versionGrammar.parse(filter) }

func (g *registry) parse(filter string) (Expr, error) {
	e := Expr{subject: g.subject}
	if filter == "" {
		return e, nil
	}
	if len(filter) > FilterBytesMax {
		return Expr{}, invalid("Invalid filter: it is %d bytes long and at most %d are allowed", len(filter), FilterBytesMax)
	}
	all, err := comparisons(filter, func(text string) string { return text })
	if err != nil {
		return Expr{}, err
	}
	if len(all) > ClausesMax {
		return Expr{}, invalid("Invalid filter: it has %d clauses and at most %d are allowed", len(all), ClausesMax)
	}
	root := make(And, 0, len(all))
	for _, parts := range all {
		n, err := g.compare(parts)
		if err != nil {
			return Expr{}, err
		}
		root = append(root, n)
	}
	if len(root) > 0 {
		e.root = root
	}
	return e, nil
}

func (g *registry) compare(parts []tok) (Compare, error) {
	if len(parts) != 3 {
		return Compare{}, invalid("Invalid comparison clause. Expected 3 tokens found %d", len(parts))
	}
	if parts[0].class != identifier {
		return Compare{}, invalid("Invalid comparison clause. Expected 'Identifier' found '%s'", parts[0].text)
	}
	f, err := g.field(parts[0].text)
	if err != nil {
		return Compare{}, err
	}
	v, err := g.value(f, parts[2])
	if err != nil {
		return Compare{}, err
	}
	return g.judge(f, strings.ToUpper(parts[1].text), v)
}

// field reads an identifier. Unlike in other searches an attribute in quotes is none.
func (g *registry) field(s string) (Field, error) {
	name, key, dotted := strings.Cut(s, ".")
	if !dotted {
		name, key = "attribute", s
	}
	f := Field{Entity: Attribute}
	switch name {
	case "attribute":
		if !slices.Contains(g.keys, key) {
			return f, invalid("Invalid attribute key '%s' specified. Valid keys are '%s'", key, pythonSet(g.keys))
		}
	case "tag", "tags":
		f.Entity = Tag
	default:
		return f, invalid("Invalid entity type '%s'. Valid entity types are ('attribute', 'tag', 'tags')", name)
	}
	if quoted(key, '\'') || quoted(key, '"') {
		key = key[1 : len(key)-1]
	}
	if quoted(key, '`') {
		key = key[1 : len(key)-1]
	}
	f.Key = key
	return f, nil
}

func (g *registry) value(f Field, t tok) (Value, error) {
	switch {
	case t.is(single, identifier):
		return textValue(t.text)
	case f.Entity == Tag:
		return nil, invalid("Expected a quoted string value for tag (e.g. 'my-value'). Got value %s", t.text)
	case t.class == parenthesis:
		if !slices.Contains(g.listed, f.Key) {
			return nil, invalid("Only %s attributes support comparison with a list of quoted string values.", pythonList(g.listed))
		}
		return listValue(t.text)
	case g.subject == ModelVersions && t.is(whole, fraction):
		if f.Key != VersionNumber {
			return nil, invalid("Only the '%s' attributes support comparison with numeric values.", pythonSet([]string{CreationTimestamp, LastUpdatedTimestamp, VersionNumber}))
		}
		if t.class == fraction {
			return nil, invalid("Invalid value for numeric attribute '%s': %s", f.Key, formatLiteral(parseFloat(t.text)))
		}
		return Text(t.text), nil
	}
	return nil, invalid("Expected a quoted string value or a list of quoted string values for attributes. Got value %s", t.text)
}

var registryTagOps = []Op{NotEqual, Equal, Like, ILike}

// judge checks the comparator and makes the node.
func (g *registry) judge(f Field, name string, v Value) (Compare, error) {
	op := Op(max(0, slices.Index(opNames[:], name)))
	switch {
	case f.Entity == Tag:
		if !slices.Contains(registryTagOps, op) {
			return Compare{}, invalid("Invalid comparator for tag: %s", name)
		}
	case f.numeric():
		if !slices.Contains(numberOps, op) {
			return Compare{}, invalid("Invalid comparator for attribute %s: %s", f.Key, name)
		}
		text, _ := v.(Text)
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			return Compare{}, invalid("Invalid value for numeric attribute '%s': %s", f.Key, pythonString(string(text)))
		}
		return Compare{f, op, Integer(n)}, nil
	case !slices.Contains(textOps, op), (op == In || op == NotIn) && !slices.Contains(g.listed, f.Key):
		return Compare{}, invalid("Invalid comparator for attribute: %s", name)
	}
	if _, list := v.(List); list != (op == In || op == NotIn) {
		return Compare{}, invalid("Invalid comparator '%s': a list is compared with IN or NOT IN, and nothing else is", name)
	}
	return Compare{f, op, v}, nil
}

// WithoutPrompts tells a search for models from one for prompts, as MLflow does by the first clause on the
// prompts' tag. In a search for models the clauses on that tag mean nothing more, and prompts are left out.
func (e Expr) WithoutPrompts() (rest Expr, exclude bool) {
	prompt := Field{Tag, document.PromptTag}
	exclude = true
	decided := false
	var kept And
	walk(e.root, func(c Compare) {
		if c.Field != prompt {
			kept = append(kept, c)
			return
		}
		if !decided {
			decided = true
			v, _ := c.Value.(Text)
			exclude = !(c.Op == Equal && strings.EqualFold(string(v), "true") || c.Op == NotEqual && strings.EqualFold(string(v), "false"))
		}
	})
	if !exclude {
		return e, false
	}
	rest = Expr{subject: e.subject}
	if len(kept) > 0 {
		rest.root = kept
	}
	return rest, true
}

// Split parts the clauses on one attribute from the others; both must hold.
func (e Expr) Split(attribute string) (on, rest Expr) {
	var a, b And
	walk(e.root, func(c Compare) {
		if c.Field == (Field{Attribute, attribute}) {
			a = append(a, c)
		} else {
			b = append(b, c)
		}
	})
	on, rest = Expr{subject: e.subject}, Expr{subject: e.subject}
	if len(a) > 0 {
		on.root = a
	}
	if len(b) > 0 {
		rest.root = b
	}
	return on, rest
}
