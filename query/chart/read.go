package chart

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// member is a key of a target: one line, or one a rank or launch.
type member struct {
	target *target
	key    string
	order  int
}

// lineID names a line of a member; rank is 0 where all are merged.
type lineID struct {
	*member
	rank uint32
}

// lot are members that are read alike: of the same ranks.
type lot struct {
	members          []*member
	rankFrom, rankTo uint32
	each             bool
}

// answerLine is a drawn line.
type answerLine struct {
	lineID
	merged  bool
	grid    series.Grid
	raw     bool
	points  uint64
	parts   []series.Part
	buckets []series.Bucket
	asOf    map[uint16]uint64
}

// reading is one request under way.
type reading struct {
	*Reader
	request
	targets []*target
	tails   tails
	// latest is what is known of a member before it is read; not of all, if ranks do not depend on it.
	latest map[*member]latest
	rows   int
	again  int
	out    []answerLine
}

func (r *Reader) read(ctx context.Context, v request) ([]answerLine, error) {
	targets, err := r.targets(ctx, v.runs, v.apart)
	if err != nil {
		return nil, err
	}
	tails, err := r.tails(ctx, targets)
	if err != nil {
		return nil, err
	}
	g := &reading{Reader: r, request: v, targets: targets, tails: tails}
	lots, err := g.lots(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range g.split(lots) {
		if err := g.lot(ctx, l); err != nil {
			if errors.Is(err, clickhouse.ErrTooMany) {
				return nil, track.Errorf(track.InvalidParameterValue, "the answer would have more than %d rows; ask for fewer 'buckets', a range by 'from' and 'to', fewer runs or keys, or another 'rank' than each", rowsMax)
			}
			return nil, fmt.Errorf("read series: %w", err)
		}
	}
	slices.SortStableFunc(g.out, func(a, b answerLine) int { return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.rank, b.rank)) })
	return g.out, nil
}

// lots sorts the members by the ranks that are to be read.
func (g *reading) lots(ctx context.Context) ([]*lot, error) {
	var members []*member
	for i, t := range g.targets {
		for k, key := range g.keys {
			members = append(members, &member{t, key, i*len(g.keys) + k})
		}
	}
	if !g.raw || g.request.ranks.Lowest() {
		var err error
		if g.latest, err = g.readLatest(ctx, members); err != nil {
			return nil, fmt.Errorf("latest values: %w", err)
		}
	}
	switch g.request.ranks.mode {
	case rankEach:
		return []*lot{{members, 0, math.MaxUint32, true}}, nil
	case rankMerged:
		return []*lot{{members, 0, math.MaxUint32, false}}, nil
	case rankOne:
		return []*lot{{members, g.request.ranks.one, g.request.ranks.one, true}}, nil
	}
	byRank := make(map[uint32]*lot)
	for _, m := range members {
		l, ok := g.latest[m]
		if !ok {
			continue
		}
		if byRank[l.rank] == nil {
			byRank[l.rank] = &lot{rankFrom: l.rank, rankTo: l.rank, each: true}
		}
		byRank[l.rank].members = append(byRank[l.rank].members, m)
	}
	return slices.Collect(maps.Values(byRank)), nil
}

// split parts lots in which one run is shown relative to the starts of several: a statement knows one start a run.
func (g *reading) split(lots []*lot) []*lot {
	if g.axis != series.AxisRelative {
		return lots
	}
	var out []*lot
	for _, l := range lots {
		var some []*lot
		var starts []map[track.RunNumber]int64
		for _, m := range l.members {
			i := slices.IndexFunc(starts, m.target.agrees)
			if i < 0 {
				i = len(some)
				some = append(some, &lot{rankFrom: l.rankFrom, rankTo: l.rankTo, each: l.each})
				starts = append(starts, make(map[track.RunNumber]int64))
			}
			some[i].members = append(some[i].members, m)
			for _, of := range m.target.generations {
				starts[i][of.number] = m.target.startMS
			}
		}
		out = append(out, some...)
	}
	return out
}

// agrees says whether no run of the lineage has another start.
func (t *target) agrees(starts map[track.RunNumber]int64) bool {
	for _, of := range t.generations {
		if start, ok := starts[of.number]; ok && start != t.startMS {
			return false
		}
	}
	return true
}

// latest is of a member: the lowest rank that logged it, of the youngest run of the lineage that has one, and about the
// greatest step of that rank.
type latest struct {
	rank uint32
	step int64
}

// readLatest finds what was logged last: in memory, for the rest in ClickHouse, and in the tail.
func (g *reading) readLatest(ctx context.Context, members []*member) (map[*member]latest, error) {
	type place struct {
		id, key string
	}
	known := make(map[place]track.Latest)
	var experiments []uint32
	var runs []track.RunNumber
	keys := make(map[string]bool)
	for _, m := range members {
		for _, of := range m.target.generations {
			if l, ok := g.docs.LatestInMemory(of.id, m.key); ok {
				known[place{of.id, m.key}] = l
				continue
			}
			experiments, runs, keys[m.key] = append(experiments, of.experiment), append(runs, of.number), true
		}
	}
	stored := map[clickhouse.SeriesPair]track.Latest{}
	if len(runs) > 0 {
		var err error
		slices.Sort(experiments)
		if stored, err = g.store.SeriesLatest(ctx, slices.Compact(experiments), runs, slices.Sorted(maps.Keys(keys))); err != nil {
			return nil, err
		}
	}
	out := make(map[*member]latest)
	for _, m := range members {
		for _, of := range slices.Backward(m.target.generations) { // the youngest comes last and stays
			l, ok := known[place{of.id, m.key}]
			if !ok {
				l, ok = stored[clickhouse.SeriesPair{Run: of.number, Key: m.key}]
			}
			g.tails.above(m.target, of, m.key, nil, func(s *feed.Section, i int) {
				if step := s.Points.Step[i]; !ok || s.Rank < l.Rank {
					l, ok = track.Latest{Rank: s.Rank, Step: step}, true
				} else if s.Rank == l.Rank {
					l.Step = max(l.Step, step)
				}
			})
			if ok {
				out[m] = latest{l.Rank, l.Step}
			}
		}
	}
	return out, nil
}

// owner is whom a stored series belongs to.
type owner struct {
	*member
	generation int
}

func owners(members []*member) (map[clickhouse.SeriesPair][]owner, []clickhouse.SeriesPair) {
	out := make(map[clickhouse.SeriesPair][]owner)
	var pairs []clickhouse.SeriesPair
	for _, m := range members {
		for i, of := range m.target.generations {
			p := clickhouse.SeriesPair{Run: of.number, Key: m.key}
			if out[p] == nil {
				pairs = append(pairs, p)
			}
			out[p] = append(out[p], owner{m, i})
		}
	}
	return out, pairs
}

// statement is a read of some members of a lot in buckets of one width.
type statement struct {
	*lot
	by      map[clickhouse.SeriesPair][]owner
	read    clickhouse.SeriesRead
	how     how
	grid    series.Grid
	members []*member
	// found is what was read already, of these members and others.
	found *clickhouse.SeriesRollup
}

// how points come from ClickHouse.
type how uint8

const (
	asPoints how = iota + 1
	asGroups
	asRollup
)

// base is the read of a lot, of all in its range.
func (g *reading) base(l *lot, members []*member) statement {
	by, pairs := owners(members)
	starts := make(map[track.RunNumber]int64)
	if g.axis == series.AxisRelative {
		for p, all := range by {
			starts[p.Run] = all[0].target.startMS
		}
	}
	read := clickhouse.SeriesRead{
		Pairs: pairs, RankFrom: l.rankFrom, RankTo: l.rankTo, Each: l.each, From: math.MinInt64, To: math.MaxInt64,
		ByTime: g.axis != series.AxisStep, TimeFrom: g.from, TimeTo: g.to, StartsMS: starts, RowsMax: rowsMax - g.rows,
	}
	if g.axis == series.AxisStep {
		read.From, read.To = g.from, g.to
	}
	return statement{lot: l, by: by, read: read, members: members}
}

// rankOf is a section's rank as the lot sees it; false if it is not wanted.
func (l *lot) rankOf(rank uint32) (uint32, bool) {
	if rank < l.rankFrom || rank > l.rankTo {
		return 0, false
	}
	if !l.each {
		return 0, true
	}
	return rank, true
}

func (g *reading) lot(ctx context.Context, l *lot) error {
	size, err := g.measure(ctx, l)
	if err != nil {
		return err
	}
	statements, err := g.plan(l, size)
	if err != nil {
		return err
	}
	for i := range statements {
		if err := g.run(ctx, &statements[i], size); err != nil {
			return err
		}
	}
	return nil
}

// fetch reads a statement: buckets, and up to where they have everything. Only the rollup has marks and begins of its
// own; those of one that was read before are the pins.
func (g *reading) fetch(ctx context.Context, s *statement, pins map[uint16]uint64) (out clickhouse.SeriesRollup, err error) {
	if s.found != nil {
		out, out.Marks = *s.found, pins
		return out, nil
	}
	s.read.Watermarks, out.Marks = pins, pins
	switch s.how {
	case asPoints:
		out.Buckets, err = g.store.SeriesPoints(ctx, s.read)
	case asGroups:
		out.Buckets, err = g.store.SeriesGrouped(ctx, s.read)
	case asRollup:
		out, err = g.store.ReadSeriesRollup(ctx, s.read)
		out.Marks = atLeast(out.Marks, pins)
	}
	return out, err
}

// atLeast are the greater marks of both.
func atLeast(a, b map[uint16]uint64) map[uint16]uint64 {
	out := maps.Clone(b)
	for lane, mark := range a {
		out[lane] = max(out[lane], mark)
	}
	return out
}

// run reads what a statement asks for and draws its lines.
func (g *reading) run(ctx context.Context, s *statement, size *sizes) error {
	found, err := g.fetch(ctx, s, size.marks)
	if err != nil {
		return err
	}
	lines := make(map[lineID]*series.Line)
	line := func(m *member, rank uint32) *series.Line {
		id := lineID{m, rank}
		if lines[id] == nil {
			lines[id] = &series.Line{}
		}
		return lines[id]
	}
	for i := range found.Buckets {
		b := &found.Buckets[i]
		for _, o := range s.by[b.SeriesPair] {
			line(o.member, b.Rank).Add(series.Launch{Generation: o.generation, Attempt: b.Attempt}, b.Bucket)
		}
	}
	for _, m := range s.members {
		for i, of := range m.target.generations {
			g.tails.above(m.target, of, m.key, found.Marks, func(sec *feed.Section, at int) {
				if rank, ok := s.rankOf(sec.Rank); ok {
					p := &sec.Points
					line(m, rank).Add(series.Launch{Generation: i, Attempt: sec.Attempt}, series.One(p.Step[at], p.TimeMS[at], p.Value[at]))
				}
			})
		}
	}
	// Launches may begin before the range. What was measured is as of the marks, the rollup's own is as of its own.
	if s.how != asRollup {
		size.see(lines)
	}
	for _, b := range found.Begins {
		for _, o := range s.by[b.SeriesPair] {
			line(o.member, b.Rank).See(series.Launch{Generation: o.generation, Attempt: b.Attempt}, b.Step)
		}
	}
	return g.draw(ctx, s, lines, found.Marks)
}
