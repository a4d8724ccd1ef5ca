package chart

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// served answers requests from a run of two ranks: rank 0 has loss at four steps, one of them infinite, rank 1 has it
// in a second launch.
func served() *fiber.App {
	w := &world{rand: rand.New(rand.NewPCG(3, 3)), docs: map[string]*sgpb.Run{runID(0): {Id: runID(0), ExperimentId: "1", StartMs: 1000}}}
	w.log(&feed.Section{RunID: runID(0), Run: 1, Points: track.Points{
		Keys: []string{"loss"}, Key: []uint32{0, 0, 0, 0}, Step: []int64{0, 1, 2, 3}, TimeMS: []int64{1000, 1010, 1020, 1030}, Value: []float64{4, math.Inf(1), 2, 1},
	}})
	w.log(&feed.Section{Lane: 1, RunID: runID(0), Run: 1, Rank: 1, Attempt: 7, Points: track.Points{
		Keys: []string{"loss"}, Key: []uint32{0}, Step: []int64{2}, TimeMS: []int64{1040}, Value: []float64{math.NaN()},
	}})
	for _, key := range []string{"acc", "grad/a", "grad/b", "grad/c"} {
		w.log(&feed.Section{RunID: runID(0), Run: 1, Points: track.Points{Keys: []string{key}, Key: []uint32{0}, Step: []int64{5}, TimeMS: []int64{9}, Value: []float64{0.5}}})
	}
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
		status, body, _ := mlflow.ErrorBody(err)
		return c.Status(status).Send(body)
	}})
	New(w, w, w).Routes(app)
	return app
}

func get(t *testing.T, app *fiber.App, path, accept string) (int, string) {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Accept", accept)
	resp, err := app.Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestTheSeriesOfARunAreALineForEachRankAndLaunch(t *testing.T) {
	t.Parallel()
	app := served()
	rank0 := `{"key":"loss","rank":0,"attempt":0,"points_total":4,"raw":true,"step":[0,1,2,3],"step_last":[0,1,2,3],"time":[1000,1010,1020,1030],` +
		`"min":[4,"Infinity",2,1],"max":[4,"Infinity",2,1],"mean":[4,"Infinity",2,1],"first":[4,"Infinity",2,1],"last":[4,"Infinity",2,1],"count":[1,1,1,1],"non_finite":[0,1,0,0]}`
	rank1 := `{"key":"loss","rank":1,"attempt":7,"points_total":1,"raw":true,"step":[2],"step_last":[2],"time":[1040],` +
		`"min":["NaN"],"max":["NaN"],"mean":["NaN"],"first":["NaN"],"last":["NaN"],"count":[1],"non_finite":[1]}`
	halves := `{"key":"loss","rank":0,"attempt":0,"points_total":4,"raw":false,"step":[0,2],"step_last":[1,3],"time":[1010,1030],` +
		`"min":[4,1],"max":[4,2],"mean":[4,1.5],"first":[4,2],"last":["Infinity",1],"count":[2,2],"non_finite":[1,0]}`
	for query, want := range map[string]string{
		"key=loss":                              rank0,
		"key=loss&rank=1":                       rank1,
		"key=loss&rank=all":                     rank0 + "," + rank1,
		"key=loss&points=2":                     halves,
		"key=loss&rank=1&from_step=2&to_step=2": rank1,
		"key=loss&rank=1&from_step=3&to_step=9": "",
		"key=none":                              "",
	} {
		if status, body := get(t, app, "/v1/runs/"+runID(0)+"/series?"+query, ""); status != 200 || body != `{"series":[`+want+`]}` {
			t.Errorf("%s: %d %s\nwant %s", query, status, body, want)
		}
	}
}

func TestBadRequestsForSeriesAreRefused(t *testing.T) {
	t.Parallel()
	app := served()
	for _, tt := range []struct {
		path   string
		status int
		names  string
	}{
		{"/v1/runs/RUN/series", 400, "key"},
		{"/v1/runs/RUN/series?key=loss&points=0", 400, "buckets"},
		{"/v1/runs/RUN/series?key=loss&points=10001", 400, "buckets"},
		{"/v1/runs/RUN/series?key=loss&points=raw", 400, "/v1/series"},
		{"/v1/runs/RUN/series?key=loss&axis=time", 400, "/v1/series"},
		{"/v1/runs/RUN/series?key=loss&columns=min", 400, "/v1/series"},
		{"/v1/runs/RUN/series?key=loss&rank=x", 400, "rank"},
		{"/v1/runs/RUN/series?key=loss&from_step=x", 400, "from"},
		{"/v1/runs/none/series?key=loss", 404, "none"},
		{"/v1/series?key=loss", 400, "run_id"},
		{"/v1/series?run_id=RUN&key=loss&axis=x", 400, "axis"},
		{"/v1/runs/RUN/metrics?max_results=0", 400, "max_results"},
		{"/v1/runs/RUN/metrics?page_token=!", 400, "page_token"},
		{"/v1/runs/RUN/metrics?regex=(", 400, "regex"},
	} {
		if status, body := get(t, app, strings.ReplaceAll(tt.path, "RUN", runID(0)), ""); status != tt.status || !strings.Contains(body, tt.names) {
			t.Errorf("%s: %d %s", tt.path, status, body)
		}
	}
}

func TestNamesArePagedByToken(t *testing.T) {
	t.Parallel()
	app := served()
	var pages [][]string
	for token, more := "", true; more && len(pages) < 9; {
		status, body := get(t, app, "/v1/runs/"+runID(0)+"/metrics?max_results=2&page_token="+url.QueryEscape(token), "")
		var page struct {
			Metrics []struct{ Key string }
			Next    string `json:"next_page_token"`
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil || status != 200 {
			t.Fatalf("%d %s: %v", status, body, err)
		}
		var keys []string
		for _, m := range page.Metrics {
			keys = append(keys, m.Key)
		}
		pages, token, more = append(pages, keys), page.Next, page.Next != ""
	}
	if want := [][]string{{"acc", "grad/a"}, {"grad/b", "grad/c"}, {"loss"}}; !slices.EqualFunc(pages, want, slices.Equal) {
		t.Errorf("%v, want %v", pages, want)
	}
}

func TestArrowHasEveryColumnAndThePositions(t *testing.T) {
	t.Parallel()
	_, body := get(t, served(), "/v1/series?run_id="+runID(0)+"&key=loss&rank=each&buckets=2", arrowType)
	r, err := ipc.NewReader(bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() {
		t.Fatalf("no batch: %v", r.Err())
	}
	batch := r.RecordBatch()
	want := map[string]string{
		"rank": "[0 0 1]", "attempt": "[0 0 7]", "inherited": "[false false false]",
		"step": "[0 2 2]", "step_last": "[1 3 2]", "time": "[1000 1020 1040]", "time_last": "[1010 1030 1040]",
		"min": "[4 1 NaN]", "max": "[4 2 NaN]", "mean": "[4 1.5 NaN]", "first": "[4 2 NaN]", "last": "[+Inf 1 NaN]",
		"count": "[2 2 1]", "nan": "[0 0 1]", "pos_inf": "[1 0 0]", "neg_inf": "[0 0 0]",
	}
	for i, f := range r.Schema().Fields() {
		if d, ok := batch.Column(i).(*array.Dictionary); ok {
			texts := d.Dictionary().(*array.String)
			for row := range d.Len() {
				if got := texts.Value(d.GetValueIndex(row)); got != map[string]string{"run_id": runID(0), "key": "loss"}[f.Name] {
					t.Errorf("%s: row %d is %q", f.Name, row, got)
				}
			}
			continue
		}
		if got := batch.Column(i).String(); got != want[f.Name] {
			t.Errorf("%s: %s, want %s", f.Name, got, want[f.Name])
		}
		delete(want, f.Name)
	}
	if len(want) > 0 || batch.NumCols() != 18 {
		t.Errorf("%d columns; missing: %v", batch.NumCols(), want)
	}
	axis, _ := r.Schema().Metadata().GetValue("axis")
	asOf, _ := r.Schema().Metadata().GetValue("as_of")
	if axis != "step" || asOf != `[{"run_id":"`+runID(0)+`","key":"loss","rank":0,"as_of":{"0":5,"1":1}},{"run_id":"`+runID(0)+`","key":"loss","rank":1,"as_of":{"0":5,"1":1}}]` {
		t.Errorf("axis %q, as of %s", axis, asOf)
	}
}
