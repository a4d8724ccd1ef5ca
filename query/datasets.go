package query

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// MLflow's limits of a search for datasets.
const (
	datasetExperimentsMax = 20
	datasetsMax           = 1_000
)

// searchDatasets answers which datasets the runs of some experiments used; MLflow's page filters by them.
func (q *Query) searchDatasets(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	experiments, err := datasetExperiments(f)
	if err != nil {
		return err
	}
	ctx, cancel := within(readTimeout)
	defer cancel()
	found, err := q.datasets(ctx, experiments)
	if err != nil {
		return err
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ObjStart()
	if len(found) > 0 {
		w.FieldStart("dataset_summaries")
		w.ArrStart()
		for _, d := range found {
			encodeDataset(w, d)
		}
		w.ArrEnd()
	}
	w.ObjEnd()
	return sendJSON(c, w.Bytes())
}

func datasetExperiments(f mlflow.Fields) ([]uint32, error) {
	ids, err := f.Strings("experiment_ids")
	switch {
	case err != nil:
		return nil, err
	case len(ids) == 0:
		return nil, track.Errorf(track.InvalidParameterValue, "SearchDatasets request must specify at least one experiment_id.")
	case len(ids) > datasetExperimentsMax:
		return nil, track.Errorf(track.InvalidParameterValue, "SearchDatasets request cannot specify more than %d experiment_ids. Received %d experiment_ids.", datasetExperimentsMax, len(ids))
	}
	return experimentIDs(f)
}

func encodeDataset(w *jx.Encoder, d clickhouse.UsedDataset) {
	w.ObjStart()
	for _, field := range [][2]string{{"experiment_id", strconv.FormatUint(uint64(d.Experiment), 10)}, {"name", d.Name}, {"digest", d.Digest}, {"context", d.Context}} {
		if field[1] != "" {
			w.FieldStart(field[0])
			w.Str(field[1])
		}
	}
	w.ObjEnd()
}

// datasets lists each once, in the order of experiment, name and digest.
func (q *Query) datasets(ctx context.Context, experiments []uint32) ([]clickhouse.UsedDataset, error) {
	if err := q.await(ctx); err != nil {
		return nil, err
	}
	sheets, cold, err := q.inMemory(ctx, experiments, true)
	if err != nil {
		return nil, err
	}
	distinct := make(map[clickhouse.UsedDataset]struct{})
	for e, s := range sheets {
		s.Datasets(func(d filter.Dataset) { distinct[clickhouse.UsedDataset{Experiment: e, Dataset: d}] = struct{}{} })
	}
	if len(cold) > 0 {
		// Points say nothing of datasets: the runs of the tail are as they are in ClickHouse.
		newer, err := q.newer(ctx, cold, nil)
		if err != nil {
			return nil, err
		}
		except := []string{}
		for _, r := range newer {
			except = append(except, r.ID)
			collectDatasets(r, distinct)
		}
		stored, err := q.store.Datasets(ctx, cold, except, datasetsMax)
		if err != nil {
			return nil, fmt.Errorf("datasets of %d experiments: %w", len(cold), err)
		}
		for _, d := range stored {
			distinct[d] = struct{}{}
		}
	}
	found := slices.SortedFunc(maps.Keys(distinct), func(a, b clickhouse.UsedDataset) int {
		return cmp.Or(cmp.Compare(a.Experiment, b.Experiment), strings.Compare(a.Name, b.Name), strings.Compare(a.Digest, b.Digest), strings.Compare(a.Context, b.Context))
	})
	return found[:min(len(found), datasetsMax)], nil
}

func collectDatasets(r *hot.Run, into map[clickhouse.UsedDataset]struct{}) {
	doc := r.Document()
	experiment, ok := track.ParseExperimentID(doc.GetExperimentId())
	if !ok {
		return
	}
	for _, d := range (filter.RunRow{Run: doc}).Datasets() {
		into[clickhouse.UsedDataset{Experiment: experiment, Dataset: d}] = struct{}{}
	}
}
