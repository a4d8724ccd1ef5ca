package query_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// ask makes a request in the process, and checks that it succeeds.
func (r *rig) ask(b *testing.B, path, body string) int {
	var c fasthttp.RequestCtx
	c.Request.SetRequestURI(path)
	if body != "" {
		c.Request.Header.SetMethod(fasthttp.MethodPost)
		c.Request.SetBodyString(body)
	}
	r.app.Handler()(&c)
	if c.Response.StatusCode() != fasthttp.StatusOK {
		b.Fatalf("%s: %d %s", path, c.Response.StatusCode(), c.Response.Body())
	}
	return len(c.Response.Body())
}

// full is a rig with a thousand runs of 10 params and 10 metrics.
func full(b *testing.B) *rig {
	r := newRig(b, query.HotOptions{})
	for i := range 1000 {
		run := &sgpb.Run{Id: id(i + 1), ExperimentId: "0", Name: fmt.Sprintf("run-%d", i), StartMs: int64(i), Params: map[string]string{}, Tags: map[string]string{"mlflow.runName": "x"}}
		s := &feed.Section{RunID: run.Id, Points: track.Points{}}
		for k := range 10 {
			run.Params[fmt.Sprintf("param_%d", k)] = fmt.Sprint(rand.IntN(3))
			s.Points.Keys = append(s.Points.Keys, fmt.Sprintf("metric_%d", k))
			s.Points.Key = append(s.Points.Key, uint32(k))
			s.Points.Step = append(s.Points.Step, 1)
			s.Points.TimeMS = append(s.Points.TimeMS, 1)
			s.Points.Value = append(s.Points.Value, rand.Float64())
		}
		r.put(run, true)
		r.log(s)
	}
	r.applied = len(r.lane)
	return r
}

func BenchmarkRunsGet(b *testing.B) {
	r := full(b)
	r.ask(b, api+"/runs/get?run_id="+id(7), "")
	for b.Loop() {
		r.ask(b, api+"/runs/get?run_id="+id(7), "")
	}
}

// BenchmarkRunsGetAfterAMetric is what the client does: each write makes the encoded run stale.
func BenchmarkRunsGetAfterAMetric(b *testing.B) {
	r := full(b)
	step := 1.0
	for b.Loop() {
		step++
		r.set.ObserveSections([]*feed.Section{section(id(7), 0, "loss", [3]float64{step, 1, 0.5})})
		r.ask(b, api+"/runs/get?run_id="+id(7), "")
	}
}

func BenchmarkSearch100Of1000(b *testing.B) {
	r := full(b)
	body := `{"experiment_ids": ["0"], "filter": "metrics.metric_3 > 0.2 AND params.param_1 != '2'", "order_by": ["metrics.metric_5 DESC"], "max_results": 100}`
	for b.Loop() {
		r.ask(b, api+"/runs/search", body)
	}
}

func BenchmarkSearchPageOf1000(b *testing.B) {
	r := full(b)
	for b.Loop() {
		r.ask(b, api+"/runs/search", `{"experiment_ids": ["0"], "max_results": 1000}`)
	}
}

// BenchmarkHistory reads 100,000 points from a real engine.
func BenchmarkHistory(b *testing.B) {
	e := enginetest.Start(b)
	if err := table.Migrate(b.Context(), e); err != nil {
		b.Fatal(err)
	}
	for part := range 5 {
		if err := e.Exec(b.Context(), fmt.Sprintf("INSERT INTO streamgauge.points (run, key, step, ts, v, lane, seq, month) SELECT 1, 'loss', number + %d, 1700000000000 + number + %d, exp(-number / 1000), 0, 1, 202611 FROM numbers(20000)", part*20_000, part*20_000)); err != nil {
			b.Fatal(err)
		}
	}
	if err := e.Exec(b.Context(), "INSERT INTO streamgauge.points (run, key, rank, step, v, seq, month) SELECT number % 50 + 2, 'loss', number % 7, number, 0, 1, 202611 FROM numbers(1000000)"); err != nil {
		b.Fatal(err)
	}
	store := clickhouse.New(clickhouse.Options{Addr: e.Addr, Options: ask.Options{User: e.User, Password: e.Password}})
	b.Cleanup(store.Close)
	r := newRig(b, query.HotOptions{})
	r.over(store)
	r.lane, r.applied = make([]*feed.Section, 1), 1
	path := api + "/metrics/get-history?metric_key=loss&run_id=" + id(1)
	for name, query := range map[string]string{"whole": "", "page": "&max_results=25000"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if n := r.ask(b, path+query, ""); n < 1_000_000 {
					b.Fatalf("%d bytes", n)
				}
			}
		})
	}
}
