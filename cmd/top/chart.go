package top

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/streamgauge/streamgauge/cmd/top/braille"
	"github.com/streamgauge/streamgauge/cmd/top/watch"
)

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
