package query_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

type historyJSON struct {
	Metrics []metricJSON
	Next    string `json:"next_page_token"`
}

// TestHistoriesAgreeWithTheTruth reads random points whole and in pages, wherever they lie, repeats included.
func TestHistoriesAgreeWithTheTruth(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		r := newRig(t, query.HotOptions{})
		if seed%2 == 0 {
			r.heldMax = 1 + rnd.IntN(5)
			r.over(r)
		}
		rankMin := uint32(rnd.IntN(2))
		var truth history.Points
		lowest := uint32(history.RankUnknown)
		for range rnd.IntN(20) {
			s := section(id(1), rankMin+uint32(rnd.IntN(2)), "loss")
			for range 1 + rnd.IntN(4) {
				s.Points.Key = append(s.Points.Key, 1)
				s.Points.Step = append(s.Points.Step, int64(rnd.IntN(4)))
				s.Points.TimeMS = append(s.Points.TimeMS, int64(rnd.IntN(3)))
				s.Points.Value = append(s.Points.Value, float64(rnd.IntN(3)))
			}
			if rnd.IntN(3) == 0 {
				s.Points.Contexts = []track.PointContext{{ModelID: "m-1", DatasetName: "wine", DatasetDigest: "d"}}
				s.Points.Context = make([]uint32, len(s.Points.Key))
				s.Points.Context[0] = 1
			}
			r.log(s)
			lowest = min(lowest, s.Rank)
		}
		for _, s := range r.lane {
			if s.Rank == lowest {
				truth.AddSection(s, "loss")
			}
		}
		truth.Sort()
		r.applied = rnd.IntN(len(r.lane) + 1)
		// ClickHouse may be ahead of the snapshot.
		r.marker = rnd.IntN(3)
		r.checkHistory(rnd, &truth, seed)
	}
}

func TestAHistoryThatBreaksIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	const points = 10_000
	r := newRig(t, query.HotOptions{})
	r.heldMax = 1
	r.over(r)
	s := section(id(1), 0, "loss")
	for n := range points {
		s.Points.Key, s.Points.Step = append(s.Points.Key, 1), append(s.Points.Step, int64(n))
		s.Points.TimeMS, s.Points.Value = append(s.Points.TimeMS, int64(n)), append(s.Points.Value, 0.5)
	}
	r.log(s)
	r.applied = 1
	url := r.listen() + api + "/metrics/get-history?run_id=" + id(1) + "&metric_key=loss"
	for _, breakAt := range []int{1, 2, points/2 - 1} {
		r.breakAt.Store(int64(breakAt))
		resp, err := http.Get(url)
		if err != nil {
			continue // the connection broke before the answer's head was out
		}
		if b, err := io.ReadAll(resp.Body); err == nil && resp.StatusCode == http.StatusOK {
			t.Errorf("a history that broke at part %d came as %d bytes", breakAt, len(b))
		}
		resp.Body.Close()
	}
	r.breakAt.Store(0)
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var whole historyJSON
	if err := json.NewDecoder(resp.Body).Decode(&whole); err != nil || len(whole.Metrics) != points {
		t.Errorf("%d points, %v", len(whole.Metrics), err)
	}
}

func (r *rig) checkHistory(rnd *rand.Rand, truth *history.Points, seed uint64) {
	r.t.Helper()
	for _, size := range []int{0, 1, 2, 5, 25_000} {
		path := api + "/metrics/get-history?run_id=" + id(1) + "&metric_key=loss"
		if size > 0 {
			path += fmt.Sprintf("&max_results=%d", size)
		}
		var got []metricJSON
		token := ""
		for range 100 {
			page := get[historyJSON](r, path+token, "")
			if got = append(got, page.Metrics...); page.Next == "" {
				break
			}
			if len(page.Metrics) != size {
				r.t.Fatalf("seed %d: a page of %d has %d points", seed, size, len(page.Metrics))
			}
			token = "&page_token=" + url.QueryEscape(page.Next)
			if rnd.IntN(4) == 0 {
				token = "&page_token=" + url.QueryEscape(mlflowToken(len(got)))
			}
		}
		if len(got) != len(truth.List) {
			r.t.Fatalf("seed %d, pages of %d: %d points, want %d", seed, size, len(got), len(truth.List))
		}
		for i, p := range truth.List {
			model := truth.KeyOf(p).Model
			if g := got[i]; g.Step != p.Step || g.Timestamp != p.TimeMS || g.Value != p.Value || g.ModelID != model {
				r.t.Fatalf("seed %d, pages of %d: point %d is %+v, want %+v", seed, size, i, g, p)
			}
		}
	}
}

func mlflowToken(offset int) string {
	return map[bool]string{true: "", false: base64JSON(fmt.Sprintf(`{"offset": %d}`, offset))}[offset == 0]
}

func TestHistoriesOfNothingAreEmpty(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	for _, run := range []string{"xx", id(3)} {
		if status, text, _ := r.send(api+"/metrics/get-history?metric_key=a&run_id="+run, ""); status != http.StatusOK || text != "{}" {
			t.Errorf("%s: %d %s", run, status, text)
		}
		if status, text, _ := r.send(api+"/metrics/get-history-bulk-interval?metric_key=a&run_ids="+run, ""); status != http.StatusOK || text != "{}" {
			t.Errorf("interval of %s: %d %s", run, status, text)
		}
		if _, text, _ := r.send(ajax+"/metrics/get-history-bulk?metric_key=a&run_id="+run, ""); text != `{"metrics":[]}` {
			t.Errorf("bulk of %s: %s", run, text)
		}
	}
}

func TestBulkHistories(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	for n := 1; n <= 2; n++ {
		var points [][3]float64
		for i := range 100 {
			points = append(points, [3]float64{float64(i), float64(1000 - i), float64(i * n)})
		}
		r.log(section(id(n), 0, "loss", points...))
	}
	r.applied = 1
	type bulk struct{ Metrics []metricJSON }
	path := api + "/metrics/get-history-bulk-interval?metric_key=loss&run_ids=" + id(2) + "&run_ids=" + id(1)
	steps := func(query string) (out []int64) {
		for _, m := range get[bulk](r, path+query, "").Metrics {
			out = append(out, m.Step)
		}
		return out
	}
	if got := steps("&max_results=4"); !slices.Equal(got, []int64{0, 25, 50, 99, 0, 25, 50, 99}) {
		t.Errorf("4 of 100: %v", got)
	}
	if got := steps("&max_results=1"); !slices.Equal(got, []int64{99, 99}) {
		t.Errorf("1 of 100: %v", got)
	}
	if got := steps("&start_step=10&end_step=11"); !slices.Equal(got, []int64{10, 11, 10, 11}) {
		t.Errorf("of two steps: %v", got)
	}
	got := get[bulk](r, ajax+"/metrics/get-history-bulk?metric_key=loss&max_results=150&run_id="+id(2)+"&run_id="+id(1), "").Metrics
	if len(got) != 150 || got[0].RunID != id(1) || got[0].Step != 99 || got[149].RunID != id(2) {
		t.Errorf("bulk: %d points, %+v to %+v", len(got), got[0], got[len(got)-1])
	}
}

// TestIntervalsOfLongHistoriesAreTheSame asks the same of histories that may be held and of the same ones that may not.
func TestIntervalsOfLongHistoriesAreTheSame(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		r := newRig(t, query.HotOptions{})
		for range 1 + rnd.IntN(12) {
			var points [][3]float64
			for range rnd.IntN(20) {
				points = append(points, [3]float64{float64(rnd.IntN(40)), float64(rnd.IntN(4)), []float64{0, 1, math.NaN(), math.Inf(-1)}[rnd.IntN(4)]})
			}
			r.log(section(id(1), uint32(rnd.IntN(8)/7), "loss", points...))
		}
		r.applied = rnd.IntN(len(r.lane) + 1)
		path := fmt.Sprintf("%s/metrics/get-history-bulk-interval?metric_key=loss&run_ids=%s&max_results=%d", api, id(1), 1+rnd.IntN(60))
		if rnd.IntN(2) == 0 {
			path += fmt.Sprintf("&start_step=%d&end_step=%d", rnd.IntN(20), 20+rnd.IntN(20))
		}
		_, held, _ := r.send(path, "")
		r.heldMax = 1
		r.over(r)
		if status, read, _ := r.send(path, ""); status != http.StatusOK || read != held {
			t.Fatalf("seed %d: %s: %d %s, want %s", seed, path, status, read, held)
		}
	}
}

func TestStatusCountsTailAndTables(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.putExperiment(&sgpb.Experiment{Id: "0"})
	r.put(&sgpb.Run{Id: id(1), ExperimentId: "0"}, true)
	r.put(&sgpb.Run{Id: id(2), ExperimentId: "0"}, false)
	for range 3 {
		r.log(section(id(1), 0, "loss", [3]float64{1, 1, 1}, [3]float64{2, 1, 1}))
	}
	r.applied = 2
	if _, text, _ := r.send("/v1/status", ""); text != `{"points":6,"points_waiting":2,"runs":2,"experiments":1}` {
		t.Error(text)
	}
}

func TestModelMetricsJoinTailAndTables(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	for n := 1; n <= 3; n++ {
		r.put(&sgpb.Run{Id: id(n), ExperimentId: "0"}, n != 3)
		s := section(id(n), 0, "f1", [3]float64{1, 1, 0.5}, [3]float64{2, 1, float64(n)})
		s.Points.Contexts = []track.PointContext{{ModelID: "m-1", DatasetName: "wine", DatasetDigest: "d"}, {ModelID: "m-2"}}
		s.Points.Context = []uint32{1, uint32(n % 3)}
		r.log(s)
	}
	r.applied = 1
	got, err := r.q.ModelMetrics(t.Context(), "m-1")
	if err != nil {
		t.Fatal(err)
	}
	wine := track.PointContext{ModelID: "m-1", DatasetName: "wine", DatasetDigest: "d"}
	want := []mlflow.Metric{
		{Key: "f1", Value: 0.5, TimeMS: 1, Step: 1, RunID: id(1), Context: wine},
		{Key: "f1", Value: 0.5, TimeMS: 1, Step: 1, RunID: id(2), Context: wine},
		{Key: "f1", Value: 0.5, TimeMS: 1, Step: 1, RunID: id(3), Context: wine},
		{Key: "f1", Value: 1, TimeMS: 1, Step: 2, RunID: id(1), Context: wine},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}
