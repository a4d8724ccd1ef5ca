// Package registered holds the registry's models and versions in memory for the two searches over them.
//
//	documents' stream -> Observe ----+
//	                                 +-> Set -> Models, Versions (package filter) -> a page
//	ClickHouse at the start -> Add --+
//
// A search must know a model's name of now for each of its versions, whether any version of a model is a prompt,
// and what a client wrote a moment ago. All of that is at hand when everything is here, and the registry is
// small beside runs and points: a version is some 900 bytes, so 100,000 are 90 MB. What does not fit the bounds
// is refused and said so; everything by name, number and alias goes on, for it is read from the documents
// themselves, and so does SQL over the view registry.
//
// Documents come in any order and more than once; the greatest revision of each counts.
package registered

import (
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// VersionsMax bounds the versions in memory, deleted ones of living models included; BytesMax them and their
	// models.
	VersionsMax = 500_000
	BytesMax    = 384 << 20
	// modelBytes and versionBytes are what one costs beside its texts, tagsBytes what tags cost beside theirs.
	modelBytes, versionBytes, tagsBytes = 600, 450, 250
)

// Document is a registered model or a version at a revision.
type Document struct {
	Model    *sgpb.RegisteredModel
	Version  *sgpb.ModelVersion
	Revision uint64
}

// Options bound a Set; the zero value means VersionsMax and BytesMax.
type Options struct {
	VersionsMax int
	BytesMax    int64
}

// Set is all models and versions. It implements feed.Observer; its methods may be called at once by many.
type Set struct {
	opts Options

	mu       sync.RWMutex
	models   map[string]*model
	versions int
	bytes    int64
	// left counts the models and versions that did not fit.
	left int
}

// model is a registered model; doc is nil while only versions of it have come, or if it did not fit.
type model struct {
	doc      *sgpb.RegisteredModel
	revision uint64
	bytes    int64
	versions map[uint64]*version
	// left are the numbers of versions that did not fit and their revisions; leftOut says that of the model itself.
	left    map[uint64]uint64
	leftOut bool
	// prompts counts the versions that are prompts, deleted ones too: one makes all of them prompts to a search.
	prompts int
}

type version struct {
	doc      *sgpb.ModelVersion
	revision uint64
	bytes    int64
}

// New makes an empty set. It must observe the documents from their watermark on.
func New(opts Options) *Set {
	if opts.VersionsMax == 0 {
		opts.VersionsMax = VersionsMax
	}
	if opts.BytesMax == 0 {
		opts.BytesMax = BytesMax
	}
	return &Set{opts: opts, models: make(map[string]*model)}
}

var _ feed.Observer = (*Set)(nil)

// ObserveSections and DocumentsApplied are of no interest here.
func (s *Set) ObserveSections([]*feed.Section) {}

// DocumentsApplied is not needed: nothing here is ever dropped for ClickHouse to answer.
func (s *Set) DocumentsApplied(uint64) {}

// ObserveDocuments joins what the stream brings.
func (s *Set) ObserveDocuments(docs []feed.Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range docs {
		if strings.HasPrefix(d.Key, document.RegisteredModelPrefix) || strings.HasPrefix(d.Key, document.ModelVersionPrefix) {
			s.add(Document{Model: d.Doc.GetRegisteredModel(), Version: d.Doc.GetModelVersion(), Revision: d.Revision})
		}
	}
}

// Add joins what ClickHouse has.
func (s *Set) Add(docs []Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range docs {
		s.add(d)
	}
}

func (s *Set) add(d Document) {
	switch {
	case d.Model != nil:
		s.addModel(d.Model, d.Revision)
	case d.Version != nil:
		s.addVersion(d.Version, d.Revision)
	}
}

func (s *Set) model(id string) *model {
	m := s.models[id]
	if m == nil {
		m = &model{versions: make(map[uint64]*version)}
		s.models[id] = m
	}
	return m
}

func (s *Set) addModel(doc *sgpb.RegisteredModel, revision uint64) {
	m := s.model(doc.GetId())
	if revision <= m.revision {
		return
	}
	s.forget(m)
	m.revision = revision
	if doc.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED {
		s.empty(m)
		return
	}
	size := modelBytes + cost(doc, doc.GetTags())
	if s.bytes+size > s.opts.BytesMax {
		m.leftOut = true
		s.left++
		return
	}
	m.doc, m.bytes = doc, size
	s.bytes += size
}

// forget takes a model's own document out.
func (s *Set) forget(m *model) {
	s.bytes -= m.bytes
	if m.leftOut {
		s.left--
	}
	m.doc, m.bytes, m.leftOut = nil, 0, false
}

// empty makes a model a deleted one. The entry stays: a version that comes late must not bring the model back.
func (s *Set) empty(m *model) {
	for _, v := range m.versions {
		s.bytes -= v.bytes
	}
	s.versions -= len(m.versions)
	s.left -= len(m.left)
	m.doc, m.versions, m.left, m.prompts = &sgpb.RegisteredModel{Lifecycle: sgpb.Lifecycle_LIFECYCLE_DELETED}, nil, nil, 0
}

// cost is what a document's texts and tags take in memory.
func cost(doc proto.Message, tags map[string]string) int64 {
	if len(tags) == 0 {
		return int64(proto.Size(doc))
	}
	return int64(proto.Size(doc)) + tagsBytes
}

func (m *model) gone() bool { return m.doc.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED }

func (s *Set) addVersion(doc *sgpb.ModelVersion, revision uint64) {
	m := s.model(doc.GetRegisteredModelId())
	if m.gone() {
		return
	}
	old := m.versions[doc.GetVersion()]
	if old != nil && revision <= old.revision || revision <= m.left[doc.GetVersion()] {
		return
	}
	v := &version{doc: doc, revision: revision, bytes: versionBytes + cost(doc, doc.GetTags())}
	if old != nil {
		s.bytes -= old.bytes
		s.versions--
		m.prompts -= prompts(old)
		delete(m.versions, doc.GetVersion())
	}
	if s.versions >= s.opts.VersionsMax || s.bytes+v.bytes > s.opts.BytesMax {
		s.leave(m, doc.GetVersion(), revision)
		return
	}
	if _, was := m.left[doc.GetVersion()]; was {
		delete(m.left, doc.GetVersion())
		s.left--
	}
	m.versions[doc.GetVersion()] = v
	s.versions++
	s.bytes += v.bytes
	m.prompts += prompts(v)
}

// leave notes a version that does not fit; it counts once.
func (s *Set) leave(m *model, number, revision uint64) {
	if _, was := m.left[number]; !was {
		s.left++
	}
	if m.left == nil {
		m.left = make(map[uint64]uint64)
	}
	m.left[number] = revision
}

// prompts is 1 for a version that MLflow's search takes for a prompt's; it compares the tag's text exactly.
func prompts(v *version) int {
	if v.doc.GetTags()[document.PromptTag] == "true" {
		return 1
	}
	return 0
}

// Counts says how many models and versions are here, and in how many bytes.
func (s *Set) Counts() (models, versions int, bytes int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.models), s.versions, s.bytes
}

func (s *Set) tooMany() error {
	return track.Errorf(track.NotImplemented, "The registry has more versions than are searched in memory (%d, or %d MiB). Get them by name and number, or ask the view streamgauge.registry with SQL", s.opts.VersionsMax, s.opts.BytesMax>>20)
}
