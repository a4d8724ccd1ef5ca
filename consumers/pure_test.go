package consumers_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Writers against a plain set, with a restart from its own ranges at random moments.
func TestWritersRememberWhatWasSeen(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		w, seen := consumers.NewWriters(nil), make(map[uint64]bool)
		for range 300 {
			n := 1 + r.Uint64N(60)
			want := consumers.New
			if seen[n] {
				want = consumers.Repeat
			}
			if got := w.Add(9, n, 5, false); got != want {
				t.Fatalf("seed %d: number %d is %v, want %v", seed, n, got, want)
			}
			seen[n] = true
			if r.IntN(20) == 0 {
				ranges := w.Ranges(9)
				r.Shuffle(len(ranges), func(i, j int) { ranges[i], ranges[j] = ranges[j], ranges[i] })
				w = consumers.NewWriters(append(ranges, ranges[0]))
			}
			holes := 0
			for n := uint64(1); n < 60; n++ {
				if !seen[n] && seen[n+1] {
					holes++
				}
			}
			if w.Holes() != holes {
				t.Fatalf("seed %d: %d holes, want %d", seed, w.Holes(), holes)
			}
		}
	}
}

func TestScatteredWriterIsRefused(t *testing.T) {
	w := consumers.NewWriters(nil)
	for i := range uint64(consumers.RangesMax) {
		if v := w.Add(1, 2*i+2, 5, false); v != consumers.New {
			t.Fatalf("number %d: %v", 2*i+2, v)
		}
	}
	for _, c := range []struct {
		number uint64
		want   consumers.Verdict
	}{{1 << 40, consumers.TooScattered}, {math.MaxUint64, consumers.TooScattered}, {2, consumers.Repeat}, {3, consumers.New}, {1 << 40, consumers.New}} {
		if got := w.Add(1, c.number, 5, false); got != c.want {
			t.Errorf("number %d: %v, want %v", c.number, got, c.want)
		}
	}
}

func TestSilentWritersAreForgotten(t *testing.T) {
	day := 24 * time.Hour.Milliseconds()
	w := consumers.NewWriters(nil)
	w.Add(1, 1, day, false)
	w.Add(2, 1, day, true)
	w.Add(3, 5, day, false)
	w.Add(9, 1, 7*day, false)
	if w.Add(2, 1, 7*day, true) != consumers.Repeat {
		t.Error("a closed writer that was cut off for days is to be known: its last answer may be lost")
	}
	w.Add(9, 4, 9*day, false)
	if w.Ranges(1) == nil || w.Ranges(2) != nil {
		t.Error("after a week a closed writer is to be forgotten, another not")
	}
	w.Add(9, 2, 20*day, false)
	w.Add(9, 3, 33*day, false)
	if w.Ranges(1) != nil || w.Holes() != 0 {
		t.Error("after 30 days a silent writer is to be forgotten, with its holes")
	}
}

func TestPace(t *testing.T) {
	p := consumers.DefaultPace
	for name, c := range map[string]struct {
		waiting consumers.Waiting
		want    time.Duration
	}{
		"nothing waits":                                    {consumers.Waiting{Wanted: true, SinceCut: time.Hour}, p.AgeMax},
		"a lonely point gets old":                          {consumers.Waiting{Frames: 1, Rows: 1, SinceCut: time.Hour, Age: time.Second}, time.Second},
		"an old point goes":                                {consumers.Waiting{Frames: 1, Rows: 1, SinceCut: time.Hour, Age: 3 * time.Second}, 0},
		"a flush goes":                                     {consumers.Waiting{Frames: 1, SinceCut: time.Hour, Wanted: true}, 0},
		"five flushes a second":                            {consumers.Waiting{Frames: 1, SinceCut: 50 * time.Millisecond, Wanted: true}, 150 * time.Millisecond},
		"much waits for the gap":                           {consumers.Waiting{Frames: 1, Rows: p.RowsSoon, SinceCut: 50 * time.Millisecond}, 150 * time.Millisecond},
		"a full block waits for none":                      {consumers.Waiting{Frames: 1, Rows: p.RowsMax}, 0},
		"a full block is merged while another is inserted": {consumers.Waiting{Frames: 1, Rows: p.RowsMax, Busy: true}, 0},
		"less waits for the insert":                        {consumers.Waiting{Frames: 1, Rows: p.RowsSoon, SinceCut: time.Hour, Wanted: true, Busy: true}, p.AgeMax},
		"full by bytes":                                    {consumers.Waiting{Frames: 1, Bytes: p.BytesMax}, 0},
	} {
		if got := p.Delay(c.waiting); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestRetentionKeepsTheSmallerWindow(t *testing.T) {
	r := consumers.Retention{AgeMax: time.Hour, BytesMax: 1000}
	minute := time.Minute.Milliseconds()
	for i := range uint64(5) {
		r.Applied(10*(i+1), int64(i)*minute, 100)
	}
	if seq, _ := r.Purge(30*minute, math.MaxUint64); seq != 0 {
		t.Errorf("purge to %d within both limits", seq)
	}
	if seq, bytes := r.Purge(61*minute+1, math.MaxUint64); seq != 20 || bytes != 200 {
		t.Errorf("purge to %d, %d bytes by age, want 20, 200", seq, bytes)
	}
	r.Limit(1200) // a quarter: 300 bytes
	seq, _ := r.Purge(30*minute, math.MaxUint64)
	if seq != 20 {
		t.Errorf("purge to %d by bytes, want 20", seq)
	}
	r.Purged(seq)
	if seq, _ := r.Purge(30*minute, math.MaxUint64); seq != 0 {
		t.Errorf("purge to %d after a purge", seq)
	}
	for i := range uint64(100_000) {
		r.Applied(100+i, 40*minute, 1)
	}
	if seq, _ := r.Purge(40*minute, math.MaxUint64); seq < 90_000 || seq > 100_100-300 {
		t.Errorf("purge to %d of 100099 with 300 bytes to keep", seq)
	}
}

// A batch of random sections is the same rows as sorting them all in one go.
func TestBatchIsSortedAndComplete(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 2))
		b := consumers.NewBatch(4, 1, 7)
		want := make(map[string]int)
		writers := consumers.NewWriters(nil)
		for seq := range uint64(1 + r.IntN(10)) {
			f := &consumers.Frame{Seq: seq + 1, TimeMS: 1_760_000_000_000, Writer: 3, Number: seq + 1}
			writers.Add(3, seq+1, 5, false)
			for range r.IntN(4) {
				s := &feed.Section{Lane: 4, Seq: f.Seq, Writer: 3, Frame: f.Number, Run: 1 + r.Uint64N(3), Experiment: 2, Rank: r.Uint32N(2), Attempt: r.Uint32N(2)}
				s.Points.Keys = []string{"b", "a", "unused"}
				s.Points.Contexts = []track.PointContext{{ModelID: "m-1", DatasetName: "d", DatasetDigest: "x"}}
				for range r.IntN(50) {
					s.Points.Key = append(s.Points.Key, r.Uint32N(2))
					s.Points.Step = append(s.Points.Step, r.Int64N(20)-10)
					s.Points.TimeMS = append(s.Points.TimeMS, r.Int64N(100))
					s.Points.Value = append(s.Points.Value, r.Float64())
					s.Points.Context = append(s.Points.Context, r.Uint32N(2))
				}
				for i, v := range s.Points.Value {
					want[fmt.Sprint(s.Run, s.Points.Keys[s.Points.Key[i]], s.Rank, s.Attempt, s.Points.Step[i], s.Points.TimeMS[i], v, s.Points.ContextOf(i), f.Seq)]++
					f.Rows++
				}
				f.Sections = append(f.Sections, s)
			}
			b.Add(f)
		}
		b.Seal(writers)
		checkBatch(t, seed, b, want)
	}
}

func checkBatch(t *testing.T, seed uint64, b *consumers.Batch, want map[string]int) {
	t.Helper()
	p := &b.Points
	if p.Run[0] != 0 || p.Rank[0] != table.MarkerRank || uint64(p.Step[0]) != b.Marker.Last || p.Attempt[0] != 4 || p.Writer[0] != 7 {
		t.Fatalf("seed %d: the first row is no marker", seed)
	}
	for _, c := range p.Input() {
		if c.Data.Rows() != p.Rows() {
			t.Fatalf("seed %d: %d rows of %s, want %d", seed, c.Data.Rows(), c.Name, p.Rows())
		}
	}
	n := 0
	for i := range p.Rows() {
		if i > 0 && order(p, i-1, i) > 0 {
			t.Fatalf("seed %d: row %d is out of order", seed, i)
		}
		if p.Run[i] == 0 {
			continue
		}
		n++
		c := track.PointContext{}
		if p.Model.Text(i) != "" {
			c = track.PointContext{ModelID: "m-1", DatasetName: "d", DatasetDigest: "x"}
		}
		want[fmt.Sprint(p.Run[i], p.Key.Text(i), p.Rank[i], p.Attempt[i], p.Step[i], p.TS[i], p.Value[i], c, p.Seq[i])]--
		if p.Dataset.Text(i) != c.Dataset() || p.Experiment[i] != 2 || p.Lane[i] != 4 || p.Batch[i] != 1 || p.Month[i] != 202510 || p.Writer[i] != 3 || p.Frame[i] != p.Seq[i] {
			t.Fatalf("seed %d: row %d has wrong columns", seed, i)
		}
	}
	if n != b.Marker.Rows {
		t.Fatalf("seed %d: %d rows, marker says %d", seed, n, b.Marker.Rows)
	}
	for row, left := range want {
		if left != 0 {
			t.Fatalf("seed %d: row %s is off by %d", seed, row, left)
		}
	}
}

// order compares two rows by the table's key.
func order(p *table.Points, i, j int) int {
	a := fmt.Sprintf("%020d %s\x00%010d %010d %020d", p.Run[i], p.Key.Text(i), p.Rank[i], p.Attempt[i], p.Step[i]+1000)
	b := fmt.Sprintf("%020d %s\x00%010d %010d %020d", p.Run[j], p.Key.Text(j), p.Rank[j], p.Attempt[j], p.Step[j]+1000)
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestLanesShareThePace(t *testing.T) {
	if consumers.PaceOf(1) != consumers.DefaultPace {
		t.Errorf("one lane: %+v", consumers.PaceOf(1))
	}
	for _, lanes := range []int{2, 4, 16, 64} {
		p := consumers.PaceOf(lanes)
		much := consumers.Waiting{Frames: 1, Rows: p.RowsSoon}
		if own := time.Duration(lanes) * consumers.DefaultPace.GapOwn; p.Delay(much) != own {
			t.Errorf("%d lanes: what nobody asks for waits %v, want %v", lanes, p.Delay(much), own)
		}
		much.Wanted = true
		if p.Delay(much) != consumers.DefaultPace.GapMin {
			t.Errorf("%d lanes: what a reader wants waits %v", lanes, p.Delay(much))
		}
		if p.Delay(consumers.Waiting{Frames: 1, Rows: p.RowsMax}) != 0 || p.RowsMax < p.RowsSoon || p.RowsMax > consumers.DefaultPace.RowsMax {
			t.Errorf("%d lanes: %d rows are a batch", lanes, p.RowsMax)
		}
	}
}
