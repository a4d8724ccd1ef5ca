package clickhouse

import (
	"context"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/filter"
)

// UsedDataset is a dataset that runs of an experiment used.
type UsedDataset struct {
	Experiment uint32
	filter.Dataset
}

type datasetRows struct {
	experiment            proto.ColUInt32
	name, digest, context proto.ColStr
	list                  []UsedDataset
}

func (r *datasetRows) columns() proto.Results {
	return proto.Results{{Name: "experiment", Data: &r.experiment}, {Name: "name", Data: &r.name}, {Name: "digest", Data: &r.digest}, {Name: "context", Data: &r.context}}
}

func (r *datasetRows) reset() { r.list = nil }

func (r *datasetRows) take(rows int) error {
	for i := range rows {
		r.list = append(r.list, UsedDataset{r.experiment[i], filter.Dataset{Name: r.name.Row(i), Digest: r.digest.Row(i), Context: r.context.Row(i)}})
	}
	return nil
}

// Datasets reads what the runs of some experiments used, at most max, but for the runs left out.
func (s *Store) Datasets(ctx context.Context, experiments []uint32, except []string, max int) ([]UsedDataset, error) {
	var r datasetRows
	err := s.statement(ctx, "datasets", params{"experiments": experiments, "except": except, "max": uint64(max)}, &r)
	return r.list, err
}
