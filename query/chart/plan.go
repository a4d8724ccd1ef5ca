package chart

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// sizes are how large the lines of a lot are before they are read.
type sizes struct {
	// marks are up to where this counts; reads are pinned to them.
	marks   map[uint16]uint64
	members map[*member]*size
	// firsts are the first steps of launches, wherever the range is.
	firsts map[lineID]map[series.Launch]int64
	// rollup is what all this was read of, in buckets of 1 << shift steps; nil if it was not read.
	rollup *clickhouse.SeriesRollup
	shift  uint8
}

// size of a member's lines in the range.
type size struct {
	// points by line, launches that a later one hides included.
	lines  map[uint32]uint64
	points uint64
	// Bounds on the axis, and of steps.
	least, greatest     int64
	stepFirst, stepLast int64
}

func (s *size) greatestLine() (n uint64) {
	for _, points := range s.lines {
		n = max(n, points)
	}
	return n
}

// see takes note of first steps.
func (s *sizes) see(lines map[lineID]*series.Line) {
	for id, l := range lines {
		for launch, step := range s.firsts[id] {
			l.See(launch, step)
		}
	}
}

func (s *sizes) first(id lineID, launch series.Launch, step int64) {
	if s.firsts[id] == nil {
		s.firsts[id] = make(map[series.Launch]int64)
	}
	if old, ok := s.firsts[id][launch]; !ok || step < old {
		s.firsts[id][launch] = step
	}
}

func (s *sizes) add(m *member, rank uint32, points uint64, least, greatest, stepFirst, stepLast int64) {
	z := s.members[m]
	if z == nil {
		z = &size{lines: make(map[uint32]uint64), least: math.MaxInt64, greatest: math.MinInt64, stepFirst: math.MaxInt64, stepLast: math.MinInt64}
		s.members[m] = z
	}
	z.lines[rank] += points
	z.points += points
	z.least, z.greatest = min(z.least, least), max(z.greatest, greatest)
	z.stepFirst, z.stepLast = min(z.stepFirst, stepFirst), max(z.stepLast, stepLast)
}

// measure reads how much there is, in ClickHouse and the tail.
func (g *reading) measure(ctx context.Context, l *lot) (*sizes, error) {
	s := g.base(l, l.members)
	out := &sizes{members: make(map[*member]*size), firsts: make(map[lineID]map[series.Launch]int64)}
	if err := g.survey(ctx, &s, out); err != nil {
		return nil, err
	}
	if out.rollup == nil {
		extents, marks, err := g.store.SeriesExtents(ctx, s.read)
		if err != nil {
			return nil, err
		}
		out.marks = atLeast(marks, g.tails.watermarks())
		for i := range extents {
			g.extent(&s, out, &extents[i])
		}
	}
	for _, m := range l.members {
		for i, of := range m.target.generations {
			g.tails.above(m.target, of, m.key, out.marks, func(sec *feed.Section, at int) {
				rank, ok := l.rankOf(sec.Rank)
				if !ok {
					return
				}
				p := series.One(sec.Points.Step[at], sec.Points.TimeMS[at], 0)
				out.first(lineID{m, rank}, series.Launch{Generation: i, Attempt: sec.Attempt}, p.StepFirst)
				if x := g.axis.X(&p, m.target.startMS); x >= g.from && x <= g.to {
					out.add(m, rank, 1, x, x, p.StepFirst, p.StepLast)
				}
			})
		}
	}
	return out, nil
}

// extent adds what is stored of a launch's part of a line.
func (g *reading) extent(s *statement, z *sizes, e *clickhouse.SeriesExtent) {
	for _, o := range s.by[e.SeriesPair] {
		z.first(lineID{o.member, e.Rank}, series.Launch{Generation: o.generation, Attempt: e.Attempt}, e.StepFirst)
		if e.Inside {
			whole := series.Bucket{StepFirst: e.StepFirst, TimeFirst: e.TimeFirst}
			end := series.Bucket{StepFirst: e.StepLast, TimeFirst: e.TimeLast}
			least, greatest := g.axis.X(&whole, o.target.startMS), g.axis.X(&end, o.target.startMS)
			z.add(o.member, e.Rank, e.Points, max(least, g.from), min(greatest, g.to), e.StepFirst, e.StepLast)
		}
	}
}

// survey reads the rollup if that is likely what will be drawn. It leaves nothing if there is too much of it.
func (g *reading) survey(ctx context.Context, s *statement, z *sizes) error {
	shift, ok := g.guess(s)
	if !ok {
		return nil
	}
	read := s.read
	read.Shift = shift
	rollup, err := g.store.ReadSeriesRollup(ctx, read)
	if errors.Is(err, clickhouse.ErrTooMany) {
		return nil
	}
	if err != nil {
		return err
	}
	z.rollup, z.shift, z.marks = &rollup, shift, atLeast(rollup.Marks, g.tails.watermarks())
	for i := range rollup.Buckets {
		b := &rollup.Buckets[i]
		g.extent(s, z, &clickhouse.SeriesExtent{
			SeriesID: b.SeriesID, Inside: true, Points: b.Points(),
			StepFirst: b.StepFirst, StepLast: b.StepLast, TimeFirst: b.TimeFirst, TimeLast: b.TimeLast,
		})
	}
	for _, b := range rollup.Begins {
		g.extent(s, z, &clickhouse.SeriesExtent{SeriesID: b.SeriesID, StepFirst: b.Step})
	}
	return nil
}

// guess says in which buckets of the rollup lines are likely drawn, by their latest steps; false if they are likely not.
// The first steps are taken for 0.
func (g *reading) guess(s *statement) (shift uint8, ok bool) {
	part := g.from != math.MinInt64 || g.to != math.MaxInt64
	if g.raw || part && s.read.ByTime {
		return 0, false
	}
	from, to := int64(0), int64(math.MaxInt64)
	if !s.read.ByTime {
		from, to = max(from, g.from), g.to
	}
	most, points := from, uint64(0)
	for _, m := range s.members {
		if last := min(to, g.latest[m].step); last > from {
			points, most = points+uint64(last-from), max(most, last)
		}
	}
	likely := points > g.groupedMax
	if !s.read.ByTime {
		// Of a part of the steps the engine reads only that of the rollup; extents are read of the whole series.
		likely = likely || part || series.GridOf(series.AxisStep, from, most, g.buckets).Shift >= rollupShift
	}
	return max(rollupShift, series.GridOf(series.AxisStep, from, most, surveyFiner*g.buckets).Shift), likely && points > 0
}

// plan decides how each member is read. Members of one key lie on one grid where they can.
func (g *reading) plan(l *lot, z *sizes) ([]statement, error) {
	if total := z.points(); g.raw && total > rowsMax {
		return nil, track.Errorf(track.InvalidParameterValue, "there are %d points in the range, more than the %d of one raw answer; ask for a range by 'from' and 'to', or for 'buckets'", total, rowsMax)
	}
	type kind struct {
		how  how
		grid series.Grid
	}
	lots := make(map[kind][]*member)
	grids := g.grids(z)
	rolled := z.rolled(g)
	for _, m := range l.members {
		s := z.members[m]
		if s == nil {
			continue
		}
		k := kind{asGroups, grids[m.key]}
		switch {
		case g.raw || s.greatestLine() <= uint64(g.buckets):
			k = kind{asPoints, series.Grid{Axis: g.axis, Raw: true}}
		case rolled[m] || g.axis == series.AxisStep && k.grid.Shift >= rollupShift:
			// Where buckets are of whole groups of it, the rollup has the same ones for less.
			k.how = asRollup
			if g.axis == series.AxisStep {
				k.grid.Shift = max(k.grid.Shift, rollupShift)
			}
		}
		lots[k] = append(lots[k], m)
	}
	var out []statement
	for k, members := range lots {
		s := g.base(l, members)
		s.how, s.grid = k.how, k.grid
		s.read.Shift = k.grid.Shift
		g.narrow(&s, z)
		if s.how == asRollup && z.rollup != nil && s.read.Shift >= z.shift {
			s.found, s.read.Shift = z.rollup, z.shift
		}
		out = append(out, s)
	}
	return out, nil
}

const (
	// rollupShift: a row of the rollup holds 256 steps.
	rollupShift = 8
	// surveyFiner is how many times as many buckets as are to be drawn are read where the range is guessed, for it may be
	// smaller. By time it is what narrow asks for.
	surveyFiner = 4
)

// narrow bounds the steps of a read that is by time, so that the engine need not look at others.
func (g *reading) narrow(s *statement, z *sizes) {
	if g.axis == series.AxisStep {
		return
	}
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	for _, m := range s.members {
		from, to = min(from, z.members[m].stepFirst), max(to, z.members[m].stepLast)
	}
	if s.how == asRollup {
		// Its buckets are of steps: some for each bucket of time. The rollup is read as it stands then, not as it was
		// measured, so its steps are not bounded.
		s.read.Shift = uint8(max(rollupShift, bits.Len64((uint64(to)-uint64(from))/uint64(g.buckets*surveyFiner))))
		return
	}
	s.read.From, s.read.To = from, to
}

func (z *sizes) points() (n uint64) {
	for _, s := range z.members {
		n += s.points
	}
	return n
}

// grids are the finest by key that no line of it goes over.
func (g *reading) grids(z *sizes) map[string]series.Grid {
	out := make(map[string]series.Grid)
	if g.raw {
		return out
	}
	for m, s := range z.members {
		if grid := series.GridOf(g.axis, s.least, s.greatest, g.buckets); grid.Shift >= out[m.key].Shift {
			out[m.key] = grid
		}
	}
	return out
}

// rolled are the members to be read of the rollup: the largest, until the others are few enough.
func (z *sizes) rolled(g *reading) map[*member]bool {
	out := make(map[*member]bool)
	left := z.points()
	all := slices.SortedFunc(maps.Keys(z.members), func(a, b *member) int {
		return cmp.Or(cmp.Compare(z.members[b].points, z.members[a].points), cmp.Compare(a.order, b.order))
	})
	for _, m := range all {
		if left <= g.groupedMax {
			break
		}
		out[m] = true
		left -= z.members[m].points
	}
	return out
}

// slot is the place of a stored bucket on the grid of its read.
func (s *statement) slot(b *series.Bucket, startMS int64) int64 {
	switch {
	case s.how == asPoints:
		return 0
	case s.how == asGroups && s.read.ByTime:
		axis := series.AxisTime
		if len(s.read.StartsMS) > 0 {
			axis = series.AxisRelative
		}
		return axis.X(b, startMS) >> min(s.read.Shift, clickhouse.ShiftMax)
	}
	return b.StepFirst >> min(s.read.Shift, clickhouse.ShiftMax)
}
