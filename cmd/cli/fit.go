package cli

import "github.com/mattn/go-runewidth"

const (
	// cellWidthLeast of a text or a header still tells it from its neighbours.
	cellWidthLeast = 12
	// cellWidthMost is asked of one cell at most before the room is shared out; no terminal is wider.
	cellWidthMost = 1000
)

// measure is how wide a column wants to be, and how narrow it may become. Numbers are never cut.
type measure struct{ natural, least int }

func (t *table) measures(text func(string) string) []measure {
	var out []measure
	for row, cells := range append([][]string{t.header}, t.rows...) {
		for i, c := range cells {
			if i == len(out) {
				out = append(out, measure{1, 1})
			}
			w := runewidth.StringWidth(text(c))
			out[i].natural = max(out[i].natural, w)
			if row == 0 || !t.right[i] {
				w = min(w, cellWidthLeast)
			}
			out[i].least = max(out[i].least, w)
		}
	}
	return out
}

// fit shares a width out among the columns; those that find no room get 0.
func (t *table) fit(width int) []int {
	columns := t.measures(clean)
	widths, shown := make([]int, len(columns)), make([]bool, len(columns))
	for i := range columns {
		shown[i] = true
	}
	for n := len(columns); n > 1 && total(columns, shown) > width; n-- {
		shown[t.next(shown)] = false
	}
	sum := -len(columnGap)
	for i, c := range columns {
		if shown[i] {
			widths[i] = min(c.natural, cellWidthMost)
			sum += widths[i] + len(columnGap)
		}
	}
	for ; sum > width; sum-- {
		i := widest(columns, widths)
		if i < 0 {
			break
		}
		widths[i]--
	}
	return widths
}

// total is the least width of the columns that are shown.
func total(columns []measure, shown []bool) int {
	sum := -len(columnGap)
	for i, c := range columns {
		if shown[i] {
			sum += c.least + len(columnGap)
		}
	}
	return sum
}

// next is the column that gives way first.
func (t *table) next(shown []bool) int {
	found := -1
	for i, s := range shown {
		if s && (found < 0 || t.yield[i] >= t.yield[found]) {
			found = i
		}
	}
	return found
}

// widest is the widest column that may still become narrower, -1 if there is none.
func widest(columns []measure, widths []int) int {
	found := -1
	for i, c := range columns {
		if widths[i] > c.least && (found < 0 || widths[i] > widths[found]) {
			found = i
		}
	}
	return found
}
