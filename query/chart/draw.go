package chart

import (
	"context"
	"maps"
	"slices"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// trimmed is a line without what it does not show.
type trimmed struct {
	lineID
	line  *series.Line
	parts []series.Part
	shown []series.Bucket
}

// place is a bucket that is to be read again as points.
type place struct {
	lineID
	series.Launch
	slot int64
	stretch
}

// stretch is a range of steps to be read again. Two of a line may overlap where its buckets are of time.
type stretch struct{ from, to int64 }

// draw cuts the lines, reads again what lies across an end, and joins buckets.
func (g *reading) draw(ctx context.Context, s *statement, lines map[lineID]*series.Line, marks map[uint16]uint64) error {
	all := make(map[lineID]*trimmed)
	places := make(map[place]bool)
	stretches := make(map[stretch]map[clickhouse.SeriesPair]bool)
	for id, l := range lines {
		for _, one := range g.apartOr(l) {
			t := &trimmed{lineID: id, line: one, parts: series.Cut(one.Firsts, id.target.upTo)}
			g.trim(s, t, places, stretches)
			if g.apart {
				if err := g.reread(ctx, s, map[lineID]*trimmed{id: t}, places, stretches, marks); err != nil {
					return err
				}
				g.finish(s, t, marks)
				continue
			}
			all[id] = t
		}
	}
	if g.apart {
		return nil
	}
	if err := g.reread(ctx, s, all, places, stretches, marks); err != nil {
		return err
	}
	for _, t := range all {
		g.finish(s, t, marks)
	}
	return g.fits()
}

// fits refuses an answer that became too long.
func (g *reading) fits() error {
	if g.rows > rowsMax {
		return clickhouse.ErrTooMany
	}
	return nil
}

// apartOr gives the launches of a line apart, if they are wanted so, else the line.
func (g *reading) apartOr(l *series.Line) []*series.Line {
	if !g.apart {
		return []*series.Line{l}
	}
	by := make(map[series.Launch]*series.Line)
	for _, p := range l.Pieces {
		if by[p.Launch] == nil {
			by[p.Launch] = &series.Line{}
		}
		by[p.Launch].Add(p.Launch, p.Bucket)
	}
	launches := slices.SortedFunc(maps.Keys(by), func(a, b series.Launch) int { return int(int64(a.Attempt) - int64(b.Attempt)) })
	out := make([]*series.Line, 0, len(by))
	for _, launch := range launches {
		out = append(out, by[launch])
	}
	return out
}

func (g *reading) window(t *target) series.Window {
	return series.Window{Axis: g.axis, From: g.from, To: g.to, StartMS: t.startMS}
}

// trim keeps what the line shows and notes what is to be read again.
func (g *reading) trim(s *statement, t *trimmed, places map[place]bool, stretches map[stretch]map[clickhouse.SeriesPair]bool) {
	shown, across := t.line.Trim(t.parts, g.window(t.target))
	t.shown = shown
	for _, a := range across {
		b := t.line.Pieces[a.Piece].Bucket
		slot := s.slot(&b, t.target.startMS)
		r := stretch{a.From, a.To}
		if !s.read.ByTime || s.how == asRollup { // lines of many runs share the places of the grid
			shift := min(s.read.Shift, clickhouse.ShiftMax)
			r = stretch{slot << shift, slot<<shift | (1<<shift - 1)}
		}
		places[place{t.lineID, a.Launch, slot, r}] = true
		if stretches[r] == nil {
			stretches[r] = make(map[clickhouse.SeriesPair]bool)
		}
		stretches[r][clickhouse.SeriesPair{Run: t.target.generations[a.Generation].number, Key: t.key}] = true
	}
}

// reread reads stretches point by point and adds what the lines show of them.
func (g *reading) reread(ctx context.Context, s *statement, all map[lineID]*trimmed, places map[place]bool, stretches map[stretch]map[clickhouse.SeriesPair]bool, marks map[uint16]uint64) error {
	if g.again += len(stretches); g.again > againMax {
		return track.Errorf(track.InvalidParameterValue, "the lines are cut in %d places, more than the %d of one request; ask for fewer runs or keys, or with attempts=each", g.again, againMax)
	}
	fresh := make(map[lineID]*series.Line)
	for r, pairs := range stretches {
		read := s.read
		read.Pairs, read.From, read.To, read.Watermarks = slices.Collect(maps.Keys(pairs)), r.from, r.to, marks
		read.RowsMax = rowsMax
		rows, err := g.store.SeriesPoints(ctx, read)
		if err != nil {
			return err
		}
		for i := range rows {
			for _, o := range s.by[rows[i].SeriesPair] {
				id := lineID{o.member, rows[i].Rank}
				launch := series.Launch{Generation: o.generation, Attempt: rows[i].Attempt}
				if all[id] == nil || !places[place{id, launch, s.slot(&rows[i].Bucket, o.target.startMS), r}] {
					continue
				}
				if fresh[id] == nil {
					fresh[id] = &series.Line{}
				}
				fresh[id].Add(launch, rows[i].Bucket)
			}
		}
	}
	for id, l := range fresh {
		shown, _ := l.Trim(all[id].parts, g.window(id.target))
		all[id].shown = append(all[id].shown, shown...)
	}
	clear(places)
	clear(stretches)
	return nil
}

// finish draws a line into the answer.
func (g *reading) finish(s *statement, t *trimmed, marks map[uint16]uint64) {
	if len(t.shown) == 0 {
		return
	}
	out := answerLine{lineID: t.lineID, merged: !s.each, grid: s.grid, parts: t.parts, buckets: s.grid.Draw(t.shown, t.target.startMS), asOf: t.target.asOf(marks)}
	// The rollup may be newer than what the grid was chosen for.
	for !out.grid.Raw && len(out.buckets) > g.buckets && out.grid.Shift < clickhouse.ShiftMax {
		out.grid.Shift++
		out.buckets = out.grid.Draw(out.buckets, t.target.startMS)
	}
	out.raw = true
	for i := range out.buckets {
		n := out.buckets[i].Points()
		out.points += n
		out.raw = out.raw && n == 1
	}
	g.rows += len(out.buckets)
	g.out = append(g.out, out)
}
