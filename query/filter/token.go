package filter

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// OffsetMax bounds the offset of MLflow's own page tokens: all rows before it are read. Our own tokens have
// no offset and no bound.
const OffsetMax = 100_000

// Cursor is where a page begins: after a key, or after a number of rows (MLflow's own tokens say that).
// The zero Cursor is the first page.
type Cursor struct {
	After  Key
	Offset int
}

// token is the JSON inside a page token: MLflow's field, or the order it was made for and the last row's
// key. Values are text, so that every float and integer survives JSON exactly.
type token struct {
	Offset json.RawMessage `json:"offset,omitempty"`
	Order  string          `json:"order,omitempty"`
	After  []string        `json:"after,omitempty"`
}

// Token makes the token of the page that follows the row with this key.
func (o Order) Token(last Key) string {
	t := token{Order: o.String()}
	for i, c := range o.columns() {
		t.After = append(t.After, last[i].encode(c.kind))
	}
	// A struct of strings always encodes.
	b, _ := json.Marshal(t)
	return base64.StdEncoding.EncodeToString(b)
}

// OffsetToken is a page token as MLflow's own, behind so many rows.
func OffsetToken(rows int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"offset": %d}`, rows))
}

func (p part) encode(k kind) string {
	switch k {
	case integers:
		return strconv.FormatInt(p.integer, 10)
	case floats:
		return strconv.FormatFloat(p.float, 'g', -1, 64)
	}
	return p.text
}

// ParseToken reads a page token of this order; empty is the first page.
func (o Order) ParseToken(s string) (Cursor, error) {
	if s == "" {
		return Cursor{}, nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return Cursor{}, invalid("Invalid page token, could not base64-decode")
	}
	var t token
	if err := json.Unmarshal(b, &t); err != nil {
		return Cursor{}, invalid("Invalid page token, decoded value=%s", pythonBytes(b))
	}
	if t.After == nil {
		n, err := strconv.ParseInt(string(bytes.Trim(t.Offset, `"`)), 10, 32)
		if err != nil || n <= 0 || n > OffsetMax {
			return Cursor{}, invalid("Invalid page token, decoded value=%s", pythonBytes(b))
		}
		return Cursor{Offset: int(n)}, nil
	}
	if t.Order != o.String() {
		return Cursor{}, invalid("Invalid page token: it belongs to a search ordered by %s, not by %s", t.Order, o)
	}
	key, err := o.decode(t.After)
	if err != nil {
		return Cursor{}, invalid("Invalid page token: %v", err)
	}
	return Cursor{After: key}, nil
}

func (o Order) decode(values []string) (Key, error) {
	cs := o.columns()
	if len(values) != len(cs) {
		return nil, fmt.Errorf("want %d values, got %d", len(cs), len(values))
	}
	var key Key
	for i, c := range cs {
		var p part
		var err error
		switch c.kind {
		case integers:
			p.integer, err = strconv.ParseInt(values[i], 10, 64)
		case floats:
			p.float, err = strconv.ParseFloat(values[i], 64)
			if err == nil && math.IsNaN(p.float) {
				err = fmt.Errorf("value %d is not a number", i)
			}
		case texts:
			p.text = values[i]
		}
		if err != nil {
			return nil, err
		}
		key = append(key, p)
	}
	return key, nil
}

// pythonBytes writes bytes nearly as Python shows them, which is what MLflow's message has.
func pythonBytes(b []byte) string { return "b'" + string(bytes.ToValidUTF8(b, []byte("?"))) + "'" }

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}
