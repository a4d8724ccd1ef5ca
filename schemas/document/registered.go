package document

import (
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// PromptTag is the tag that makes a registered model or a version a prompt.
const PromptTag = "mlflow.prompt.is_prompt"

// StageOf is the stage of a version, STAGE_UNSPECIFIED if there never was one of that number. A registered
// model's spans say it, so that what concerns many versions is decided on one document.
func StageOf(m *sgpb.RegisteredModel, version uint64) sgpb.Stage {
	if version == 0 || version > m.GetLastVersion() {
		return sgpb.Stage_STAGE_UNSPECIFIED
	}
	spans := m.GetSpans()
	i := after(spans, version)
	if i == 0 {
		return sgpb.Stage_STAGE_UNSPECIFIED
	}
	return spans[i-1].GetStage()
}

// after is the index of the first span that begins behind the version.
func after(spans []*sgpb.StageSpan, version uint64) int {
	i, _ := slices.BinarySearchFunc(spans, version, func(s *sgpb.StageSpan, v uint64) int {
		if s.GetFirst() <= v {
			return -1
		}
		return 1
	})
	return i
}

// SetStage puts a version into a stage. The version is one of the model's, or the next: then it is added.
func SetStage(m *sgpb.RegisteredModel, version uint64, stage sgpb.Stage) {
	was := StageOf(m, version)
	if was == stage || version == 0 {
		return
	}
	m.LastVersion = max(m.LastVersion, version)
	i := after(m.Spans, version)
	cut := []*sgpb.StageSpan{{First: version, Stage: stage}}
	from := i
	if was != sgpb.Stage_STAGE_UNSPECIFIED {
		// The span that holds the version is cut into what is before, the version, and what is behind.
		from = i - 1
		if m.Spans[from].GetFirst() < version {
			cut = slices.Insert(cut, 0, m.Spans[from])
		}
		if end := spanEnd(m, from); end > version {
			cut = append(cut, &sgpb.StageSpan{First: version + 1, Stage: was})
		}
	}
	m.Spans = slices.Replace(m.Spans, from, i, cut...)
	m.Spans = slices.CompactFunc(m.Spans, func(a, b *sgpb.StageSpan) bool { return a.GetStage() == b.GetStage() })
}

// spanEnd is the last version of span i.
func spanEnd(m *sgpb.RegisteredModel, i int) uint64 {
	if i+1 < len(m.GetSpans()) {
		return m.GetSpans()[i+1].GetFirst() - 1
	}
	return m.GetLastVersion()
}

// InStage lists the versions in a stage, ascending, at most limit of them.
func InStage(m *sgpb.RegisteredModel, stage sgpb.Stage, limit int) []uint64 {
	var out []uint64
	for i, s := range m.GetSpans() {
		if s.GetStage() != stage {
			continue
		}
		for v := s.GetFirst(); v <= spanEnd(m, i); v++ {
			if len(out) == limit {
				return out
			}
			out = append(out, v)
		}
	}
	return out
}

// LatestVersions lists the greatest version of each stage that has one, deleted versions left out, in the order
// in which the stages were first used, as MLflow does.
func LatestVersions(m *sgpb.RegisteredModel) []uint64 {
	latest := make(map[sgpb.Stage]uint64)
	var order []sgpb.Stage
	for i, s := range m.GetSpans() {
		if s.GetStage() == sgpb.Stage_STAGE_DELETED {
			continue
		}
		if _, seen := latest[s.GetStage()]; !seen {
			order = append(order, s.GetStage())
		}
		latest[s.GetStage()] = spanEnd(m, i)
	}
	out := make([]uint64, len(order))
	for i, stage := range order {
		out[i] = latest[stage]
	}
	return out
}

// AliasesOf lists the aliases of a version, sorted.
func AliasesOf(m *sgpb.RegisteredModel, version uint64) []string {
	var out []string
	for alias, v := range m.GetAliases() {
		if v == version {
			out = append(out, alias)
		}
	}
	slices.Sort(out)
	return out
}

// VersionUpdatedMS is when a version was last updated as MLflow counts: giving its model another name updates
// every version, without a write to any of them.
func VersionUpdatedMS(m *sgpb.RegisteredModel, v *sgpb.ModelVersion) int64 {
	return max(v.GetUpdatedMs(), m.GetRenamedMs())
}

// IsPrompt says whether tags make what carries them a prompt. MLflow looks at the tag's value when it reads
// one, and at its presence when it words a conflict of names (HasPromptTag).
func IsPrompt(tags map[string]string) bool {
	return strings.EqualFold(tags[PromptTag], "true")
}

// HasPromptTag says whether the tag is there, whatever its value.
func HasPromptTag(tags map[string]string) bool { _, ok := tags[PromptTag]; return ok }
