package braille_test

import (
	"math"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/cmd/top/braille"
)

func point(x, y float64) braille.Mark { return braille.Mark{X: x, Low: y, High: y, Value: y} }

func drawn(width, height int, marks ...braille.Mark) string {
	f, _ := braille.Around(marks)
	c := braille.New(width, height)
	c.Curve(f, marks)
	return strings.Join(c.Rows(), "\n")
}

func TestCurves(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, c := range map[string]struct {
		marks []braille.Mark
		want  string
	}{
		"a rise goes from the lower left to the upper right": {[]braille.Mark{point(0, 0), point(7, 7)}, "⠀⠀⡠⠊\n⡠⠊⠀⠀"},
		"a constant is in the middle":                        {[]braille.Mark{point(0, 5), point(7, 5)}, "⣀⣀⣀⣀\n⠀⠀⠀⠀"},
		"one point is a dot in the middle":                   {[]braille.Mark{point(3, 1)}, "⠀⠀⡀⠀\n⠀⠀⠀⠀"},
		"NaN breaks the line":                                {[]braille.Mark{point(0, 0), point(1, 0), {X: 3, Low: nan, High: nan, Value: nan}, point(6, 0), point(7, 1)}, "⠀⠀⠀⢸\n⣀⠀⠀⡇"},
		"an infinity is left out":                            {[]braille.Mark{point(0, 0), {X: 3, Low: inf, High: inf, Value: inf}, point(7, 1)}, "⠀⠀⠀⠈\n⡀⠀⠀⠀"},
		"a bucket shows its extremes":                        {[]braille.Mark{point(0, 0), {X: 4, Low: 0, High: 7, Value: 0}, point(7, 0)}, "⠀⠀⡇⠀\n⣀⣀⣇⣀"},
		"values beyond half of the floats have a span":       {[]braille.Mark{point(0, -math.MaxFloat64), point(7, math.MaxFloat64)}, "⠀⠀⡠⠊\n⡠⠊⠀⠀"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := drawn(4, 2, c.marks...); got != c.want {
				t.Errorf("drew\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestNothingIsDrawnBeyondTheFrame(t *testing.T) {
	c := braille.New(2, 1)
	c.Curve(braille.Frame{XLow: 0, XHigh: 1, YLow: 0, YHigh: 1}, []braille.Mark{point(-5, 9), point(7, -9), point(math.Inf(1), 0)})
	if got := len([]rune(c.Rows()[0])); got != 2 {
		t.Errorf("a row has %d characters, want 2", got)
	}
}

func TestThereMayBeNothingToDraw(t *testing.T) {
	if _, ok := braille.Around([]braille.Mark{{X: 1, Low: math.NaN(), High: math.NaN(), Value: math.NaN()}}); ok {
		t.Error("NaN alone has a frame")
	}
}
