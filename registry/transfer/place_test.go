package transfer_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/transfer"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	runID   = "0123456789abcdef0000000000000001"
	modelID = "fedcba98765432100000000000000001"
)

// store is documents in memory: what is not in it does not exist.
type store map[string]*sgpb.Document

func (s store) Document(key string) (*sgpb.Document, bool) { return s[key], true }

// place carries out a command.
func (s store) place(p transfer.Place) (outcome string, err error) {
	p.Outcome = &outcome
	d, err := decide.Decide(s, decide.By(p), decide.Given{NowMS: 99, Lanes: 4})
	if err != nil {
		return "", err
	}
	for _, e := range d.Events {
		next, _ := decide.Evolve(s[e.Key], e, 99)
		s[e.Key] = next
	}
	return outcome, nil
}

func (s store) want(t *testing.T, p transfer.Place, outcome string) {
	t.Helper()
	got, err := s.place(p)
	if err != nil || got != outcome {
		t.Errorf("%s: %s, %v; want %s", transfer.What(p.Doc), got, err, outcome)
	}
}

func refused(t *testing.T, err error, code track.Code, text string) {
	t.Helper()
	var e *track.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, text) {
		t.Errorf("%v; want %s with %q", err, code, text)
	}
}

func alertRule(id, text string, more ...string) transfer.Place {
	rules := &sgpb.AlertRules{Rules: []*sgpb.AlertRule{{Id: id, Rule: []byte(text), Secrets: [][]byte{[]byte("sealed")}, CreatedMs: 7, CreatedBy: "ann", Revision: 3}}}
	for _, id := range more {
		rules.Rules = append(rules.Rules, &sgpb.AlertRule{Id: id, Rule: []byte(text)})
	}
	return transfer.Place{Doc: &sgpb.Document{Body: &sgpb.Document_AlertRules{AlertRules: rules}}}
}

// TestAlertsComeDisabled: an alert is added to those that are there without its secrets, and what was made of it stays.
func TestAlertsComeDisabled(t *testing.T) {
	s := make(store)
	const text = `{"name": "n", "enabled": true, "experiment_ids": ["1"], "kind": "nan", "channels": [{"type": "slack", "url": "https://hooks.example.org/a/b"}]}`
	s.want(t, alertRule(runID, text), transfer.Created)
	s.want(t, alertRule(modelID, text), transfer.Created)
	s.want(t, alertRule(runID, text), transfer.Same)
	rules := s[document.AlertRules].GetAlertRules()
	for i, r := range rules.GetRules() {
		if r.GetRevision() != uint64(i)+1 || len(r.GetSecrets()) != 0 || r.GetCreatedMs() != 7 || r.GetCreatedBy() != "ann" || strings.Contains(string(r.GetRule()), "/a/b") ||
			!strings.Contains(string(r.GetRule()), `"enabled":false`) {
			t.Errorf("%v", r)
		}
	}
	if len(rules.GetRules()) != 2 || rules.GetRevisions() != 2 {
		t.Errorf("%v", rules)
	}
	s.want(t, alertRule(runID, strings.Replace(text, "nan", "nan\", \"metric\": \"loss", 1)), transfer.Matched)
	_, err := s.place(alertRule("../x", text))
	refused(t, err, track.InvalidParameterValue, "hex")
	_, err = s.place(alertRule(runID, "{"))
	refused(t, err, track.InvalidParameterValue, "0 that can be read")
	_, err = s.place(alertRule("0"+runID[1:], text, runID))
	refused(t, err, track.InvalidParameterValue, "2 that can be read")
	_, err = s.place(alertRule("1"+runID[1:], `{"name": "", "kind": "nan"}`))
	refused(t, err, track.InvalidParameterValue, "name")
}

func alertEvent(e *sgpb.AlertEvent) transfer.Place {
	return transfer.Place{Doc: &sgpb.Document{Body: &sgpb.Document_AlertEvent{AlertEvent: e}}}
}

// TestWhatAnAlertFoundIsToldNobodyAgain: an event is placed as it was, but for what waited and what receivers said.
func TestWhatAnAlertFoundIsToldNobodyAgain(t *testing.T) {
	s := make(store)
	id := strings.Repeat("0a", 32) + "-fired"
	e := &sgpb.AlertEvent{Number: 7, Id: id, Episode: id, RuleId: runID, RuleRevision: 5, RuleName: "n", Kind: "nan", RunId: runID, Experiment: 3, Value: math.Inf(1), FoundMs: 9, Deliveries: []*sgpb.AlertDelivery{
		{Channel: "webhook", Id: "a", Attempts: 2, Status: 500, Error: "the receiver answered 500: secrets of it"}, {Channel: "email", Id: "b", Attempts: 1, Delivered: true},
		{Channel: "slack", Id: "c", Attempts: 10, Error: "dial tcp 10.0.0.1:80: refused", GivenUp: true},
	}}
	s.want(t, alertEvent(e), transfer.Created)
	s.want(t, alertEvent(e), transfer.Same)
	want := proto.CloneOf(e)
	want.Deliveries[0].GivenUp, want.Deliveries[0].Error = true, alert.NotTold
	want.Deliveries[2].Error = alert.Brief("trouble", 0)
	placed := s[document.AlertImportedKey(id)]
	if !proto.Equal(placed.GetAlertEvent(), want) {
		t.Errorf("placed %v, want %v", placed.GetAlertEvent(), want)
	}
	if again := document.Portable(placed, nil); !proto.Equal(again, placed) {
		t.Errorf("exported again it is %v", again)
	}
	if n := s[document.AlertRules].GetAlertRules().GetRevisions(); n != e.GetRuleRevision() {
		t.Errorf("the next alert gets revision %d: what it finds may have the id of what was found elsewhere", n+1)
	}
	told := proto.CloneOf(e) // the receiver came back after the first export
	told.Deliveries[0].Attempts, told.Deliveries[0].Delivered = 3, true
	s.want(t, alertEvent(told), transfer.Same)
	if !proto.Equal(s[document.AlertImportedKey(id)], placed) {
		t.Error("what was imported first did not stay")
	}
	other := proto.CloneOf(e)
	other.Value = 1
	_, err := s.place(alertEvent(other))
	refused(t, err, track.ResourceAlreadyExists, "differs")
	_, err = s.place(alertEvent(&sgpb.AlertEvent{Id: "../x"}))
	refused(t, err, track.InvalidParameterValue, "alertEvent.id")
	late := proto.CloneOf(e)
	late.Id, late.RuleRevision = "1"+id[1:], 1<<63
	_, err = s.place(alertEvent(late))
	refused(t, err, track.InvalidParameterValue, "revision")
}

func experiment(e *sgpb.Experiment) *sgpb.Document {
	return &sgpb.Document{Body: &sgpb.Document_Experiment{Experiment: e}}
}

func run(r *sgpb.Run) *sgpb.Document { return &sgpb.Document{Body: &sgpb.Document_Run{Run: r}} }

func TestAnExperimentKeepsAnIDThatNobodyHasHadAndIsFoundByItsName(t *testing.T) {
	s := store{document.ExperimentCounter: {Body: &sgpb.Document_Counter{Counter: &sgpb.Counter{Next: 3}}}}
	a := &sgpb.Experiment{Id: "7", Name: "a", ArtifactLocation: "mlflow-artifacts:/7", CreatedMs: 5, Changes: 1, Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}
	s.want(t, transfer.Place{Doc: experiment(a)}, transfer.Created)
	if got := s[document.ExperimentKey("7")].GetExperiment(); !proto.Equal(got, a) {
		t.Errorf("placed %v, want %v", got, a)
	}
	if n := s[document.ExperimentCounter].GetCounter().GetNext(); n != 8 {
		t.Errorf("the next id is %d; 7 would be given twice", n)
	}
	s.want(t, transfer.Place{Doc: experiment(a)}, transfer.Same)
	other := proto.CloneOf(a)
	other.Tags = map[string]string{"k": "v"}
	s.want(t, transfer.Place{Doc: experiment(other)}, transfer.Matched)
	if len(s[document.ExperimentKey("7")].GetExperiment().GetTags()) > 0 {
		t.Error("an experiment that was there has been changed")
	}
	b := &sgpb.Experiment{Id: "7", Name: "b", ArtifactLocation: "mlflow-artifacts:/7/x", Lifecycle: sgpb.Lifecycle_LIFECYCLE_DELETED}
	s.want(t, transfer.Place{Doc: experiment(b)}, transfer.Created)
	got := s[document.ExperimentKey("8")].GetExperiment()
	if got.GetArtifactLocation() != "mlflow-artifacts:/8/x" || got.GetLifecycleEpoch() != 1 || got.GetLifecycle() != sgpb.Lifecycle_LIFECYCLE_DELETED {
		t.Errorf("under another id: %v", got)
	}
	if owner := s[document.ExperimentNameKey("b")].GetClaim().GetOwner(); owner != document.ExperimentKey("8") {
		t.Errorf("the name belongs to %q", owner)
	}
}

func TestTheDefaultExperimentIsOverwrittenOnlyWhileNobodyHasTouchedIt(t *testing.T) {
	pristine := &sgpb.Experiment{Id: "0", Name: "Default", CreatedMs: 1, Changes: 1}
	s := store{document.ExperimentKey("0"): experiment(pristine), document.ExperimentNameKey("Default"): {Body: &sgpb.Document_Claim{Claim: &sgpb.Claim{Owner: document.ExperimentKey("0")}}}}
	theirs := &sgpb.Experiment{Id: "0", Name: "Default", CreatedMs: 77, Changes: 1, Tags: map[string]string{"k": "v"}}
	s.want(t, transfer.Place{Doc: experiment(theirs)}, transfer.Created)
	if got := s[document.ExperimentKey("0")].GetExperiment(); !proto.Equal(got, theirs) {
		t.Errorf("it is %v", got)
	}
	later := proto.CloneOf(theirs)
	later.CreatedMs = 78
	s.want(t, transfer.Place{Doc: experiment(later)}, transfer.Matched)
}

func TestARunKeepsWhatItWasAndGetsLanesOfHere(t *testing.T) {
	s := store{document.ExperimentKey("3"): experiment(&sgpb.Experiment{Id: "3", LifecycleEpoch: 4, Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE})}
	r := &sgpb.Run{Id: runID, ExperimentId: "3", UpdatedMs: 12, DeletedMs: 11, Lifecycle: sgpb.Lifecycle_LIFECYCLE_DELETED, Changes: 2, Ranks: 1}
	change := &sgpb.Change{Document: "elsewhere", Number: 2, TimeMs: 11, By: "ann", What: "deleted"}
	s.want(t, transfer.Place{Doc: run(r), Changes: []*sgpb.Change{change}}, transfer.Created)
	got := s[document.RunKey(runID)].GetRun()
	want := uint32(track.LanesOf(runID, 1, 4)[0])
	if got.GetUpdatedMs() != 12 || got.GetLifecycleEpoch() != 4 || len(got.GetLanes()) != 1 || got.GetLanes()[0] != want {
		t.Errorf("placed %v", got)
	}
	remembered := s[document.HistoryKey(document.RunKey(runID), 2)].GetChange()
	if remembered.GetTimeMs() != 11 || remembered.GetBy() != "ann" || remembered.GetDocument() != document.RunKey(runID) {
		t.Errorf("its history is %v", remembered)
	}
	s.want(t, transfer.Place{Doc: run(r)}, transfer.Same)
	changed := proto.CloneOf(r)
	changed.Tags = map[string]string{"k": "v"}
	_, err := s.place(transfer.Place{Doc: run(changed)})
	refused(t, err, track.ResourceAlreadyExists, runID)
	sibling := proto.CloneOf(r)
	sibling.Id = runID[:31] + "2"
	_, err = s.place(transfer.Place{Doc: run(sibling)})
	refused(t, err, track.ResourceAlreadyExists, "same 16 digits")
	homeless := proto.CloneOf(r)
	homeless.Id, homeless.ExperimentId = "1"+runID[1:], "9"
	_, err = s.place(transfer.Place{Doc: run(homeless)})
	refused(t, err, track.InvalidParameterValue, "is not there")
	s.want(t, transfer.Place{Doc: run(homeless), Check: true}, transfer.Created)
}

func TestARunDeletedWithItsExperimentIsRestoredWithIt(t *testing.T) {
	deleted := &sgpb.Experiment{Id: "3", LifecycleEpoch: 1, Lifecycle: sgpb.Lifecycle_LIFECYCLE_DELETED}
	s := store{document.ExperimentKey("3"): experiment(deleted)}
	r := &sgpb.Run{Id: runID, ExperimentId: "3", UpdatedMs: 1, Lifecycle: sgpb.Lifecycle_LIFECYCLE_DELETED, DeletedWithExperiment: true}
	s.want(t, transfer.Place{Doc: run(r)}, transfer.Created)
	got := s[document.RunKey(runID)].GetRun()
	if got.GetDeletedWithExperiment() {
		t.Error("what only readers set is stored")
	}
	if seen := document.Effective(got, deleted); !seen.GetDeletedWithExperiment() || seen.GetLifecycle() != sgpb.Lifecycle_LIFECYCLE_DELETED {
		t.Errorf("seen as %v", seen)
	}
	s.want(t, transfer.Place{Doc: run(r)}, transfer.Same)
}

func TestARegisteredModelNeedsItsName(t *testing.T) {
	model := func(id string) *sgpb.Document {
		return &sgpb.Document{Body: &sgpb.Document_RegisteredModel{RegisteredModel: &sgpb.RegisteredModel{Id: id, Name: "net", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}}}
	}
	s := store{}
	s.want(t, transfer.Place{Doc: model(modelID)}, transfer.Created)
	s.want(t, transfer.Place{Doc: model(modelID)}, transfer.Same)
	_, err := s.place(transfer.Place{Doc: model("0" + modelID[1:])})
	refused(t, err, track.ResourceAlreadyExists, "Another registered model has the name 'net'")
	gone := model("1" + modelID[1:])
	gone.GetRegisteredModel().Lifecycle = sgpb.Lifecycle_LIFECYCLE_DELETED
	s.want(t, transfer.Place{Doc: gone}, transfer.Created)
}

func TestWhatIsNoDocumentIsRefused(t *testing.T) {
	bad := map[string]*sgpb.Document{
		"says no key":     {},
		"its history":     {Body: &sgpb.Document_Change{Change: &sgpb.Change{}}},
		"a token":         {Body: &sgpb.Document_Token{Token: &sgpb.Token{Id: runID}}},
		"a lease":         {Body: &sgpb.Document_Lease{Lease: &sgpb.Lease{}}},
		"a run's id":      run(&sgpb.Run{Id: "../x"}),
		"no number":       experiment(&sgpb.Experiment{Id: "07", Name: "x"}),
		"no name":         experiment(&sgpb.Experiment{Id: "7"}),
		"records of what": {Body: &sgpb.Document_EvaluationRecords{EvaluationRecords: &sgpb.EvaluationRecords{}}},
	}
	for name, doc := range bad {
		s := store{}
		if outcome, err := s.place(transfer.Place{Doc: doc}); track.CodeOf(err) != track.InvalidParameterValue || len(s) > 0 {
			t.Errorf("%s: %q, %v, and %d documents", name, outcome, err, len(s))
		}
	}
}
