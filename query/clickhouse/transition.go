package clickhouse

import (
	"context"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
)

// Transition is a change of a version's stage; stages are as MLflow names them.
type Transition struct {
	Version uint64 `json:"version,string"`
	From    string `json:"from_stage"`
	To      string `json:"to_stage"`
	// TimeMS is in milliseconds since the epoch.
	TimeMS int64 `json:"time_ms"`
	// By is who did it; empty if nobody said.
	By string `json:"by"`
	// Comment says why, if anybody did.
	Comment string `json:"comment"`
}

type transitionRows struct {
	version                    proto.ColUInt64
	before, after, by, comment proto.ColStr
	time                       proto.ColInt64
	list                       []Transition
}

func (r *transitionRows) columns() proto.Results {
	return proto.Results{
		{Name: "version", Data: &r.version}, {Name: "before", Data: &r.before}, {Name: "after", Data: &r.after},
		{Name: "time_ms", Data: &r.time}, {Name: "by", Data: &r.by}, {Name: "comment", Data: &r.comment},
	}
}

func (r *transitionRows) reset() { r.list = nil }

func (r *transitionRows) take(rows int) error {
	for i := range rows {
		r.list = append(r.list, Transition{r.version[i], r.before.Row(i), r.after.Row(i), r.time[i], r.by.Row(i), r.comment.Row(i)})
	}
	return nil
}

// Transitions reads the changes of stages of a registered model's versions, the newest first, at most max. Versions that
// are deleted have theirs, too.
func (s *Store) Transitions(ctx context.Context, model string, max int) ([]Transition, error) {
	var r transitionRows
	err := s.statement(ctx, "transitions", params{"versions": document.ModelVersionPrefix + model + ".", "max": uint64(max)}, &r)
	return r.list, err
}
