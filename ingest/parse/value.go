package parse

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

// shownBytesMax bounds how much of a wrong value its error repeats.
const shownBytesMax = 1000

// errType: the value is not of the kind its field has; the caller makes the message.
var errType = errors.New("wrong type")

// wrongType is MLflow's answer to a value of the wrong type.
func wrongType(path string, raw []byte) error {
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		compact.Write(raw)
	}
	shown := compact.Bytes()
	if len(shown) > shownBytesMax {
		shown = append(bytes.ToValidUTF8(shown[:shownBytesMax], nil), "..."...)
	}
	return mlflow.InvalidParameter(path, string(shown), mlflow.PythonType(raw))
}

// text reads a text that may be absent; null is absent.
func text(d *jx.Decoder, path string) (string, error) {
	switch d.Next() {
	case jx.String:
		return d.Str()
	case jx.Null:
		return "", d.Null()
	}
	raw, err := d.Raw()
	if err != nil {
		return "", err
	}
	return "", wrongType(path, raw)
}

// float reads a number as protobuf's JSON does: bare, or as a text, with NaN and infinities; true is 1.
func float(raw []byte) (float64, error) {
	switch raw[0] {
	case 't':
		return 1, nil
	case 'f':
		return 0, nil
	case '"':
		raw = bytes.TrimSpace(raw[1 : len(raw)-1])
		// Go knows more ways to write a number than Python does.
		if bytes.ContainsAny(raw, `xXpP_\`) {
			return 0, errType
		}
	case '[', '{':
		return 0, errType
	}
	v, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return 0, errType
	}
	return v, nil
}

// integer reads a whole number as protobuf's JSON does: bare, as a text, or as a float that is whole.
func integer(raw []byte) (int64, error) {
	switch raw[0] {
	case '[', '{', 't', 'f':
		return 0, errType
	case '"':
		raw = raw[1 : len(raw)-1]
	}
	if n, ok := digits(raw); ok {
		return n, nil
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, nil
	}
	v, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || bytes.ContainsAny(raw, `xXpP_\`) || v != math.Trunc(v) || math.Abs(v) >= 1<<63 {
		return 0, errType
	}
	// Beyond 2^53 a text without a point or exponent would have been read above; what is left is exact.
	if math.Abs(v) > 1<<53 && !bytes.ContainsAny(raw, ".eE") {
		return 0, errType
	}
	return int64(v), nil
}

// digitsMax is how many decimal digits always fit an int64.
const digitsMax = 18

// digits reads what nearly all steps and times are.
func digits(raw []byte) (n int64, ok bool) {
	if len(raw) == 0 || len(raw) > digitsMax {
		return 0, false
	}
	for _, c := range raw {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// pythonFloat writes a number as Python's repr does, which MLflow's messages show.
func pythonFloat(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+"))
	}
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
