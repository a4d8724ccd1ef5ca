package graphql

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/go-faster/jx"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// selected is a field of an answer: fields with the same name in it are one, and their selections joined.
type selected struct {
	*ast.Field
	set ast.SelectionSet
}

func (x *execution) collect(set ast.SelectionSet) (out []*selected) {
	byAlias := make(map[string]*selected)
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.InlineFragment:
				if x.included(sel.Directives) {
					walk(sel.SelectionSet)
				}
			case *ast.FragmentSpread:
				if x.included(sel.Directives) {
					walk(sel.Definition.SelectionSet)
				}
			case *ast.Field:
				if !x.included(sel.Directives) {
					continue
				}
				if old := byAlias[sel.Alias]; old != nil {
					old.set = append(append(ast.SelectionSet{}, old.set...), sel.SelectionSet...)
					continue
				}
				s := &selected{sel, sel.SelectionSet}
				byAlias[sel.Alias] = s
				out = append(out, s)
			}
		}
	}
	walk(set)
	return out
}

// included follows @skip and @include.
func (x *execution) included(list ast.DirectiveList) bool {
	for name, wanted := range map[string]bool{"skip": false, "include": true} {
		if d := list.ForName(name); d != nil && d.ArgumentMap(x.vars)["if"] != wanted {
			return false
		}
	}
	return true
}

func (x *execution) root(w *jx.Encoder, op *ast.OperationDefinition) {
	w.ObjStart()
	for _, f := range x.collect(op.SelectionSet) {
		w.FieldStart(f.Alias)
		value, err := x.rootValue(f)
		if err != nil {
			x.failed(err)
			w.Null()
			continue
		}
		x.value(w, f, f.Definition.Type, value)
	}
	w.ObjEnd()
}

// failed notes an error. That calls are used up is said once, not for each run.
func (x *execution) failed(err error) {
	if errors.Is(err, errCalls) && x.calls > callsMax+1 {
		return
	}
	x.errors = append(x.errors, err.Error())
}

func (x *execution) rootValue(f *selected) (any, error) {
	args := f.ArgumentMap(x.vars)
	switch f.Name {
	case "__typename":
		return f.ObjectDefinition.Name, nil
	case "test", "testMutation":
		return map[string]any{"output": args["inputString"]}, nil
	}
	r, ok := routes[f.Name]
	if !ok {
		return nil, track.Errorf(track.NotImplemented, "'%s' is not served here", f.Name)
	}
	input, _ := args["input"].(map[string]any)
	if input == nil {
		return nil, track.Errorf(track.InvalidParameterValue, "Field '%s' needs the argument 'input'.", f.Name)
	}
	return x.ask(r, input)
}

// value writes a value of the answer as its type wants it.
func (x *execution) value(w *jx.Encoder, f *selected, t *ast.Type, v any) {
	if t.Elem != nil {
		list, _ := v.([]any)
		w.ArrStart()
		for _, item := range list {
			x.value(w, f, t.Elem, item)
		}
		w.ArrEnd()
		return
	}
	definition := schema.Types[t.NamedType]
	switch {
	case definition.Kind == ast.Object:
		object, _ := v.(map[string]any)
		x.object(w, f, definition, object)
	case definition.Kind == ast.Enum && v == nil:
		w.Str(definition.EnumValues[0].Name)
	default:
		scalar(w, t.NamedType, v)
	}
}

func (x *execution) object(w *jx.Encoder, parent *selected, definition *ast.Definition, object map[string]any) {
	w.ObjStart()
	for _, f := range x.collect(parent.set) {
		w.FieldStart(f.Alias)
		if f.Name == "__typename" {
			w.Str(definition.Name)
			continue
		}
		v, err := x.fieldValue(definition.Name, f.Name, object)
		if err != nil {
			x.failed(err)
		}
		if err != nil || f.Name == "apiError" {
			w.Null() // errors stand beside the data
			continue
		}
		x.value(w, f, f.Definition.Type, v)
	}
	w.ObjEnd()
}

// fieldValue looks a field up; two of a run are not in its own answer.
func (x *execution) fieldValue(kind, name string, object map[string]any) (any, error) {
	if !strings.HasPrefix(kind, "MlflowRun") || name != "experiment" && name != "modelVersions" {
		return object[snake(name)], nil
	}
	info, _ := object["info"].(map[string]any)
	if name == "experiment" {
		answer, err := x.ask(routes["mlflowGetExperiment"], map[string]any{"experimentId": info["experiment_id"]})
		return answer["experiment"], err
	}
	answer, err := x.ask(routes["mlflowSearchModelVersions"], map[string]any{"filter": fmt.Sprintf("run_id='%v'", info["run_id"])})
	return answer["model_versions"], err
}

func scalar(w *jx.Encoder, kind string, v any) {
	switch kind {
	case "LongString":
		if v == nil {
			v = "0"
		}
		w.Str(fmt.Sprint(v))
	case "Float":
		float(w, v)
	case "Int":
		n, _ := v.(json.Number)
		i, _ := n.Int64()
		w.Int64(i)
	case "Boolean":
		b, _ := v.(bool)
		w.Bool(b)
	default:
		if v == nil {
			v = ""
		}
		w.Str(fmt.Sprint(v))
	}
}

// float writes a number. GraphQL has none for NaN, which is null, nor for infinities, which are the greatest number
// as in MLflow's own store.
func float(w *jx.Encoder, v any) {
	switch v := v.(type) {
	case string:
		switch v {
		case "Infinity":
			w.Float64(math.MaxFloat64)
		case "-Infinity":
			w.Float64(-math.MaxFloat64)
		default:
			w.Null()
		}
	case json.Number:
		w.Raw([]byte(v))
	default:
		w.Float64(0)
	}
}
