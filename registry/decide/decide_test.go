package decide_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// store knows every document: what is not in it does not exist.
type store map[string]*sgpb.Document

func (s store) Document(key string) (*sgpb.Document, bool) { return s[key], true }

// do decides and evolves, as the committer does, and lists what the histories remember.
func (s store) do(c decide.Command, id string) (*sgpb.Document, []string, error) {
	given := decide.Given{NowMS: 1000, ID: id, Lanes: 2, ArtifactRoot: "mlflow-artifacts:/"}
	d, err := decide.Decide(s, c, given)
	if err != nil {
		return nil, nil, err
	}
	var changes []string
	for _, e := range d.Events {
		next, change := decide.Evolve(s[e.Key], e, given.NowMS)
		s[e.Key] = next
		if change != nil {
			changes = append(changes, strings.Join([]string{fmt.Sprint(change.GetNumber()), change.GetWhat(), change.GetFrom(), change.GetTo()}, "|"))
		}
	}
	return s[d.Answer], changes, nil
}

const (
	run1  = "00000000000000010000000000000001"
	run2  = "00000000000000020000000000000002"
	other = "0000000000000001ffffffffffffffff"
)

// filled has experiments 0 and 1 (deleted), and run1 in experiment 0 with param p=1 and tag t=1.
func filled(t *testing.T) store {
	t.Helper()
	s := store{}
	for _, c := range []decide.Command{
		decide.CreateDefault{},
		decide.CreateExperiment{Name: "gone"},
		decide.DeleteExperiment{ID: "1"},
		decide.ForRun(track.CreateRun{Name: "first"}),
		decide.ForRun(track.LogBatch{RunID: run1, Params: kv("p", "1"), Tags: kv("t", "1")}),
	} {
		if _, _, err := s.do(c, run1); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func kv(pairs ...string) []*track.KeyValue {
	var out []*track.KeyValue
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, &track.KeyValue{Key: pairs[i], Value: pairs[i+1]})
	}
	return out
}

func TestRefusals(t *testing.T) {
	long := strings.Repeat("k", mlflow.KeyLengthMax+1)
	for name, c := range map[string]struct {
		command decide.Command
		code    track.Code
		message string
	}{
		"run in a missing experiment":           {decide.ForRun(track.CreateRun{ExperimentID: "9"}), track.ResourceDoesNotExist, "No Experiment with id=9 exists"},
		"run in a deleted experiment":           {decide.ForRun(track.CreateRun{ExperimentID: "1"}), track.InvalidParameterValue, "The experiment 1 must be in the 'active' state. Current state is deleted."},
		"run in an experiment deleted, by name": {decide.ForRun(track.CreateRun{ExperimentName: "gone"}), track.InvalidParameterValue, "The experiment 1 must be in the 'active' state."},
		"run with two names":                    {decide.ForRun(track.CreateRun{Name: "x", Tags: kv(mlflow.RunNameTag, "y")}), track.InvalidParameterValue, "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='x', mlflow.runName='y')."},
		"run id of the wrong form":              {decide.ForRun(track.CreateRun{ID: "x"}), track.InvalidParameterValue, "32 lower-case hex digits"},
		"run id that is there":                  {decide.ForRun(track.CreateRun{ID: run1}), track.ResourceAlreadyExists, "already exists"},
		"run number that is taken":              {decide.ForRun(track.CreateRun{ID: other}), track.InvalidParameterValue, "begins with the same 16 digits"},
		"missing run":                           {decide.ForRun(track.UpdateRun{RunID: run2}), track.ResourceDoesNotExist, "Run with id=" + run2 + " not found"},
		"run id that is no key":                 {decide.ForRun(track.DeleteRun{RunID: "a.>"}), track.ResourceDoesNotExist, "Run with id=a.> not found"},
		"param changed, alone":                  {decide.ForRun(track.LogBatch{RunID: run1, Params: kv("p", "2")}), track.InvalidParameterValue, "Changing param values is not allowed. Param with key='p' was already logged with value='1' for run ID='" + run1 + "'. Attempted logging new value '2'."},
		"param changed, in a batch":             {decide.ForRun(track.LogBatch{RunID: run1, Batch: true, Params: kv("q", "1", "p", "it's")}), track.InvalidParameterValue, `Changing param values is not allowed. Params were already logged='[{'key': 'p', 'old_value': '1', 'new_value': "it's"}]' for run ID='` + run1 + "'."},
		"param twice in a batch":                {decide.ForRun(track.LogBatch{RunID: run1, Batch: true, Params: kv("a", "1", "a", "1")}), track.InvalidParameterValue, "Duplicate parameter keys have been submitted: ['a']. Please ensure the request contains only one param value per param key."},
		"param key too long":                    {decide.ForRun(track.LogBatch{RunID: run1, Params: kv(long, "1")}), track.InvalidParameterValue, "'Param key' exceeds the maximum length of 250 characters"},
		"tag key too long":                      {decide.ForRun(track.LogBatch{RunID: run1, Batch: true, Tags: kv("a", "1", long, "1")}), track.InvalidParameterValue, "'tags[1].key' exceeds the maximum length of 250 characters"},
		"param key of the wrong form":           {decide.ForRun(track.LogBatch{RunID: run1, Batch: true, Params: kv("a$", "1")}), track.InvalidParameterValue, `Invalid value "a$" for parameter 'params[0].key' supplied`},
		"missing tag deleted":                   {decide.ForRun(track.DeleteTag{RunID: run1, Key: "none"}), track.ResourceDoesNotExist, "No tag with name: none in run with id " + run1},
		"dataset name too long":                 {decide.ForRun(track.LogInputs{RunID: run1, Datasets: []*sgpb.DatasetInput{{Dataset: &sgpb.Dataset{Name: strings.Repeat("n", 501)}}}}), track.InvalidParameterValue, "'name' exceeds the maximum length of 500 characters"},
		"name that is held":                     {decide.CreateExperiment{Name: "gone"}, track.ResourceAlreadyExists, "Experiment(name=gone) already exists."},
		"experiment id of letters":              {decide.RestoreExperiment{ID: "abc"}, track.InvalidParameterValue, "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."},
	} {
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			before := proto.Clone(s[document.RunKey(run1)])
			_, _, err := s.do(c.command, run2)
			if track.CodeOf(err) != c.code || !strings.Contains(fmt.Sprint(err), c.message) {
				t.Errorf("%s: %v\nwant %s: %s", track.CodeOf(err), err, c.code, c.message)
			}
			if !proto.Equal(before, s[document.RunKey(run1)]) {
				t.Error("a refused command has changed the run")
			}
		})
	}
}

func TestEffects(t *testing.T) {
	for name, c := range map[string]struct {
		command decide.Command
		changes string
		want    func(*sgpb.Document) bool
	}{
		"a run without a name gets one": {decide.ForRun(track.CreateRun{}), "", func(d *sgpb.Document) bool {
			r := d.GetRun()
			return len(strings.Split(r.GetName(), "-")) == 3 && r.GetTags()[mlflow.RunNameTag] == r.GetName() && r.GetArtifactUri() == "mlflow-artifacts:/0/"+run2+"/artifacts" && len(r.GetLanes()) == 1
		}},
		"a run named by its tag": {decide.ForRun(track.CreateRun{Tags: kv(mlflow.RunNameTag, "y")}), "", func(d *sgpb.Document) bool { return d.GetRun().GetName() == "y" }},
		"a run of many ranks gets more lanes": {decide.ForRun(track.CreateRun{Name: "x", Ranks: 1000}), "", func(d *sgpb.Document) bool {
			return len(d.GetRun().GetLanes()) == 2 && d.GetRun().GetLanes()[0] != d.GetRun().GetLanes()[1]
		}},
		"a run in a new experiment":     {decide.ForRun(track.CreateRun{Name: "x", ExperimentName: "new"}), "1|created||new", func(d *sgpb.Document) bool { return d.GetRun().GetExperimentId() == "2" }},
		"the same run again, leniently": {decide.ForRun(track.CreateRun{ID: run1, Lenient: true}), "", func(d *sgpb.Document) bool { return d.GetRun().GetName() == "first" }},
		"the same param again":          {decide.ForRun(track.LogBatch{RunID: run1, Params: kv("p", "1")}), "", func(d *sgpb.Document) bool { return len(d.GetRun().GetParams()) == 1 }},
		"the name tag renames":          {decide.ForRun(track.LogBatch{RunID: run1, Tags: kv(mlflow.RunNameTag, "second")}), "2|renamed|first|second", func(d *sgpb.Document) bool { return d.GetRun().GetName() == "second" }},
		"an empty name tag does nothing": {decide.ForRun(track.LogBatch{RunID: run1, Tags: kv(mlflow.RunNameTag, "")}), "", func(d *sgpb.Document) bool {
			return d.GetRun().GetName() == "first" && d.GetRun().GetTags()[mlflow.RunNameTag] == "first"
		}},
		"a rename writes the tag, a status its change": {decide.ForRun(track.UpdateRun{RunID: run1, Name: "n", Status: sgpb.RunStatus_RUN_STATUS_FINISHED, EndMS: 7}), "2|renamed|first|n,3|status|RUNNING|FINISHED", func(d *sgpb.Document) bool {
			return d.GetRun().GetTags()[mlflow.RunNameTag] == "n" && d.GetRun().GetEndMs() == 7
		}},
		"long values are cut": {decide.ForRun(track.LogBatch{RunID: run1, Params: kv("long", strings.Repeat("é", 6001)), Tags: kv("long", strings.Repeat("x", 9000))}), "", func(d *sgpb.Document) bool {
			return d.GetRun().GetParams()["long"] == strings.Repeat("é", 6000) && len(d.GetRun().GetTags()["long"]) == 8000
		}},
		"a run deleted":                            {decide.ForRun(track.DeleteRun{RunID: run1}), "2|deleted||", func(d *sgpb.Document) bool { return d.GetRun().GetDeletedMs() == 1000 }},
		"an active run restored":                   {decide.ForRun(track.RestoreRun{RunID: run1}), "", func(d *sgpb.Document) bool { return d.GetRun() != nil }},
		"an experiment restored":                   {decide.RestoreExperiment{ID: "1"}, "3|restored||", func(d *sgpb.Document) bool { return d.GetExperiment().GetLifecycleEpoch() == 2 }},
		"an experiment renamed":                    {decide.RenameExperiment{ID: "0", Name: "z"}, "2|renamed|Default|z", func(d *sgpb.Document) bool { return d.GetExperiment().GetName() == "z" }},
		"the default experiment is not made twice": {decide.CreateDefault{}, "", func(d *sgpb.Document) bool { return d.GetExperiment().GetChanges() == 1 }},
		"a warning of a run": {decide.ForRun(track.WarnRun{RunID: run1, Text: strings.Repeat("w", 2000)}), "", func(d *sgpb.Document) bool {
			return len(d.GetRun().GetWarnings()) == 1 && len(d.GetRun().GetWarnings()[0].GetText()) < 1100
		}},
	} {
		t.Run(name, func(t *testing.T) {
			doc, changes, err := filled(t).do(c.command, run2)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(changes, ","); got != c.changes {
				t.Errorf("remembered %q, want %q", got, c.changes)
			}
			if !c.want(doc) {
				t.Errorf("the document is %v", doc)
			}
		})
	}
}

func TestDecideNamesTheMissingDocument(t *testing.T) {
	_, err := decide.Decide(empty{}, decide.ForRun(track.DeleteRun{RunID: run1}), decide.Given{})
	var missing *decide.Missing
	if !errors.As(err, &missing) || missing.Key != document.RunKey(run1) {
		t.Fatalf("got %v", err)
	}
}

type empty struct{}

func (empty) Document(string) (*sgpb.Document, bool) { return nil, false }

func TestWarningsAreBounded(t *testing.T) {
	s := filled(t)
	for i := range 150 {
		if _, _, err := s.do(decide.ForRun(track.WarnRun{RunID: run1, Text: fmt.Sprint(i)}), ""); err != nil {
			t.Fatal(err)
		}
	}
	w := s[document.RunKey(run1)].GetRun().GetWarnings()
	if len(w) != 100 || w[99].GetText() != "149" {
		t.Fatalf("%d warnings, the newest %v", len(w), w[len(w)-1])
	}
}

func TestEvolveLeavesTheDocumentAsItIs(t *testing.T) {
	s := filled(t)
	before := s[document.RunKey(run1)]
	copied := proto.Clone(before)
	d, err := decide.Decide(s, decide.ForRun(track.UpdateRun{RunID: run1, Name: "n"}), decide.Given{Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	one, _ := decide.Evolve(before, d.Events[0], 5)
	two, _ := decide.Evolve(before, d.Events[0], 5)
	if !proto.Equal(before, copied) || !proto.Equal(one, two) || proto.Equal(one, before) {
		t.Fatal("Evolve is not pure")
	}
}
