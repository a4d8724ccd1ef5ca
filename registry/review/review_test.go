package review_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/registry/approval"
	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/review"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const wine = "00000000000000010000000000000001"

// house knows every document, and what the history of approvals remembers.
type house struct {
	docs    map[string]*sgpb.Document
	history []string
}

func (h *house) Document(key string) (*sgpb.Document, bool) { return h.docs[key], true }

func (h *house) do(r decide.Rule) error {
	given := decide.Given{NowMS: 7, ID: wine, Lanes: 1}
	if w, ok := r.(with); ok {
		r, given.By = w.Rule, w.token
	}
	d, err := decide.Decide(h, decide.By(r), given)
	if err != nil {
		return err
	}
	for _, e := range d.Events {
		next, change := decide.Evolve(h.docs[e.Key], e, 7)
		h.docs[e.Key] = next
		if change != nil && strings.HasPrefix(e.Key, document.ApprovalPrefix) {
			h.history = append(h.history, strings.Join([]string{change.GetBy(), change.GetWhat(), change.GetTo()}, "|"))
		}
	}
	return nil
}

func (h *house) must(t *testing.T, rules ...decide.Rule) {
	t.Helper()
	for _, r := range rules {
		if err := h.do(r); err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
	}
}

// refused wants a refusal with a code and a part of the message.
func (h *house) refused(t *testing.T, r decide.Rule, code track.Code, part string) {
	t.Helper()
	if err := h.do(r); err == nil || track.CodeOf(err) != code || !strings.Contains(err.Error(), part) {
		t.Errorf("%+v: %v, want %s %s", r, err, code, part)
	}
}

// with is a rule that comes with a token of that name.
type with struct {
	decide.Rule
	token string
}

var (
	id      = approval.ID(wine, 1, sgpb.Stage_STAGE_PRODUCTION)
	move    = with{catalog.MoveVersion{Name: "wine", Version: "1", Stage: "Production"}, "ann"}
	request = with{review.Request{Model: "wine", Version: "1", Stage: "production", Comment: "better"}, "ann"}
)

func judge(approved bool, token string) with {
	return with{review.Judge{ID: id, Approved: approved, Comment: "seen", By: "whoever"}, token}
}

// started has the model wine with two versions, whose stage Production needs n approvals.
func started(t *testing.T, n int64) *house {
	t.Helper()
	h := &house{docs: make(map[string]*sgpb.Document)}
	version := catalog.CreateVersion{Name: "wine", Source: "s3://b/x"}
	h.must(t, catalog.CreateModel{Name: "wine"}, version, version, review.Require{Model: "wine", Stage: "Production", Count: n})
	return h
}

func TestWithoutARequirementNothingIsAsked(t *testing.T) {
	h := started(t, 0)
	h.refused(t, request, track.InvalidParameterValue, "needs no approvals")
	h.must(t, move)
}

// A new model of the name would need no approvals.
func TestAModelThatNeedsApprovalsKeepsItsName(t *testing.T) {
	h := started(t, 1)
	h.refused(t, catalog.RenameModel{Name: "wine", NewName: "old"}, track.PermissionDenied, "`streamgauge registry require wine Production 0`")
	h.refused(t, catalog.DeleteModel{Name: "wine"}, track.PermissionDenied, "cannot be deleted")
	h.must(t, review.Require{Model: "wine", Stage: "Production", Count: 0}, catalog.RenameModel{Name: "wine", NewName: "old"})
}

func TestTwoPeopleApprove(t *testing.T) {
	h := started(t, 2)
	h.refused(t, move, track.PermissionDenied, "needs 2 approvals before it goes to stage 'Production', and nobody has asked for them; ask with POST /v1/approvals or `streamgauge registry request wine 1 Production`")
	h.must(t, request)
	h.refused(t, request, track.ResourceAlreadyExists, id)
	h.refused(t, judge(true, "ann"), track.PermissionDenied, "'ann' asked for this approval and cannot give it")
	h.must(t, judge(true, "bob"), judge(true, "bob"))
	h.refused(t, move, track.PermissionDenied, "has 1; others give them with POST /v1/approvals/"+id+"/approve")
	other := catalog.MoveVersion{Name: "wine", Version: "2", Stage: "Production"}
	h.must(t, judge(true, "eve"))
	h.refused(t, other, track.PermissionDenied, "nobody has asked")
	other.Version, other.Stage = "1", "Staging"
	h.must(t, other, move)
	h.refused(t, judge(true, "tom"), track.InvalidParameterValue, "is closed")
	// Back and forth needs another round.
	h.must(t, other)
	h.refused(t, move, track.PermissionDenied, "nobody has asked")
	h.must(t, request)
	want := []string{"ann|requested|better", "bob|approved|seen", "bob|approved|seen", "eve|approved|seen", "ann|closed|Production", "ann|requested|better"}
	if !slices.Equal(h.history, want) {
		t.Errorf("history %q, want %q", h.history, want)
	}
	if n := h.docs[document.ApprovalPrefix+id].GetApproval().GetChanges(); n != uint64(len(want)) {
		t.Errorf("%d changes are counted, want %d", n, len(want))
	}
}

func TestARejectionStandsUntilItIsTakenBack(t *testing.T) {
	h := started(t, 1)
	h.must(t, request, judge(true, "bob"), judge(false, "eve"))
	h.refused(t, move, track.PermissionDenied, "was rejected")
	h.must(t, judge(true, "eve"), move)

	h = started(t, 1)
	h.must(t, request, judge(false, "eve"), request)
	h.refused(t, move, track.PermissionDenied, "has 0")
}

func TestWhoeverAsksMayRejectHisOwn(t *testing.T) {
	h := started(t, 1)
	h.must(t, request, judge(false, "ann"))
	h.refused(t, move, track.PermissionDenied, "was rejected")
}

// Without tokens nobody's name is proven, so nobody can be kept from judging; a name still counts once.
func TestNamesThatAreNotProven(t *testing.T) {
	h := started(t, 2)
	claimed := func(by string) review.Judge { return review.Judge{ID: id, Approved: true, Comment: "seen", By: by} }
	h.must(t, request, claimed("ann"), claimed(""), claimed(""), move)
	if got := h.history[1:3]; !slices.Equal(got, []string{"|approved|ann: seen", "|approved|seen"}) {
		t.Errorf("history %q", got)
	}
}

func TestRefusals(t *testing.T) {
	h := started(t, 1)
	const invalid, missing = track.InvalidParameterValue, track.ResourceDoesNotExist
	h.refused(t, review.Require{Model: "wine", Stage: "Production", Count: -1}, invalid, "between 0, for no approvals, and 20")
	h.refused(t, review.Require{Model: "wine", Stage: "Production", Count: 21}, invalid, "between 0")
	h.refused(t, review.Require{Model: "wine", Stage: "Nowhere", Count: 1}, invalid, "Invalid Model Version stage: Nowhere")
	h.refused(t, review.Require{Model: "beer", Stage: "Production", Count: 1}, missing, "Registered Model with name=beer not found")
	h.refused(t, review.Request{Model: "wine", Version: "3", Stage: "Production"}, missing, "Model Version (name=wine, version=3) not found")
	h.refused(t, review.Request{Model: "wine", Version: "1", Stage: "None"}, invalid, "needs no approvals")
	for _, id := range []string{"", "x", wine, wine + ".1", wine + ".0.3", wine + ".1.>", wine + ".1.3.4", id} {
		h.refused(t, review.Judge{ID: id, Approved: true}, missing, "Approval request")
	}
}
