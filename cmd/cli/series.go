package cli

import (
	"context"
	"math"
	"net/url"
	"strconv"
)

// series is one line of /v1/runs/{id}/series: columns of buckets.
type series struct {
	Key       string   `json:"key"`
	Rank      uint32   `json:"rank"`
	Attempt   uint32   `json:"attempt"`
	Points    uint64   `json:"points_total"`
	Step      []int64  `json:"step"`
	StepLast  []int64  `json:"step_last"`
	Time      []int64  `json:"time"`
	Min       []number `json:"min"`
	Max       []number `json:"max"`
	Mean      []number `json:"mean"`
	Last      []number `json:"last"`
	Count     []uint64 `json:"count"`
	NonFinite []uint64 `json:"non_finite"`
}

// series reads the lines of a metric; rank is a number, "all", or empty for the lowest.
func (c *client) series(ctx context.Context, runID, key, rank string, buckets int) ([]series, error) {
	var out struct {
		Series []series `json:"series"`
	}
	args := url.Values{"key": {key}, "points": {strconv.Itoa(buckets)}}
	if rank != "" {
		args.Set("rank", rank)
	}
	err := c.get(ctx, "/v1/runs/"+runID+"/series", args, &out)
	return out.Series, err
}

// line is the series as points to draw: a bucket's mean at its first step.
func (s *series) line() []point {
	out := make([]point, len(s.Step))
	for i, step := range s.Step {
		out[i] = point{step, at(s.Mean, i)}
	}
	return out
}

// width is how many steps a bucket spans: 1 for points as they were logged, else the least distance of two buckets.
func (s *series) width() float64 {
	least, buckets := math.Inf(1), false
	for i, step := range s.Step {
		if buckets = buckets || i < len(s.StepLast) && s.StepLast[i] > step; i > 0 {
			least = min(least, float64(step)-float64(s.Step[i-1]))
		}
	}
	if !buckets || math.IsInf(least, 1) {
		return 1
	}
	return max(least, 1)
}

// extremes are the least and greatest finite values of the whole series, NaN if there is none.
func (s *series) extremes() (lo, hi float64) {
	lo, hi = math.NaN(), math.NaN()
	for i := range s.Step {
		if v := at(s.Min, i); !(lo <= v) && !notFinite(v) {
			lo = v
		}
		if v := at(s.Max, i); !(hi >= v) && !notFinite(v) {
			hi = v
		}
	}
	return lo, hi
}

func (s *series) nonFinite() (n uint64) {
	for _, c := range s.NonFinite {
		n += c
	}
	return n
}

func at(column []number, i int) float64 {
	if i >= len(column) {
		return math.NaN()
	}
	return float64(column[i])
}

func notFinite(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }
