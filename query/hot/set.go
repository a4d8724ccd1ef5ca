package hot

import (
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// Options of a Set; the zero value means the defaults.
type Options struct {
	RunsMax  int
	KeysMax  int
	BytesMax int64
	Now      func() time.Time
}

// Set is the hot set. It implements feed.Observer. Lock order: Set.mu before Run.mu.
type Set struct {
	opts        Options
	experiments experiments
	models      recentModels

	mu   sync.Mutex
	runs map[string]*Run
	// dirty are the runs whose document's revision is above applied.
	dirty   map[*Run]struct{}
	applied uint64
	// newest and oldest end the list in order of use.
	newest, oldest *Run
	keys           int
	bytes          int64
	horizonMS      int64
	counters       Counters
}

// Counters count since the start.
type Counters struct {
	Hits, Misses, Evictions uint64
}

// Stats is the set's state at one moment.
type Stats struct {
	Counters
	Runs, Keys, Dirty, Experiments int
	Bytes                          int64
}

// clockMargin is the difference between the clocks of who creates runs and of this process that is allowed
// for; a run created within it after the start is read from ClickHouse once, which is only slower.
const clockMargin = 2 * time.Second

// New makes an empty set. It must observe the logs from the watermarks on.
func New(opts Options) *Set {
	if opts.RunsMax == 0 {
		opts.RunsMax = RunsMaxDefault
	}
	if opts.KeysMax == 0 {
		opts.KeysMax = KeysMaxDefault
	}
	if opts.BytesMax == 0 {
		opts.BytesMax = BytesMaxDefault
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Set{opts: opts, runs: make(map[string]*Run), dirty: make(map[*Run]struct{})}
	s.experiments.byID = make(map[string]Experiment)
	s.horizonMS = opts.Now().Add(clockMargin).UnixMilli()
	return s
}

// Stats says how full the set is.
func (s *Set) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Counters: s.counters, Runs: len(s.runs), Keys: s.keys, Dirty: len(s.dirty), Experiments: s.experiments.len(), Bytes: s.bytes}
}

// find gives a run of the set if it is ready to be shown, and marks it as used.
func (s *Set) find(id string) *Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runs[id]
	if r == nil || !r.ready() {
		s.counters.Misses++
		return nil
	}
	s.use(r)
	s.counters.Hits++
	return r
}

// entry finds or makes the run's entry.
func (s *Set) entry(id string) *Run {
	r := s.runs[id]
	if r == nil {
		number, _ := track.ParseRunID(id)
		r = &Run{ID: id, Number: number, size: runBytes}
		s.runs[id] = r
		s.bytes += r.size
	}
	s.use(r)
	return r
}

func (s *Set) use(r *Run) {
	if s.newest == r {
		return
	}
	s.unlink(r)
	r.older, r.inLRU = s.newest, true
	if s.newest != nil {
		s.newest.newer = r
	}
	s.newest = r
	if s.oldest == nil {
		s.oldest = r
	}
}

func (s *Set) unlink(r *Run) {
	if !r.inLRU {
		return
	}
	if r.newer != nil {
		r.newer.older = r.older
	} else {
		s.newest = r.older
	}
	if r.older != nil {
		r.older.newer = r.newer
	} else {
		s.oldest = r.newer
	}
	r.newer, r.older, r.inLRU = nil, nil, false
}

// account takes note of the size of runs that may have changed, and evicts what is too much.
func (s *Set) account(runs ...*Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range runs {
		s.measure(r)
	}
	s.evict()
}

func (s *Set) measure(r *Run) {
	if !r.inLRU {
		return
	}
	size, keys := r.measure()
	s.bytes += size - r.size
	s.keys += keys - r.keys
	r.size, r.keys = size, keys
}

// evictScanMax bounds the look for a run that may go: those before it are pinned or have unapplied documents.
const evictScanMax = 256

func (s *Set) evict() {
	r := s.oldest
	for range evictScanMax {
		if r == nil || (len(s.runs) <= s.opts.RunsMax && s.keys <= s.opts.KeysMax && s.bytes <= s.opts.BytesMax) {
			return
		}
		next := r.newer
		if _, dirty := s.dirty[r]; !dirty && r.pins == 0 {
			s.drop(r)
			s.counters.Evictions++
		} else {
			s.use(r) // out of the way, so that the next look gets past it
		}
		r = next
	}
}

// drop removes a run and remembers that something is missing now.
func (s *Set) drop(r *Run) {
	s.remove(r)
	created := s.opts.Now().UnixMilli()
	if doc := r.Document(); doc != nil {
		created = doc.GetCreatedMs()
	}
	s.horizonMS = max(s.horizonMS, created)
}

func (s *Set) remove(r *Run) {
	s.unlink(r)
	delete(s.runs, r.ID)
	s.bytes -= r.size
	s.keys -= r.keys
}

// pin finds or makes entries that stay until unpin.
func (s *Set) pin(ids []string) []*Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Run, len(ids))
	for i, id := range ids {
		out[i] = s.entry(id)
		out[i].pins++
	}
	return out
}

// unpin lets runs go; an entry that nothing was ever said about is removed without a trace.
func (s *Set) unpin(runs []*Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range runs {
		r.pins--
		s.measure(r)
		if r.pins == 0 && !r.touched {
			s.remove(r)
		}
	}
	s.evict()
}
