package consumers

import "sort"

// RangesMax is how many ranges of frame numbers are kept of a writer, that is, one more than how many holes
// it may have. A writer sends its frames nearly in order; one that does not is broken.
const RangesMax = 1024

type span struct{ first, last uint64 }

// ranges is a set of frame numbers: spans in order, neither overlapping nor touching.
type ranges []span

// at is the index of the first span that ends at n-1 or later: the only one that may hold or touch n.
func (r ranges) at(n uint64) int {
	if k := len(r); k == 0 || r[k-1].last < n-1 {
		return k
	}
	return sort.Search(len(r), func(i int) bool { return r[i].last >= n-1 })
}

func (r ranges) has(n uint64) bool {
	i := r.at(n)
	if i < len(r) && r[i].last == n-1 {
		i++
	}
	return i < len(r) && r[i].first <= n
}

// add puts the numbers first to last, which are at least 1, into the set.
func (r ranges) add(first, last uint64) ranges {
	i := r.at(first)
	j := i
	for j < len(r) && r[j].first-1 <= last {
		first, last = min(first, r[j].first), max(last, r[j].last)
		j++
	}
	if j == i+1 {
		r[i] = span{first, last}
		return r
	}
	if j == i {
		r = append(r, span{})
		copy(r[i+1:], r[i:])
		r[i] = span{first, last}
		return r
	}
	r[i] = span{first, last}
	return append(r[:i+1], r[j:]...)
}

// holes is how many gaps lie before the greatest number.
func (r ranges) holes() int {
	switch {
	case len(r) == 0:
		return 0
	case r[0].first > 1:
		return len(r)
	}
	return len(r) - 1
}
