package otlp

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
)

// Searches compare texts within stored JSON, so it is written exactly as Python's json.dumps with
// ensure_ascii=False writes it: a space behind comma and colon, and a point in every float.

// dump appends a value.
func dump(b []byte, v *commonpb.AnyValue) []byte {
	switch x := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return dumpText(b, x.StringValue)
	case *commonpb.AnyValue_BoolValue:
		return strconv.AppendBool(b, x.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return strconv.AppendInt(b, x.IntValue, 10)
	case *commonpb.AnyValue_DoubleValue:
		return dumpFloat(b, x.DoubleValue)
	case *commonpb.AnyValue_BytesValue:
		return dumpText(b, base64.StdEncoding.EncodeToString(x.BytesValue))
	case *commonpb.AnyValue_ArrayValue:
		b = append(b, '[')
		for i, item := range x.ArrayValue.GetValues() {
			b = dump(comma(b, i), item)
		}
		return append(b, ']')
	case *commonpb.AnyValue_KvlistValue:
		return dumpObject(b, x.KvlistValue.GetValues())
	}
	return append(b, "null"...)
}

// dumpObject writes pairs; of a key that stands twice the last counts, where the first stands, as in a dict.
func dumpObject(b []byte, pairs []*commonpb.KeyValue) []byte {
	b = append(b, '{')
	for i, p := range distinct(pairs) {
		b = dumpText(comma(b, i), p.GetKey())
		b = dump(append(b, ": "...), p.GetValue())
	}
	return append(b, '}')
}

func distinct(pairs []*commonpb.KeyValue) []*commonpb.KeyValue {
	at := make(map[string]int, len(pairs))
	out := make([]*commonpb.KeyValue, 0, len(pairs))
	for _, p := range pairs {
		if i, ok := at[p.GetKey()]; ok {
			out[i] = p
			continue
		}
		at[p.GetKey()] = len(out)
		out = append(out, p)
	}
	return out
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ", "...)
	}
	return b
}

func dumpText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ':
			b = append(b, c)
		default:
			b = append(b, escaped(c)...)
		}
	}
	return append(b, '"')
}

func escaped(c byte) string {
	const letters = "\b\f\n\r\t"
	if i := strings.IndexByte(letters, c); i >= 0 {
		return `\` + string("bfnrt"[i])
	}
	const digits = "0123456789abcdef"
	return `\u00` + string([]byte{digits[c>>4], digits[c&0xf]})
}

// dumpFloat is Python's repr.
func dumpFloat(b []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(b, "NaN"...)
	case math.IsInf(x, 1):
		return append(b, "Infinity"...)
	case math.IsInf(x, -1):
		return append(b, "-Infinity"...)
	}
	const exponentBelow, exponentFrom = 1e-4, 1e16
	if a := math.Abs(x); a != 0 && (a < exponentBelow || a >= exponentFrom) {
		return strconv.AppendFloat(b, x, 'e', -1, 64)
	}
	from := len(b)
	b = strconv.AppendFloat(b, x, 'f', -1, 64)
	if !strings.Contains(string(b[from:]), ".") {
		b = append(b, ".0"...)
	}
	return b
}
