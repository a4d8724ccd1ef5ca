package series

import (
	"cmp"
	"slices"
)

// RankLine is what one rank logged of a key in one launch: buckets of a common grid of steps, in order.
type RankLine struct {
	Rank    uint32
	Buckets []Bucket
}

// RankState is how far a rank is.
type RankState struct {
	Rank uint32
	// All is everything that it logged.
	All Bucket
	// BehindMedian and BehindGreatest are steps.
	BehindMedian, BehindGreatest int64
	// BehindMS is how much later than the median rank it came to where it is, or how long it has been silent,
	// whichever is more; 0 if it is not behind.
	BehindMS int64
	// SinceMS is from when on it has been late without a break; 0 if it is not behind.
	SinceMS int64
}

// Ranks are the ranks of a key beside each other.
type Ranks struct {
	MedianStep, GreatestStep, NewestMS int64
	// Slowest is nil while nobody is behind the median.
	Slowest *RankState
	All     []RankState
}

// lateMS is how much later than the median a rank must be to be late: less is the difference of clocks.
const lateMS = 1_000

// CompareRanks says who is behind. shift is that of the grid.
func CompareRanks(lines []RankLine, shift uint8) Ranks {
	var out Ranks
	var lasts []int64
	for _, l := range lines {
		s := RankState{Rank: l.Rank}
		for _, b := range l.Buckets {
			s.All = s.All.Join(b)
		}
		out.All = append(out.All, s)
		lasts = append(lasts, s.All.StepLast)
		out.NewestMS = max(out.NewestMS, s.All.TimeLast)
	}
	if len(lines) == 0 {
		return out
	}
	out.MedianStep, out.GreatestStep = median(lasts), slices.Max(lasts)
	arrivals := arrivalsOf(lines, shift)
	slots := make([]int64, 0, len(arrivals))
	for slot := range arrivals {
		slots = append(slots, slot)
	}
	slices.Sort(slots)
	for i, l := range lines {
		out.All[i].compare(&out, l, arrivals, slots, shift)
	}
	slices.SortFunc(out.All, func(a, b RankState) int { return cmp.Compare(a.Rank, b.Rank) })
	for i := range out.All {
		s := &out.All[i]
		if s.BehindMedian > 0 && (out.Slowest == nil || cmp.Or(cmp.Compare(s.BehindMedian, out.Slowest.BehindMedian), cmp.Compare(s.BehindMS, out.Slowest.BehindMS)) > 0) {
			out.Slowest = s
		}
	}
	return out
}

// median is the lower one of the two in the middle.
func median(all []int64) int64 {
	all = slices.Clone(all)
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// arrivalsOf gives for each slot of the grid when the median rank came to it. Slots that fewer than half of the ranks
// have come to are left out: nobody is late there.
func arrivalsOf(lines []RankLine, shift uint8) map[int64]int64 {
	times := make(map[int64][]int64)
	for _, l := range lines {
		for _, b := range l.Buckets {
			times[b.StepFirst>>shift] = append(times[b.StepFirst>>shift], b.TimeFirst)
		}
	}
	out := make(map[int64]int64, len(times))
	for slot, t := range times {
		if 2*len(t) >= len(lines) {
			out[slot] = median(t)
		}
	}
	return out
}

func (s *RankState) compare(all *Ranks, l RankLine, arrivals map[int64]int64, slots []int64, shift uint8) {
	s.BehindMedian = max(0, all.MedianStep-s.All.StepLast)
	s.BehindGreatest = all.GreatestStep - s.All.StepLast
	came := make(map[int64]int64, len(l.Buckets))
	for _, b := range l.Buckets {
		came[b.StepFirst>>shift] = b.TimeFirst
	}
	late, last := int64(0), s.All.StepLast>>shift
	for _, slot := range slots {
		at, ok := came[slot]
		switch {
		case ok && at-arrivals[slot] <= lateMS:
			s.SinceMS, late = 0, 0
			continue
		case ok:
			late = at - arrivals[slot]
		case slot <= last:
			continue // it logs more rarely
		}
		if s.SinceMS == 0 {
			s.SinceMS = arrivals[slot]
		}
	}
	if s.BehindMedian == 0 && late == 0 {
		s.SinceMS = 0
		return
	}
	s.BehindMS = late
	if s.BehindMedian > 0 {
		s.BehindMS = max(late, all.NewestMS-s.All.TimeLast)
		if s.SinceMS == 0 {
			s.SinceMS = s.All.TimeLast
		}
	}
}
