package framing

import (
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Row is one row on its way into a section; the right one of its fields is set.
type Row struct {
	Point *Point
	Value *sgpb.SmallValue
	Line  *sgpb.ConsoleLine
}

// Point is a point of a metric.
type Point struct {
	key     string
	step    int64
	time    int64
	value   float64
	context track.PointContext
}

// Readers make rows of the columns of each table.
var Readers = map[string]func(r *sheet.Rows) func(i int) Row{
	"metrics": func(r *sheet.Rows) func(i int) Row {
		key, step, time, value := r.Texts("key"), r.Int("step"), r.Int("time"), r.Float("value")
		model, name, digest := r.Texts("model_id"), r.Texts("dataset_name"), r.Texts("dataset_digest")
		return func(i int) Row {
			return Row{Point: &Point{key(i), step(i), time(i), value(i), track.PointContext{ModelID: model(i), DatasetName: name(i), DatasetDigest: digest(i)}}}
		}
	},
	"values": func(r *sheet.Rows) func(i int) Row {
		key, step, time, kind, body := r.Texts("key"), r.Int("step"), r.Int("time"), r.Texts("kind"), r.Texts("body")
		edges, counts := r.Doubles("edges"), r.Doubles("counts")
		sum, size, media := r.Texts("sha256"), r.Int("size_bytes"), r.Texts("media_type")
		return func(i int) Row {
			v := &sgpb.SmallValue{Key: key(i), Step: step(i), TimeMs: time(i)}
			switch kind(i) {
			case "text":
				v.Value = &sgpb.SmallValue_Text{Text: body(i)}
			case "json":
				v.Value = &sgpb.SmallValue_Json{Json: body(i)}
			case "histogram":
				v.Value = &sgpb.SmallValue_Histogram{Histogram: &sgpb.Histogram{Edges: edges(i), Counts: counts(i)}}
			case "artifact":
				v.Value = &sgpb.SmallValue_Artifact{Artifact: &sgpb.ArtifactReference{Path: body(i), Sha256: sum(i), SizeBytes: size(i), MediaType: media(i)}}
			}
			return Row{Value: v}
		}
	},
	"console": func(r *sheet.Rows) func(i int) Row {
		time, stream, number, text := r.Int("time"), r.Texts("stream"), r.Int("number"), r.Texts("text")
		return func(i int) Row {
			l := &sgpb.ConsoleLine{TimeMs: time(i), Stream: 1, Number: uint64(number(i)), Text: text(i)}
			if stream(i) == "stderr" {
				l.Stream = 2
			}
			return Row{Line: l}
		}
	},
}
