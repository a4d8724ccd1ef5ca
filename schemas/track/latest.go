package track

import (
	"cmp"
	"math"
)

// Latest is the value that MLflow shows for a metric: of the lowest rank that logged the key the point
// with the greatest (step, time, value), NaN counting as 0 (MLflow's SqlAlchemyStore stores NaN so).
type Latest struct {
	Rank   uint32
	Step   int64
	TimeMS int64
	Value  float64
}

// Compare orders two candidates for the same key: the greater one is shown. It is the order of the column
// latest.value in ClickHouse, tuple (-rank, step, ts, v with NaN as 0, v).
func (l Latest) Compare(o Latest) int {
	return cmp.Or(
		cmp.Compare(o.Rank, l.Rank),
		cmp.Compare(l.Step, o.Step),
		cmp.Compare(l.TimeMS, o.TimeMS),
		cmp.Compare(nanAsZero(l.Value), nanAsZero(o.Value)),
		compareValue(l.Value, o.Value),
	)
}

func nanAsZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// compareValue breaks the tie between NaN and 0: the number is shown.
func compareValue(a, b float64) int {
	switch {
	case math.IsNaN(a) && math.IsNaN(b):
		return 0
	case math.IsNaN(a):
		return -1
	case math.IsNaN(b):
		return 1
	}
	return cmp.Compare(a, b)
}
