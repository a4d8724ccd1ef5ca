package chart

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/query/series"
)

// arrowType is the media type of Arrow's IPC stream.
const arrowType = "application/vnd.apache.arrow.stream"

var dictionary = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

// fields of the table, the first ones in every answer.
var (
	arrowHead = []arrow.Field{
		{Name: "run_id", Type: dictionary}, {Name: "key", Type: dictionary}, {Name: "rank", Type: arrow.PrimitiveTypes.Uint32, Nullable: true},
		{Name: "attempt", Type: arrow.PrimitiveTypes.Uint32}, {Name: "inherited", Type: arrow.FixedWidthTypes.Boolean},
	}
	arrowInts = []struct {
		name string
		of   func(b *series.Bucket) int64
	}{
		{"step", func(b *series.Bucket) int64 { return b.StepFirst }},
		{"step_last", func(b *series.Bucket) int64 { return b.StepLast }},
		{"time", func(b *series.Bucket) int64 { return b.TimeFirst }},
		{"time_last", func(b *series.Bucket) int64 { return b.TimeLast }},
	}
	arrowFloats = []struct {
		name string
		of   func(b *series.Bucket) float64
	}{
		{"min", (*series.Bucket).Min},
		{"max", (*series.Bucket).Max},
		{"mean", (*series.Bucket).Mean},
		{"first", func(b *series.Bucket) float64 { return b.First }},
		{"last", func(b *series.Bucket) float64 { return b.Last }},
	}
	arrowCounts = []struct {
		name string
		of   func(b *series.Bucket) uint64
	}{
		{"count", (*series.Bucket).Points},
		{"nan", func(b *series.Bucket) uint64 { return b.NaNs }},
		{"pos_inf", func(b *series.Bucket) uint64 { return b.Infs }},
		{"neg_inf", func(b *series.Bucket) uint64 { return b.MinusInfs }},
	}
)

// encodeArrow writes the lines as one table, a row a bucket.
func encodeArrow(v *request, lines []answerLine) ([]byte, error) {
	fields := append([]arrow.Field{}, arrowHead...)
	columns := arrowLead(lines)
	add := func(name string, kind arrow.DataType, column arrow.Array) {
		fields, columns = append(fields, arrow.Field{Name: name, Type: kind}), append(columns, column)
	}
	rows := 0
	for i := range lines {
		rows += len(lines[i].buckets)
	}
	for _, c := range arrowInts {
		if v.wants(c.name) {
			b := array.NewInt64Builder(memory.DefaultAllocator)
			b.AppendValues(gather(lines, rows, c.of), nil)
			add(c.name, arrow.PrimitiveTypes.Int64, b.NewArray())
		}
	}
	for _, c := range arrowFloats {
		// A raw point's value is what is first and last in it.
		if v.wants(c.name) || c.name == "first" && v.wants("value") {
			b := array.NewFloat64Builder(memory.DefaultAllocator)
			b.AppendValues(gather(lines, rows, c.of), nil)
			add(c.name, arrow.PrimitiveTypes.Float64, b.NewArray())
		}
	}
	for _, c := range arrowCounts {
		if v.wants(c.name) {
			b := array.NewUint64Builder(memory.DefaultAllocator)
			b.AppendValues(gather(lines, rows, c.of), nil)
			add(c.name, arrow.PrimitiveTypes.Uint64, b.NewArray())
		}
	}
	meta := arrow.NewMetadata([]string{"axis", "as_of"}, []string{v.axis.String(), positions(lines)})
	schema := arrow.NewSchema(fields, &meta)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	if err := w.Write(array.NewRecordBatch(schema, columns, int64(rows))); err != nil {
		return nil, fmt.Errorf("write Arrow: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write Arrow: %w", err)
	}
	return out.Bytes(), nil
}

// positions are up to where each line has everything, as JSON: a list of {"run_id", "key", "rank", "as_of"}.
func positions(lines []answerLine) string {
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ArrStart()
	for i := range lines {
		w.ObjStart()
		lines[i].encodeName(w)
		lines[i].encodeAsOf(w)
		w.ObjEnd()
	}
	w.ArrEnd()
	return w.String()
}

func gather[T any](lines []answerLine, rows int, of func(*series.Bucket) T) []T {
	out := make([]T, 0, rows)
	for i := range lines {
		for j := range lines[i].buckets {
			out = append(out, of(&lines[i].buckets[j]))
		}
	}
	return out
}

// arrowLead makes the columns of the head.
func arrowLead(lines []answerLine) []arrow.Array {
	runs := array.NewDictionaryBuilder(memory.DefaultAllocator, dictionary).(*array.BinaryDictionaryBuilder)
	keys := array.NewDictionaryBuilder(memory.DefaultAllocator, dictionary).(*array.BinaryDictionaryBuilder)
	ranks := array.NewUint32Builder(memory.DefaultAllocator)
	attempts := array.NewUint32Builder(memory.DefaultAllocator)
	inherited := array.NewBooleanBuilder(memory.DefaultAllocator)
	for i := range lines {
		l := &lines[i]
		for j := range l.buckets {
			part := l.partOf(&l.buckets[j])
			_ = runs.AppendString(l.target.id) // fails for other types only
			_ = keys.AppendString(l.key)
			if l.merged {
				ranks.AppendNull()
			} else {
				ranks.Append(l.rank)
			}
			attempts.Append(part.Attempt)
			inherited.Append(part.Generation > 0)
		}
	}
	return []arrow.Array{runs.NewArray(), keys.NewArray(), ranks.NewArray(), attempts.NewArray(), inherited.NewArray()}
}

// partOf is the part in which a bucket begins.
func (l *answerLine) partOf(b *series.Bucket) series.Part {
	for _, p := range l.parts {
		if b.StepFirst >= p.From && b.StepFirst <= p.To {
			return p
		}
	}
	return series.Part{}
}
