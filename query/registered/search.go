package registered

import (
	"slices"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Search is one page of a search.
type Search struct {
	Where filter.Expr
	Order filter.Order
	From  filter.Cursor
	// Max is the size of the page.
	Max int
}

// FoundModel is a model with the latest version of each stage. The documents are shared: do not change them.
type FoundModel struct {
	Model  *sgpb.RegisteredModel
	Latest []*sgpb.ModelVersion
}

// FoundVersion is a version with its model.
type FoundVersion struct {
	Model   *sgpb.RegisteredModel
	Version *sgpb.ModelVersion
}

type hit[T any] struct {
	key  filter.Key
	item T
}

// Models finds a page of models; next is the token of the page behind it, if there is one.
func (s *Set) Models(q Search) (page []FoundModel, next string, err error) {
	where, withoutPrompts := q.Where.WithoutPrompts()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.left > 0 {
		return nil, "", s.tooMany()
	}
	var hits []hit[*model]
	for _, m := range s.models {
		if m.doc == nil || m.gone() || withoutPrompts && m.doc.GetTags()[document.PromptTag] == "true" {
			continue
		}
		if row := (filter.ModelRow{Model: m.doc}); where.Match(row) {
			hits = append(hits, hit[*model]{q.Order.Key(row), m})
		}
	}
	found, next := cut(hits, q)
	for _, m := range found {
		page = append(page, FoundModel{m.doc, m.latest()})
	}
	return page, next, nil
}

func (m *model) latest() (out []*sgpb.ModelVersion) {
	for _, n := range document.LatestVersions(m.doc) {
		if v := m.versions[n]; v != nil && !v.doc.GetDeleted() {
			out = append(out, v.doc)
		}
	}
	return out
}

// Versions finds a page of versions, as Models does of models.
func (s *Set) Versions(q Search) (page []FoundVersion, next string, err error) {
	where, withoutPrompts := q.Where.WithoutPrompts()
	// The name is the same for all versions of a model, and most searches name one.
	name, where := where.Split(filter.Name)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.left > 0 {
		return nil, "", s.tooMany()
	}
	var hits []hit[FoundVersion]
	for _, m := range s.models {
		if m.doc == nil || m.gone() || withoutPrompts && m.prompts > 0 || !name.Match(filter.ModelRow{Model: m.doc}) {
			continue
		}
		for _, v := range m.versions {
			if v.doc.GetDeleted() {
				continue
			}
			if row := (filter.VersionRow{Model: m.doc, Version: v.doc}); where.Match(row) {
				hits = append(hits, hit[FoundVersion]{q.Order.Key(row), FoundVersion{m.doc, v.doc}})
			}
		}
	}
	page, next = cut(hits, q)
	return page, next, nil
}

// cut sorts what was found and takes the page.
func cut[T any](hits []hit[T], q Search) (page []T, next string) {
	if q.From.After != nil {
		hits = slices.DeleteFunc(hits, func(h hit[T]) bool { return q.Order.CompareKeys(h.key, q.From.After) <= 0 })
	}
	slices.SortFunc(hits, func(a, b hit[T]) int { return q.Order.CompareKeys(a.key, b.key) })
	hits = hits[min(q.From.Offset, len(hits)):]
	if len(hits) > q.Max {
		hits = hits[:q.Max]
		next = q.Order.Token(hits[q.Max-1].key)
	}
	page = make([]T, len(hits))
	for i, h := range hits {
		page[i] = h.item
	}
	return page, next
}
