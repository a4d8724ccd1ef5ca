package cli

import (
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// table is text in columns. Cells are plain; colour is put on when it is written.
type table struct {
	header []string
	rows   [][]string
	// right says which columns are aligned to the right.
	right map[int]bool
	// whole leaves long cells as they are.
	whole bool
	// paint colours a cell that is already padded; nil leaves everything plain.
	paint func(row, column int, cell string) string
}

const (
	columnGap = "  "
	// cellWidthMax keeps one long text from pushing everything else off the screen.
	cellWidthMax = 48
)

// write prints the table within a width, leaving out columns at the right that do not fit; 0 is no limit.
func (t *table) write(w io.Writer, width int) error {
	if t.whole {
		width = 0
	}
	widths := t.widths(width)
	var b strings.Builder
	if t.header != nil {
		t.line(&b, -1, t.header, widths)
	}
	for i, r := range t.rows {
		t.line(&b, i, r, widths)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) widths(width int) []int {
	var widths []int
	for _, r := range append([][]string{t.header}, t.rows...) {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			w := runewidth.StringWidth(clean(c))
			if !t.whole {
				w = min(w, cellWidthMax)
			}
			widths[i] = max(widths[i], w)
		}
	}
	sum := 0
	for i, w := range widths {
		sum += w
		if i > 0 {
			sum += len(columnGap)
		}
		if width > 0 && i > 0 && sum > width {
			return widths[:i]
		}
	}
	return widths
}

func (t *table) line(b *strings.Builder, row int, cells []string, widths []int) {
	var parts []string
	for i, w := range widths {
		cell := ""
		if i < len(cells) {
			cell = runewidth.Truncate(clean(cells[i]), w, "…")
		}
		switch {
		case t.right[i]:
			cell = runewidth.FillLeft(cell, w)
		case i < len(widths)-1:
			cell = runewidth.FillRight(cell, w)
		}
		if t.paint != nil {
			cell = t.paint(row, i, cell)
		}
		parts = append(parts, cell)
	}
	b.WriteString(strings.TrimRight(strings.Join(parts, columnGap), " ") + "\n")
}

// clean keeps a cell on its line and its control characters off the terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}
