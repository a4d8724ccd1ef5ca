package beside

import (
	"math"
	"strconv"

	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// rowsDefault and rowsMax are rows of a page, linesMax lines, which are short; pageBytesMax ends it earlier.
	rowsDefault, rowsMax, linesMax = 100, 1_000, 10_000
	pageBytesMax                   = 4 << 20
	// stepsMax is how many steps a request may name, and how many it is told of a key; keyStepsMax of all keys of a page.
	stepsMax    = 1_000
	keyStepsMax = 100_000
)

// ParseValues reads what is asked of small values.
func ParseValues(f mlflow.Fields) (r Read, err error) {
	if r, err = parse(f, rowsMax); err != nil {
		return r, err
	}
	if r.Key, err = f.ID("key"); err != nil {
		return r, err
	}
	if r.From, err = f.Int64("from_step", history.StepMin); err != nil {
		return r, err
	}
	if r.To, err = f.Int64("to_step", history.StepMax); err != nil {
		return r, err
	}
	r.Steps, err = parseSteps(f)
	return r, err
}

// ParseLines reads what is asked of console lines.
func ParseLines(f mlflow.Fields) (r Read, err error) {
	if r, err = parse(f, linesMax); err != nil {
		return r, err
	}
	name, err := f.ID("stream")
	if err != nil {
		return r, err
	}
	for number, stream := range Streams {
		if stream == name {
			r.Stream = number
		}
	}
	if name != "" && r.Stream == 0 {
		return r, track.Errorf(track.InvalidParameterValue, "'stream' is %q; it must be stdout or stderr, or left out for both", name)
	}
	return r, nil
}

// ParseKeys reads what is asked of the keys of small values.
func ParseKeys(f mlflow.Fields) (r KeyRead, err error) {
	if r.Key, err = f.ID("key"); err != nil {
		return r, err
	}
	if r.After, err = f.ID("after"); err != nil {
		return r, err
	}
	if r.Max, err = within(f, "limit", rowsDefault, bounds{1, rowsMax}); err != nil {
		return r, err
	}
	if r.StepsMax, err = within(f, "steps", 0, bounds{0, stepsMax}); err != nil {
		return r, err
	}
	if r.Key == "" && r.Max*r.StepsMax > keyStepsMax {
		return r, track.Errorf(track.InvalidParameterValue, "'limit' times 'steps' must be at most %d, not %d: name a 'key', or ask for fewer", keyStepsMax, r.Max*r.StepsMax)
	}
	return r, nil
}

// parse reads what values and lines have in common; a page has at most that many rows.
func parse(f mlflow.Fields, most int64) (r Read, err error) {
	r.BytesMax, r.RankTo = pageBytesMax, math.MaxUint32
	if r.Max, err = within(f, "limit", rowsDefault, bounds{1, most}); err != nil {
		return r, err
	}
	if f.Has("rank") {
		rank, err := f.Int64("rank", 0)
		if err != nil {
			return r, err
		}
		if rank < 0 || rank > math.MaxUint32 {
			return r, track.Errorf(track.InvalidParameterValue, "'rank' must be a number from 0, not %d", rank)
		}
		r.RankFrom, r.RankTo = uint32(rank), uint32(rank)
	}
	after, err := f.ID("after")
	if err != nil {
		return r, err
	}
	r.After, err = ParseToken(after)
	return r, err
}

// bounds are both allowed.
type bounds struct{ least, most int64 }

func within(f mlflow.Fields, name string, fallback int64, b bounds) (uint64, error) {
	n, err := f.Int64(name, fallback)
	if err == nil && (n < b.least || n > b.most) {
		err = track.Errorf(track.InvalidParameterValue, "'%s' must be between %d and %d, not %d", name, b.least, b.most, n)
	}
	return uint64(n), err
}

func parseSteps(f mlflow.Fields) ([]int64, error) {
	texts, err := f.Strings("step")
	if err != nil {
		return nil, err
	}
	if len(texts) > stepsMax {
		return nil, track.Errorf(track.InvalidParameterValue, "'step' is there %d times; at most %d are read at once", len(texts), stepsMax)
	}
	steps := make([]int64, len(texts))
	for i, text := range texts {
		if steps[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, track.Errorf(track.InvalidParameterValue, "'step' is %q; it must be a whole number", text)
		}
	}
	return steps, nil
}
