package importance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
)

// sweep makes runs whose metric is a function of their params.
func sweep(n int, value func(lr, depth float64, opt string, noise float64) float64) []Sample {
	r := rand.New(rand.NewPCG(7, 7))
	out := make([]Sample, n)
	for i := range out {
		lr, depth, opt := math.Pow(10, -4*r.Float64()), float64(1+r.IntN(8)), []string{"adam", "sgd", "lion"}[r.IntN(3)]
		out[i] = Sample{Value: value(lr, depth, opt, r.NormFloat64()), Params: map[string]string{
			"lr": fmt.Sprintf("%.6g", lr), "depth": strconv.FormatFloat(depth, 'g', -1, 64), "opt": opt,
			"seed": strconv.Itoa(i), "name": fmt.Sprintf("run-%d", i), "same": "x",
		}}
	}
	return out
}

func names(params []Param) (out []string) {
	for _, p := range params {
		out = append(out, p.Name)
	}
	return out
}

func first(params []Param, _ float64) []Param { return params }

func find(t *testing.T, params []Param, name string) Param {
	t.Helper()
	i := slices.IndexFunc(params, func(p Param) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no %s in %v", name, names(params))
	}
	return params[i]
}

func TestWhatTheMetricDependsOnComesFirst(t *testing.T) {
	t.Parallel()
	got, _ := Of(sweep(300, func(lr, _ float64, opt string, noise float64) float64 {
		v := 3 * math.Log10(lr)
		if opt == "lion" {
			v -= 4
		}
		return v + 0.3*noise
	}))
	if first := names(got)[:2]; !slices.Equal(first, []string{"lr", "opt"}) {
		t.Errorf("got %v", names(got))
	}
	for _, noise := range []string{"depth", "seed", "name"} {
		if p := find(t, got, noise); p.Importance > 0.05 {
			t.Errorf("%s has importance %.3f", noise, p.Importance)
		}
	}
	if p := find(t, got, "lr"); p.Correlation < 0.5 || !p.Numeric || p.Runs != 300 {
		t.Errorf("lr: %+v", p)
	}
	if p := find(t, got, "opt"); !math.IsNaN(p.Correlation) || p.Numeric || p.Values != 3 {
		t.Errorf("opt: %+v", p)
	}
	if slices.Contains(names(got), "same") {
		t.Error("a param that all runs share tells nothing")
	}
}

func TestAValleyIsImportantWithoutCorrelation(t *testing.T) {
	t.Parallel()
	got, _ := Of(sweep(400, func(lr, _ float64, _ string, noise float64) float64 {
		return math.Pow(math.Log10(lr)+2, 2) + 0.05*noise
	}))
	if p := find(t, got, "lr"); p.Importance < 0.8 || math.Abs(p.Correlation) > 0.3 {
		t.Errorf("got %+v", p)
	}
}

func TestOneDivergedRunDoesNotOutweighTheOthers(t *testing.T) {
	t.Parallel()
	runs := sweep(200, func(_, depth float64, _ string, noise float64) float64 { return depth + 0.1*noise })
	runs[17].Value = 1e30
	if got := names(first(Of(runs))); got[0] != "depth" {
		t.Errorf("got %v", got)
	}
}

func TestNothingIsImportantForNoise(t *testing.T) {
	t.Parallel()
	params, explained := Of(sweep(300, func(_, _ float64, _ string, noise float64) float64 { return noise }))
	for _, p := range params {
		if p.Numeric && math.Abs(p.Correlation) > 0.2 {
			t.Errorf("got %+v", p)
		}
	}
	if explained > 0.05 {
		t.Errorf("noise is explained by %.2f: parts of nothing look like parts of something", explained)
	}
}

func TestWhatIsExplainedFallsWithNoise(t *testing.T) {
	t.Parallel()
	of := func(noisy float64) float64 {
		_, explained := Of(sweep(300, func(lr, _ float64, _ string, noise float64) float64 { return math.Log10(lr) + noisy*noise }))
		return explained
	}
	clean, half, little := of(0.1), of(1), of(5)
	if clean < 0.9 || half > 0.8 || half < 0.3 || little > 0.2 {
		t.Errorf("explained %.2f, %.2f and %.2f", clean, half, little)
	}
}

func TestTheSameRunsGiveTheSameAnswer(t *testing.T) {
	t.Parallel()
	runs := sweep(100, func(lr, depth float64, _ string, noise float64) float64 { return lr*depth + noise })
	for i := range runs {
		delete(runs[i].Params, "name") // its correlation is NaN, which is not itself
		delete(runs[i].Params, "opt")
	}
	if first, second := first(Of(runs)), first(Of(runs)); !reflect.DeepEqual(first, second) {
		t.Errorf("got %v and %v", first, second)
	}
}

func TestOddRunsAreTaken(t *testing.T) {
	t.Parallel()
	few := sweep(RunsMin-1, func(lr, _ float64, _ string, _ float64) float64 { return lr })
	if got, _ := Of(few); got != nil {
		t.Errorf("of %d runs: %v", len(few), got)
	}
	equal := sweep(50, func(_, _ float64, _ string, _ float64) float64 { return 1 })
	if _, explained := Of(equal); explained != 0 {
		t.Errorf("of equal values %v is explained", explained)
	}
	for _, p := range first(Of(equal)) {
		if p.Importance != 0 || p.Correlation != 0 && !math.IsNaN(p.Correlation) {
			t.Errorf("of equal values: %+v", p)
		}
	}
	missing := sweep(100, func(_, _ float64, _ string, noise float64) float64 { return noise })
	for i := range missing {
		if i%2 == 0 {
			missing[i].Params["warmup"] = "1"
			missing[i].Value += 10
		}
		missing[i].Params["broken"] = []string{"nan", "inf", "0.1"}[i%3]
	}
	got, _ := Of(missing)
	if p := find(t, got, "warmup"); got[0].Name != "warmup" || p.Runs != 50 || p.Values != 1 {
		t.Errorf("a param that some runs have: %v", got)
	}
	if find(t, got, "broken").Numeric {
		t.Error("NaN is no number to go along with")
	}
	if got, _ := Of(make([]Sample, 10)); len(got) != 0 {
		t.Errorf("without params: %v", got)
	}
}

func BenchmarkLargest(b *testing.B) {
	runs := sweep(RunsMax, func(lr, _ float64, _ string, noise float64) float64 { return lr + noise })
	for i := range runs {
		for n := range 20 {
			runs[i].Params[fmt.Sprintf("p%d", n)] = strconv.Itoa(i * (n + 1) % 97)
		}
	}
	for b.Loop() {
		Of(runs)
	}
}
