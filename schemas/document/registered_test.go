package document_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

var stages = []sgpb.Stage{
	sgpb.Stage_STAGE_NONE, sgpb.Stage_STAGE_STAGING, sgpb.Stage_STAGE_PRODUCTION, sgpb.Stage_STAGE_ARCHIVED, sgpb.Stage_STAGE_DELETED,
}

// A list of stages is the model of the spans.
func TestSpansAreAListOfStages(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		m := new(sgpb.RegisteredModel)
		var list []sgpb.Stage
		for range 200 {
			stage := stages[rng.IntN(len(stages))]
			if n := len(list); n == 0 || rng.IntN(3) == 0 {
				list = append(list, stage)
				document.SetStage(m, uint64(n+1), stage)
			} else {
				i := rng.IntN(n)
				list[i] = stage
				document.SetStage(m, uint64(i+1), stage)
			}
			compare(t, m, list)
		}
	}
}

func compare(t *testing.T, m *sgpb.RegisteredModel, list []sgpb.Stage) {
	t.Helper()
	latest := make(map[sgpb.Stage]uint64)
	var order []sgpb.Stage
	for i, s := range list {
		v := uint64(i + 1)
		if got := document.StageOf(m, v); got != s {
			t.Fatalf("version %d is in %v, want %v: %v of %v", v, got, s, m.GetSpans(), list)
		}
		if s == sgpb.Stage_STAGE_DELETED {
			continue
		}
		if latest[s] == 0 {
			order = append(order, s)
		}
		latest[s] = v
	}
	var want []uint64
	for _, s := range order {
		want = append(want, latest[s])
	}
	if got := document.LatestVersions(m); !slices.Equal(got, want) {
		t.Fatalf("latest versions %v, want %v of %v", got, want, list)
	}
	for _, s := range stages {
		var in []uint64
		for i, x := range list {
			if x == s {
				in = append(in, uint64(i+1))
			}
		}
		if got := document.InStage(m, s, len(list)); !slices.Equal(got, in) {
			t.Fatalf("in %v are %v, want %v", s, got, in)
		}
	}
	for i := 1; i < len(m.GetSpans()); i++ {
		if a, b := m.GetSpans()[i-1], m.GetSpans()[i]; a.GetStage() == b.GetStage() || a.GetFirst() >= b.GetFirst() {
			t.Fatalf("the spans are not minimal: %v", m.GetSpans())
		}
	}
	for _, v := range []uint64{0, uint64(len(list) + 1)} {
		if got := document.StageOf(m, v); got != sgpb.Stage_STAGE_UNSPECIFIED {
			t.Fatalf("version %d, which is not there, is in %v", v, got)
		}
	}
}

func TestTenThousandVersionsInAFewStagesAreAFewSpans(t *testing.T) {
	m := new(sgpb.RegisteredModel)
	for v := range uint64(10_000) {
		document.SetStage(m, v+1, sgpb.Stage_STAGE_NONE)
	}
	// Each version in its turn goes to production and the one before to the archive.
	for v := range uint64(10_000) {
		document.SetStage(m, v+1, sgpb.Stage_STAGE_PRODUCTION)
		document.SetStage(m, v, sgpb.Stage_STAGE_ARCHIVED)
		if len(m.GetSpans()) > 3 {
			t.Fatalf("%d spans after version %d", len(m.GetSpans()), v+1)
		}
	}
}
