package query_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

type modelsAnswer struct {
	Models []struct {
		Info struct {
			ID string `json:"model_id"`
		} `json:"info"`
		Data struct {
			Metrics []struct {
				Value float64 `json:"value"`
				RunID string  `json:"run_id"`
			} `json:"metrics"`
		} `json:"data"`
	} `json:"models"`
	Next string `json:"next_page_token"`
}

// modelWorld writes models and values wherever they can be: documents and points stored, in the tail, or both.
func modelWorld(r *rig, seed uint64) map[string]float64 {
	random := rand.New(rand.NewPCG(seed, 9))
	newest := make(map[string]float64)
	for n := range 40 {
		m := &sgpb.LoggedModel{Id: "m-" + id(n+1), ExperimentId: fmt.Sprint(n % 2), Name: fmt.Sprintf("model %d", n%7), CreatedMs: int64(random.IntN(9)), Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}
		if random.IntN(5) == 0 {
			m.Lifecycle = sgpb.Lifecycle_LIFECYCLE_DELETED
		}
		r.putModel(m, random.IntN(3) > 0 && len(r.set.RecentModels()) == 0)
	}
	r.put(&sgpb.Run{Id: id(77), ExperimentId: "0"}, true)
	for n := range 60 {
		model := "m-" + id(1+random.IntN(40))
		s := section(id(77), 0, "acc", [3]float64{0, float64(n), float64(random.IntN(10))})
		s.Points.Contexts = []track.PointContext{{ModelID: model}}
		s.Points.Context = []uint32{1}
		r.log(s)
		newest[model] = s.Points.Value[0]
	}
	r.applied = random.IntN(60)
	return newest
}

func TestModelSearchesAgreeWithTheTruth(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := newRig(t, query.HotOptions{})
		newest := modelWorld(r, seed)
		want := []*sgpb.LoggedModel{}
		all := r.set.RecentModels()
		for id, m := range r.models {
			if _, ok := all[id]; !ok {
				all[id] = m
			}
		}
		for _, m := range all {
			if _, ok := newest[m.Doc.Id]; ok && m.Doc.ExperimentId == "1" && m.Doc.Lifecycle == sgpb.Lifecycle_LIFECYCLE_ACTIVE {
				want = append(want, m.Doc)
			}
		}
		slices.SortFunc(want, func(a, b *sgpb.LoggedModel) int {
			return cmp.Or(cmp.Compare(newest[b.Id], newest[a.Id]), cmp.Compare(b.CreatedMs, a.CreatedMs), strings.Compare(a.Id, b.Id))
		})
		got, token := []string{}, ""
		for page := 0; page == 0 || token != ""; page++ {
			body, _ := json.Marshal(map[string]any{
				"experiment_ids": []string{"1"}, "filter": "metrics.acc >= 0", "max_results": 3, "page_token": token,
				"order_by": []any{map[string]any{"field_name": "metrics.acc", "ascending": false}},
			})
			a := get[modelsAnswer](r, "/api/2.0/mlflow/logged-models/search", string(body))
			for _, m := range a.Models {
				got = append(got, m.Info.ID)
				if v := m.Data.Metrics[len(m.Data.Metrics)-1]; v.Value != newest[m.Info.ID] || v.RunID != id(77) {
					t.Errorf("seed %d: %s shows %+v", seed, m.Info.ID, v)
				}
			}
			token = a.Next
		}
		ids := []string{}
		for _, m := range want {
			ids = append(ids, m.Id)
		}
		if !slices.Equal(got, ids) {
			t.Errorf("seed %d:\n got %v\nwant %v", seed, got, ids)
		}
	}
}

func TestModelSearchesThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.putModel(&sgpb.LoggedModel{Id: "m-" + id(1), ExperimentId: "0", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}, false)
	for body, want := range map[string]string{
		`{}`: "Missing value for required parameter 'experiment_ids'",
		`{"experiment_ids":["0"],"max_results":-1}`:                                                          "'max_results'",
		`{"experiment_ids":["0"],"filter":"name >= 'a'"}`:                                                    "Invalid comparison operator for attributes.name",
		`{"experiment_ids":["0"],"order_by":[{"field_name":"params.x"}]}`:                                    "Only metrics are supported.",
		`{"experiment_ids":["0"],"order_by":"name"}`:                                                         "'order_by'",
		`{"experiment_ids":["0"],"datasets":[{"dataset_digest":"d"}]}`:                                       "`dataset_name` in the `datasets` clause must be specified.",
		`{"experiment_ids":["x"]}`:                                                                           "Invalid experiment ID",
		`{"experiment_ids":["0"],"page_token":"e30="}`:                                                       "Experiment IDs in the page token do not match",
		`{"experiment_ids":["0"],"page_token":"` + base64JSON(`{"experiment_ids":["0"],"offset":-1}`) + `"}`: "offset",
	} {
		if status, text, _ := r.send("/api/2.0/mlflow/logged-models/search", body); status != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %s", body, status, text, want)
		}
	}
	if a := get[modelsAnswer](r, "/ajax-api/2.0/mlflow/logged-models/search", `{"experiment_ids":[]}`); len(a.Models) != 0 {
		t.Errorf("no experiments: %+v", a)
	}
	if a := get[modelsAnswer](r, "/ajax-api/2.0/mlflow/logged-models/search", `{"experiment_ids":["0"],"max_results":0}`); len(a.Models) != 1 {
		t.Errorf("a page of the default: %+v", a)
	}
}
