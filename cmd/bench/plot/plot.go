// Package plot draws lines over logarithmic axes as SVG, which pages show in light and in dark. It is pure.
package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
)

// Panel is one diagram.
type Panel struct {
	Title, X, Y string
	Lines       []Line
}

// Line is drawn through its points; what is not above zero is left out.
type Line struct {
	Name string
	At   []Point
}

// Point is a place on a line.
type Point struct{ X, Y float64 }

// Sizes in pixels: of a panel, of its margins, of a line of text.
const (
	width, height            = 360, 280
	left, right, top, bottom = 56, 20, 66, 44
	lineHeight               = 14
)

const style = `text{font:11px system-ui,sans-serif;fill:#57606a}.t{font-weight:600;font-size:12px;fill:#1f2328}.g{stroke:#d0d7de;stroke-width:1}` +
	`polyline{fill:none;stroke-width:2}.c0{stroke:#0969da}.c1{stroke:#bc4c00}.c2{stroke:#1a7f37}.f0{fill:#0969da}.f1{fill:#bc4c00}.f2{fill:#1a7f37}` +
	`@media(prefers-color-scheme:dark){text{fill:#9198a1}.t{fill:#f0f6fc}.g{stroke:#3d444d}.c0{stroke:#4493f8}.c1{stroke:#db6d28}.c2{stroke:#3fb950}.f0{fill:#4493f8}.f1{fill:#db6d28}.f2{fill:#3fb950}}`

// colours is how many lines of a panel can be told apart.
const colours = 3

// SVG draws panels side by side.
func SVG(panels []Panel) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" role="img">`, width*len(panels), height, width*len(panels))
	fmt.Fprintf(&b, "\n<style>%s</style>\n", style)
	for i := range panels {
		fmt.Fprintf(&b, `<g transform="translate(%d 0)">`+"\n", i*width)
		panels[i].draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// axis maps a logarithm onto pixels; from and to are decades.
type axis struct {
	from, to   float64
	begin, end float64
}

func axisOf(values []float64, begin, end float64) axis {
	a := axis{math.Inf(1), math.Inf(-1), begin, end}
	for _, v := range values {
		a.from, a.to = min(a.from, math.Floor(math.Log10(v))), max(a.to, math.Ceil(math.Log10(v)))
	}
	if math.IsInf(a.from, 1) {
		a.from, a.to = 0, 1
	}
	if a.to <= a.from {
		a.to = a.from + 1
	}
	return a
}

func (a axis) at(v float64) float64 {
	return a.begin + (math.Log10(v)-a.from)/(a.to-a.from)*(a.end-a.begin)
}

func (p *Panel) draw(b *bytes.Buffer) {
	var xs, ys []float64
	for i := range p.Lines {
		for _, at := range p.Lines[i].drawn() {
			xs, ys = append(xs, at.X), append(ys, at.Y)
		}
	}
	x, y := axisOf(xs, left, width-right), axisOf(ys, height-bottom, top)
	text(b, left, lineHeight, "start", "t", p.Title)
	for decade := x.from; decade <= x.to; decade++ {
		at := x.at(math.Pow(10, decade))
		fmt.Fprintf(b, `<line class="g" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`+"\n", at, top, at, height-bottom)
		text(b, at, height-bottom+lineHeight, "middle", "", short(math.Pow(10, decade)))
	}
	for decade := y.from; decade <= y.to; decade++ {
		at := y.at(math.Pow(10, decade))
		fmt.Fprintf(b, `<line class="g" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`+"\n", left, at, width-right, at)
		text(b, left-6, at+4, "end", "", short(math.Pow(10, decade)))
	}
	text(b, (left+width-right)/2, height-8, "middle", "", p.X)
	text(b, left, 2*lineHeight+2, "start", "", p.Y)
	for i := range p.Lines {
		p.Lines[i].draw(b, x, y, i%colours)
		text(b, width-right, 2*lineHeight+2+float64(i)*lineHeight, "end", fmt.Sprintf("f%d", i%colours), p.Lines[i].Name)
	}
}

// drawn are the points that have a logarithm.
func (l *Line) drawn() (out []Point) {
	for _, at := range l.At {
		if at.X > 0 && at.Y > 0 && !math.IsInf(at.X, 0) && !math.IsInf(at.Y, 0) {
			out = append(out, at)
		}
	}
	return out
}

func (l *Line) draw(b *bytes.Buffer, x, y axis, colour int) {
	points := l.drawn()
	fmt.Fprintf(b, `<polyline class="c%d" points="`, colour)
	for _, at := range points {
		fmt.Fprintf(b, "%.1f,%.1f ", x.at(at.X), y.at(at.Y))
	}
	b.WriteString("\"/>\n")
	for _, at := range points {
		fmt.Fprintf(b, `<circle class="f%d" cx="%.1f" cy="%.1f" r="3"/>`+"\n", colour, x.at(at.X), y.at(at.Y))
		text(b, x.at(at.X), y.at(at.Y)-7, "middle", "", short(at.Y))
	}
}

func text(b *bytes.Buffer, x, y float64, anchor, class, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">`, x, y, anchor, class)
	_ = xml.EscapeText(b, []byte(s)) // a buffer takes everything
	b.WriteString("</text>\n")
}

// short is a number with three digits at most and its thousands as a letter.
func short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if v >= unit.size*0.9995 {
			return strconv.FormatFloat(v/unit.size, 'g', 3, 64) + unit.name
		}
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
