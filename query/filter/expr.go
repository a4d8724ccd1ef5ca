// Package filter is MLflow's search language as one tree with two evaluators.
//
//	text --ParseRuns, ParseExperiments--> Expr --Match--> bool         rows in memory
//	                                      Expr --RunSearch.SQL--> SQL  rows in ClickHouse
//	text --ParseModels, ParseVersions--> Expr --Match--> bool          the registry, all of it in memory
//	text --ParseRunOrder, ParseExperimentOrder--> Order --Key, Compare, SQL--> the same two
//
// A search evaluates the tree in Go over rows newer than ClickHouse and in SQL over the rest, and merges
// the two lists. That is right only if both evaluators agree on every row, every order and every page, so
// each rule that SQL could read in another way is fixed here: text compares bytewise, LIKE knows % and _
// and no escape, ILIKE folds ASCII letters as SQLite does, NaN satisfies only !=, and orders compare plain
// columns of one type each. A property test holds the two equal against a real engine.
//
// The package is pure: it reads no clock, no network and no table. What a client wrote wrong comes back as
// a track.Error with MLflow's own words; values reach SQL only as bound parameters.
package filter

import (
	"slices"
	"strconv"
	"strings"
)

// Subject is what a search looks for; it decides the columns of the SQL.
type Subject uint8

// The subjects.
const (
	Runs Subject = iota + 1
	Experiments
	RegisteredModels
	ModelVersions
)

// Entity is the part of a subject that a field belongs to.
type Entity uint8

// The entities.
const (
	Attribute Entity = iota + 1
	Metric
	Param
	Tag
	DatasetField
)

// entityNames are MLflow's canonical names.
var entityNames = [...]string{Attribute: "attribute", Metric: "metric", Param: "parameter", Tag: "tag", DatasetField: "dataset"}

func (e Entity) String() string { return entityNames[e] }

// Field names one value of a row, e.g. {Metric, "loss"} or {Attribute, "start_time"}. Aliases are gone.
type Field struct {
	Entity Entity
	Key    string
}

// The attributes of runs and of experiments.
const (
	RunID          = "run_id"
	RunName        = "run_name"
	Status         = "status"
	ArtifactURI    = "artifact_uri"
	UserID         = "user_id"
	StartTime      = "start_time"
	EndTime        = "end_time"
	Name           = "name"
	ExperimentID   = "experiment_id"
	CreationTime   = "creation_time"
	LastUpdateTime = "last_update_time"
)

// The keys of a dataset.
const (
	DatasetName    = "name"
	DatasetDigest  = "digest"
	DatasetContext = "context"
)

func (f Field) numeric() bool {
	if f.Entity != Attribute {
		return false
	}
	switch f.Key {
	case StartTime, EndTime, CreationTime, LastUpdateTime, VersionNumber, CreationTimestamp, LastUpdatedTimestamp:
		return true
	}
	return false
}

// Op is a comparator.
type Op uint8

// The comparators.
const (
	Equal Op = iota + 1
	NotEqual
	Less
	LessEqual
	Greater
	GreaterEqual
	Like
	ILike
	In
	NotIn
	IsNull
	IsNotNull
)

var opNames = [...]string{
	Equal: "=", NotEqual: "!=", Less: "<", LessEqual: "<=", Greater: ">", GreaterEqual: ">=",
	Like: "LIKE", ILike: "ILIKE", In: "IN", NotIn: "NOT IN", IsNull: "IS NULL", IsNotNull: "IS NOT NULL",
}

func (o Op) String() string { return opNames[o] }

// Value is the right side of a comparison: Text, Integer, Float, List, or nil for IS [NOT] NULL.
type Value interface{ value() }

// Text is a quoted value.
type Text string

// Integer is a whole number beside a numeric attribute.
type Integer int64

// Float is a number beside a metric, or one with a point beside a numeric attribute.
type Float float64

// List is the right side of IN and NOT IN, in the order written.
type List []string

func (Text) value()    {}
func (Integer) value() {}
func (Float) value()   {}
func (List) value()    {}

// Node is a node of the tree: Or, And or Compare.
type Node interface{ node() }

// Or holds if one of its nodes holds.
type Or []Node

// And holds if all of its nodes hold; of none it holds.
type And []Node

// Compare holds if the field has a value and the value stands in the relation; for IsNull, if it has none.
type Compare struct {
	Field Field
	Op    Op
	Value Value
}

func (Or) node()      {}
func (And) node()     {}
func (Compare) node() {}

// Expr is a parsed filter. The zero Expr matches every row.
type Expr struct {
	subject Subject
	root    Node
}

// Root is the tree, nil for the empty filter. It is shared: do not change it.
func (e Expr) Root() Node { return e.root }

// MetricKeys lists the metrics that the filter asks for, sorted, each once.
func (e Expr) MetricKeys() []string {
	var keys []string
	walk(e.root, func(c Compare) {
		if c.Field.Entity == Metric {
			keys = append(keys, c.Field.Key)
		}
	})
	slices.Sort(keys)
	return slices.Compact(keys)
}

func walk(n Node, visit func(Compare)) {
	switch n := n.(type) {
	case Or:
		walk(And(n), visit)
	case And:
		for _, m := range n {
			walk(m, visit)
		}
	case Compare:
		visit(n)
	}
}

// String prints the filter in the language it was parsed from, with canonical names; it parses to the same
// tree.
func (e Expr) String() string {
	if e.root == nil {
		return ""
	}
	return printed(e.root, false)
}

// printed prints a node, and alternatives within something in parentheses.
func printed(n Node, within bool) string {
	var all []string
	switch n := n.(type) {
	case Or:
		for _, m := range n {
			all = append(all, printed(m, false))
		}
		if within {
			return "(" + strings.Join(all, " OR ") + ")"
		}
		return strings.Join(all, " OR ")
	case And:
		for _, m := range n {
			all = append(all, printed(m, true))
		}
		return strings.Join(all, " AND ")
	case Compare:
		return n.String()
	}
	return ""
}

// String prints one clause.
func (c Compare) String() string {
	s := c.Field.String() + " " + c.Op.String()
	switch v := c.Value.(type) {
	case Text:
		s += " " + quoteText(string(v))
	case Integer:
		s += " " + strconv.FormatInt(int64(v), 10)
	case Float:
		s += " " + formatLiteral(float64(v))
	case List:
		s += " ("
		for i, t := range v {
			if i > 0 {
				s += ", "
			}
			s += quoteListed(t)
		}
		s += ")"
	}
	return s
}

// String prints the field so that it parses again.
func (f Field) String() string {
	return f.Entity.String() + "." + quoteKey(f.Key)
}
