package query

import (
	"context"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// RunDocuments gives the newest documents of runs by id, all acknowledged ones; what does not exist is left out. The
// values of their metrics, which may be a million, are not looked at. The documents are shared: do not change them.
func (q *Query) RunDocuments(ctx context.Context, ids []string) (map[string]*sgpb.Run, error) {
	if err := q.await(ctx); err != nil {
		return nil, err
	}
	return q.loader.Documents(ctx, ids)
}

// document gives the newest document of a run that exists.
func (q *Query) document(ctx context.Context, id string) (*sgpb.Run, error) {
	docs, err := q.RunDocuments(ctx, []string{id})
	if err == nil && docs[id] == nil {
		err = track.Errorf(track.ResourceDoesNotExist, "Run with id=%s not found", id)
	}
	return docs[id], err
}

// LatestInMemory gives MLflow's latest value of a metric if the run is hot.
func (q *Query) LatestInMemory(id, key string) (track.Latest, bool) { return q.hot.Latest(id, key) }

// ExperimentName is the name of an experiment, "" if there is none.
func (q *Query) ExperimentName(id string) string { return q.hot.Experiment(id).GetName() }
