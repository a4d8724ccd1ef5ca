package clickhouse

import (
	"context"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// NamesRead is a page of the names of a run's metrics. Conditions that are "" are none.
type NamesRead struct {
	Run        track.RunNumber
	Experiment uint32
	// After is the last name of the page before.
	After                         string
	Prefix, Contains, Like, Regex string
	Max                           int
}

// NamedValue is the latest value of a metric.
type NamedValue struct {
	Key string
	track.Latest
}

type namedRows struct {
	name     proto.ColStr
	rank     proto.ColUInt32
	step, ts proto.ColInt64
	v        proto.ColFloat64
	list     []NamedValue
}

func (r *namedRows) columns() proto.Results {
	return proto.Results{{Name: "name", Data: &r.name}, {Name: "of_rank", Data: &r.rank}, {Name: "step", Data: &r.step}, {Name: "ts", Data: &r.ts}, {Name: "v", Data: &r.v}}
}

func (r *namedRows) reset() { r.list = nil }

func (r *namedRows) take(rows int) error {
	for i := range rows {
		r.list = append(r.list, NamedValue{r.name.Row(i), track.Latest{Rank: r.rank[i], Step: r.step[i], TimeMS: r.ts[i], Value: r.v[i]}})
	}
	return nil
}

// MetricNames reads a page of names, by name.
func (s *Store) MetricNames(ctx context.Context, read NamesRead) ([]NamedValue, error) {
	var r namedRows
	err := s.statement(ctx, "metric_names", params{
		"run": read.Run, "experiment": uint64(read.Experiment), "after": read.After, "prefix": read.Prefix,
		"contains": read.Contains, "like": read.Like, "regex": read.Regex, "max": uint64(read.Max),
	}, &r)
	return r.list, err
}
