package top

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/streamgauge/streamgauge/cmd/top/watch"
)

const (
	// chartWidth and chartHeight are the least that a chart has, with its title and borders, in characters.
	chartWidth, chartHeight = 46, 9
	// headHeight is the head's, with the line that says what the keys do.
	headHeight = 3
	// labelWidth is left of a drawing.
	labelWidth = 10
	// bucketsLeast keeps the server's answer useful on a tiny screen.
	bucketsLeast = 16
)

// Colours as parameters of an SGR sequence.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
	invert = "7"
)

func paint(colour, text string) string { return "\x1b[" + colour + "m" + text + "\x1b[0m" }

// grid is how charts are laid out.
type grid struct{ columns, rows, width, height int }

func (s *screen) grid() grid {
	room := max(s.height-headHeight, chartHeight)
	if s.whole {
		return grid{1, 1, max(s.width, 1), room}
	}
	columns := max(s.width/chartWidth, 1)
	rows := max(room/chartHeight, 1)
	if n := len(s.names); n > 0 {
		columns = min(columns, n)
		rows = min(rows, (n+columns-1)/columns)
	}
	return grid{columns, rows, max(s.width/columns, 1), room / rows}
}

func (g grid) shown() int { return g.columns * g.rows }

// buckets are two for each character: as many as there are dots.
func (g grid) buckets() int { return max(2*(g.width-labelWidth), bucketsLeast) }

// View implements tea.Model.
func (s *screen) View() tea.View {
	v := tea.NewView(s.text())
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = "streamgauge top " + clean(s.run.Name)
	return v
}

func (s *screen) text() string {
	if s.width == 0 {
		return ""
	}
	lines := s.head()
	switch {
	case s.help:
		lines = append(lines, helpLines...)
	case len(s.names) == 0:
		lines = append(lines, s.empty())
	default:
		lines = append(lines, s.charts()...)
	}
	lines = append(lines[:min(len(lines), s.height-1)], s.foot())
	for i, l := range lines {
		lines[i] = ansi.Truncate(l, s.width, "…")
	}
	return strings.Join(lines, "\n")
}

func (s *screen) head() []string {
	colour := map[string]string{"RUNNING": cyan, "FINISHED": green, "FAILED": red, "KILLED": red}[s.run.Status]
	line := paint(bold, clean(s.run.Name)) + "  " + paint(colour, strings.ToLower(s.run.Status)) + "  " + s.took() + "  " + paint(dim, s.run.ID)
	if s.trouble != nil {
		return []string{line, paint(yellow, "no news: "+clean(s.trouble.Error())+"; trying again")}
	}
	about := strconv.Itoa(len(s.names)) + " metrics"
	switch {
	case s.more:
		about = "the first " + about
	case len(s.names) == 1:
		about = "1 metric"
	}
	if s.filter != "" {
		about += " with " + strconv.Quote(s.filter)
	}
	about += ", by " + map[string]string{watch.AxisStep: "step", watch.AxisRelative: "seconds since the start"}[s.axis]
	if s.log {
		about += ", logarithmic"
	}
	if w := smoothings[s.smooth]; w > 0 {
		about += fmt.Sprintf(", smoothed by %g", w)
	}
	return []string{line, paint(dim, about)}
}

func (s *screen) took() string {
	switch {
	case s.run.Started.IsZero():
		return ""
	case s.run.Ended.IsZero():
		return s.now().Sub(s.run.Started).Round(time.Second).String()
	}
	return s.run.Ended.Sub(s.run.Started).Round(time.Second).String()
}

func (s *screen) foot() string {
	if s.typing {
		return "/" + s.filter + paint(invert, " ") + paint(dim, "  Enter keeps it, Esc ends it")
	}
	return paint(dim, "arrows move  Enter large  / filter  l log  s smooth  x axis  ? help  q quit")
}

func (s *screen) empty() string {
	if s.filter != "" {
		return "\n  no metric has " + strconv.Quote(s.filter) + " in its name; Esc shows all"
	}
	return "\n  no metric yet; they appear here as they are logged"
}

var helpLines = []string{
	"",
	"  arrows, j k [ ]     move; PgUp, PgDn, g, G: further",
	"  Enter               the selected chart over the whole screen, and back",
	"  /                   metrics that have a text in their name",
	"  l                   logarithmic axis",
	"  s                   smoothing, an exponential moving average: 0.6, 0.9, 0.98, none",
	"  x                   by step or by seconds since the run's start",
	"  Esc                 back",
	"  Ctrl-L              paint the screen anew",
	"  q, Ctrl-C           quit; the run goes on",
	"",
	"  Each column of dots is a bucket of points, from its least to its greatest. What is not finite is counted in the title.",
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// place is a label of the axis below.
func place(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// clean shows a name as text: what would steer the terminal is replaced.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '�'
		}
		return r
	}, text)
}
