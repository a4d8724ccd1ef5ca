package chart

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// rankMode says how the ranks of a key make lines.
type rankMode uint8

const (
	rankLowest rankMode = iota + 1
	rankOne
	rankEach
	rankMerged
)

// Ranks says which ranks are wanted.
type Ranks struct {
	mode rankMode
	one  uint32
}

// ParseRanks reads lowest, each, merged or a number.
func ParseRanks(text string) (Ranks, error) {
	switch text {
	case "", "lowest":
		return Ranks{mode: rankLowest}, nil
	case "each":
		return Ranks{mode: rankEach}, nil
	case "merged":
		return Ranks{mode: rankMerged}, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return Ranks{}, track.Errorf(track.InvalidParameterValue, "'rank' must be lowest, each, merged or a number from 0, not '%.40s'", text)
	}
	return Ranks{mode: rankOne, one: uint32(n)}, nil
}

// request is a parsed one.
type request struct {
	runs, keys []string
	axis       series.Axis
	from, to   int64
	// buckets a line; raw asks for every point instead.
	buckets int
	raw     bool
	ranks   Ranks
	// apart keeps launches apart.
	apart   bool
	columns map[string]bool
}

func parseRequest(f mlflow.Fields, runsField, keysField string) (v request, err error) {
	if v.runs, err = listed(f, runsField, runsMax); err != nil {
		return v, err
	}
	if v.keys, err = listed(f, keysField, keysMax); err != nil {
		return v, err
	}
	if n := len(v.runs) * len(v.keys); n > pairsMax {
		return v, track.Errorf(track.InvalidParameterValue, "%d runs and %d keys are %d lines, more than the %d of one request; ask in parts", len(v.runs), len(v.keys), n, pairsMax)
	}
	axis, err := f.String("axis")
	if err != nil {
		return v, err
	}
	if axis == "" {
		axis = "step"
	}
	if v.axis, err = series.ParseAxis(axis); err != nil {
		return v, track.Errorf(track.InvalidParameterValue, "%v", err)
	}
	if v.from, err = f.Int64("from", math.MinInt64); err != nil {
		return v, err
	}
	if v.to, err = f.Int64("to", math.MaxInt64); err != nil {
		return v, err
	}
	if v.from > v.to {
		return v, track.Errorf(track.InvalidParameterValue, "'from' is %d and lies behind 'to', %d", v.from, v.to)
	}
	if err := v.parseBuckets(f); err != nil {
		return v, err
	}
	rank, err := text(f, "rank")
	if err != nil {
		return v, err
	}
	if v.ranks, err = ParseRanks(rank); err != nil {
		return v, err
	}
	return v, v.parseShape(f)
}

// listed reads a list that must not be empty, each text once.
func listed(f mlflow.Fields, name string, most int) ([]string, error) {
	all, err := f.Strings(name)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, mlflow.MissingParameter(name)
	}
	var out []string
	seen := make(map[string]bool, len(all))
	for _, s := range all {
		if !seen[s] {
			out, seen[s] = append(out, s), true
		}
	}
	if len(out) > most {
		return nil, track.Errorf(track.InvalidParameterValue, "'%s' may have at most %d values in one request, not %d", name, most, len(out))
	}
	return out, nil
}

// text reads a text or a number as text.
func text(f mlflow.Fields, name string) (string, error) {
	if !f.Has(name) {
		return "", nil
	}
	return f.ID(name)
}

func (v *request) parseBuckets(f mlflow.Fields) error {
	buckets, err := text(f, "buckets")
	switch {
	case err != nil:
		return err
	case buckets == "":
		v.buckets = bucketsDefault
		return nil
	case buckets == "raw":
		v.raw = true
		return nil
	}
	n, err := strconv.Atoi(buckets)
	if err != nil || n < 1 || n > bucketsMax {
		return track.Errorf(track.InvalidParameterValue, "'buckets' must be raw or a number from 1 to %d, not '%.40s'", bucketsMax, buckets)
	}
	v.buckets = n
	return nil
}

// columnNames are all columns of a line, in the order of the answer.
var columnNames = []string{"step", "step_last", "time", "time_last", "value", "min", "max", "mean", "first", "last", "count", "nan", "pos_inf", "neg_inf"}

func (v *request) parseShape(f mlflow.Fields) error {
	switch attempts, err := f.String("attempts"); {
	case err != nil:
		return err
	case attempts == "each":
		v.apart = true
	case attempts != "" && attempts != "joined":
		return track.Errorf(track.InvalidParameterValue, "'attempts' must be joined or each, not '%.40s'", attempts)
	}
	given, err := f.Strings("columns")
	if err != nil {
		return err
	}
	for _, some := range given {
		for _, name := range strings.Split(some, ",") {
			if name = strings.TrimSpace(name); !slices.Contains(columnNames, name) {
				return track.Errorf(track.InvalidParameterValue, "'columns' has '%.40s'; there are %s", name, strings.Join(columnNames, ", "))
			}
			if v.columns == nil {
				v.columns = make(map[string]bool)
			}
			v.columns[name] = true
		}
	}
	return nil
}

func (v *request) wants(column string) bool { return v.columns == nil || v.columns[column] }

// Lowest says that the lowest rank is wanted, Merged that all are as one.
func (r Ranks) Lowest() bool { return r.mode == rankLowest }

// Merged is described at Lowest.
func (r Ranks) Merged() bool { return r.mode == rankMerged }

// Take says whether a rank is among those that are wanted, where that does not depend on others.
func (r Ranks) Take(rank uint32) bool { return r.mode != rankOne || rank == r.one }
