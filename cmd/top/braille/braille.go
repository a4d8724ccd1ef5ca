// Package braille draws curves with Unicode's braille patterns: each character has 2 x 4 dots. It is pure.
package braille

import (
	"math"
	"strings"
)

// Dots of a character.
const (
	dotsWide = 2
	dotsHigh = 4
)

// Mark is a bucket, or a point with Low, High and Value the same.
type Mark struct {
	// X is its place on the axis.
	X float64
	// Low and High are its extremes and Value its mean; a value that is not finite is not drawn.
	Low, High, Value float64
}

// Frame is what of the plane is drawn: all that is between, inclusive.
type Frame struct {
	XLow, XHigh, YLow, YHigh float64
}

// Canvas is a drawing of so many characters.
type Canvas struct {
	Width, Height int
	bits          []byte
}

// New makes an empty drawing.
func New(width, height int) *Canvas {
	return &Canvas{width, height, make([]byte, width*height)}
}

// bit is the bit of a dot within its character, by row and column.
var bit = [dotsHigh][dotsWide]byte{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

// set puts a dot, counted from the upper left.
func (c *Canvas) set(x, y int) {
	if x < 0 || y < 0 || x >= c.Width*dotsWide || y >= c.Height*dotsHigh {
		return
	}
	c.bits[y/dotsHigh*c.Width+x/dotsWide] |= bit[y%dotsHigh][x%dotsWide]
}

// Rows are the lines of the drawing.
func (c *Canvas) Rows() []string {
	out := make([]string, c.Height)
	for y := range out {
		var b strings.Builder
		for _, bits := range c.bits[y*c.Width : (y+1)*c.Width] {
			b.WriteRune('⠀' + rune(bits))
		}
		out[y] = b.String()
	}
	return out
}

// Curve draws marks in order of X: their means joined, and from each its extremes. A mark whose mean is not finite breaks
// the line.
func (c *Canvas) Curve(f Frame, marks []Mark) {
	before, joined := [2]int{}, false
	for _, m := range marks {
		x := dot(m.X, f.XLow, f.XHigh, c.Width*dotsWide)
		if finite(m.Low) && finite(m.High) {
			c.vertical(x, c.row(f, m.High), c.row(f, m.Low))
		}
		if !finite(m.Value) || !finite(m.X) {
			joined = false
			continue
		}
		at := [2]int{x, c.row(f, m.Value)}
		if joined {
			c.line(before, at)
		}
		c.set(at[0], at[1])
		before, joined = at, true
	}
}

func (c *Canvas) row(f Frame, v float64) int {
	high := c.Height * dotsHigh
	return high - 1 - dot(v, f.YLow, f.YHigh, high)
}

// dot is which of n dots a value between low and high falls on; the middle one if they are the same.
func dot(v, low, high float64, n int) int {
	if high <= low {
		return n / 2
	}
	// Halved before they are subtracted: the span of two large values may be beyond a float64.
	share := (v/2 - low/2) / (high/2 - low/2)
	return int(math.Round(math.Max(-1, math.Min(2, share)) * float64(n-1)))
}

func (c *Canvas) vertical(x, top, bottom int) {
	for y := max(top, 0); y <= min(bottom, c.Height*dotsHigh-1); y++ {
		c.set(x, y)
	}
}

// line joins two dots.
func (c *Canvas) line(from, to [2]int) {
	n := max(abs(to[0]-from[0]), abs(to[1]-from[1]))
	for i := range n {
		share := float64(i) / float64(n)
		c.set(from[0]+int(math.Round(share*float64(to[0]-from[0]))), from[1]+int(math.Round(share*float64(to[1]-from[1]))))
	}
}

func abs(n int) int { return max(n, -n) }

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Around is the frame that all marks are in. ok is false if nothing of them can be drawn.
func Around(marks []Mark) (f Frame, ok bool) {
	f = Frame{math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)}
	for _, m := range marks {
		for _, v := range []float64{m.Low, m.High, m.Value} {
			if finite(v) {
				f.YLow, f.YHigh = min(f.YLow, v), max(f.YHigh, v)
				ok = true
			}
		}
		f.XLow, f.XHigh = min(f.XLow, m.X), max(f.XHigh, m.X)
	}
	return f, ok
}
