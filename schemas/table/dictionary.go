package table

import "github.com/ClickHouse/ch-go/proto"

// Dictionary is a LowCardinality(String) column for rows that come sorted or repeat their values: the
// caller looks a text up once and appends its number row by row. ch-go's own column hashes every row's text.
type Dictionary struct {
	texts   proto.ColStr
	numbers map[string]uint32
	rows    []uint32
	raw     proto.ColLowCardinalityRaw
}

var (
	_ proto.ColInput     = (*Dictionary)(nil)
	_ proto.StateEncoder = (*Dictionary)(nil)
	_ proto.Preparable   = (*Dictionary)(nil)
)

// Number is the dictionary's number of a text, new if need be.
func (d *Dictionary) Number(text string) uint32 {
	if n, ok := d.numbers[text]; ok {
		return n
	}
	if d.numbers == nil {
		d.numbers = make(map[string]uint32)
	}
	n := uint32(len(d.numbers))
	d.numbers[text] = n
	d.texts.Append(text)
	return n
}

// AppendNumber adds n rows of the text with this number.
func (d *Dictionary) AppendNumber(number uint32, n int) {
	d.rows = appendN(d.rows, number, n)
}

// Append adds one row.
func (d *Dictionary) Append(text string) { d.rows = append(d.rows, d.Number(text)) }

// Text is the text of a row.
func (d *Dictionary) Text(row int) string { return d.texts.Row(int(d.rows[row])) }

// Type of the column in ClickHouse.
func (d *Dictionary) Type() proto.ColumnType {
	return proto.ColumnTypeLowCardinality.Sub(proto.ColumnTypeString)
}

// Rows in the column.
func (d *Dictionary) Rows() int { return len(d.rows) }

// Reset empties the column and its dictionary.
func (d *Dictionary) Reset() {
	d.texts.Reset()
	clear(d.numbers)
	d.rows = d.rows[:0]
}

// Prepare chooses the narrowest width that holds all numbers and fills the wire's columns.
func (d *Dictionary) Prepare() error {
	d.raw.Index = &d.texts
	switch n := len(d.numbers); {
	case n <= 1<<8:
		d.raw.Key = proto.KeyUInt8
		d.raw.Keys8 = narrow(d.raw.Keys8[:0], d.rows)
	case n <= 1<<16:
		d.raw.Key = proto.KeyUInt16
		d.raw.Keys16 = narrow(d.raw.Keys16[:0], d.rows)
	default:
		d.raw.Key = proto.KeyUInt32
		d.raw.Keys32 = narrow(d.raw.Keys32[:0], d.rows)
	}
	return nil
}

// EncodeState, EncodeColumn and WriteColumn write what Prepare made.
func (d *Dictionary) EncodeState(b *proto.Buffer) { d.raw.EncodeState(b) }

// EncodeColumn writes the column into a buffer.
func (d *Dictionary) EncodeColumn(b *proto.Buffer) { d.raw.EncodeColumn(b) }

// WriteColumn writes the column without copying it.
func (d *Dictionary) WriteColumn(w *proto.Writer) { d.raw.WriteColumn(w) }

func narrow[T ~uint8 | ~uint16 | ~uint32, S ~[]T](out S, rows []uint32) S {
	out = grow(out, len(rows))
	for _, r := range rows {
		out = append(out, T(r))
	}
	return out
}

// grow makes room for n more values.
func grow[T any, S ~[]T](s S, n int) S {
	if cap(s)-len(s) >= n {
		return s
	}
	out := make(S, len(s), max(len(s)+n, 2*cap(s)))
	copy(out, s)
	return out
}

// appendN adds a value n times.
func appendN[T any, S ~[]T](s S, v T, n int) S {
	s = grow(s, n)
	at := len(s)
	s = s[:at+n]
	for i := range s[at:] {
		s[at+i] = v
	}
	return s
}
