package sheet

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Options of a Set; the zero value means the defaults.
type Options struct {
	BytesMax int64
	Now      func() time.Time
}

// Set is the sheets of the experiments that were searched. It implements feed.Observer and must observe the logs from
// their watermarks on.
type Set struct {
	opts Options

	mu     sync.Mutex
	sheets map[uint32]*Sheet
	// unapplied are the newest documents that were observed and are above applied.
	unapplied map[track.RunNumber]unapplied
	applied   uint64
	bytes     int64
	uses      uint64
	// cold are the experiments that are too large, and until when that is believed.
	cold     map[uint32]time.Time
	counters Counters
}

var _ feed.Observer = (*Set)(nil)

type unapplied struct {
	run      *sgpb.Run
	revision uint64
}

// Counters count since the start.
type Counters struct {
	Loaded, Dropped, TooLarge, Failed uint64
}

// Stats is the set's state at one moment.
type Stats struct {
	Counters
	Experiments int
	Bytes       int64
}

// New makes an empty set.
func New(opts Options) *Set {
	if opts.BytesMax == 0 {
		opts.BytesMax = BytesMaxDefault
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Set{opts: opts, sheets: make(map[uint32]*Sheet), unapplied: make(map[track.RunNumber]unapplied), cold: make(map[uint32]time.Time)}
}

// Stats says how full the set is.
func (s *Set) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Counters: s.counters, Experiments: len(s.sheets), Bytes: s.bytes}
}

// Whole gives the sheet of an experiment if it has all runs. The caller has awaited tail and documents.
func (s *Set) Whole(experiment uint32) *Sheet {
	s.mu.Lock()
	defer s.mu.Unlock()
	sheet := s.sheets[experiment]
	if sheet == nil || !sheet.whole {
		return nil
	}
	s.use(sheet)
	return sheet
}

func (s *Set) use(sheet *Sheet) {
	s.uses++
	sheet.used = s.uses
}

// ObserveSections joins points of any runs.
func (s *Set) ObserveSections(sections []*feed.Section) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sec := range sections {
		if sheet := s.sheets[sec.Experiment]; sheet != nil {
			sheet.joinValues(hot.Newest(sec))
			s.account(sheet)
		}
	}
	s.fit()
}

// ObserveDocuments joins documents of runs.
func (s *Set) ObserveDocuments(docs []feed.Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range docs {
		hex, ok := strings.CutPrefix(d.Key, document.RunPrefix)
		if !ok {
			continue
		}
		number, err := strconv.ParseUint(hex, 16, 64)
		if err != nil {
			continue // no run has this key
		}
		s.observe(number, unapplied{d.Doc.GetRun(), d.Revision})
	}
	s.fit()
}

func (s *Set) observe(number track.RunNumber, u unapplied) {
	if u.revision > s.applied {
		s.unapplied[number] = u
	}
	if e, ok := u.experiment(); ok {
		s.joinDocument(e, number, u)
		return
	}
	// A removed one does not say whose it was: as a row that nothing finds it does no harm elsewhere.
	for e := range s.sheets {
		s.joinDocument(e, number, u)
	}
}

func (s *Set) joinDocument(experiment uint32, number track.RunNumber, u unapplied) {
	if sheet := s.sheets[experiment]; sheet != nil {
		sheet.joinDocument(number, u.run, u.revision)
		s.account(sheet)
	}
}

// experiment is the run's; false for a removed document.
func (u unapplied) experiment() (uint32, bool) {
	if u.run == nil {
		return 0, false
	}
	return track.ParseExperimentID(u.run.GetExperimentId())
}

// DocumentsApplied marks documents as readable in ClickHouse.
func (s *Set) DocumentsApplied(revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applied = max(s.applied, revision)
	for number, u := range s.unapplied {
		if u.revision <= s.applied {
			delete(s.unapplied, number)
		}
	}
}

// account takes note of a sheet's size.
func (s *Set) account(sheet *Sheet) {
	size := sheet.measure()
	s.bytes += size - sheet.size
	sheet.size = size
}

// fit drops sheets until the others fit, those first that were searched longest ago.
func (s *Set) fit() {
	for s.bytes > s.opts.BytesMax && len(s.sheets) > 0 {
		var oldest uint32
		for experiment, sheet := range s.sheets {
			if o := s.sheets[oldest]; o == nil || sheet.used < o.used {
				oldest = experiment
			}
		}
		s.drop(oldest)
	}
}

func (s *Set) drop(experiment uint32) {
	s.bytes -= s.sheets[experiment].size
	delete(s.sheets, experiment)
	s.counters.Dropped++
}
