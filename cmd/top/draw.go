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

	"github.com/streamgauge/streamgauge/cmd/top/braille"
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

func (s *screen) charts() []string {
	g := s.grid()
	shown := s.visible(g)
	var out []string
	for at := 0; at < len(shown); at += g.columns {
		var row [][]string
		for i := at; i < min(at+g.columns, len(shown)); i++ {
			row = append(row, s.chart(shown[i], g, s.first+i == s.selected && !s.whole))
		}
		for y := range g.height {
			var b strings.Builder
			for _, c := range row {
				b.WriteString(pad(c[y], g.width))
			}
			out = append(out, b.String())
		}
	}
	return out
}

// pad makes a text so wide, by cutting or by spaces.
func pad(text string, width int) string {
	text = ansi.Truncate(text, width, "…")
	return text + strings.Repeat(" ", max(width-ansi.StringWidth(text), 0))
}

// chart is a title, the drawing and the axis below: height lines.
func (s *screen) chart(m watch.Metric, g grid, selected bool) []string {
	line, read := s.lines[m.Key]
	out := []string{s.title(m, line, g.width, selected)}
	height, width := max(g.height-3, 1), max(g.width-labelWidth-2, 1)
	f, marks, ok := s.plane(line)
	rows := braille.New(width, height)
	low, high := "", ""
	if ok {
		rows.Curve(f, marks)
		low, high = s.value(f.YLow), s.value(f.YHigh)
	}
	for y, r := range rows.Rows() {
		label := ""
		switch {
		case y == 0:
			label = high
		case y == height-1 && low != high:
			label = low
		}
		out = append(out, fmt.Sprintf("%*s ", labelWidth-1, label)+paint(cyan, r))
	}
	out = append(out, s.below(f, read, ok, width))
	for len(out) < g.height {
		out = append(out, "")
	}
	return out
}

// below is the line under a drawing.
func (s *screen) below(f braille.Frame, read, ok bool, width int) string {
	switch {
	case !read:
		return strings.Repeat(" ", labelWidth) + paint(dim, "reading")
	case !ok:
		return strings.Repeat(" ", labelWidth) + paint(dim, "nothing that can be drawn")
	}
	from, to := place(f.XLow), place(f.XHigh)
	return strings.Repeat(" ", labelWidth) + paint(dim, from+strings.Repeat(" ", max(width-len(from)-len(to), 1))+to)
}

func (s *screen) title(m watch.Metric, l watch.Line, width int, selected bool) string {
	right := number(float64(m.Value)) + " at " + strconv.FormatInt(m.Step, 10)
	if n := len(l.Marks); n > 0 && l.Raw() && s.axis == watch.AxisStep {
		right = number(l.Marks[n-1].Value) + " at " + place(l.Marks[n-1].X) // is read more often than the names
	}
	if l.Odd > 0 {
		right = paint(yellow, strconv.FormatUint(l.Odd, 10)+" not finite") + "  " + right
	}
	room := max(width-2-ansi.StringWidth(right)-2, 4)
	name := ansi.Truncate(clean(m.Key), room, "…")
	gap := strings.Repeat(" ", max(room-ansi.StringWidth(name)+1, 1))
	if selected {
		return paint(invert, " "+name+" ") + gap + right
	}
	return " " + paint(bold, name) + " " + gap + right
}

// plane is what of a line is drawn where: smoothed, on the axis.
func (s *screen) plane(l watch.Line) (braille.Frame, []braille.Mark, bool) {
	marks := smoothed(l.Marks, smoothings[s.smooth])
	if s.log {
		for i, m := range marks {
			marks[i].Low, marks[i].High, marks[i].Value = logarithm(m.Low), logarithm(m.High), logarithm(m.Value)
		}
	}
	f, ok := braille.Around(marks)
	return f, marks, ok
}

// value is a label of the axis.
func (s *screen) value(v float64) string {
	if s.log {
		v = math.Pow(10, v)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// logarithm is NaN where there is none.
func logarithm(v float64) float64 {
	if v <= 0 {
		return math.NaN()
	}
	return math.Log10(v)
}

// smoothed is an exponential moving average without the start's pull to 0, as TensorBoard has it. Values that are not finite are passed
// over. The marks are new ones.
func smoothed(marks []braille.Mark, weight float64) []braille.Mark {
	out := make([]braille.Mark, len(marks))
	mean, have := 0.0, 0.0
	for i, m := range marks {
		out[i] = m
		if weight == 0 || math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			continue
		}
		mean = weight*mean + (1-weight)*m.Value
		have = weight*have + 1 - weight
		v := mean / have
		out[i].Low, out[i].High, out[i].Value = v, v, v
	}
	return out
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
