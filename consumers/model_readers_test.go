package consumers

import (
	"context"
	"fmt"

	"github.com/streamgauge/streamgauge/schemas/track"
)

func (p *player) snap() {
	if p.stale {
		return
	}
	run, _ := track.ParseRunID(modelRun(p.IntN(modelRuns)))
	s := snapshot{run: run}
	s.sections, s.applied = p.lane.tail.run(run), p.lane.tail.applied
	s.seen = p.next - 1
	p.snapshots = append(p.snapshots, s)
}

// read is the second step of a reader, in both ways that readers have.
func (p *player) read() error {
	if len(p.snapshots) == 0 || p.IntN(3) > 0 {
		return nil
	}
	s := p.snapshots[0]
	p.snapshots = p.snapshots[1:]
	must := p.accepted(s.run, s.seen)
	p.reached["pinned read"]++
	if err := same(p.rows(s, s.applied, s.applied), must, false); err != nil {
		return fmt.Errorf("read pinned to watermark %d, seen %d: %w", s.applied, s.seen, err)
	}
	p.reached["marker read"]++
	if err := same(p.rows(s, ^uint64(0), p.marker().Last), must, true); err != nil {
		return fmt.Errorf("read beside marker %d, seen %d: %w", p.marker().Last, s.seen, err)
	}
	return nil
}

// rows lays sections above a watermark over the table's rows up to a sequence.
func (p *player) rows(s snapshot, upTo, watermark uint64) map[point]int {
	out := make(map[point]int)
	for _, l := range p.landed {
		for _, r := range l.rows {
			if r.run == s.run && r.seq <= upTo {
				out[r.point]++
			}
		}
	}
	for _, x := range s.sections {
		if x.Seq <= watermark {
			continue
		}
		for i, v := range x.Points.Value {
			out[point{x.Run, x.Points.Keys[x.Points.Key[i]], v}]++
		}
	}
	return out
}

// accepted are the points of a run, or of all, that frames up to seq must come to.
func (p *player) accepted(run track.RunNumber, seq uint64) map[point]int {
	out := make(map[point]int)
	for _, t := range p.truth {
		for _, x := range t.points {
			if t.seq <= seq && (run == 0 || x.run == run) {
				out[x]++
			}
		}
	}
	return out
}

// same compares points; more allows points that are newer, but none twice.
func same(got, want map[point]int, more bool) error {
	for x, n := range want {
		if got[x] != n {
			return fmt.Errorf("point %v is there %d times, want %d", x, got[x], n)
		}
	}
	for x, n := range got {
		if n > 1 || want[x] == 0 && !more {
			return fmt.Errorf("point %v is there %d times, want %d", x, n, want[x])
		}
	}
	return nil
}

// check compares the tables at rest with the truth.
func (p *player) check() error {
	got := make(map[point]int)
	for _, l := range p.landed {
		if len(l.rows) != l.marker.Rows {
			return fmt.Errorf("marker %+v of a part with %d rows", l.marker, len(l.rows))
		}
		for _, r := range l.rows {
			got[r.point]++
		}
	}
	if err := same(got, p.accepted(0, ^uint64(0)), false); err != nil {
		return err
	}
	refused := 0
	for _, t := range p.truth {
		for _, part := range t.parts {
			refused++
			if !p.quarantine[[2]uint64{t.seq, uint64(part)}] {
				return fmt.Errorf("part %d of frame %d is not in quarantine", part, t.seq)
			}
		}
	}
	if refused != len(p.quarantine) {
		return fmt.Errorf("%d rows in quarantine, want %d", len(p.quarantine), refused)
	}
	if err := p.beside(p.marker().Last); err != nil {
		return err
	}
	values, lines := 0, 0
	for _, t := range p.truth {
		values += len(t.values)
		lines += len(t.lines)
	}
	if len(p.values) != values || len(p.lines) != lines {
		return fmt.Errorf("%d small values and %d lines, want %d and %d", len(p.values), len(p.lines), values, lines)
	}
	return p.checkLatest()
}

// beside says what is missing of the small values and lines of the frames up to a watermark.
func (w *world) beside(upTo uint64) error {
	for _, t := range w.truth {
		if t.seq > upTo {
			break
		}
		for _, place := range t.values {
			if !w.values[place] {
				return fmt.Errorf("small value %v of frame %d is not there", place, t.seq)
			}
		}
		for _, place := range t.lines {
			if !w.lines[place] {
				return fmt.Errorf("line %v of frame %d is not there", place, t.seq)
			}
		}
	}
	return nil
}

// checkLatest recomputes every latest value from the frames themselves.
func (p *player) checkLatest() error {
	want := make(map[string]track.Latest)
	in := NewIntake(0, p.world, NewWriters(nil), func(context.Context, error) error { return nil })
	for _, m := range p.log {
		f, err := in.Take(context.Background(), m)
		if err != nil {
			return err
		}
		for _, s := range f.Sections {
			for i := range s.Points.Len() {
				l := track.Latest{Rank: s.Rank, Step: s.Points.Step[i], TimeMS: s.Points.TimeMS[i], Value: s.Points.Value[i]}
				id := fmt.Sprint(1, s.Points.Keys[s.Points.Key[i]], s.Run)
				if was, ok := want[id]; !ok || l.Compare(was) > 0 {
					want[id] = l
				}
			}
		}
	}
	if len(want) != len(p.latest) {
		return fmt.Errorf("%d latest values, want %d", len(p.latest), len(want))
	}
	for id, l := range want {
		if p.latest[id] != l {
			return fmt.Errorf("latest of %s is %v, want %v", id, p.latest[id], l)
		}
	}
	return nil
}
