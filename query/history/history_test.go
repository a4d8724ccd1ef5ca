package history_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestOrderIsTimestampStepValueWithNaNBehindZero(t *testing.T) {
	t.Parallel()
	type point struct {
		ts, step       int64
		v              float64
		model, dataset string
	}
	sorted := []point{
		{1, 1, math.Inf(-1), "", ""}, {1, 1, -1, "", ""}, {1, 1, 0, "", ""}, {1, 1, 0, "m-1", ""}, {1, 1, 0, "m-1", "d"}, {1, 1, math.NaN(), "", ""},
		{1, 1, 1, "", ""}, {1, 2, 0, "", ""}, {2, 0, 0, "", ""},
	}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 5))
		var p history.Points
		for range 3 { // repeats are one point
			for _, i := range r.Perm(len(sorted)) {
				s := sorted[i]
				p.Add(s.ts, s.step, s.v, s.model, s.dataset)
			}
		}
		p.Sort()
		if len(p.List) != len(sorted) {
			t.Fatalf("%d distinct points, want %d", len(p.List), len(sorted))
		}
		for i, s := range sorted {
			k := p.KeyOf(p.List[i])
			same := k.Value == s.v || math.IsNaN(k.Value) && math.IsNaN(s.v)
			if k.TimeMS != s.ts || k.Step != s.step || !same || k.Model != s.model || k.Dataset != s.dataset {
				t.Fatalf("point %d is %+v, want %+v", i, k, s)
			}
		}
	}
}

func TestTokensKeepEveryBit(t *testing.T) {
	t.Parallel()
	for _, k := range []history.Key{
		{TimeMS: 1, Step: -5, Value: 0.1, Model: "m-1", Dataset: "wine\n\"d\""},
		{TimeMS: math.MinInt64, Step: math.MaxInt64, Value: math.Inf(-1)},
		{Value: math.NaN()}, {Value: math.Copysign(0, -1)},
	} {
		c, err := history.ParseToken(k.Token())
		if err != nil || c.After == nil || math.Float64bits(c.After.Value) != math.Float64bits(k.Value) {
			t.Fatalf("%+v came back as %+v, %v", k, c, err)
		}
		if c.After.Value, k.Value = 0, 0; *c.After != k {
			t.Errorf("%+v came back as %+v", k, *c.After)
		}
	}
}

func TestTokensThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"!!", "zz", "e30=", "bnVsbA==", "eyJvZmZzZXQiOi0xfQ==", "eyJ0cyI6IjEifQ==", "eyJvZmZzZXQiOiJ4In0="} {
		if c, err := history.ParseToken(token); track.CodeOf(err) != track.InvalidParameterValue {
			t.Errorf("%s: %+v, %v", token, c, err)
		}
	}
	// {"offset": 7}, as MLflow writes it.
	if c, err := history.ParseToken("eyJvZmZzZXQiOiA3fQ=="); err != nil || c.Offset != 7 {
		t.Errorf("MLflow's token: %+v, %v", c, err)
	}
}

func TestSampleIsEvenAndKeepsTheEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		total, n int
		want     []int64
	}{
		{0, 3, nil}, {2, 3, []int64{0, 1}}, {10, 1, []int64{9}}, {10, 2, []int64{0, 9}},
		// NTILE(3) of ten gives buckets of 4, 3 and 3; the last point takes the last one's place.
		{10, 3, []int64{0, 4, 9}}, {10, 10, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
	} {
		var p history.Points
		for i := range c.total {
			p.Add(int64(-i), int64(i), 0, "", "")
		}
		p.Sort()
		p.Sample(c.n)
		if len(p.List) != len(c.want) {
			t.Fatalf("%d of %d: %v", c.n, c.total, p.List)
		}
		for i, step := range c.want {
			if p.List[i].Step != step {
				t.Errorf("%d of %d: %v", c.n, c.total, p.List)
			}
		}
	}
}

// TestEncodeIsMLflowsAnswer holds the fast text against mlflow.EncodeMetric.
func TestEncodeIsMLflowsAnswer(t *testing.T) {
	t.Parallel()
	keys := []string{"loss", `a "key",\"value\":0`, `,"value":0,"timestamp":0,"step":0`}
	values := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 0.1, 1e300, 1e-9, 123456789}
	for i, key := range keys {
		var p history.Points
		var want jx.Encoder
		want.ObjStart()
		want.FieldStart("metrics")
		want.ArrStart()
		for n, v := range values {
			m := mlflow.Metric{Key: key, Value: v, TimeMS: int64(n), Step: int64(-n)}
			if n%2 == 0 {
				m.Context = track.PointContext{ModelID: "m-1", DatasetName: key, DatasetDigest: "d1"}
			}
			p.Add(m.TimeMS, m.Step, v, m.Context.ModelID, m.Context.Dataset())
			mlflow.EncodeMetric(&want, &m)
		}
		want.ArrEnd()
		next := []string{"", "next"}[i%2]
		if next != "" {
			want.FieldStart("next_page_token")
			want.Str(next)
		}
		want.ObjEnd()
		var w jx.Writer
		p.Encode(&w, key, next)
		if w.String() != want.String() || !json.Valid(w.Buf) {
			t.Errorf("got  %s\nwant %s", w.String(), want.String())
		}
	}
}

func TestBulkAnswersHaveBareNaN(t *testing.T) {
	t.Parallel()
	var p history.Points
	p.Add(7, 1, math.NaN(), "m-1", "wine\nd1")
	p.Add(8, 2, 0.5, "", "")
	for bare, want := range map[bool]string{true: "NaN", false: `"NaN"`} {
		var w jx.Encoder
		w.ArrStart()
		p.EncodeBulk(&w, "k", "run", bare)
		w.ArrEnd()
		want = `[{"key":"k","value":` + want + `,"timestamp":7,"step":1,"run_id":"run"},{"key":"k","value":0.5,"timestamp":8,"step":2,"run_id":"run"}]`
		if got := w.String(); got != want {
			t.Errorf("got %s", got)
		}
	}
}
