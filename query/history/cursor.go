package history

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// OffsetMax bounds the offset of MLflow's own page tokens.
const OffsetMax = 1 << 31

// Key is a point's place in a history.
type Key struct {
	TimeMS, Step   int64
	Value          float64
	Model, Dataset string
}

// Cursor is where a page begins: after a point, or after a number of points, as MLflow's own tokens say. The
// zero Cursor is the beginning.
type Cursor struct {
	After  *Key
	Offset int
}

// token is the JSON inside a page token. The value travels as its bits, so that NaN and every digit stay.
type token struct {
	Offset  json.Number `json:"offset,omitempty"`
	TimeMS  string      `json:"ts,omitempty"`
	Step    string      `json:"step,omitempty"`
	Bits    string      `json:"bits,omitempty"`
	Model   string      `json:"model,omitempty"`
	Dataset string      `json:"dataset,omitempty"`
}

// Token makes the token of the page that begins after a point.
func (k Key) Token() string {
	t := token{
		TimeMS: strconv.FormatInt(k.TimeMS, 10), Step: strconv.FormatInt(k.Step, 10),
		Bits: strconv.FormatUint(math.Float64bits(k.Value), 16), Model: k.Model, Dataset: k.Dataset,
	}
	b, _ := json.Marshal(t) // a struct of strings always encodes
	return base64.StdEncoding.EncodeToString(b)
}

// ParseToken reads a page token; empty is the first page.
func ParseToken(s string) (Cursor, error) {
	if s == "" {
		return Cursor{}, nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return Cursor{}, track.Errorf(track.InvalidParameterValue, "Invalid page token, could not base64-decode")
	}
	var t token
	if json.Unmarshal(b, &t) != nil {
		return Cursor{}, invalidToken(b)
	}
	if t.TimeMS == "" {
		n, err := strconv.ParseInt(t.Offset.String(), 10, 64)
		if err != nil || n <= 0 || n > OffsetMax {
			return Cursor{}, invalidToken(b)
		}
		return Cursor{Offset: int(n)}, nil
	}
	k := Key{Model: t.Model, Dataset: t.Dataset}
	var bits uint64
	if k.TimeMS, err = strconv.ParseInt(t.TimeMS, 10, 64); err == nil {
		if k.Step, err = strconv.ParseInt(t.Step, 10, 64); err == nil {
			bits, err = strconv.ParseUint(t.Bits, 16, 64)
		}
	}
	if err != nil {
		return Cursor{}, invalidToken(b)
	}
	k.Value = math.Float64frombits(bits)
	return Cursor{After: &k}, nil
}

func invalidToken(b []byte) error {
	return track.Errorf(track.InvalidParameterValue, "Invalid page token, decoded value=%q", b)
}
