package clickhouse

import (
	"context"
	"math"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/beside"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// besideParams are what both tables' statements have in common.
func besideParams(r beside.Read) params {
	p := params{
		"run": r.Run, "rank_from": uint64(r.RankFrom), "rank_to": uint64(r.RankTo), "max": r.Max + 1, "first": uint64(1),
	}
	after := r.After
	if after == nil {
		after = &beside.Place{TS: math.MinInt64}
	} else {
		p["first"] = uint64(0)
	}
	p["after_rank"], p["after_attempt"] = uint64(after.Rank), uint64(after.Attempt)
	p["after_writer"], p["after_frame"], p["after_idx"] = after.Writer, after.Frame, uint64(after.Index)
	p["after_key"], p["after_step"], p["after_ts"] = after.Key, after.Step, after.TS
	p["after_stream"], p["after_number"] = uint64(after.Stream), after.Number
	return p
}

func valueParams(r beside.Read) params {
	p := besideParams(r)
	for _, name := range []string{"after_ts", "after_stream", "after_number"} {
		delete(p, name)
	}
	p["key"], p["from"], p["to"], p["steps"] = r.Key, r.From, r.To, r.Steps
	return p
}

func lineParams(r beside.Read) params {
	p := besideParams(r)
	for _, name := range []string{"after_key", "after_step"} {
		delete(p, name)
	}
	p["stream_from"], p["stream_to"] = uint64(r.Stream), uint64(r.Stream)
	if r.Stream == 0 {
		p["stream_to"] = uint64(math.MaxUint8)
	}
	return p
}

type rowSizes struct {
	size proto.ColUInt64
	list []uint64
}

func (r *rowSizes) columns() proto.Results { return proto.Results{{Name: "size", Data: &r.size}} }
func (r *rowSizes) reset()                 { r.list = nil }
func (r *rowSizes) take(rows int) error {
	r.list = append(r.list, r.size[:rows]...)
	return nil
}

// page asks first for the sizes of rows, since one may be as large as a frame, and then for as many as make a page. It
// gives how many rows there are, and whether that is all.
func (s *Store) page(ctx context.Context, statement string, p params, read beside.Read, r result) (more bool, err error) {
	var sizes rowSizes
	if err := s.statement(ctx, statement, p, &sizes); err != nil {
		return false, err
	}
	found := uint64(len(sizes.list))
	rows := read.Fit(sizes.list[:min(found, read.Max)])
	if rows == 0 {
		return false, nil
	}
	p["max"] = rows
	return rows < found, s.statement(ctx, map[string]string{"value_sizes": "values", "console_sizes": "console"}[statement], p, r)
}

type valueRows struct {
	key, kind, body, sha256, media proto.ColStr
	rank, attempt, index           proto.ColUInt32
	step, ts, size                 proto.ColInt64
	edges, counts                  *proto.ColArr[float64]
	writer, frame                  proto.ColUInt64
	list                           []table.SmallValue
}

func (r *valueRows) columns() proto.Results {
	return proto.Results{
		{Name: "name", Data: &r.key}, {Name: "rank", Data: &r.rank}, {Name: "attempt", Data: &r.attempt}, {Name: "step", Data: &r.step}, {Name: "ts", Data: &r.ts},
		{Name: "kinds", Data: &r.kind}, {Name: "body", Data: &r.body}, {Name: "edges", Data: r.edges}, {Name: "counts", Data: r.counts},
		{Name: "sha256", Data: &r.sha256}, {Name: "size_bytes", Data: &r.size}, {Name: "media", Data: &r.media},
		{Name: "writer", Data: &r.writer}, {Name: "frame", Data: &r.frame}, {Name: "idx", Data: &r.index},
	}
}

func (r *valueRows) reset() { r.list = nil }

func (r *valueRows) take(rows int) error {
	for i := range rows {
		r.list = append(r.list, table.SmallValue{
			Placed: table.Placed{Rank: r.rank[i], Attempt: r.attempt[i], Writer: r.writer[i], Frame: r.frame[i], Index: r.index[i]},
			Key:    r.key.Row(i), Step: r.step[i], TS: r.ts[i], Kind: r.kind.Row(i), Body: r.body.Row(i),
			Edges: r.edges.Row(i), Counts: r.counts.Row(i), SHA256: r.sha256.Row(i), SizeBytes: r.size[i], MediaType: r.media.Row(i),
		})
	}
	return nil
}

// SmallValues reads a page, ordered by key, rank, attempt and step, and says whether there are more.
func (s *Store) SmallValues(ctx context.Context, read beside.Read) ([]table.SmallValue, bool, error) {
	r := valueRows{edges: new(proto.ColFloat64).Array(), counts: new(proto.ColFloat64).Array()}
	more, err := s.page(ctx, "value_sizes", valueParams(read), read, &r)
	return r.list, more, err
}

type keyRows struct {
	name              proto.ColStr
	kinds, media      *proto.ColArr[string]
	amount, different proto.ColUInt64
	first, last       proto.ColInt64
	steps             *proto.ColArr[int64]
	list              []beside.Key
}

func (r *keyRows) columns() proto.Results {
	return proto.Results{
		{Name: "name", Data: &r.name}, {Name: "kinds", Data: r.kinds}, {Name: "media", Data: r.media}, {Name: "amount", Data: &r.amount},
		{Name: "steps_total", Data: &r.different}, {Name: "first_step", Data: &r.first}, {Name: "last_step", Data: &r.last}, {Name: "steps", Data: r.steps},
	}
}

func (r *keyRows) reset() { r.list = nil }

func (r *keyRows) take(rows int) error {
	for i := range rows {
		r.list = append(r.list, beside.Key{
			Name: r.name.Row(i), Kinds: r.kinds.Row(i), MediaTypes: r.media.Row(i), Values: r.amount[i], StepsTotal: r.different[i],
			First: r.first[i], Last: r.last[i], Steps: r.steps.Row(i),
		})
	}
	return nil
}

// ValueKeys reads the keys of small values, by name, and says whether there are more.
func (s *Store) ValueKeys(ctx context.Context, read beside.KeyRead) ([]beside.Key, bool, error) {
	r := keyRows{kinds: new(proto.ColStr).Array(), media: new(proto.ColStr).Array(), steps: new(proto.ColInt64).Array()}
	p := params{"run": read.Run, "key": read.Key, "after": read.After, "max": read.Max + 1, "steps_max": read.StepsMax}
	if err := s.statement(ctx, "value_keys", p, &r); err != nil {
		return nil, false, err
	}
	return r.list[:min(read.Max, uint64(len(r.list)))], uint64(len(r.list)) > read.Max, nil
}

type lineRows struct {
	ts                    proto.ColInt64
	rank, attempt, index  proto.ColUInt32
	stream                proto.ColUInt8
	number, writer, frame proto.ColUInt64
	text                  proto.ColStr
	list                  []table.ConsoleLine
}

func (r *lineRows) columns() proto.Results {
	return proto.Results{
		{Name: "ts", Data: &r.ts}, {Name: "rank", Data: &r.rank}, {Name: "attempt", Data: &r.attempt}, {Name: "stream", Data: &r.stream},
		{Name: "number", Data: &r.number}, {Name: "text", Data: &r.text}, {Name: "writer", Data: &r.writer}, {Name: "frame", Data: &r.frame}, {Name: "idx", Data: &r.index},
	}
}

func (r *lineRows) reset() { r.list = nil }

func (r *lineRows) take(rows int) error {
	for i := range rows {
		r.list = append(r.list, table.ConsoleLine{
			Placed: table.Placed{Rank: r.rank[i], Attempt: r.attempt[i], Writer: r.writer[i], Frame: r.frame[i], Index: r.index[i]},
			TS:     r.ts[i], Stream: r.stream[i], Number: r.number[i], Text: r.text.Row(i),
		})
	}
	return nil
}

// ConsoleLines reads a page in the order of time, and says whether there are more.
func (s *Store) ConsoleLines(ctx context.Context, read beside.Read) ([]table.ConsoleLine, bool, error) {
	var r lineRows
	more, err := s.page(ctx, "console_sizes", lineParams(read), read, &r)
	return r.list, more, err
}
