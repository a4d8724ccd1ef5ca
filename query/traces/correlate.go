package traces

import (
	"math"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/tracefilter"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

// jeffreysPrior is added to every count so that few traces do not say too much.
const jeffreysPrior = 0.5

// counts say how often two filters hold.
type counts struct{ first, second, both, all float64 }

// correlate says how two filters go together: pointwise mutual information, normalized to [-1, 1].
func (r *Reader) correlate(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	q, err := correlation(f)
	if err != nil {
		return err
	}
	ctx, cancel := within(c)
	defer cancel()
	rows, err := r.store.Aggregates(ctx, q)
	if err != nil {
		return err
	}
	var n counts
	for _, row := range rows {
		n = counts{row.Values[0], row.Values[1], row.Values[2], row.Values[3]}
	}
	return reply(c, func(w *jx.Encoder) {
		number(w, "npmi", n.npmi())
		number(w, "npmi_smoothed", n.smoothed())
		number(w, "filter1_count", n.first)
		number(w, "filter2_count", n.second)
		number(w, "joint_count", n.both)
		number(w, "total_count", n.all)
	})
}

// number leaves out what is unknown.
func number(w *jx.Encoder, field string, x float64) {
	if !math.IsNaN(x) {
		w.Field(field, func(w *jx.Encoder) { w.Float64(x) })
	}
}

func correlation(f mlflow.Fields) (filter.Query, error) {
	ids, err := f.Strings("experiment_ids")
	if err == nil && len(ids) == 0 {
		err = mlflow.MissingParameter("experiment_ids")
	}
	if err != nil {
		return filter.Query{}, err
	}
	numbers, err := experiments(ids)
	if err != nil {
		return filter.Query{}, err
	}
	base, err := f.String("base_filter")
	if err != nil {
		return filter.Query{}, err
	}
	within, params, err := tracefilter.Where(base, "b", numbers)
	if err != nil {
		return filter.Query{}, err
	}
	var holds []string
	for _, name := range []string{"filter_string1", "filter_string2"} {
		text, err := f.Required(name)
		if err != nil {
			return filter.Query{}, err
		}
		where, more, err := tracefilter.Where(text, name, numbers)
		if err != nil {
			return filter.Query{}, err
		}
		holds, params = append(holds, "ifNull("+where+", 0)"), append(params, more...)
	}
	return filter.Query{
		Text: "SELECT CAST([], 'Array(String)') AS dimensions, arrayMap(x -> toFloat64(x), [countIf(" + holds[0] + "), countIf(" + holds[1] +
			"), countIf(" + holds[0] + " AND " + holds[1] + "), count()]) AS aggregates FROM traces FINAL WHERE " + within,
		Params: params,
	}, nil
}

func (n counts) npmi() float64 {
	if n.known() && n.both == 0 {
		return -1
	}
	return n.with(0)
}

func (n counts) smoothed() float64 { return n.with(jeffreysPrior) }

func (n counts) known() bool { return n.all > 0 && n.first > 0 && n.second > 0 }

func (n counts) with(smoothing float64) float64 {
	if !n.known() {
		return math.NaN()
	}
	only1, only2, none := n.first-n.both, n.second-n.both, n.all-n.first-n.second+n.both
	if only1 == 0 && only2 == 0 && none == 0 {
		return 1
	}
	both := n.both + smoothing
	all := n.all + 4*smoothing
	first, second := both+only1+smoothing, both+only2+smoothing
	pmi := math.Log(both) + math.Log(all) - math.Log(first) - math.Log(second)
	return max(-1, min(1, pmi/(math.Log(all)-math.Log(both))))
}
