package graphql

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// MLflow's limits of a query, those of its environment variables at their defaults.
const (
	depthMax      = 10
	selectionsMax = 1000
	rootFieldsMax = 10
	aliasesMax    = 10
)

// size counts what a query asks for. Fragments cannot contain themselves: validation has seen to that.
type size struct{ selections, roots, aliases int }

func checkSize(op *ast.OperationDefinition) error {
	var s size
	if err := s.add(op.SelectionSet, 1); err != nil {
		return err
	}
	for _, limit := range []struct {
		name     string
		got, max int
	}{
		{"root fields", s.roots, rootFieldsMax},
		{"aliases", s.aliases, aliasesMax},
	} {
		if limit.got > limit.max {
			return track.Errorf(track.InvalidParameterValue, "GraphQL queries should have at most %d %s, got %d %s.", limit.max, limit.name, limit.got, limit.name)
		}
	}
	return nil
}

func (s *size) add(set ast.SelectionSet, depth int) error {
	if depth > depthMax {
		return track.Errorf(track.InvalidParameterValue, "Query exceeds maximum depth of %d", depthMax)
	}
	aliases := 0
	for _, f := range flatten(set) {
		if f.Alias != f.Name {
			aliases++
		}
		if depth == 1 {
			s.roots++
		}
		if s.selections++; s.selections > selectionsMax {
			return track.Errorf(track.InvalidParameterValue, "Query exceeds maximum total selections of %d", selectionsMax)
		}
		if len(f.SelectionSet) > 0 {
			if err := s.add(f.SelectionSet, depth+1); err != nil {
				return err
			}
		}
	}
	s.aliases = max(s.aliases, aliases)
	return nil
}

// flatten gives the fields of a selection, those of its fragments among them.
func flatten(set ast.SelectionSet) (out []*ast.Field) {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			out = append(out, sel)
		case *ast.InlineFragment:
			out = append(out, flatten(sel.SelectionSet)...)
		case *ast.FragmentSpread:
			out = append(out, flatten(sel.Definition.SelectionSet)...)
		}
	}
	return out
}
