package traces

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/tracefilter"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	pointsDefault = 1000
	pointsMax     = 10_000
	// aggregationsMax bounds the columns of one request.
	aggregationsMax = 20
	// partsMax bounds dimensions and filters, each of which makes the statement longer.
	partsMax   = 20
	bucketName = "time_bucket"
)

// metrics answers aggregates over traces, spans or assessments, in groups.
func (r *Reader) metrics(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	m, err := parseMetric(f)
	if err != nil {
		return err
	}
	q, err := tracefilter.Aggregate(m)
	if err != nil {
		return err
	}
	ctx, cancel := within(c)
	defer cancel()
	rows, err := r.store.Aggregates(ctx, q)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(a clickhouse.Aggregate) bool {
		return !slices.ContainsFunc(a.Values, func(x float64) bool { return !math.IsNaN(x) })
	})
	return reply(c, func(w *jx.Encoder) {
		if len(rows) == 0 {
			return
		}
		w.Field("data_points", func(w *jx.Encoder) {
			w.Arr(func(w *jx.Encoder) {
				for _, row := range rows {
					encodePoint(w, m, row)
				}
			})
		})
	})
}

func encodePoint(w *jx.Encoder, m tracefilter.Metric, row clickhouse.Aggregate) {
	w.Obj(func(w *jx.Encoder) {
		w.Field("metric_name", func(w *jx.Encoder) { w.Str(m.Name) })
		if len(row.Dimensions) > 0 {
			w.Field("dimensions", func(w *jx.Encoder) {
				w.Obj(func(w *jx.Encoder) { encodeDimensions(w, m, row.Dimensions) })
			})
		}
		w.Field("values", func(w *jx.Encoder) {
			w.Obj(func(w *jx.Encoder) {
				for i, a := range m.Aggregations {
					number(w, label(a), row.Values[i])
				}
			})
		})
	})
}

func encodeDimensions(w *jx.Encoder, m tracefilter.Metric, values []string) {
	if m.IntervalSeconds > 0 {
		ms, _ := strconv.ParseInt(values[0], 10, 64) // the statement made it of a number
		at := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05+00:00")
		w.Field(bucketName, func(w *jx.Encoder) { w.Str(at) })
		values = values[1:]
	}
	for i, d := range m.Dimensions {
		w.Field(d, func(w *jx.Encoder) { w.Str(values[i]) })
	}
}

// label names an aggregate as MLflow does: P95.0, AVG.
func label(a tracefilter.Aggregation) string {
	if a.Type != "PERCENTILE" {
		return a.Type
	}
	text := strconv.FormatFloat(a.Percentile, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return "P" + text
}

func parseMetric(f mlflow.Fields) (m tracefilter.Metric, err error) {
	ids, err := f.Strings("experiment_ids")
	if err == nil && len(ids) == 0 {
		err = mlflow.MissingParameter("experiment_ids")
	}
	if err != nil {
		return m, err
	}
	if m.Experiments, err = experiments(ids); err != nil {
		return m, err
	}
	if m.View, err = f.Required("view_type"); err != nil {
		return m, err
	}
	if m.Name, err = f.Required("metric_name"); err != nil {
		return m, err
	}
	if m.Aggregations, err = aggregations(f); err != nil {
		return m, err
	}
	if m.Dimensions, err = few(f, "dimensions"); err != nil {
		return m, err
	}
	if m.Filters, err = few(f, "filters"); err != nil {
		return m, err
	}
	if m.IntervalSeconds, err = f.Int64("time_interval_seconds", 0); err != nil {
		return m, err
	}
	if m.FromMS, err = f.Int64("start_time_ms", math.MinInt64); err != nil {
		return m, err
	}
	if m.ToMS, err = f.Int64("end_time_ms", math.MaxInt64); err != nil {
		return m, err
	}
	m.Limit, err = f.Int64("max_results", pointsDefault)
	if err == nil && (m.Limit < 1 || m.Limit > pointsMax) {
		err = track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter 'max_results' supplied. It must be between 1 and %d", m.Limit, pointsMax)
	}
	return m, err
}

// few reads a list of up to partsMax texts.
func few(f mlflow.Fields, name string) ([]string, error) {
	list, err := f.Strings(name)
	if err == nil && len(list) > partsMax {
		err = track.Errorf(track.InvalidParameterValue, "%s has %d items and at most %d are allowed", name, len(list), partsMax)
	}
	return list, err
}

func aggregations(f mlflow.Fields) ([]tracefilter.Aggregation, error) {
	list, err := f.Objects("aggregations")
	if err == nil && len(list) == 0 {
		err = mlflow.MissingParameter("aggregations")
	}
	if err == nil && len(list) > aggregationsMax {
		err = track.Errorf(track.InvalidParameterValue, "aggregations has %d items and at most %d are allowed", len(list), aggregationsMax)
	}
	if err != nil {
		return nil, err
	}
	out := make([]tracefilter.Aggregation, len(list))
	for i, a := range list {
		if out[i].Type, err = a.Required("aggregation_type"); err != nil {
			return nil, err
		}
		if out[i].Type != "PERCENTILE" {
			continue
		}
		p, err := strconv.ParseFloat(string(a.Raw("percentile_value")), 64)
		if err != nil || p < 0 || p > 100 {
			return nil, track.Errorf(track.InvalidParameterValue, "Percentile value must be between 0 and 100, got %s", a.Raw("percentile_value"))
		}
		out[i].Percentile = p
	}
	return out, nil
}
