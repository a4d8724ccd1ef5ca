package hot

import (
	"slices"
	"strings"
	"sync"
	"unique"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Metric is the latest value of one key.
type Metric struct {
	Key    string
	Latest track.Latest
}

// Run is one run in the set. It is safe for concurrent use; after its eviction it stays as it was.
type Run struct {
	ID     string
	Number track.RunNumber

	// loading is held by the one goroutine that loads the run.
	loading sync.Mutex

	mu       sync.RWMutex
	doc      *sgpb.Run
	revision uint64
	gone     bool
	// complete: latest holds all that is acknowledged, not only what was observed.
	complete bool
	latest   []Metric
	index    map[string]int32
	sorted   bool
	// version counts changes; encoded is of the newest, and of a lifecycle that the experiment may decide.
	version   uint64
	encoded   [formsCount][]byte
	keysBytes int64
	docBytes  int64

	encodedStage sgpb.Lifecycle

	// The rest belongs to Set.mu.
	inLRU   bool
	pins    int
	touched bool
	// experiment is the document's, once there is one.
	experiment uint32
	size       int64
	keys       int
	older      *Run
	newer      *Run
}

// Form says which of MLflow's two shapes of a run is meant.
type Form int

// The shapes: of runs/get, and of runs/search, which leaves model inputs out.
const (
	FormGet Form = iota
	FormSearch
	formsCount
)

// NewRun makes a run that is in no set, from what a search read of ClickHouse.
func NewRun(d Document, latest []Metric) *Run {
	number, _ := track.ParseRunID(d.Run.GetId())
	r := &Run{ID: d.Run.GetId(), Number: number, doc: d.Run, revision: d.Revision, complete: true}
	for _, m := range latest {
		r.merge(m.Key, m.Latest)
	}
	return r
}

// View shows a run unchanging while f runs; f must not keep it nor call the run.
func (r *Run) View(f func(View)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f(View{r})
}

// View is a run as it stands while it is looked at.
type View struct{ r *Run }

// Document is the run's document, nil if it has none. It is shared: do not change it.
func (v View) Document() *sgpb.Run { return v.r.doc }

// Latest is the latest value of a key.
func (v View) Latest(key string) (track.Latest, bool) {
	i, ok := v.r.index[key]
	if !ok {
		return track.Latest{}, false
	}
	return v.r.latest[i].Latest, true
}

// Latest copies all latest values, by key.
func (r *Run) Latest() []Metric {
	_, latest, _ := r.copy()
	return latest
}

// Document is the run's document; do not change it.
func (r *Run) Document() *sgpb.Run {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.doc
}

func (r *Run) copy() (*sgpb.Run, []Metric, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.sorted {
		slices.SortFunc(r.latest, func(a, b Metric) int { return strings.Compare(a.Key, b.Key) })
		for i := range r.latest {
			r.index[r.latest[i].Key] = int32(i)
		}
		r.sorted = true
	}
	return r.doc, slices.Clone(r.latest), r.version
}

// ready says whether the run can be shown.
func (r *Run) ready() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.gone || (r.complete && r.doc != nil)
}

// Exists says whether the run has a document.
func (r *Run) Exists() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return !r.gone && r.doc != nil
}

// setDocument takes a document if it is newer. A nil document is a deleted one.
func (r *Run) setDocument(doc *sgpb.Run, revision uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if revision <= r.revision && (r.doc != nil || r.gone) {
		return
	}
	r.doc, r.revision, r.gone = doc, revision, doc == nil
	// Decoded, a document is about twice as large.
	r.docBytes = 2 * int64(proto.Size(doc))
	r.changed()
}

func (r *Run) setComplete() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complete = true
}

// mergeSection joins the points of a section.
func (r *Run) mergeSection(s *feed.Section) { r.mergeValues(Newest(s)) }

// Newest is the latest value of every key of a section, so that a run is touched once a key.
func Newest(s *feed.Section) []Value {
	best, seen := make([]Value, len(s.Points.Keys)), make([]bool, len(s.Points.Keys))
	p := &s.Points
	for i, k := range p.Key {
		b := &best[k]
		if seen[k] && p.Step[i] < b.Latest.Step {
			continue
		}
		l := track.Latest{Rank: s.Rank, Step: p.Step[i], TimeMS: p.TimeMS[i], Value: p.Value[i]}
		if !seen[k] || l.Step > b.Latest.Step || l.Compare(b.Latest) > 0 {
			*b, seen[k] = Value{s.Run, p.Keys[k], l}, true
		}
	}
	// A frame may name a key that none of this section's points has.
	out := best[:0]
	for k, v := range best {
		if seen[k] {
			out = append(out, v)
		}
	}
	return out
}

func (r *Run) mergeValues(values []Value) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range values {
		r.merge(values[i].Key, values[i].Latest)
	}
}

func (r *Run) merge(key string, l track.Latest) {
	if i, ok := r.index[key]; ok {
		if l.Compare(r.latest[i].Latest) > 0 {
			r.latest[i].Latest = l
			r.changed()
		}
		return
	}
	if r.index == nil {
		r.index = make(map[string]int32)
	}
	// Runs share most keys; one copy of each text is enough.
	key = unique.Make(key).Value()
	r.index[key] = int32(len(r.latest))
	r.latest = append(r.latest, Metric{key, l})
	r.keysBytes += int64(len(key)) + keyBytes
	r.sorted = false
	r.changed()
}

func (r *Run) changed() {
	r.version++
	r.encoded = [formsCount][]byte{}
}

// measure gives the run's size and number of keys.
func (r *Run) measure() (size int64, keys int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	size = runBytes + r.keysBytes + r.docBytes
	for _, e := range r.encoded {
		size += int64(len(e))
	}
	return size, len(r.latest)
}

// cached gives the encoded run if nothing changed since it was encoded, and the form that it is kept under:
// the forms differ for runs with model inputs only.
func (r *Run) cached(form Form, experiment *sgpb.Experiment) ([]byte, Form) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.doc.GetModelInputs()) == 0 {
		form = FormGet
	}
	if r.encodedStage != document.LifecycleOf(r.doc, experiment) {
		return nil, form
	}
	return r.encoded[form], form
}

// keep takes what was encoded of a version in a stage.
func (r *Run) keep(form Form, version uint64, stage sgpb.Lifecycle, json []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.version != version {
		return
	}
	if r.encodedStage != stage {
		r.encoded, r.encodedStage = [formsCount][]byte{}, stage
	}
	r.encoded[form] = json
}

func toMLflow(latest []Metric) []mlflow.Metric {
	out := make([]mlflow.Metric, len(latest))
	for i, m := range latest {
		out[i] = mlflow.Metric{Key: m.Key, Value: m.Latest.Value, TimeMS: m.Latest.TimeMS, Step: m.Latest.Step}
	}
	return out
}
