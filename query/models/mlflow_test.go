package models_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/streamgauge/streamgauge/query/models"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// answer is what MLflow's server said to a search, or says with nothing found that it refuses it.
type answer struct {
	Status  int
	Message string
	Found   []int
}

type wish struct {
	Field     string `json:"field_name"`
	Ascending bool
	Name      string `json:"dataset_name"`
	Digest    string `json:"dataset_digest"`
}

// recorded is what testdata/record.py wrote.
type recorded struct {
	Experiment string
	Runs       []string
	Models     []struct {
		Name             string
		ID               string
		ModelType        string `json:"model_type"`
		SourceRun        string `json:"source_run_id"`
		ArtifactURI      string `json:"artifact_uri"`
		Params, Tags     map[string]string
		Metrics          [][]any
		Status           string
		Created, Updated int64
	}
	Cases []struct {
		Filter   string
		Order    []wish
		Datasets [][]string
		Answer   answer
	}
	Tokens []struct {
		Token string
		Body  struct {
			Filter      string
			Order       []wish   `json:"order_by"`
			Experiments []string `json:"experiment_ids"`
		}
		Answer answer
	}
}

func load(t testing.TB) (r recorded) {
	t.Helper()
	b, err := os.ReadFile("testdata/mlflow_models.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// rows gives the recorded models and their points.
func (r recorded) rows() (docs []*sgpb.LoggedModel, points [][]models.Point) {
	for _, m := range r.Models {
		doc := &sgpb.LoggedModel{
			Id: m.ID, ExperimentId: r.Experiment, Name: m.Name, ModelType: m.ModelType, SourceRunId: m.SourceRun, ArtifactUri: m.ArtifactURI,
			Params: m.Params, Tags: m.Tags, CreatedMs: m.Created, UpdatedMs: m.Updated, Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE,
			Status: map[string]sgpb.LoggedModelStatus{"": 1, "LOGGED_MODEL_READY": 2, "LOGGED_MODEL_UPLOAD_FAILED": 3}[m.Status],
		}
		var ps []models.Point
		for _, p := range m.Metrics {
			run, _ := track.ParseRunID(r.Runs[int(p[6].(float64))])
			point := models.Point{Key: p[0].(string), Value: math.NaN(), TimeMS: int64(p[2].(float64)), Step: int64(p[3].(float64)), Run: run}
			if v, ok := p[1].(float64); ok {
				point.Value = v
			}
			if p[4] != nil {
				point.Dataset = p[4].(string) + "\n" + p[5].(string)
			}
			ps = append(ps, point)
		}
		docs, points = append(docs, doc), append(points, ps)
	}
	return docs, points
}

func wishes(list []wish) (out []models.Wish) {
	for _, w := range list {
		out = append(out, models.Wish{Field: w.Field, Ascending: w.Ascending, Dataset: models.Dataset{Name: w.Name, Digest: w.Digest}})
	}
	return out
}

func parse(text string, order []wish, datasets [][]string) (s models.Search, err error) {
	if s.Where, err = models.Parse(text); err != nil {
		return s, err
	}
	if s.Order, err = models.ParseOrder(wishes(order)); err != nil {
		return s, err
	}
	for _, d := range datasets {
		s.Datasets = append(s.Datasets, models.Dataset{Name: d[0], Digest: d[1]})
	}
	return s, models.CheckDatasets(s.Datasets)
}

func search(s models.Search, docs []*sgpb.LoggedModel, points [][]models.Point) []int {
	type hit struct {
		at  int
		key models.Key
	}
	var hits []hit
	for i, m := range docs {
		var f models.Facts
		for _, p := range points[i] {
			s.Observe(&f, p)
		}
		if s.Match(m, f) {
			hits = append(hits, hit{i, s.Order.Key(m, f)})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return s.Order.CompareKeys(a.key, b.key) })
	found := []int{}
	for _, h := range hits {
		found = append(found, h.at)
	}
	return found
}

// kinder are searches that we answer in another way than MLflow, on purpose; docs/mlflow-compat.md says why.
var kinder = map[string][]int{
	"status = 'READY'":                  {4, 3, 0},
	"attributes.creation_time > 0":      {4, 3, 2, 1, 0},
	"attributes.creation_timestamp > 0": {4, 3, 2, 1, 0},
	"[iris ]":                           {4, 1, 0},
}

func TestSearchesAnswerAsMLflow(t *testing.T) {
	t.Parallel()
	data := load(t)
	docs, points := data.rows()
	for _, c := range data.Cases {
		name := c.Filter
		for _, o := range c.Order {
			name += "order " + o.Field + " " + strconv.FormatBool(o.Ascending)
		}
		for _, d := range c.Datasets {
			name += "[" + d[0] + " " + d[1] + "]"
		}
		s, err := parse(c.Filter, c.Order, c.Datasets)
		var found []int
		if err == nil {
			found = search(s, docs, points)
		}
		if err != nil && track.CodeOf(err) != track.InvalidParameterValue {
			t.Errorf("%s: code %v", name, track.CodeOf(err))
		}
		want, ours := kinder[name]
		switch {
		case ours:
			if err != nil || !slices.Equal(found, want) {
				t.Errorf("%s: found %v, %v, want %v", name, found, err, want)
			}
		case c.Answer.Status == 200:
			if err != nil || !slices.Equal(found, c.Answer.Found) {
				t.Errorf("%s: found %v, %v; MLflow finds %v", name, found, err, c.Answer.Found)
			}
		case c.Answer.Status == 500:
			// What MLflow's server breaks at is refused.
			if err == nil {
				t.Errorf("%s: found %v; MLflow breaks: %s", name, found, c.Answer.Message)
			}
		case err == nil || err.Error() != c.Answer.Message:
			t.Errorf("%s:\n   got %v\nMLflow %s", name, err, c.Answer.Message)
		}
	}
}

// ownWords are tokens that only their refusal has in common with MLflow's.
var ownWords = []string{"!!", "bm8ganNvbg=="}

func TestTokensAreBoundToTheirRequest(t *testing.T) {
	t.Parallel()
	data := load(t)
	for _, c := range data.Tokens {
		r := models.Request{Experiments: []string{data.Experiment}, Filter: c.Body.Filter, Order: wishes(c.Body.Order)}
		if c.Body.Experiments != nil {
			r.Experiments = c.Body.Experiments
		}
		order, err := models.ParseOrder(r.Order)
		if err != nil {
			t.Fatal(err)
		}
		cursor, err := r.ParseToken(c.Token, order)
		switch {
		case c.Answer.Status == 200:
			if err != nil || cursor.Offset != 2 {
				t.Errorf("%+v: %+v %v", c.Body, cursor, err)
			}
		case slices.Contains(ownWords, c.Token):
			if track.CodeOf(err) != track.InvalidParameterValue {
				t.Errorf("%s: %v", c.Token, err)
			}
		case err == nil || err.Error() != c.Answer.Message:
			t.Errorf("%+v:\n   got %v\nMLflow %s", c.Body, err, c.Answer.Message)
		}
	}
}
