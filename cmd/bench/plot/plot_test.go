package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestEveryPointIsDrawnInsideItsPanel(t *testing.T) {
	t.Parallel()
	svg := SVG([]Panel{
		{Title: "a < b & c", X: "writers", Y: "ms", Lines: []Line{{"one", []Point{{1, 20}, {10, 0.5}, {1000, 900}}}, {"other", []Point{{1, 0}, {10, math.Inf(1)}, {100, 100}}}}},
		{Title: "nothing"},
	})
	d, circles, polylines := xml.NewDecoder(strings.NewReader(string(svg))), 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch e.Name.Local {
		case "polyline":
			polylines++
		case "circle":
			circles++
		}
		for _, a := range e.Attr {
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
				t.Errorf("%s of a %s is %s", a.Name.Local, e.Name.Local, a.Value)
			}
		}
	}
	if circles != 4 || polylines != 2 {
		t.Errorf("%d circles, %d lines", circles, polylines)
	}
	x := axisOf([]float64{1, 1000}, left, width-right)
	if x.at(1) != left || x.at(1000) != width-right || x.at(10) <= x.at(1) {
		t.Errorf("axis %+v", x)
	}
}

func TestNumbersAreShort(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0.123456: "0.123", 12: "12", 999.9: "1 k", 1000: "1 k", 1_530_000: "1.53 M", 1e9: "1 G"} {
		if got := short(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}
