// Package runtable answers POST /v1/runs/search: a page of MLflow's search for runs, with the metrics that a table shows instead of
// all, of which a run may have a million.
//
//	search -> ids -> documents
//	              -> tail, then sheet or ClickHouse: values of the asked metrics and of a few others, the tail's over them -> page
package runtable

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/query/sheet"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Bounds of one page: some 100 MB of JSON at the very worst.
const (
	RowsMax    = 2000
	MetricsMax = 200
	// OthersMax is known to latest_some.sql.
	OthersMax = 200
	// othersDefault is what a person scrolls through to choose columns.
	othersDefault = 100
)

// Runs finds runs and knows their documents. It is called by many at once.
type Runs interface {
	// FindRuns answers the ids of one page of MLflow's search, with most 0 as large as f says; load has their experiments loaded into memory.
	FindRuns(ctx context.Context, f mlflow.Fields, most int, load bool) (ids []string, next string, err error)
	// RunDocuments gives documents by id; what does not exist is left out.
	RunDocuments(ctx context.Context, ids []string) (map[string]*sgpb.Run, error)
	// Whole is a document as clients see it.
	Whole(ctx context.Context, doc *sgpb.Run) (*sgpb.Run, error)
}

// Source reads latest values of what is applied.
type Source interface {
	// LatestSome answers those of some metrics, and of at most so many others of each run, whichever.
	LatestSome(ctx context.Context, experiment uint32, runs []track.RunNumber, keys []string, others int) ([]hot.Value, error)
}

// Server answers the route.
type Server struct {
	runs   Runs
	source Source
	sheets *sheet.Set
	tail   feed.Tail
}

// NewServer wires a Server.
func NewServer(runs Runs, source Source, sheets *sheet.Set, tail feed.Tail) *Server {
	return &Server{runs, source, sheets, tail}
}

// row is a run of a page.
type row struct {
	run     *sgpb.Run
	metrics []mlflow.Metric
	// more says that it has metrics that were left out.
	more bool
}

// wanted says which metrics of a run are shown: those that are named, and so many others.
type wanted struct {
	keys   []string
	others int
}

func (w wanted) some() bool { return len(w.keys) > 0 || w.others > 0 }

func (s *Server) page(ctx context.Context, f mlflow.Fields, w wanted) (page []row, next string, err error) {
	ids, next, err := s.runs.FindRuns(ctx, f, 0, w.some())
	if err != nil {
		return nil, "", err
	}
	docs, err := s.runs.RunDocuments(ctx, ids)
	if err != nil {
		return nil, "", err
	}
	values, err := s.values(ctx, docs, w)
	if err != nil {
		return nil, "", err
	}
	for _, id := range ids {
		doc := docs[id]
		if doc == nil {
			continue // deleted for good since it was found
		}
		if doc, err = s.runs.Whole(ctx, doc); err != nil {
			return nil, "", err
		}
		metrics, more := w.choose(values[id])
		page = append(page, row{doc, metrics, more})
	}
	return page, next, nil
}

// latest are values of one run by metric.
type latest map[string]track.Latest

func (l latest) merge(key string, v track.Latest) {
	if old, ok := l[key]; !ok || v.Compare(old) > 0 {
		l[key] = v
	}
}

// values reads what is newer first and what is applied second, so that nothing falls between.
func (s *Server) values(ctx context.Context, docs map[string]*sgpb.Run, w wanted) (map[string]latest, error) {
	newer, err := s.newer(ctx, docs)
	if err != nil {
		return nil, err
	}
	out := make(map[string]latest, len(docs))
	byNumber := make(map[track.RunNumber]latest, len(docs))
	byExperiment := make(map[uint32][]track.RunNumber)
	for id, doc := range docs {
		number, _ := track.ParseRunID(id)
		experiment, _ := track.ParseExperimentID(doc.GetExperimentId())
		out[id] = make(latest)
		byNumber[number] = out[id]
		byExperiment[experiment] = append(byExperiment[experiment], number)
	}
	for experiment, numbers := range byExperiment {
		slices.Sort(numbers)
		stored, err := s.applied(ctx, experiment, numbers, w)
		if err != nil {
			return nil, fmt.Errorf("read metrics of %d runs: %w", len(numbers), err)
		}
		for _, v := range stored {
			byNumber[v.Run].merge(v.Key, v.Latest)
		}
	}
	for id, sections := range newer {
		w.join(out[id], sections)
	}
	return out, nil
}

// newer are the sections of the tail by run.
func (s *Server) newer(ctx context.Context, docs map[string]*sgpb.Run) (map[string][]*feed.Section, error) {
	touched, err := s.tail.Runs(ctx)
	if err != nil {
		return nil, fmt.Errorf("runs with newer points: %w", err)
	}
	out := make(map[string][]*feed.Section)
	for _, id := range touched {
		if docs[id] == nil {
			continue
		}
		number, _ := track.ParseRunID(id)
		snapshot, err := s.tail.Run(ctx, number)
		if err != nil {
			return nil, fmt.Errorf("newer points of run %s: %w", id, err)
		}
		for _, section := range snapshot.Sections {
			if section.RunID == id { // run numbers are unique, but only ids are proof
				out[id] = append(out[id], section)
			}
		}
	}
	return out, nil
}

// join lays what is newer over what is applied of a run. If that has more of the others than are shown, it takes no further ones: of
// these there may be applied values that were not read and count more.
func (w wanted) join(values latest, newer []*feed.Section) {
	room := w.others + 1
	for key := range values {
		if !slices.Contains(w.keys, key) {
			room--
		}
	}
	for _, section := range newer {
		for _, v := range hot.Newest(section) {
			_, known := values[v.Key]
			switch {
			case known || slices.Contains(w.keys, v.Key):
			case room > 0:
				room--
			default:
				continue
			}
			values.merge(v.Key, v.Latest)
		}
	}
}

// applied reads one more of the others than are shown, which tells that there are more.
func (s *Server) applied(ctx context.Context, experiment uint32, runs []track.RunNumber, w wanted) ([]hot.Value, error) {
	if s.sheets != nil {
		if one := s.sheets.Whole(experiment); one != nil {
			return one.Some(runs, w.keys, w.others+1), nil
		}
	}
	return s.source.LatestSome(ctx, experiment, runs, w.keys, w.others+1)
}

// choose answers the metrics of a run that are shown, by name: of the others those first that lie in the fewest folders.
func (w wanted) choose(values latest) (metrics []mlflow.Metric, more bool) {
	var others []string
	take := func(key string) {
		v := values[key]
		metrics = append(metrics, mlflow.Metric{Key: key, Value: v.Value, TimeMS: v.TimeMS, Step: v.Step})
	}
	for key := range values {
		if slices.Contains(w.keys, key) {
			take(key)
		} else {
			others = append(others, key)
		}
	}
	slices.SortFunc(others, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), cmp.Compare(a, b))
	})
	for _, key := range others[:min(len(others), w.others)] {
		take(key)
	}
	slices.SortFunc(metrics, func(a, b mlflow.Metric) int { return cmp.Compare(a.Key, b.Key) })
	return metrics, len(others) > w.others
}
