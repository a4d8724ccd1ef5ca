package incoming

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// comparedRuns and comparedRows bound what one question compares: a question has 60 s.
	comparedRuns = 1000
	comparedRows = 50_000_000
	// writersTold is how many writers of a run are looked at: one would be ours.
	writersTold = 3
)

// state is what a run has on this server.
type state struct {
	transfer.Digest
	writers map[uint64]bool
}

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
		have, err := l.compare(ctx, t)
		if err != nil {
			return fmt.Errorf("compare table %s: %w", t.Name, err)
		}
		l.done[t.Name] = make(map[uint64]bool)
		for run, want := range l.want[t.Name] {
			is, there := have[run]
			switch {
			case !there || l.refused["runs"][l.runs[run]]:
			case is.Digest == want:
				l.done[t.Name][run] = true
			case len(is.writers) == 1 && is.writers[l.writer(t.Name, l.runs[run])]:
				// An import before was interrupted: the same frames come again.
			default:
				l.refuse("runs", l.runs[run], fmt.Sprintf("Run %s has other %s here: %d rows, the export has %d", l.runs[run], t.Name, is.Rows, want.Rows))
			}
		}
	}
	return nil
}

// compare asks what the runs of a table have here.
func (l *load) compare(ctx context.Context, t *transfer.Events) (map[uint64]state, error) {
	out := make(map[uint64]state)
	var some []uint64
	var rows int64
	ask := func() error {
		parts := max((rows+comparedRows-1)/comparedRows, 1)
		for part := range parts {
			where := transfer.Runs(some)
			if parts > 1 {
				where += fmt.Sprintf(" AND %s %% %d = %d", t.Spread, parts, part)
			}
			if err := l.ask(ctx, t, where, out); err != nil {
				return err
			}
		}
		some, rows = nil, 0
		return nil
	}
	for _, run := range sortedNumbers(l.want[t.Name]) {
		if n := l.want[t.Name][run].Rows; len(some) == comparedRuns || len(some) > 0 && rows+n > comparedRows {
			if err := ask(); err != nil {
				return nil, err
			}
		}
		some = append(some, run)
		rows += l.want[t.Name][run].Rows
	}
	if len(some) == 0 {
		return out, nil
	}
	return out, ask()
}

func (l *load) ask(ctx context.Context, t *transfer.Events, where string, into map[uint64]state) error {
	query := strings.Replace(t.DigestQuery(where), " FROM ", fmt.Sprintf(", arrayStringConcat(arrayMap(x -> toString(x), groupUniqArray(%d)(writer)), ',') FROM ", writersTold), 1)
	rows, err := transfer.Query(ctx, l.server, query)
	if err != nil {
		return err
	}
	for _, r := range rows {
		run, d, err := transfer.ParseDigest(r)
		if err != nil {
			return err
		}
		s, ok := into[run]
		if !ok {
			s.writers = make(map[uint64]bool)
		}
		s.Digest = s.Plus(d)
		for _, w := range strings.Split(r[3], ",") {
			n, err := strconv.ParseUint(w, 10, 64)
			if err != nil {
				return fmt.Errorf("read a writer: %w", err)
			}
			s.writers[n] = true
		}
		into[run] = s
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
	s := &sender{load: l, table: t.Name}
	count := l.report.of(t.Name)
	err := sheet.Each(ctx, l.Dir, l.manifest.Table(t.Name), func(r *sheet.Rows) error {
		read := readers[t.Name](r)
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
			if err := s.add(ctx, place{id, uint32(rank(i)), uint32(attempt(i))}, read(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = s.finish(ctx)
	}
	if err != nil {
		return err
	}
	if count.Created+count.Same+count.Refused > 0 {
		l.Tell("%-20s %8d new, %d there already, %d refused", t.Name, count.Created, count.Same, count.Refused)
	}
	return l.arrived(ctx, t, s.sent)
}

// arrived compares what was sent with what is here now.
func (l *load) arrived(ctx context.Context, t *transfer.Events, sent map[uint64]bool) error {
	if len(sent) == 0 {
		return nil
	}
	all := l.want[t.Name]
	l.want[t.Name] = make(map[uint64]transfer.Digest)
	for run := range sent {
		l.want[t.Name][run] = all[run]
	}
	have, err := l.compare(ctx, t)
	if err != nil {
		return err
	}
	var wrong []string
	for run, want := range l.want[t.Name] {
		if have[run].Digest != want {
			wrong = append(wrong, fmt.Sprintf("%s has %d rows, the export %d", l.runs[run], have[run].Rows, want.Rows))
		}
	}
	l.want[t.Name] = all
	if len(wrong) > 0 {
		return fmt.Errorf("%d runs are not as the export has them: %s", len(wrong), strings.Join(wrong[:min(len(wrong), conflictsShown)], "; "))
	}
	return nil
}

// row is one row on its way into a section; the right one of its fields is set.
type row struct {
	point *point
	value *sgpb.SmallValue
	line  *sgpb.ConsoleLine
}

type point struct {
	key     string
	step    int64
	time    int64
	value   float64
	context track.PointContext
}

// readers make rows of the columns of each table.
var readers = map[string]func(r *sheet.Rows) func(i int) row{
	"metrics": func(r *sheet.Rows) func(i int) row {
		key, step, time, value := r.Texts("key"), r.Int("step"), r.Int("time"), r.Float("value")
		model, name, digest := r.Texts("model_id"), r.Texts("dataset_name"), r.Texts("dataset_digest")
		return func(i int) row {
			return row{point: &point{key(i), step(i), time(i), value(i), track.PointContext{ModelID: model(i), DatasetName: name(i), DatasetDigest: digest(i)}}}
		}
	},
	"values": func(r *sheet.Rows) func(i int) row {
		key, step, time, kind, body := r.Texts("key"), r.Int("step"), r.Int("time"), r.Texts("kind"), r.Texts("body")
		edges, counts := r.Doubles("edges"), r.Doubles("counts")
		sum, size, media := r.Texts("sha256"), r.Int("size_bytes"), r.Texts("media_type")
		return func(i int) row {
			v := &sgpb.SmallValue{Key: key(i), Step: step(i), TimeMs: time(i)}
			switch kind(i) {
			case "text":
				v.Value = &sgpb.SmallValue_Text{Text: body(i)}
			case "json":
				v.Value = &sgpb.SmallValue_Json{Json: body(i)}
			case "histogram":
				v.Value = &sgpb.SmallValue_Histogram{Histogram: &sgpb.Histogram{Edges: edges(i), Counts: counts(i)}}
			case "artifact":
				v.Value = &sgpb.SmallValue_Artifact{Artifact: &sgpb.ArtifactReference{Path: body(i), Sha256: sum(i), SizeBytes: size(i), MediaType: media(i)}}
			}
			return row{value: v}
		}
	},
	"console": func(r *sheet.Rows) func(i int) row {
		time, stream, number, text := r.Int("time"), r.Texts("stream"), r.Int("number"), r.Texts("text")
		return func(i int) row {
			l := &sgpb.ConsoleLine{TimeMs: time(i), Stream: 1, Number: uint64(number(i)), Text: text(i)}
			if stream(i) == "stderr" {
				l.Stream = 2
			}
			return row{line: l}
		}
	},
}
