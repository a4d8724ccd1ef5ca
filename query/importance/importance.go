// Package importance says which params a metric of many runs depends on: the same for the same runs.
//
// Two answers that complete each other: Correlation, Spearman's, says in which direction a number goes along with the metric.
// Importance comes from a random forest of regression trees and takes texts and interplay too: how much worse the forest
// predicts runs that it has not seen when this one param is shuffled among them (Breiman's permutation importance, 2001). The metric
// counts by its rank, so one diverged run does not outweigh all others. A forest finds parts in noise too: how much it predicts
// at all says whether they mean anything.
package importance

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// RunsMax bounds the runs that are looked at, ParamsMax the params: those that most runs have come first.
const (
	RunsMax   = 10_000
	ParamsMax = 100
)

// RunsMin is how many runs it takes to say anything.
const RunsMin = 5

// Sample is a run: its params, and its latest value of the metric, which is finite.
type Sample struct {
	Params map[string]string
	Value  float64
}

// Param is what a metric has to do with a param.
type Param struct {
	Name string
	// Importance is a part of all params' importance, between 0 and 1; 0 if the forest does not need it.
	Importance float64
	// Correlation is between -1 and 1; NaN for texts.
	Correlation float64
	// Numeric says that all values are numbers.
	Numeric bool
	// Runs have the param, with Values different values.
	Runs, Values int
}

// Of ranks the params that differ between samples, the most important first. Nil for fewer than RunsMin samples.
// explained, 0 to 1, is how much of the order of the values the forest predicts for samples that it has not seen (R^2).
func Of(samples []Sample) (params []Param, explained float64) {
	samples = samples[:min(len(samples), RunsMax)]
	if len(samples) < RunsMin {
		return nil, 0
	}
	target := ranks(values(samples))
	features := featuresOf(samples)
	scores, explained := newForest(features, target).importance()
	out := make([]Param, len(features))
	for i, f := range features {
		out[i] = f.param
		out[i].Importance = scores[i]
		out[i].Correlation = math.NaN()
		if f.param.Numeric {
			out[i].Correlation = correlation(f.numbers, target)
		}
	}
	slices.SortStableFunc(out, func(a, b Param) int {
		return cmp.Or(cmp.Compare(b.Importance, a.Importance), cmp.Compare(a.Name, b.Name))
	})
	return out, explained
}

func values(samples []Sample) []float64 {
	out := make([]float64, len(samples))
	for i, s := range samples {
		out[i] = s.Value
	}
	return out
}

// feature is a param over all samples.
type feature struct {
	param Param
	// numbers has a number a sample, NaN where it has none. Of texts it is nil.
	numbers []float64
	// texts has the number of the text, -1 where there is none. Of numbers it is nil.
	texts []int
}

// tells says whether samples share what the feature has. A text of its own for each, as a name or a folder, would explain all
// that a tree has seen and nothing else.
func (f feature) tells() bool { return f.param.Numeric || 2*f.param.Values <= f.param.Runs }

func featuresOf(samples []Sample) []feature {
	runs := make(map[string]int)
	for _, s := range samples {
		for name := range s.Params {
			runs[name]++
		}
	}
	names := make([]string, 0, len(runs))
	for name := range runs {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(runs[b], runs[a]), cmp.Compare(a, b)) })
	var out []feature
	for _, name := range names {
		if len(out) == ParamsMax {
			break
		}
		if f := featureOf(samples, name); f.param.Values > 1 || (f.param.Values == 1 && f.param.Runs < len(samples)) {
			out = append(out, f)
		}
	}
	return out
}

func featureOf(samples []Sample, name string) feature {
	f := feature{param: Param{Name: name, Numeric: true}, numbers: make([]float64, len(samples)), texts: make([]int, len(samples))}
	seen := make(map[string]int)
	for i, s := range samples {
		f.numbers[i], f.texts[i] = math.NaN(), -1
		text, ok := s.Params[name]
		if !ok {
			continue
		}
		f.param.Runs++
		if _, known := seen[text]; !known {
			seen[text] = len(seen)
		}
		f.texts[i] = seen[text]
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			f.param.Numeric = false
		}
		f.numbers[i] = n
	}
	f.param.Values = len(seen)
	if f.param.Numeric {
		f.texts = nil
	} else {
		f.numbers = nil
	}
	return f
}

// ranks gives each value its place, from 0 to 1; equal ones share the middle of theirs. NaN stays NaN.
func ranks(values []float64) []float64 {
	order := make([]int, 0, len(values))
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.NaN()
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	last := float64(max(len(order)-1, 1))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+to-1) / 2 / last
		}
		from = to
	}
	return out
}

// correlation is Spearman's of the samples that have the number; 0 where either does not vary.
func correlation(numbers, target []float64) float64 {
	var xs, ys []float64
	for i, x := range numbers {
		if !math.IsNaN(x) {
			xs, ys = append(xs, x), append(ys, target[i])
		}
	}
	xs, ys = ranks(xs), ranks(ys)
	mx, my := mean(xs), mean(ys)
	var xy, xx, yy float64
	for i := range xs {
		dx, dy := xs[i]-mx, ys[i]-my
		xy, xx, yy = xy+dx*dy, xx+dx*dx, yy+dy*dy
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(len(values), 1))
}
