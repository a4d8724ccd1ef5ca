package history_test

import (
	"math"
	"testing"

	"github.com/streamgauge/streamgauge/query/history"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func FuzzToken(f *testing.F) {
	f.Add("eyJvZmZzZXQiOiA3fQ==")
	f.Add(history.Key{TimeMS: -1, Step: math.MaxInt64, Value: math.NaN(), Model: "m-1", Dataset: "a\nb"}.Token())
	f.Add("eyJ0cyI6IjEifQ==")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := history.ParseToken(token)
		if err != nil {
			if track.CodeOf(err) != track.InvalidParameterValue {
				t.Errorf("%q: %v", token, err)
			}
			return
		}
		if c.Offset < 0 || c.After != nil && c.Offset != 0 {
			t.Errorf("%q: %+v", token, c)
		}
		if c.After == nil {
			return
		}
		again, err := history.ParseToken(c.After.Token())
		if err != nil || math.Float64bits(again.After.Value) != math.Float64bits(c.After.Value) {
			t.Fatalf("%q is read as %+v and then as %+v: %v", token, c.After, again.After, err)
		}
		again.After.Value, c.After.Value = 0, 0
		if *again.After != *c.After {
			t.Errorf("%q is read as %+v and then as %+v", token, *c.After, *again.After)
		}
	})
}
