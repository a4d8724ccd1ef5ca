package top

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/streamgauge/streamgauge/cmd/double"
	"github.com/streamgauge/streamgauge/cmd/top/braille"
	"github.com/streamgauge/streamgauge/cmd/top/watch"
)

// seen is a screen of a run with so many metrics, and what it asked for.
func seen(width, height, metrics int) (*screen, *[]watch.Want) {
	var wants []watch.Want
	s := newScreen(func(w watch.Want) { wants = append(wants, w) })
	s.now = func() time.Time { return time.UnixMilli(90_000) }
	s.Update(tea.WindowSizeMsg{Width: width, Height: height})
	s.Update(watch.About{Run: watch.Run{ID: "0123", Name: "a run", Status: "RUNNING", Started: time.UnixMilli(30_000)}})
	names := watch.Names{}
	lines := make(map[string]watch.Line)
	for i := range metrics {
		key := fmt.Sprintf("m%02d", i)
		names.Metrics = append(names.Metrics, watch.Metric{Key: key, Value: double.Value(i), Step: 7})
		lines[key] = watch.Line{Marks: []braille.Mark{{X: 0, Low: 1, High: 1, Value: 1}, {X: 7, Low: float64(i), High: float64(i), Value: float64(i)}}}
	}
	s.Update(names)
	s.Update(watch.Lines{Axis: watch.AxisStep, Lines: lines})
	return s, &wants
}

func press(s *screen, keys ...string) (cmd tea.Cmd) {
	codes := map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "right": tea.KeyRight, "backspace": tea.KeyBackspace, "pgdown": tea.KeyPgDown, "end": tea.KeyEnd}
	for _, k := range keys {
		m := tea.KeyPressMsg{Text: k}
		if code, ok := codes[k]; ok {
			m = tea.KeyPressMsg{Code: code}
		}
		_, cmd = s.Update(m)
	}
	return cmd
}

func shown(s *screen) string { return ansi.Strip(s.text()) }

func TestAScreenFillsItsTerminalAndNoMore(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {46, 12}, {20, 5}, {1, 1}, {400, 100}} {
		for _, metrics := range []int{0, 1, 7, 60} {
			s, _ := seen(size[0], size[1], metrics)
			for _, keys := range [][]string{nil, {"enter"}, {"esc", "?"}} {
				press(s, keys...)
				lines := strings.Split(s.text(), "\n")
				if len(lines) > max(size[1], 1) {
					t.Errorf("%v with %d metrics after %v: %d lines", size, metrics, keys, len(lines))
				}
				for _, l := range lines {
					if w := ansi.StringWidth(l); w > size[0] {
						t.Errorf("%v with %d metrics after %v: a line of %d: %q", size, metrics, keys, w, l)
					}
				}
			}
		}
	}
}

func TestWhatIsOnTheScreenIsAskedFor(t *testing.T) {
	s, wants := seen(100, 24, 40) // two columns, two rows
	last := func() string { return strings.Join((*wants)[len(*wants)-1].Keys, " ") }
	if got := last(); got != "m00 m01 m02 m03" {
		t.Errorf("asked for %q", got)
	}
	press(s, "down", "down")
	if got := last(); got != "m02 m03 m04 m05" {
		t.Errorf("two rows down: asked for %q", got)
	}
	press(s, "enter")
	if got := last(); got != "m04" {
		t.Errorf("a large chart: asked for %q", got)
	}
	press(s, "right", "esc", "end")
	if got := last(); got != "m36 m37 m38 m39" {
		t.Errorf("at the end: asked for %q", got)
	}
	before := len(*wants)
	s.Update(watch.About{Run: watch.Run{Name: "a run"}})
	if len(*wants) != before {
		t.Error("news that change nothing on the screen ask again")
	}
}

func TestAFilterIsTyped(t *testing.T) {
	s, wants := seen(100, 24, 40)
	press(s, "/", "q", "x", "backspace", "enter")
	if got := (*wants)[len(*wants)-1].Contains; got != "q" {
		t.Errorf("asked for names with %q, want q", got)
	}
	s.Update(watch.Names{Contains: "qx", Metrics: []watch.Metric{{Key: "late"}}})
	if strings.Contains(shown(s), "late") {
		t.Error("names of a filter before are shown")
	}
	s.Update(watch.Names{Contains: "q"})
	if !strings.Contains(shown(s), `no metric has "q" in its name`) {
		t.Errorf("nothing found is not said:\n%s", shown(s))
	}
	press(s, "esc")
	if got := (*wants)[len(*wants)-1].Contains; got != "" {
		t.Errorf("Esc keeps the filter %q", got)
	}
}

func TestTheSelectedMetricStaysWhenOthersAppear(t *testing.T) {
	s, _ := seen(100, 24, 4)
	press(s, "right")
	s.Update(watch.Names{Metrics: []watch.Metric{{Key: "a"}, {Key: "b"}, {Key: "m00"}, {Key: "m01"}}})
	if got := s.selectedKey(); got != "m01" {
		t.Errorf("selected is %q, want m01", got)
	}
}

func TestWhatIsWrongIsSaidUntilItIsNot(t *testing.T) {
	s, _ := seen(100, 24, 1)
	s.Update(watch.Trouble{Err: errors.New("no server answers")})
	if !strings.Contains(shown(s), "no news: no server answers; trying again") {
		t.Errorf("it is not said:\n%s", shown(s))
	}
	s.Update(watch.Trouble{})
	if strings.Contains(shown(s), "no news") {
		t.Error("it is still said")
	}
}

func TestNamesCannotSteerTheTerminal(t *testing.T) {
	s, _ := seen(100, 24, 0)
	evil := "\x1b]0;title\x07\x1b[2J\u202egnp"
	s.Update(watch.About{Run: watch.Run{Name: evil, Status: "RUNNING"}})
	s.Update(watch.Names{Metrics: []watch.Metric{{Key: evil}}})
	if text := s.text(); strings.Contains(text, "\x1b]") || strings.Contains(text, "\x1b[2J") || strings.Contains(text, "\u202e") {
		t.Errorf("a name's control characters are printed: %q", text)
	}
}

func TestKeysChangeHowItIsDrawn(t *testing.T) {
	s, _ := seen(100, 24, 3)
	press(s, "l", "s", "x")
	if got := shown(s); !strings.Contains(got, "3 metrics, by seconds since the start, logarithmic, smoothed by 0.6") {
		t.Errorf("the head does not say it:\n%s", got)
	}
	s.Update(watch.Lines{Axis: watch.AxisStep, Lines: map[string]watch.Line{"m00": {Marks: []braille.Mark{{X: 1, Low: 5, High: 5, Value: 5}}}}})
	if len(s.lines) != 0 {
		t.Error("a line of the other axis is drawn")
	}
	if cmd := press(s, "q"); cmd == nil {
		t.Error("q does not quit")
	}
}

func TestSmoothingPassesOverWhatIsNotFinite(t *testing.T) {
	nan := math.NaN()
	mark := func(v float64) braille.Mark { return braille.Mark{Low: v, High: v, Value: v} }
	got := smoothed([]braille.Mark{mark(1), mark(nan), mark(3)}, 0.5)
	if got[0].Value != 1 || got[1].Value == got[1].Value || got[2].Value != (0.5*0.5*1+0.5*3)/0.75 {
		t.Errorf("smoothed to %v", got)
	}
}
