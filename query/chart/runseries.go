package chart

import (
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// getRunSeries answers GET /v1/runs/{id}/series, which the web page and the command line read: a line for each rank and
// launch, with all columns in one shape.
func (r *Reader) getRunSeries(c *fiber.Ctx) error {
	args := queryArgs(c)
	args["run_id"] = []string{strings.Clone(c.Params("run_id"))}
	for ours, theirs := range map[string]string{"points": "buckets", "from_step": "from", "to_step": "to"} {
		if given, ok := args[ours]; ok {
			args[theirs] = given
		}
	}
	if rank := args["rank"]; len(rank) == 1 && rank[0] == "all" {
		args["rank"] = []string{"each"}
	}
	args["attempts"] = []string{"each"}
	v, err := parseRequest(mlflow.ParseQuery(args), "run_id", "key")
	if err != nil {
		return err
	}
	if v.axis != series.AxisStep || v.raw || v.columns != nil {
		return track.Errorf(track.InvalidParameterValue, "ask GET /v1/series for another axis, raw points or some columns")
	}
	ctx, cancel := within(c)
	defer cancel()
	lines, err := r.read(ctx, v)
	if err != nil {
		return err
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ObjStart()
	w.FieldStart("series")
	w.ArrStart()
	for i := range lines {
		lines[i].encodeApart(w)
	}
	w.ArrEnd()
	w.ObjEnd()
	return sendJSON(c, w.Bytes())
}

func (l *answerLine) encodeApart(w *jx.Encoder) {
	column := func(name string, write func(b *series.Bucket)) {
		w.FieldStart(name)
		w.ArrStart()
		for i := range l.buckets {
			write(&l.buckets[i])
		}
		w.ArrEnd()
	}
	w.ObjStart()
	w.FieldStart("key")
	w.Str(l.key)
	w.FieldStart("rank")
	w.UInt32(l.rank)
	w.FieldStart("attempt")
	w.UInt32(l.parts[0].Attempt)
	w.FieldStart("points_total")
	w.UInt64(l.points)
	w.FieldStart("raw")
	w.Bool(l.raw)
	column("step", func(b *series.Bucket) { w.Int64(b.StepFirst) })
	column("step_last", func(b *series.Bucket) { w.Int64(b.StepLast) })
	column("time", func(b *series.Bucket) { w.Int64(b.TimeLast) })
	column("min", func(b *series.Bucket) { mlflow.EncodeFloat(w, b.Min()) })
	column("max", func(b *series.Bucket) { mlflow.EncodeFloat(w, b.Max()) })
	column("mean", func(b *series.Bucket) { mlflow.EncodeFloat(w, b.Mean()) })
	column("first", func(b *series.Bucket) { mlflow.EncodeFloat(w, b.First) })
	column("last", func(b *series.Bucket) { mlflow.EncodeFloat(w, b.Last) })
	column("count", func(b *series.Bucket) { w.UInt64(b.Points()) })
	column("non_finite", func(b *series.Bucket) { w.UInt64(b.Points() - b.Finite) })
	w.ObjEnd()
}
