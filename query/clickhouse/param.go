package clickhouse

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// encode writes values as the native protocol wants them: a quoted literal, in it the text that the type's
// parser reads. Texts are escaped twice, therefore: for that parser (as in TSV), then for the literal; items of
// lists are quoted literals of their own.
func (p params) encode() ([]proto.Parameter, error) {
	out := make([]proto.Parameter, 0, len(p))
	for _, name := range slices.Sorted(maps.Keys(p)) {
		text, err := paramText(p[name])
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		out = append(out, proto.Parameter{Key: name, Value: literal(text)})
	}
	return out, nil
}

func paramText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return escapes.Replace(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case []string:
		return list(v, literal), nil
	case []uint64:
		return list(v, decimal), nil
	case []int64:
		return list(v, func(n int64) string { return strconv.FormatInt(n, 10) }), nil
	case []SeriesPair:
		return list(v, func(p SeriesPair) string { return "(" + decimal(p.Run) + "," + literal(p.Key) + ")" }), nil
	case []uint32:
		return list(v, decimal), nil
	case []uint16:
		return list(v, decimal), nil
	}
	return "", fmt.Errorf("values of type %T cannot be bound", v)
}

func decimal[T uint16 | uint32 | uint64](n T) string { return strconv.FormatUint(uint64(n), 10) }

func list[T any](values []T, text func(T) string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(text(v))
	}
	b.WriteByte(']')
	return b.String()
}

// escapes are of the escaped text format, quotes those of a quoted literal.
var (
	escapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)
	quotes  = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)
)

func literal(s string) string { return "'" + quotes.Replace(s) + "'" }
