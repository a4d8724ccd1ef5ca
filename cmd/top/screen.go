package top

import (
	"cmp"
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/streamgauge/streamgauge/cmd/top/watch"
)

// widthUnsaid and heightUnsaid are of a terminal that does not know its size.
const widthUnsaid, heightUnsaid = 80, 24

// smoothings are what the key s goes through: weights of an exponential moving average.
var smoothings = []float64{0, 0.6, 0.9, 0.98}

// screen is all that is shown. It changes in Update alone.
type screen struct {
	// want is told what is on the screen.
	want func(watch.Want)
	now  func() time.Time

	width, height int
	run           watch.Run
	names         []watch.Metric
	more          bool
	lines         map[string]watch.Line
	axis          string
	trouble       error

	// selected is a place among the names, first the place of the first chart that is shown.
	selected, first int
	// filter is a part of names; typing it is on its way.
	filter string
	typing bool
	whole  bool
	help   bool
	log    bool
	smooth int
	told   watch.Want
}

func newScreen(want func(watch.Want)) *screen {
	return &screen{want: want, now: time.Now, lines: make(map[string]watch.Line), axis: watch.AxisStep}
}

// Init implements tea.Model.
func (s *screen) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (s *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = cmp.Or(m.Width, widthUnsaid), cmp.Or(m.Height, heightUnsaid)
	case tea.KeyPressMsg:
		cmd = s.key(m)
	case tea.MouseWheelMsg:
		if m.Button == tea.MouseWheelDown {
			s.move(s.grid().columns)
		} else {
			s.move(-s.grid().columns)
		}
	case watch.About:
		s.run = m.Run
	case watch.Names:
		s.listed(m)
	case watch.Lines:
		if m.Axis == s.axis {
			for k, l := range m.Lines {
				s.lines[k] = l
			}
		}
	case watch.Trouble:
		s.trouble = m.Err
	}
	s.settle()
	return s, cmd
}

// listed takes names in. The one that is selected stays so.
func (s *screen) listed(m watch.Names) {
	if m.Contains != s.filter {
		return // of a filter before
	}
	key := s.selectedKey()
	s.names, s.more = m.Metrics, m.More
	if i := slices.IndexFunc(s.names, func(n watch.Metric) bool { return n.Key == key }); i >= 0 {
		s.selected = i
	}
}

// selectedKey is the name that is selected.
func (s *screen) selectedKey() string {
	if s.selected < len(s.names) {
		return s.names[s.selected].Key
	}
	return ""
}

// key does what a key says.
func (s *screen) key(m tea.KeyPressMsg) tea.Cmd {
	switch m.String() {
	case "ctrl+c":
		return tea.Quit
	case "ctrl+l":
		return tea.ClearScreen
	}
	if s.typing {
		s.typed(m)
		return nil
	}
	g := s.grid()
	switch m.String() {
	case "q":
		return tea.Quit
	case "?":
		s.help = !s.help
	case "esc":
		s.back()
	case "enter", "space":
		s.whole = !s.whole
	case "/":
		s.typing = true
	case "l":
		s.log = !s.log
	case "s":
		s.smooth = (s.smooth + 1) % len(smoothings)
	case "x":
		s.turn()
	case "right", "]":
		s.move(1)
	case "left", "[":
		s.move(-1)
	case "down", "j":
		s.move(g.columns)
	case "up", "k":
		s.move(-g.columns)
	case "pgdown":
		s.move(g.shown())
	case "pgup":
		s.move(-g.shown())
	case "home", "g":
		s.selected = 0
	case "end", "G":
		s.selected = len(s.names) - 1
	}
	return nil
}

// back closes the innermost of what is open.
func (s *screen) back() {
	switch {
	case s.help:
		s.help = false
	case s.whole:
		s.whole = false
	case s.filter != "":
		s.filter, s.names = "", nil
	}
}

// turn takes the other axis.
func (s *screen) turn() {
	s.lines = make(map[string]watch.Line)
	if s.axis == watch.AxisStep {
		s.axis = watch.AxisRelative
	} else {
		s.axis = watch.AxisStep
	}
}

// typed edits the filter.
func (s *screen) typed(m tea.KeyPressMsg) {
	before := s.filter
	switch m.String() {
	case "enter":
		s.typing = false
	case "esc":
		s.typing, s.filter = false, ""
	case "backspace":
		if r := []rune(s.filter); len(r) > 0 {
			s.filter = string(r[:len(r)-1])
		}
	default:
		s.filter += m.Text
	}
	if s.filter != before {
		s.selected, s.first = 0, 0
	}
}

func (s *screen) move(by int) {
	if next := s.selected + by; next >= 0 && next < len(s.names) {
		s.selected = next
	} else if s.whole || by == s.grid().shown() || by == -s.grid().shown() {
		s.selected = min(max(next, 0), max(len(s.names)-1, 0))
	}
}

// settle scrolls to what is selected and says what is shown.
func (s *screen) settle() {
	s.selected = max(min(s.selected, len(s.names)-1), 0)
	g := s.grid()
	row := s.selected / g.columns
	firstRow := s.first / g.columns
	firstRow = max(min(firstRow, row), row-g.rows+1)
	s.first = firstRow * g.columns
	w := watch.Want{Contains: s.filter, Axis: s.axis, Buckets: g.buckets()}
	for _, n := range s.visible(g) {
		w.Keys = append(w.Keys, n.Key)
	}
	if s.width > 0 && !same(w, s.told) {
		s.told = w
		s.want(w)
	}
}

func same(a, b watch.Want) bool {
	return a.Contains == b.Contains && a.Axis == b.Axis && a.Buckets == b.Buckets && slices.Equal(a.Keys, b.Keys)
}

// visible are the metrics that have a chart on the screen.
func (s *screen) visible(g grid) []watch.Metric {
	if len(s.names) == 0 {
		return nil
	}
	if s.whole {
		return s.names[s.selected : s.selected+1]
	}
	return s.names[s.first:min(s.first+g.shown(), len(s.names))]
}

var _ tea.Model = (*screen)(nil)

// follow runs a watch beside a program.
func follow(ctx context.Context, w *watch.Watch) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}
