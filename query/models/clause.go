// Package models is MLflow's search for logged models as one set of conditions with two evaluators, as package
// filter is for runs.
//
//	text --Parse--> clauses --Search.Match--> bool         models newer than ClickHouse
//	                        --Search.SQL----> SQL          the others
//	order_by --ParseOrder--> Order --Key, CompareKeys, SQL--> the same two
//
// A model's metrics are not its document's: they are points that runs logged with the model's id, and a
// condition holds if any point satisfies it. So a model is known by its document and by Facts, which say of each
// condition whether a point satisfies it and for each metric of the order which point is the newest. Facts of
// two sets of points join to the facts of their union, whatever they have in common: the points of the tail and
// those of ClickHouse need no border between them.
//
// The package is pure. What a client wrote wrong comes back in MLflow's words; values reach SQL as bound
// parameters only.
package models

import (
	"math"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Entity is the part of a model that a field belongs to.
type Entity uint8

// The entities.
const (
	Attribute Entity = iota + 1
	Metric
	Param
	Tag
)

var entityNames = [...]string{Attribute: "attributes", Metric: "metrics", Param: "params", Tag: "tags"}

func (e Entity) String() string { return entityNames[e] }

// Field names one value of a model.
type Field struct {
	Entity Entity
	Key    string
}

func (f Field) String() string { return f.Entity.String() + "." + f.Key }

// The attributes, by the names of MLflow's columns.
const (
	ID             = "model_id"
	Name           = "name"
	ModelType      = "model_type"
	Status         = "status"
	SourceRun      = "source_run_id"
	ExperimentID   = "experiment_id"
	ArtifactURI    = "artifact_location"
	StatusMessage  = "status_message"
	LifecycleStage = "lifecycle_stage"
	Created        = "creation_timestamp_ms"
	Updated        = "last_updated_timestamp_ms"
)

var attributes = []string{ID, Name, ModelType, Status, SourceRun, ExperimentID, ArtifactURI, StatusMessage, LifecycleStage, Created, Updated}

var aliases = map[string]string{
	"creation_time": Created, "creation_timestamp": Created, "last_updated_timestamp": Updated,
}

func (f Field) numeric() bool {
	return f.Entity == Metric || f.Entity == Attribute && (f.Key == Created || f.Key == Updated)
}

// Clause is one condition. Number is the right side of numeric fields, List that of IN and NOT IN, Text that of
// all others.
type Clause struct {
	Field  Field
	Op     filter.Op
	Text   string
	Number float64
	List   []string
}

func (c Clause) holdsText(v string) bool {
	switch c.Op {
	case filter.Equal:
		return v == c.Text
	case filter.NotEqual:
		return v != c.Text
	case filter.Like:
		return filter.MatchLike(v, c.Text)
	case filter.ILike:
		return filter.MatchLike(filter.FoldASCII(v), filter.FoldASCII(c.Text))
	case filter.In, filter.NotIn:
		return slices.Contains(c.List, v) == (c.Op == filter.In)
	}
	return false
}

// holdsNumber: as in SQL, nothing stands in a relation to NaN.
func (c Clause) holdsNumber(v float64) bool {
	if math.IsNaN(c.Number) {
		return false
	}
	switch c.Op {
	case filter.Equal:
		return v == c.Number
	case filter.NotEqual:
		return v != c.Number
	case filter.Less:
		return v < c.Number
	case filter.LessEqual:
		return v <= c.Number
	case filter.Greater:
		return v > c.Number
	case filter.GreaterEqual:
		return v >= c.Number
	}
	return false
}

// Dataset scopes metrics: a digest or a name that is empty stands for all.
type Dataset struct{ Name, Digest string }

// separator stands between name and digest in the column of datasets.
const separator = "\n"

// has says whether a point's dataset, as the column has it, is this one.
func (d Dataset) has(column string) bool {
	switch {
	case d.Name != "" && d.Digest != "":
		return column == d.Name+separator+d.Digest
	case d.Name != "":
		return strings.HasPrefix(column, d.Name+separator)
	case d.Digest != "":
		return strings.HasSuffix(column, separator+d.Digest)
	}
	return true
}

// CheckDatasets refuses a dataset without a name.
func CheckDatasets(datasets []Dataset) error {
	for _, d := range datasets {
		if d.Name == "" {
			return invalid("`dataset_name` in the `datasets` clause must be specified.")
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}
