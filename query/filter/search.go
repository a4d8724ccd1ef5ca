package filter

import (
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/table"
)

// View says which lifecycle stages a search sees.
type View uint8

// The views of MLflow.
const (
	ActiveOnly View = iota + 1
	DeletedOnly
	All
)

// ParseView reads run_view_type or view_type; empty means ACTIVE_ONLY, and so does a name that is unknown to
// MLflow, whose parser drops it.
func ParseView(s string) View {
	switch s {
	case "DELETED_ONLY", "2":
		return DeletedOnly
	case "ALL", "3":
		return All
	}
	return ActiveOnly
}

// Sees says whether the view shows a row of this lifecycle stage.
func (v View) Sees(deleted bool) bool {
	return v == All || deleted == (v == DeletedOnly)
}

// condition compares a condition that holds for deleted rows.
func (v View) condition(deleted string) string {
	switch v {
	case All:
		return "1"
	case DeletedOnly:
		return deleted
	}
	return "NOT " + deleted
}

// Stage is the lifecycle of an experiment: it is the lifecycle of the runs whose epoch is lower than Epoch
// (document.LifecycleOf).
type Stage struct {
	Experiment uint32
	Epoch      uint64
	Deleted    bool
}

// RunSearch is a search over the table of runs.
type RunSearch struct {
	Experiments []uint32
	// Stages are the lifecycles of those experiments that were ever deleted; the others may be left out.
	Stages []Stage
	View   View
	Where  Expr
	Order  Order
	// After is the key of the last row before the page, nil for the first page.
	After Key
	// Except are ids of runs that are answered from elsewhere.
	Except []string
	Limit  int
}

// SQL writes the search. columns are of streamgauge.runs AS r, e.g. "r.run_id, r.document"; they are fixed
// text of the caller, never a client's.
func (s RunSearch) SQL(columns string) Query {
	c := &compiler{subject: Runs, metrics: s.MetricKeys()}
	experiments := c.ids(s.Experiments)
	var b strings.Builder
	b.WriteString("SELECT " + columns + " FROM " + table.Database + ".runs AS r FINAL")
	if len(c.metrics) > 0 {
		b.WriteString(" LEFT ANY JOIN (" + c.latest(experiments) + ") AS m ON m.run = r.run")
	}
	// The row of run_id '' is the watermark.
	conditions := []string{"r.experiment IN " + experiments, "r.run_id != ''", s.View.condition(c.deleted(s.Stages))}
	if len(s.Except) > 0 {
		conditions = append(conditions, "r.run_id NOT IN "+c.list(s.Except))
	}
	c.finish(&b, conditions, page{s.Where, s.Order, s.After, s.Limit})
	return Query{b.String(), c.params}
}

// deleted is the condition that a run is deleted, by itself or with its experiment.
func (c *compiler) deleted(stages []Stage) string {
	own := "(r.lifecycle = 'deleted')"
	var ids, deleted []uint32
	var epochs []uint64
	for _, s := range stages {
		if s.Epoch == 0 {
			continue
		}
		ids, epochs = append(ids, s.Experiment), append(epochs, s.Epoch)
		if s.Deleted {
			deleted = append(deleted, s.Experiment)
		}
	}
	if len(ids) == 0 {
		return own
	}
	epoch := "transform(r.experiment, " + c.ids(ids) + ", " + c.bind("Array(UInt64)", epochs) + ", toUInt64(0))"
	return "if(r.lifecycle_epoch < " + epoch + ", r.experiment IN " + c.ids(deleted) + ", " + own + ")"
}

// MetricColumns selects the metrics that the search compares, as it saw them: metric_known, an Array(UInt8), and
// metric_values, an Array(Float64), in the order of MetricKeys.
func (s RunSearch) MetricColumns() string {
	var known, values []string
	for i := range s.MetricKeys() {
		known, values = append(known, "m.has"+strconv.Itoa(i)), append(values, "m.v"+strconv.Itoa(i))
	}
	return "CAST([" + strings.Join(known, ", ") + "], 'Array(UInt8)') AS metric_known, " +
		"CAST([" + strings.Join(values, ", ") + "], 'Array(Float64)') AS metric_values"
}

// MetricKeys lists the metrics that the search compares, sorted.
func (s RunSearch) MetricKeys() []string {
	keys := append(s.Where.MetricKeys(), s.Order.MetricKeys()...)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// latest reads all metrics that the search needs in one pass over the experiments' ranges.
func (c *compiler) latest(experiments string) string {
	keys := c.list(c.metrics)
	columns := "run"
	for i, k := range c.metrics {
		n, key := strconv.Itoa(i), c.text(k)
		columns += ", countIf(key = " + key + ") > 0 AS has" + n + ", tupleElement(maxIf(value, key = " + key + "), 5) AS v" + n
	}
	return "SELECT " + columns + " FROM " + table.Database + ".latest WHERE experiment IN " + experiments + " AND key IN " + keys + " GROUP BY run"
}

// ExperimentSearch is a search over the table of experiments.
type ExperimentSearch struct {
	View  View
	Where Expr
	Order Order
	// After is the key of the last row before the page, nil for the first page.
	After Key
	// Except are ids of experiments that are answered from elsewhere.
	Except []string
	Limit  int
}

// SQL writes the search over streamgauge.experiments AS r; columns as in RunSearch.
func (s ExperimentSearch) SQL(columns string) Query {
	c := &compiler{subject: Experiments}
	var b strings.Builder
	b.WriteString("SELECT " + columns + " FROM " + table.Database + ".experiments AS r FINAL")
	conditions := []string{"r.id != ''", s.View.condition("(r.lifecycle = 'deleted')")}
	if len(s.Except) > 0 {
		conditions = append(conditions, "r.id NOT IN "+c.list(s.Except))
	}
	c.finish(&b, conditions, page{s.Where, s.Order, s.After, s.Limit})
	return Query{b.String(), c.params}
}

type page struct {
	where Expr
	order Order
	after Key
	limit int
}

// finish writes what both searches end with.
func (c *compiler) finish(b *strings.Builder, conditions []string, p page) {
	if p.where.root != nil {
		conditions = append(conditions, c.node(p.where.root))
	}
	if p.after != nil {
		conditions = append(conditions, c.after(p.order, p.after))
	}
	b.WriteString(" WHERE " + conjunction(conditions))
	if len(p.order.terms) > 0 {
		b.WriteString(" ORDER BY " + c.orderBy(p.order))
	}
	b.WriteString(" LIMIT " + strconv.Itoa(p.limit))
}
