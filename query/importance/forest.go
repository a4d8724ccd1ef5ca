package importance

import (
	"math"
	"math/rand/v2"
	"slices"
)

const (
	trees = 60
	// bagMax bounds the samples that one tree learns from, and is asked about.
	bagMax   = 2_000
	depthMax = 8
	leafMin  = 3
	// binsMax bounds the places where a tree can split a feature.
	binsMax = 32
	// triedMin features are tried for a split, or a third of them.
	triedMin = 4
)

// forest is grown and asked tree by tree, and never held.
type forest struct {
	features []feature
	target   []float64
	random   *rand.Rand
	// tried are the features that a split may be of.
	tried []int
	// numbers has the bins of features that are numbers, which are the same for all trees; nil for texts.
	numbers [][]uint8
}

func newForest(features []feature, target []float64) *forest {
	// Always the same numbers: the same runs give the same answer.
	f := &forest{features: features, target: target, random: rand.New(rand.NewPCG(1, 2)), numbers: make([][]uint8, len(features))}
	all := make([]int, len(target))
	for i := range all {
		all[i] = i
	}
	for i, feature := range features {
		if feature.numbers != nil {
			f.numbers[i] = binned(feature.numbers, all, all)
		}
		if feature.tells() {
			f.tried = append(f.tried, i)
		}
	}
	return f
}

// importance is how much each feature's shuffling adds to the squared error over samples that a tree has not seen, as parts
// of the sum; explained is how well the forest predicts them at all (see unseen).
func (f *forest) importance() (parts []float64, explained float64) {
	sums := make([]float64, len(f.features))
	said := unseen{sums: make([]float64, len(f.target)), trees: make([]float64, len(f.target))}
	for range trees {
		bag, rest := f.bag()
		if len(rest) == 0 {
			continue
		}
		bins := f.bins(bag, rest)
		t := f.grow(bins, bag, 0)
		said.ask(t, bins, rest)
		base := f.loss(t, bins, rest, shuffle{feature: -1})
		for i := range f.features {
			from := slices.Clone(rest)
			f.random.Shuffle(len(from), func(a, b int) { from[a], from[b] = from[b], from[a] })
			sums[i] += f.loss(t, bins, rest, shuffle{i, from}) - base
		}
	}
	total := 0.0
	for i := range sums {
		sums[i] = max(sums[i], 0)
		total += sums[i]
	}
	for i := range sums {
		if total > 0 {
			sums[i] /= total
		}
	}
	return sums, said.explained(f.target)
}

// unseen has what trees say of samples that they have not seen: the sum, and how many trees.
type unseen struct{ sums, trees []float64 }

func (u unseen) ask(t *tree, bins [][]uint8, samples []int) {
	for _, i := range samples {
		u.sums[i] += t.predict(bins, i, i, -1)
		u.trees[i]++
	}
}

// explained is R^2 out of bag: the part of the target's variance that is gone when each sample is predicted by the mean of
// the trees that have not seen it. 0 if they are no better than the mean of all.
func (u unseen) explained(target []float64) float64 {
	var asked []float64
	left := 0.0
	for i, n := range u.trees {
		if n > 0 {
			asked = append(asked, target[i])
			d := u.sums[i]/n - target[i]
			left += d * d
		}
	}
	middle, all := mean(asked), 0.0
	for _, v := range asked {
		all += (v - middle) * (v - middle)
	}
	if all == 0 {
		return 0
	}
	return max(0, 1-left/all)
}

// bag draws samples with repeats; rest are those that were not drawn.
func (f *forest) bag() (bag, rest []int) {
	n := len(f.target)
	drawn := make([]bool, n)
	for range min(n, bagMax) {
		i := f.random.IntN(n)
		drawn[i] = true
		bag = append(bag, i)
	}
	for i := range n {
		if !drawn[i] {
			rest = append(rest, i)
		}
	}
	f.random.Shuffle(len(rest), func(a, b int) { rest[a], rest[b] = rest[b], rest[a] })
	return bag, rest[:min(len(rest), bagMax)]
}

// bins gives each feature of each sample a small number, so that a split is a comparison. What is not there is bin 0.
func (f *forest) bins(bag, rest []int) [][]uint8 {
	out := slices.Clone(f.numbers)
	for i, feature := range f.features {
		if out[i] == nil {
			out[i] = binned(f.places(feature, bag), bag, slices.Concat(bag, rest))
		}
	}
	return out
}

// places orders texts by the mean of the target over the bag alone: what the tree has not seen tells it nothing.
func (f *forest) places(feature feature, bag []int) []float64 {
	sums, counts := make([]float64, feature.param.Values), make([]float64, feature.param.Values)
	for _, i := range bag {
		if text := feature.texts[i]; text >= 0 {
			sums[text] += f.target[i]
			counts[text]++
		}
	}
	out := make([]float64, len(feature.texts))
	for i, text := range feature.texts {
		switch {
		case text < 0:
			out[i] = math.NaN()
		case counts[text] == 0:
			out[i] = 0.5 // the middle of all ranks
		default:
			out[i] = sums[text] / counts[text]
		}
	}
	return out
}

// binned cuts numbers at the quantiles of the bag, and gives those samples a bin that are asked for.
func binned(numbers []float64, bag, asked []int) []uint8 {
	var sorted []float64
	for _, i := range bag {
		if !math.IsNaN(numbers[i]) {
			sorted = append(sorted, numbers[i])
		}
	}
	slices.Sort(sorted)
	var cuts []float64
	distinct := slices.Compact(slices.Clone(sorted))
	if len(distinct) < binsMax {
		cuts = distinct
	} else {
		for b := 1; b < binsMax; b++ {
			cuts = append(cuts, sorted[b*len(sorted)/binsMax])
		}
		cuts = slices.Compact(cuts)
	}
	out := make([]uint8, len(numbers))
	for _, i := range asked {
		if n := numbers[i]; !math.IsNaN(n) {
			at, _ := slices.BinarySearch(cuts, n)
			out[i] = uint8(at + 1) // at most binsMax
		}
	}
	return out
}

// tree splits where feature's bin is at most cut; a leaf has no children and answers mean.
type tree struct {
	feature   int
	cut       uint8
	low, high *tree
	mean      float64
}

func (f *forest) grow(bins [][]uint8, samples []int, depth int) *tree {
	sum := 0.0
	for _, i := range samples {
		sum += f.target[i]
	}
	t := &tree{mean: sum / float64(max(len(samples), 1))}
	if depth == depthMax || len(samples) < 2*leafMin {
		return t
	}
	feature, cut, ok := f.split(bins, samples, sum)
	if !ok {
		return t
	}
	var low, high []int
	for _, i := range samples {
		if bins[feature][i] <= cut {
			low = append(low, i)
		} else {
			high = append(high, i)
		}
	}
	t.feature, t.cut = feature, cut
	t.low, t.high = f.grow(bins, low, depth+1), f.grow(bins, high, depth+1)
	return t
}

// split finds the cut that leaves the least squared error, among some of the features.
func (f *forest) split(bins [][]uint8, samples []int, sum float64) (feature int, cut uint8, ok bool) {
	n := float64(len(samples))
	best := sum*sum/n + 1e-12
	some := min(len(f.tried), max(triedMin, (len(f.tried)+2)/3))
	for _, at := range f.random.Perm(len(f.tried))[:some] {
		i := f.tried[at]
		var sums, counts [binsMax + 1]float64
		for _, s := range samples {
			b := bins[i][s]
			sums[b] += f.target[s]
			counts[b]++
		}
		low, lows := 0.0, 0.0
		for b := range binsMax {
			low, lows = low+sums[b], lows+counts[b]
			if lows < leafMin || n-lows < leafMin {
				continue
			}
			if gain := low*low/lows + (sum-low)*(sum-low)/(n-lows); gain > best {
				best, feature, cut, ok = gain, i, uint8(b), true
			}
		}
	}
	return feature, cut, ok
}

// predict is what the tree says of a sample that has one feature of another; with -1, all its own.
func (t *tree) predict(bins [][]uint8, sample, other, feature int) float64 {
	for t.low != nil {
		of := sample
		if t.feature == feature {
			of = other
		}
		if bins[t.feature][of] <= t.cut {
			t = t.low
		} else {
			t = t.high
		}
	}
	return t.mean
}

// shuffle gives each sample the feature of the one that has its place in from.
type shuffle struct {
	feature int
	from    []int
}

// loss is the mean squared error over samples, one feature of which may be shuffled.
func (f *forest) loss(t *tree, bins [][]uint8, samples []int, s shuffle) float64 {
	sum := 0.0
	for place, i := range samples {
		other := i
		if s.from != nil {
			other = s.from[place]
		}
		d := t.predict(bins, i, other, s.feature) - f.target[i]
		sum += d * d
	}
	return sum / float64(max(len(samples), 1))
}
