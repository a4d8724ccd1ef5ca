package evaluation_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/evaluation"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const id = "00000000000000010000000000000001"

type store map[string]*sgpb.Document

func (s store) Document(key string) (*sgpb.Document, bool) { return s[key], true }

func (s store) do(r decide.Rule) error {
	d, err := decide.Decide(s, decide.By(r), decide.Given{NowMS: 7000, ID: id, Lanes: 1})
	if err != nil {
		return err
	}
	for _, e := range d.Events {
		s[e.Key], _ = decide.Evolve(s[e.Key], e, 7000)
	}
	return nil
}

func records(n, size int) (out []evaluation.Record) {
	for i := range n {
		out = append(out, evaluation.Record{Inputs: json.RawMessage(fmt.Sprintf(`{"n":%d,"text":"%s"}`, i, strings.Repeat("x", size)))})
	}
	return out
}

func TestADatasetHoldsEachInputOnceAndHasBounds(t *testing.T) {
	s := store{}
	dataset := "d-" + id
	if err := s.do(evaluation.Create{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	counts := new(evaluation.Counts)
	write := func(all []evaluation.Record) error {
		return s.do(evaluation.Upsert{ID: dataset, Records: all, Counts: counts})
	}
	if err := write(append(records(3, 1), records(2, 1)...)); err != nil || *counts != (evaluation.Counts{Inserted: 3, Updated: 2}) {
		t.Fatalf("%+v %v", counts, err)
	}
	before := proto.Clone(s[document.EvaluationRecordsKey(dataset)])
	for name, all := range map[string][]evaluation.Record{
		"too many records": records(evaluation.RecordsMax, 3),
		"too many bytes":   records(17, 1<<20),
		"no object":        {{Inputs: json.RawMessage(`[1]`)}},
		"too many fields":  {{Inputs: manyFields(300, 1<<10)}},
	} {
		if err := write(all); track.CodeOf(err) != track.InvalidParameterValue {
			t.Errorf("%s: %v", name, err)
		}
		if !proto.Equal(before, s[document.EvaluationRecordsKey(dataset)]) {
			t.Errorf("%s: the records changed", name)
		}
	}
	if err := s.do(evaluation.Delete{ID: dataset}); err != nil {
		t.Fatal(err)
	}
	if n := len(s[document.EvaluationRecordsKey(dataset)].GetEvaluationRecords().GetRecords()); n != 0 {
		t.Errorf("%d records outlive their dataset", n)
	}
	if err := write(records(1, 1)); track.CodeOf(err) != track.ResourceDoesNotExist {
		t.Errorf("a write to a deleted dataset: %v", err)
	}
}

// manyFields is an object of so many fields, whose names have so many bytes.
func manyFields(n, size int) json.RawMessage {
	all := make(map[string]int, n)
	for i := range n {
		all[fmt.Sprintf("%0*d", size, i)] = i
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return b
}

func TestExperimentsOfADatasetAreBounded(t *testing.T) {
	s := store{}
	for name, ids := range map[string][]string{"too many": make([]string, 401), "too long": {strings.Repeat("1", 65)}} {
		if err := s.do(evaluation.Create{Name: "a", ExperimentIDs: ids}); track.CodeOf(err) != track.InvalidParameterValue {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatWasReadOfRecordsDoesNotChange(t *testing.T) {
	s := store{}
	dataset := "d-" + id
	write := func(expectations string) decide.Rule {
		return evaluation.Upsert{ID: dataset, Counts: new(evaluation.Counts), Records: []evaluation.Record{
			{Inputs: json.RawMessage(`{"a":1}`), Expectations: json.RawMessage(expectations)},
		}}
	}
	for _, r := range []decide.Rule{evaluation.Create{Name: "a"}, write(`{"x":1}`)} {
		if err := s.do(r); err != nil {
			t.Fatal(err)
		}
	}
	read := s[document.EvaluationRecordsKey(dataset)]
	before := proto.Clone(read)
	if err := s.do(write(`{"y":2}`)); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(before, read) {
		t.Error("a reader's document was written to")
	}
	if got := s[document.EvaluationRecordsKey(dataset)].GetEvaluationRecords().GetRecords()[0].GetExpectations(); got != `{"x":1,"y":2}` {
		t.Errorf("joined expectations are %s", got)
	}
}

func TestVersionsOfAScorerAreNumbered(t *testing.T) {
	s := store{}
	register := evaluation.Register{ExperimentID: "0", Name: "a", Serialized: "{}", NewID: "u"}
	if err := s.do(register); track.CodeOf(err) != track.ResourceDoesNotExist {
		t.Errorf("without an experiment: %v", err)
	}
	for _, r := range []decide.Rule{register, register, evaluation.DeleteScorer{ExperimentID: "0", Name: "a", Version: 1}, register} {
		if _, ok := s[document.ExperimentKey("0")]; !ok {
			s[document.ExperimentKey("0")] = &sgpb.Document{Body: &sgpb.Document_Experiment{Experiment: &sgpb.Experiment{Id: "0", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}}}
		}
		if err := s.do(r); err != nil {
			t.Fatal(err)
		}
	}
	found := evaluation.FindScorer(s[document.ScorersKey("0")].GetScorers().GetScorers(), "a")
	if found.GetId() != "u" || len(found.GetVersions()) != 2 || evaluation.FindVersion(found, 0).GetVersion() != 3 {
		t.Errorf("%v", found)
	}
	register.Serialized = `"` + strings.Repeat("x", 16<<20) + `"`
	if err := s.do(register); track.CodeOf(err) != track.InvalidParameterValue {
		t.Errorf("scorers beyond the bound: %v", err)
	}
}
