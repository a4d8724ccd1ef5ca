package filter

import (
	"cmp"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// The attributes of evaluation datasets beside Name; their times are those of experiments under other names.
const (
	createdBy     = "created_by"
	lastUpdatedBy = "last_updated_by"
	createdTime   = "created_time"
)

// evaluationGrammar is that of experiments with other names. It needs no SQL: there are few datasets.
var evaluationGrammar = &grammar{
	subject:    Experiments,
	entities:   map[string]Entity{"attribute": Attribute, "tags": Tag},
	filterKeys: []string{Name, createdTime, LastUpdateTime, createdBy, lastUpdatedBy},
	orderKeys:  []string{Name, createdTime, LastUpdateTime},
	aliases:    map[string]string{createdTime: CreationTime},
	times:      map[string]bool{CreationTime: true, LastUpdateTime: true},
	listed:     Name,
}

// ParseEvaluationDatasets reads the filter of the search for evaluation datasets.
func ParseEvaluationDatasets(filter string) (Expr, error) { return evaluationGrammar.parse(filter) }

// EvaluationOrder is an order of evaluation datasets.
type EvaluationOrder []Term

// ParseEvaluationOrder reads order_by of the search for evaluation datasets; none is newest first.
func ParseEvaluationOrder(clauses []string) (EvaluationOrder, error) {
	if len(clauses) == 0 {
		clauses = []string{createdTime + " DESC"}
	}
	terms, err := evaluationGrammar.terms(clauses)
	if err != nil {
		return nil, err
	}
	for _, t := range terms {
		if t.Field.Entity != Attribute {
			return nil, invalid("Invalid order_by entity: %s", t.Field.Entity)
		}
	}
	return terms, nil
}

// Sort puts datasets into the order; the greatest id first where all else is equal.
func (o EvaluationOrder) Sort(all []*sgpb.EvaluationDataset) {
	slices.SortFunc(all, func(a, b *sgpb.EvaluationDataset) int {
		for _, t := range o {
			n := strings.Compare(a.GetName(), b.GetName())
			if t.Field.Key != Name {
				x, _ := EvaluationRow{a}.Number(t.Field.Key)
				y, _ := EvaluationRow{b}.Number(t.Field.Key)
				n = cmp.Compare(x, y)
			}
			if t.Desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return strings.Compare(b.GetId(), a.GetId())
	})
}

// EvaluationRow is an evaluation dataset as a Row.
type EvaluationRow struct{ Dataset *sgpb.EvaluationDataset }

// Metric has none.
func (EvaluationRow) Metric(string) (float64, bool) { return 0, false }

// Text reads the document; who made it and who last wrote need not be known.
func (r EvaluationRow) Text(f Field) (string, bool) {
	if f.Entity == Tag {
		v, ok := r.Dataset.GetTags()[f.Key]
		return v, ok
	}
	switch f.Key {
	case Name:
		return r.Dataset.GetName(), true
	case createdBy:
		return r.Dataset.GetCreatedBy(), r.Dataset.GetCreatedBy() != ""
	case lastUpdatedBy:
		return r.Dataset.GetUpdatedBy(), r.Dataset.GetUpdatedBy() != ""
	}
	return "", false
}

// Number reads the document.
func (r EvaluationRow) Number(key string) (int64, bool) {
	switch key {
	case CreationTime:
		return r.Dataset.GetCreatedMs(), true
	case LastUpdateTime:
		return r.Dataset.GetUpdatedMs(), true
	}
	return 0, false
}

// Datasets has none.
func (EvaluationRow) Datasets() []Dataset { return nil }
