package sheet

import (
	"math/bits"
	"slices"
)

// pieceRows is how many rows a piece of a column has: the bits of a word.
const pieceRows = 64

// column is a value of every row, or none. A piece keeps only the values that are there, in order of rows, so that
// a key which few runs have costs little.
type column[T any] struct {
	key    string
	number uint32
	pieces []piece[T]
}

// columns are those of one kind by their keys, and by the numbers that rows know their own by: a run has few of them,
// however many its experiment has.
type columns[T any] struct {
	byKey map[string]*column[T]
	list  []*column[T]
}

// make gives the column of a key, and whether it is a new one.
func (cs *columns[T]) make(key string) (c *column[T], made bool) {
	if c = cs.byKey[key]; c != nil {
		return c, false
	}
	if cs.byKey == nil {
		cs.byKey = make(map[string]*column[T])
	}
	c = &column[T]{key: key, number: uint32(len(cs.list))}
	cs.byKey[key], cs.list = c, append(cs.list, c)
	return c, true
}

type piece[T any] struct {
	present uint64
	values  []T
}

// place is where in its piece a row's value is, or would be.
func (p *piece[T]) place(row int) (i int, ok bool) {
	bit := uint64(1) << (row % pieceRows)
	return bits.OnesCount64(p.present & (bit - 1)), p.present&bit != 0
}

// at gives the place of a row's value, nil if it has none.
func (c *column[T]) at(row int) *T {
	n := row / pieceRows
	if n >= len(c.pieces) {
		return nil
	}
	p := &c.pieces[n]
	i, ok := p.place(row)
	if !ok {
		return nil
	}
	return &p.values[i]
}

// put sets the value of a row that has none.
func (c *column[T]) put(row int, v T) {
	n := row / pieceRows
	if n >= len(c.pieces) {
		c.pieces = append(c.pieces, make([]piece[T], n+1-len(c.pieces))...)
	}
	p := &c.pieces[n]
	i, _ := p.place(row)
	p.values = slices.Insert(p.values, i, v)
	p.present |= 1 << (row % pieceRows)
}

// remove takes the value of a row away, if it has one.
func (c *column[T]) remove(row int) {
	n := row / pieceRows
	if n >= len(c.pieces) {
		return
	}
	p := &c.pieces[n]
	if i, ok := p.place(row); ok {
		p.values = slices.Delete(p.values, i, i+1)
		p.present &^= 1 << (row % pieceRows)
	}
}

// texts is a dictionary that forgets what nobody uses.
type texts struct {
	numbers map[string]uint32
	list    []string
	uses    []uint32
	free    []uint32
	bytes   int64
}

// use gives a text's number, and counts the use.
func (t *texts) use(text string) uint32 {
	n, ok := t.numbers[text]
	if !ok {
		if last := len(t.free) - 1; last >= 0 {
			n, t.free = t.free[last], t.free[:last]
			t.list[n] = text
		} else {
			n = uint32(len(t.list))
			t.list, t.uses = append(t.list, text), append(t.uses, 0)
		}
		t.numbers[text] = n
		t.bytes += int64(len(text)) + textBytes
	}
	t.uses[n]++
	return n
}

// release takes a use back.
func (t *texts) release(n uint32) {
	if t.uses[n]--; t.uses[n] > 0 {
		return
	}
	text := t.list[n]
	delete(t.numbers, text)
	t.list[n] = ""
	t.free = append(t.free, n)
	t.bytes -= int64(len(text)) + textBytes
}
