package query

import (
	"encoding/json"
	"slices"

	"github.com/gofiber/fiber/v2"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// evaluationDatasetsMax is how many datasets an answer may have.
const evaluationDatasetsMax = 50_000

// evaluationPageBytes is about how large an answer may be.
const evaluationPageBytes = 16 << 20

// searchEvaluationDatasets searches all datasets in memory: they are few, and their records are elsewhere.
func (q *Query) searchEvaluationDatasets(c *fiber.Ctx) error {
	s, err := readEvaluationSearch(c)
	if err != nil {
		return err
	}
	if q.opts.EvaluationDatasets == nil {
		return sendJSON(c, []byte("{}"))
	}
	all, err := q.opts.EvaluationDatasets(c.UserContext())
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(e *sgpb.EvaluationDataset) bool { return !s.finds(e) })
	s.order.Sort(all)
	answer := struct {
		Datasets []mlflow.EvaluationDataset `json:"datasets,omitempty"`
		Next     string                     `json:"next_page_token,omitempty"`
	}{}
	all = all[min(s.offset, len(all)):]
	if len(all) > s.size {
		all = all[:s.size]
		answer.Next = filter.OffsetToken(s.offset + len(all))
	}
	bytes := 0
	for i, e := range all {
		// A page of large ones ends early, as a client that follows pages does not mind.
		if bytes += proto.Size(e); bytes > evaluationPageBytes && i > 0 {
			answer.Next = filter.OffsetToken(s.offset + i)
			break
		}
		answer.Datasets = append(answer.Datasets, mlflow.ShowEvaluationDataset(e, false))
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return sendJSON(c, b)
}

func (s evaluationSearch) finds(e *sgpb.EvaluationDataset) bool {
	in := len(s.experiments) == 0 || slices.ContainsFunc(e.GetExperimentIds(), func(id string) bool { return slices.Contains(s.experiments, id) })
	return in && s.where.Match(filter.EvaluationRow{Dataset: e})
}

// evaluationSearch is what a search asks for.
type evaluationSearch struct {
	experiments []string
	where       filter.Expr
	order       filter.EvaluationOrder
	size        int
	offset      int
}

func readEvaluationSearch(c *fiber.Ctx) (s evaluationSearch, err error) {
	f, err := parse(c)
	if err != nil {
		return s, err
	}
	size, err := f.Int64("max_results", 1000)
	if err != nil {
		return s, err
	}
	switch {
	case size < 1:
		return s, track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", size)
	case size > evaluationDatasetsMax:
		return s, track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter 'max_results' supplied. It must be at most %d", size, evaluationDatasetsMax)
	}
	s.size = int(size)
	if s.experiments, err = f.Strings("experiment_ids"); err != nil {
		return s, err
	}
	text, err := f.String("filter_string")
	if err != nil {
		return s, err
	}
	if s.where, err = filter.ParseEvaluationDatasets(text); err != nil {
		return s, err
	}
	clauses, err := f.Strings("order_by")
	if err != nil {
		return s, err
	}
	if s.order, err = filter.ParseEvaluationOrder(clauses); err != nil {
		return s, err
	}
	token, err := f.String("page_token")
	if err != nil {
		return s, err
	}
	from, err := filter.Order{}.ParseToken(token)
	s.offset = from.Offset
	return s, err
}
