package clickhouse

import (
	"context"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/registered"
	"github.com/streamgauge/streamgauge/schemas/document"
)

type moveRows struct {
	version                           proto.ColUInt64
	alias, before, after, by, comment proto.ColStr
	time                              proto.ColInt64
	registered.Moves
}

func (r *moveRows) columns() proto.Results {
	return proto.Results{
		{Name: "version", Data: &r.version}, {Name: "alias", Data: &r.alias}, {Name: "before", Data: &r.before}, {Name: "after", Data: &r.after},
		{Name: "time_ms", Data: &r.time}, {Name: "by", Data: &r.by}, {Name: "comment", Data: &r.comment},
	}
}

func (r *moveRows) reset() {
	r.Moves = registered.Moves{Transitions: []registered.Transition{}, AliasChanges: []registered.AliasChange{}}
}

func (r *moveRows) take(rows int) error {
	for i := range rows {
		if alias := r.alias.Row(i); alias != "" {
			r.AliasChanges = append(r.AliasChanges, registered.AliasChange{Alias: alias, From: r.before.Row(i), To: r.after.Row(i), TimeMS: r.time[i], By: r.by.Row(i)})
			continue
		}
		r.Transitions = append(r.Transitions, registered.Transition{
			Version: r.version[i], From: r.before.Row(i), To: r.after.Row(i), TimeMS: r.time[i], By: r.by.Row(i), Comment: r.comment.Row(i),
		})
	}
	return nil
}

// Moves reads what was done to a registered model's versions, at most max. Versions that are deleted have theirs, too.
func (s *Store) Moves(ctx context.Context, model string, max int) (registered.Moves, error) {
	var r moveRows
	err := s.statement(ctx, "transitions", params{"model": document.RegisteredModelKey(model), "versions": document.ModelVersionPrefix + model + ".", "max": uint64(max)}, &r)
	return r.Moves, err
}
