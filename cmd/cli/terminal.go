package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
)

// terminal is where a command prints: to people in colour and within a width, to pipes plainly and whole.
type terminal struct {
	io.Writer
	colour bool
	width  int
}

// widthPlain is for what has to choose a width where there is no terminal.
const widthPlain = 100

func newTerminal(w io.Writer, getenv func(string) string) terminal {
	t := terminal{Writer: w}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return t
	}
	// The convention of no-color.org.
	t.colour = getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	t.width = widthPlain
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		t.width = width
	}
	return t
}

// drawWidth is how wide a drawing may be.
func (t terminal) drawWidth() int {
	if t.width > 0 {
		return min(t.width, 2*widthPlain)
	}
	return widthPlain
}

// The colours used, as parameters of an SGR sequence.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (t terminal) paint(colour, s string) string {
	if !t.colour || colour == "" {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

// table prints a table with a header in bold; colour may colour single cells.
func (t terminal) table(tb *table, colour func(row, column int) string) error {
	tb.paint = func(row, column int, cell string) string {
		if row < 0 {
			return t.paint(bold, cell)
		}
		if colour == nil {
			return cell
		}
		return t.paint(colour(row, column), cell)
	}
	hidden, err := tb.write(t, t.width)
	if len(hidden) > 0 {
		fmt.Fprintln(t, t.paint(dim, "no room for "+listing(hidden)+"; a wider terminal or --json shows all"))
	}
	return err
}

// listedMax names in a row are read.
const listedMax = 6

// listing names some and counts the others.
func listing(names []string) string {
	if n := len(names); n > listedMax {
		return strings.Join(names[:listedMax], ", ") + " and " + strconv.Itoa(n-listedMax) + " more"
	}
	return strings.Join(names, ", ")
}

// printJSON is for programs.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// wholeMax: every whole number below it is a float64 and is written with all its digits.
const wholeMax = 1e15

func formatNumber(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < wholeMax {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

func formatTime(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).Format("2006-01-02 15:04:05")
}

// formatTook is the time of a run, as far as it matters to people.
func formatTook(d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

func statusColour(status string) string {
	switch status {
	case "FINISHED":
		return green
	case "FAILED", "KILLED":
		return red
	case "RUNNING":
		return cyan
	}
	return ""
}
