package consumers

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// tail holds the frames of one lane that were decided and are not known to be in ClickHouse. What waits for
// an insert and what readers see is the same thing. All methods are safe for concurrent use.
type tail struct {
	mu sync.Mutex
	// changed is closed at the next change; nil while nobody waits.
	changed chan struct{}
	// open: applied is what the table says. start was the end of the log when the lane was opened: readers
	// must not answer before the tail has come that far, for it was acknowledged once.
	open                 bool
	applied, seen, start uint64
	frames               []*Frame
	bytes, onLog         int
	runs                 map[track.RunNumber]*runTail
	// The first taken frames are in batches under way, up to takenSeq; freeRows and freeBytes are of the others.
	taken, freeRows, freeBytes int
	takenSeq                   uint64
	// wanted is the sequence that somebody wants in the table.
	wanted  uint64
	lastCut time.Time
	pace    Pace
	// kick wakes who cuts batches when there may be something to do before the time it reckoned with.
	kick chan struct{}
}

type runTail struct {
	id       string
	sections []*feed.Section
}

func newTail(p Pace) *tail { return &tail{pace: p, kick: make(chan struct{}, 1)} }

// reset starts anew after the watermark; start is the end of the log.
func (t *tail) reset(applied, start uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open, t.applied, t.seen, t.start = true, applied, applied, start
	t.lastCut = time.Now() // what lies on the log already is worth a full batch
	t.frames, t.bytes, t.onLog = nil, 0, 0
	t.taken, t.freeRows, t.freeBytes, t.takenSeq = 0, 0, 0, applied
	t.runs = make(map[track.RunNumber]*runTail)
	t.notify()
}

// close makes readers wait until the lane is opened again.
func (t *tail) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = false
	t.notify()
}

// notify wakes all who wait. The lock is held.
func (t *tail) notify() {
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// add puts frames into the tail. Readers may see their sections from now on, and wait for them until see.
func (t *tail) add(frames []*Frame) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.waiting()
	defer func() {
		if t.pace.urgent(before, t.waiting()) {
			t.wake()
		}
	}()
	for _, f := range frames {
		t.frames = append(t.frames, f)
		t.freeRows += f.Rows
		t.freeBytes += f.Bytes
		t.bytes += f.Bytes
		t.onLog += f.LogBytes
		for _, s := range f.Sections {
			r := t.runs[s.Run]
			if r == nil {
				r = &runTail{id: s.RunID}
				t.runs[s.Run] = r
			}
			r.sections = append(r.sections, s)
		}
	}
}

// see lets readers pass who wait for seq.
func (t *tail) see(seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = max(t.seen, seq)
	t.notify()
}

// has says whether a reader may pass who was acknowledged acked. The lock is held.
func (t *tail) has(acked uint64) bool { return t.open && t.seen >= max(acked, t.start) }

// passes says whether a reader may pass, and if so calls then, if given, under the lock.
func (t *tail) passes(acked uint64, then func(*tail)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.has(acked) {
		return false
	}
	if then != nil {
		then(t)
	}
	return true
}

// apply drops what the table has. Slices that snapshots hold are not written to.
func (t *tail) apply(seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.applied = seq
	n := 0
	touched := make(map[track.RunNumber]struct{})
	for n < len(t.frames) && t.frames[n].Seq <= seq {
		f := t.frames[n]
		t.bytes -= f.Bytes
		t.onLog -= f.LogBytes
		for _, s := range f.Sections {
			touched[s.Run] = struct{}{}
		}
		n++
	}
	t.frames = slices.Clone(t.frames[n:])
	if t.taken -= n; t.taken == 0 {
		t.wake()
	}
	for run := range touched {
		r := t.runs[run]
		i := 0
		for i < len(r.sections) && r.sections[i].Seq <= seq {
			i++
		}
		if r.sections = slices.Clone(r.sections[i:]); len(r.sections) == 0 {
			delete(t.runs, run)
		}
	}
	t.notify()
}

// waiting is what waits to be cut. The lock is held.
func (t *tail) waiting() Waiting {
	return Waiting{Frames: len(t.frames) - t.taken, Rows: t.freeRows, Bytes: t.freeBytes, Busy: t.taken > 0, Wanted: t.wanted > t.takenSeq}
}

func (t *tail) wake() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

// cut takes the frames of the next batch if it is due, else it says how long to wait unless kicked. The
// frames stay in the tail until apply.
func (t *tail) cut(now time.Time) (frames []*Frame, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	free := t.frames[t.taken:]
	w := t.waiting()
	w.SinceCut = now.Sub(t.lastCut)
	if len(free) > 0 {
		w.Age = now.Sub(free[0].arrived)
	}
	if wait = t.pace.Delay(w); wait > 0 || len(free) == 0 {
		return nil, wait
	}
	t.lastCut = now
	n, rows, bytes := 0, 0, 0
	month := MonthOf(free[0].TimeMS)
	for n < len(free) {
		f := free[n]
		if n > 0 && (rows+f.Rows > t.pace.RowsMax || bytes+f.Bytes > t.pace.BytesMax || MonthOf(f.TimeMS) != month) {
			break
		}
		rows += f.Rows
		bytes += f.Bytes
		n++
	}
	t.taken += n
	t.freeRows -= rows
	t.freeBytes -= bytes
	t.takenSeq = free[n-1].Seq
	return slices.Clone(free[:n]), 0
}

// run gives the sections of one run, shared and immutable. The lock is held.
func (t *tail) run(run track.RunNumber) []*feed.Section {
	if r := t.runs[run]; r != nil {
		return r.sections[:len(r.sections):len(r.sections)]
	}
	return nil
}

// runIDs lists the runs with frames in the tail. The lock is held.
func (t *tail) runIDs() []string {
	out := make([]string, 0, len(t.runs))
	for _, r := range t.runs {
		out = append(out, r.id)
	}
	return out
}

// want asks for all that was seen to be inserted and returns how far that is.
func (t *tail) want() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wanted = max(t.wanted, t.seen)
	t.wake()
	return t.seen
}

// counts are for metrics and limits.
func (t *tail) counts() (frames, bytes, onLog int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.frames), t.bytes, t.onLog
}

// reached is the sequence that readers have been let past.
func (t *tail) reached() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen
}

// await waits until done, asked under the lock, is true, or ctx ends.
func (t *tail) await(ctx context.Context, done func(*tail) bool) error {
	for {
		t.mu.Lock()
		if done(t) {
			t.mu.Unlock()
			return nil
		}
		if t.changed == nil {
			t.changed = make(chan struct{})
		}
		changed := t.changed
		t.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pause waits until kicked, a while, or the end of ctx.
func (t *tail) pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-t.kick:
	case <-timer.C:
	case <-ctx.Done():
	}
}
