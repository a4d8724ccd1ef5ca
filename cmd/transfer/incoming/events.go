package incoming

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/framing"
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
)

// wanted reads what each run must have, by table.
func (l *load) wanted(ctx context.Context) error {
	return sheet.Each(ctx, l.Dir, l.manifest.Table("digests"), func(r *sheet.Rows) error {
		table, run, rows, sum := r.Texts("table"), r.Texts("run_id"), r.Int("rows"), r.Int("digest")
		if r.Err() != nil {
			return r.Err()
		}
		for i := range r.Len {
			if l.want[table(i)] == nil {
				l.want[table(i)] = make(map[uint64]transfer.Digest)
			}
			l.want[table(i)][number(run(i))] = transfer.Digest{Rows: rows(i), Sum: uint64(sum(i))}
		}
		return nil
	})
}

// checkEvents finds the runs that have their rows already, and those that have others.
func (l *load) checkEvents(ctx context.Context) error {
	if err := l.wanted(ctx); err != nil {
		return err
	}
	for _, t := range transfer.AllEvents {
		have, err := t.Compare(ctx, l.server, l.want[t.Name])
		if err != nil {
			return fmt.Errorf("compare table %s: %w", t.Name, err)
		}
		l.done[t.Name], l.begun[t.Name] = make(map[uint64]bool), make(map[uint64]bool)
		for run, want := range l.want[t.Name] {
			is, there := have[run]
			switch {
			case !there || l.refused["runs"][l.runs[run]]:
			case is.Digest == want:
				l.done[t.Name][run] = true
			case len(is.Writers) == 1 && is.Writers[l.writer(t.Name, l.runs[run])]:
				l.begun[t.Name][run] = true // an import before was interrupted
			default:
				l.refuse("runs", l.runs[run], fmt.Sprintf("Run %s has other %s here: %d rows, the export has %d", l.runs[run], t.Name, is.Rows, want.Rows))
			}
		}
	}
	return nil
}

// writer is the one whose frames bring the rows of a run: the same each time that the export is imported.
func (l *load) writer(table, runID string) uint64 {
	sum := sha256.Sum256([]byte(l.manifest.ID + "\n" + table + "\n" + runID))
	return max(binary.BigEndian.Uint64(sum[:8]), 1)
}

// events sends the rows that are not here.
func (l *load) events(ctx context.Context) error {
	for _, t := range transfer.AllEvents {
		if err := l.table(ctx, t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

func (l *load) table(ctx context.Context, t *transfer.Events) error {
	s := &framing.Sender{Server: l.server, Writer: func(run string) uint64 { return l.writer(t.Name, run) }}
	if t.Doubles {
		s.There = func(ctx context.Context, run string) (map[framing.Mark]int, error) {
			if !l.begun[t.Name][number(run)] {
				return nil, nil
			}
			return l.marks(ctx, run, l.writer(t.Name, run))
		}
	}
	count := l.report.of(t.Name)
	err := sheet.Each(ctx, l.Dir, l.manifest.Table(t.Name), func(r *sheet.Rows) error {
		read := framing.Readers[t.Name](r)
		run, rank, attempt := r.Int("run"), r.Int("rank"), r.Int("attempt")
		if r.Err() != nil {
			return r.Err()
		}
		for i := range r.Len {
			n := uint64(run(i))
			id := l.runs[n]
			switch {
			case id == "":
				return fmt.Errorf("%w: there are rows of run %016x and no such run", errDamaged, n)
			case l.refused["runs"][id]:
				count.Refused++
				continue
			case l.done[t.Name][n]:
				count.Same++
				continue
			}
			count.Created++
			if err := s.Add(ctx, framing.Place{Run: id, Rank: uint32(rank(i)), Attempt: uint32(attempt(i))}, read(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = s.Finish(ctx)
	}
	if err != nil {
		return err
	}
	if count.Created+count.Same+count.Refused > 0 {
		l.Tell("%-20s %8d new, %d there already, %d refused", t.Name, count.Created, count.Same, count.Refused)
	}
	return l.arrived(ctx, t, s.Sent)
}

// marks asks for the frames of a writer that are here. The server drops what comes again only as long as it remembers the
// writer, which is some days.
func (l *load) marks(ctx context.Context, run string, writer uint64) (map[framing.Mark]int, error) {
	rows, err := transfer.Query(ctx, l.server, fmt.Sprintf(`WITH min((key, rank, attempt, step)) AS a, max((key, rank, attempt, step)) AS b
		SELECT toString(count()), toString(a.1), toString(a.2), toString(a.3), toString(a.4), toString(b.1), toString(b.2), toString(b.3), toString(b.4)
		FROM sg.metrics WHERE run = %d AND writer = %d GROUP BY lane, sequence`, number(run), writer))
	if err != nil {
		return nil, fmt.Errorf("ask for what came of run %s: %w", run, err)
	}
	out := make(map[framing.Mark]int)
	for _, r := range rows {
		var m framing.Mark
		if len(r) < 9 {
			return nil, fmt.Errorf("an answer has %d columns, not 9", len(r))
		}
		for i, to := range []any{&m.Rows, &m.First.Key, &m.First.Rank, &m.First.Attempt, &m.First.Step, &m.Last.Key, &m.Last.Rank, &m.Last.Attempt, &m.Last.Step} {
			if text, ok := to.(*string); ok {
				*text = r[i]
			} else if _, err := fmt.Sscan(r[i], to); err != nil {
				return nil, fmt.Errorf("read what came of run %s: %w", run, err)
			}
		}
		out[m]++
	}
	return out, nil
}

// arrived compares what was sent with what is here now.
func (l *load) arrived(ctx context.Context, t *transfer.Events, sent map[string]bool) error {
	want := make(map[uint64]transfer.Digest)
	for run := range sent {
		want[number(run)] = l.want[t.Name][number(run)]
	}
	have, err := t.Compare(ctx, l.server, want)
	if err != nil {
		return err
	}
	var wrong []string
	for run, d := range want {
		if have[run].Digest != d {
			wrong = append(wrong, fmt.Sprintf("%s has %d rows, the export %d", l.runs[run], have[run].Rows, d.Rows))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d runs are not as the export has them: %s", len(wrong), strings.Join(wrong[:min(len(wrong), conflictsShown)], "; "))
	}
	return nil
}
