// Package double is how MLflow's API and ours write a double in JSON.
package double

import (
	"encoding/json"
	"math"
	"strings"
)

// Value is a double: NaN and infinities are texts.
type Value float64

// UnmarshalJSON reads a number or one of the texts; null is NaN.
func (v *Value) UnmarshalJSON(b []byte) error {
	switch text := strings.Trim(string(b), `"`); text {
	case "NaN", "nan", "null":
		*v = Value(math.NaN())
	case "Infinity", "inf":
		*v = Value(math.Inf(1))
	case "-Infinity", "-inf":
		*v = Value(math.Inf(-1))
	default:
		return json.Unmarshal([]byte(text), (*float64)(v))
	}
	return nil
}

// MarshalJSON writes a number or one of the texts.
func (v Value) MarshalJSON() ([]byte, error) {
	switch f := float64(v); {
	case math.IsNaN(f):
		return []byte(`"NaN"`), nil
	case math.IsInf(f, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(f)
	}
}
