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

// size counts what a query asks for. It is counted before validation, whose time grows with the square of it, so
// names may be wrong here and fragments may contain themselves: what bounds the walk is that everything counts as a
// selection, fragments at every place where they are spread.
type size struct {
	fragments                  ast.FragmentDefinitionList
	spread                     map[string]bool
	selections, roots, aliases int
}

func checkSize(doc *ast.QueryDocument) error {
	s := size{fragments: doc.Fragments, spread: make(map[string]bool)}
	for _, op := range doc.Operations {
		if err := s.level(op.SelectionSet, 1); err != nil {
			return err
		}
	}
	// Validation reads a fragment that nothing spreads, too.
	for _, f := range doc.Fragments {
		if s.spread[f.Name] {
			continue
		}
		if err := s.level(f.SelectionSet, 2); err != nil { // below the root, which has none of its fields
			return err
		}
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

// level adds the selections of one object.
func (s *size) level(set ast.SelectionSet, depth int) error {
	if depth > depthMax {
		return track.Errorf(track.InvalidParameterValue, "Query exceeds maximum depth of %d", depthMax)
	}
	aliases := 0
	err := s.add(set, depth, &aliases)
	s.aliases = max(s.aliases, aliases)
	return err
}

// add adds selections to a level, those of its fragments among them.
func (s *size) add(set ast.SelectionSet, depth int, aliases *int) (err error) {
	for _, sel := range set {
		if s.selections++; s.selections > selectionsMax {
			return track.Errorf(track.InvalidParameterValue, "Query exceeds maximum total selections of %d", selectionsMax)
		}
		switch sel := sel.(type) {
		case *ast.Field:
			if sel.Alias != sel.Name {
				*aliases++
			}
			if depth == 1 {
				s.roots++
			}
			if len(sel.SelectionSet) > 0 {
				err = s.level(sel.SelectionSet, depth+1)
			}
		case *ast.InlineFragment:
			err = s.add(sel.SelectionSet, depth, aliases)
		case *ast.FragmentSpread:
			s.spread[sel.Name] = true
			if f := s.fragments.ForName(sel.Name); f != nil {
				err = s.add(f.SelectionSet, depth, aliases)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
