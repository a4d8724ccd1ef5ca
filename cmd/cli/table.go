package cli

import (
	"fmt"
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
	// yield is how readily a column gives way where there is too little room: the greatest goes first, of equal
	// ones the rightmost.
	yield map[int]int
	// paint colours a cell that is already padded; nil leaves everything plain.
	paint func(row, column int, cell string) string
}

const columnGap = "  "

// write prints the table within a width and gives the headers of the columns that found no room. Width 0 is no
// terminal: every cell is whole and on its line.
func (t *table) write(w io.Writer, width int) (hidden []string, err error) {
	text := clean
	if width == 0 {
		text = escape
	}
	var widths []int
	if t.whole || width == 0 {
		for _, m := range t.measures(text) {
			widths = append(widths, m.natural)
		}
	} else {
		widths = t.fit(width)
	}
	for i := range min(len(widths), len(t.header)) {
		if widths[i] == 0 {
			hidden = append(hidden, clean(t.header[i]))
		}
	}
	var b strings.Builder
	if t.header != nil {
		t.line(&b, -1, t.header, widths, text)
	}
	for i, r := range t.rows {
		t.line(&b, i, r, widths, text)
	}
	_, err = io.WriteString(w, b.String())
	return hidden, err
}

// line writes one row; a column of width 0 is left out.
func (t *table) line(b *strings.Builder, row int, cells []string, widths []int, text func(string) string) {
	var parts []string
	for i, w := range widths {
		if w == 0 {
			continue
		}
		cell := ""
		if i < len(cells) {
			cell = runewidth.Truncate(text(cells[i]), w, "…")
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
		if isControl(r) {
			return ' '
		}
		return r
	}, s)
}

// escape keeps a cell on its line and loses nothing of it.
func escape(s string) string {
	if !strings.ContainsFunc(s, isControl) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case isControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }
