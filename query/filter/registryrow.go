package filter

import (
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// ParseModelOrder reads order_by of registered-models/search and adds the tie-break.
func ParseModelOrder(clauses []string) (Order, error) {
	name := Field{Attribute, Name}
	o, err := registryOrder(RegisteredModels, clauses, func(key string) (Field, error) {
		switch {
		case key == Name:
			return name, nil
		case strings.EqualFold(key, "timestamp"), key == LastUpdatedTimestamp:
			return Field{Attribute, LastUpdatedTimestamp}, nil
		}
		return Field{}, invalid("Invalid order by key '%s' specified. Valid keys are '%s'", key, pythonSet([]string{Name, "timestamp"}))
	})
	if err == nil && !o.has(name) {
		o.terms = append(o.terms, Term{name, false})
	}
	return o, err
}

// ParseVersionOrder reads order_by of model-versions/search and adds the tie-breaks; none is newest first.
func ParseVersionOrder(clauses []string) (Order, error) {
	if len(clauses) == 0 {
		clauses = []string{LastUpdatedTimestamp + " DESC"}
	}
	o, err := registryOrder(ModelVersions, clauses, func(key string) (Field, error) {
		f, err := (&registry{keys: versionGrammar.orderKeys}).field(strings.Trim(key, "`"))
		if err == nil && f.Entity == Tag && !slices.Contains(versionGrammar.orderKeys, f.Key) {
			err = invalid("Invalid order by key '%s' specified. Valid keys are %s", f.Key, pythonSet(versionGrammar.orderKeys))
		}
		f.Entity = Attribute // MLflow orders by the attribute of that name
		return f, err
	})
	for _, t := range []Term{{Field{Attribute, Name}, false}, {Field{Attribute, VersionNumber}, true}} {
		if err == nil && !o.has(t.Field) {
			o.terms = append(o.terms, t)
		}
	}
	return o, err
}

func registryOrder(s Subject, clauses []string, field func(key string) (Field, error)) (Order, error) {
	o := Order{subject: s}
	if len(clauses) > OrderTermsMax {
		return o, invalid("Invalid order_by: it has %d clauses and at most %d are allowed", len(clauses), OrderTermsMax)
	}
	for _, c := range clauses {
		key, desc, err := orderKey(c)
		if err != nil {
			return o, err
		}
		f, err := field(key)
		if err != nil {
			return o, err
		}
		if o.has(f) {
			return o, invalid("`order_by` contains duplicate fields: %s", pythonList(clauses))
		}
		o.terms = append(o.terms, Term{f, desc})
	}
	return o, nil
}

// ModelRow is a registered model's document as a Row.
type ModelRow struct{ Model *sgpb.RegisteredModel }

// Metric has none.
func (ModelRow) Metric(string) (float64, bool) { return 0, false }

// Datasets has none.
func (ModelRow) Datasets() []Dataset { return nil }

// Text reads the document.
func (r ModelRow) Text(f Field) (string, bool) {
	if f.Entity == Tag {
		v, ok := r.Model.GetTags()[f.Key]
		return v, ok
	}
	return r.Model.GetName(), f == Field{Attribute, Name}
}

// Number reads the document.
func (r ModelRow) Number(key string) (int64, bool) {
	return r.Model.GetUpdatedMs(), key == LastUpdatedTimestamp
}

// VersionRow is a version as a Row; its name is its model's of now.
type VersionRow struct {
	Model   *sgpb.RegisteredModel
	Version *sgpb.ModelVersion
}

// Metric has none.
func (VersionRow) Metric(string) (float64, bool) { return 0, false }

// Datasets has none.
func (VersionRow) Datasets() []Dataset { return nil }

// Text reads the documents. A run or source that was not said is an empty text, as in MLflow.
func (r VersionRow) Text(f Field) (string, bool) {
	if f.Entity == Tag {
		v, ok := r.Version.GetTags()[f.Key]
		return v, ok
	}
	switch f.Key {
	case Name:
		return r.Model.GetName(), true
	case RunID:
		return r.Version.GetRunId(), true
	case SourcePath:
		return r.Version.GetSource(), true
	}
	return "", false
}

// Number reads the documents.
func (r VersionRow) Number(key string) (int64, bool) {
	switch key {
	case VersionNumber:
		return int64(r.Version.GetVersion()), true
	case CreationTimestamp:
		return r.Version.GetCreatedMs(), true
	case LastUpdatedTimestamp:
		return document.VersionUpdatedMS(r.Model, r.Version), true
	}
	return 0, false
}
