package catalog_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/naming"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// store knows every document: what is not in it does not exist.
type store map[string]*sgpb.Document

func (s store) Document(key string) (*sgpb.Document, bool) { return s[key], true }

const (
	wine  = "00000000000000010000000000000001" // the registered model's id, and a run's
	other = "00000000000000020000000000000002"
	now   = 2000
)

// do decides and evolves, as the committer does. It answers the keys that are written, heads of history left out,
// and what the histories remember.
func (s store) do(c decide.Command, id string, nowMS int64) (doc *sgpb.Document, written, changes []string, err error) {
	given := decide.Given{NowMS: nowMS, By: "bob", ID: id, Lanes: 1, ArtifactRoot: "mlflow-artifacts:/"}
	d, err := decide.Decide(s, c, given)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, e := range d.Events {
		next, change := decide.Evolve(s[e.Key], e, given.NowMS)
		s[e.Key] = next
		kind, _, _ := strings.Cut(e.Key, ".")
		written = append(written, kind)
		if change != nil {
			changes = append(changes, strings.Join([]string{change.GetBy(), change.GetWhat(), change.GetFrom(), change.GetTo()}, "|"))
		}
	}
	slices.Sort(written)
	return s[d.Answer], slices.Compact(written), changes, nil
}

// filled has the model wine with versions 1 in production, 2 in production, 3 new and 4 deleted, alias champion at
// 2; the prompt hello; run wine and logged model m-wine of it in experiment 0.
func filled(t *testing.T) store {
	t.Helper()
	s := store{}
	version := catalog.CreateVersion{Name: "wine", Source: "s3://b/x"}
	for i, c := range []decide.Command{
		decide.CreateDefault{},
		decide.ForRun(track.CreateRun{}),
		decide.CreateModel{ExperimentID: "0", SourceRunID: wine, Params: kv("p", "1")},
		decide.By(catalog.CreateModel{Name: "wine", Tags: kv("t", "1")}),
		decide.By(version), decide.By(version), decide.By(version), decide.By(version),
		decide.By(catalog.MoveVersion{Name: "wine", Version: "1", Stage: "Production"}),
		decide.By(catalog.MoveVersion{Name: "wine", Version: "2", Stage: "Production"}),
		decide.By(catalog.SetAlias{Name: "wine", Alias: "champion", Version: "2"}),
		decide.By(catalog.DeleteVersion{Name: "wine", Version: "4"}),
		decide.By(catalog.CreateModel{Name: "hello", Tags: kv(document.PromptTag, "true")}),
	} {
		id := wine
		if i == 12 {
			id = other
		}
		if _, _, _, err := s.do(c, id, 1000); err != nil {
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

func text(s string) *string { return &s }

func TestRefusals(t *testing.T) {
	long := strings.Repeat("x", naming.TagValueMax+1)
	const invalid, missing, taken = track.InvalidParameterValue, track.ResourceDoesNotExist, track.ResourceAlreadyExists
	create := func(source string, run, model *string) decide.Rule {
		return catalog.CreateVersion{Name: "wine", Source: source, RunID: run, ModelID: model}
	}
	for name, c := range map[string]struct {
		rule    decide.Rule
		code    track.Code
		message string
	}{
		"name taken":                        {catalog.CreateModel{Name: "wine"}, taken, "Registered Model (name=wine) already exists."},
		"prompt of a model's name":          {catalog.CreateModel{Name: "wine", Tags: kv(document.PromptTag, "true")}, taken, "Tried to create a prompt with name 'wine', but the name is already taken by a registered model. MLflow does not allow creating a model and a prompt with the same name."},
		"model of a prompt's name":          {catalog.CreateModel{Name: "hello"}, taken, "Tried to create a registered model with name 'hello', but the name is already taken by a prompt."},
		"prompt's name taken":               {catalog.CreateModel{Name: "hello", Tags: kv(document.PromptTag, "x")}, taken, "Prompt (name=hello) already exists."},
		"no name":                           {catalog.CreateModel{Name: "  "}, invalid, "Missing value for required parameter 'name'."},
		"slash":                             {catalog.CreateModel{Name: "a/b"}, invalid, "Invalid model name 'a/b'. Names cannot contain '/' or ':'."},
		"path":                              {catalog.CreateModel{Name: ".."}, invalid, "This name would resolve to '..'"},
		"long name":                         {catalog.CreateModel{Name: strings.Repeat("n", 257)}, invalid, "'name' exceeds the maximum length of 256 characters"},
		"long tag":                          {catalog.CreateModel{Name: "new", Tags: kv("k", long)}, invalid, "'value' exceeds the maximum length of 100000 characters"},
		"long prompt":                       {catalog.SetVersionTag{Name: "wine", Version: "1", Key: "mlflow.prompt.text", Value: long}, invalid, "Prompt text exceeds max length of 100000 characters."},
		"tag key":                           {catalog.SetModelTag{Name: "wine", Key: "a?"}, invalid, "Names may only contain"},
		"rename, unknown":                   {catalog.RenameModel{Name: "none", NewName: "x"}, missing, "Registered Model with name=none not found"},
		"rename, taken":                     {catalog.RenameModel{Name: "wine", NewName: "hello"}, taken, "Registered Model (name=hello) already exists."},
		"rename to nothing":                 {catalog.RenameModel{Name: "wine", NewName: " "}, invalid, "Missing value for required parameter 'new_name'."},
		"unknown model, tag":                {catalog.DeleteModelTag{Name: "none", Key: "k"}, missing, "Registered Model with name=none not found"},
		"unknown model, delete":             {catalog.DeleteModel{Name: "none"}, missing, "Registered Model with name=none not found"},
		"version of letters":                {catalog.DeleteVersion{Name: "wine", Version: "it's"}, invalid, `Parameter 'version' must be an integer, got "it's".`},
		"version below one":                 {catalog.DeleteVersion{Name: "wine", Version: "-1"}, missing, "Model Version (name=wine, version=-1) not found"},
		"version that was never":            {catalog.DeleteVersion{Name: "wine", Version: "5"}, missing, "Model Version (name=wine, version=5) not found"},
		"version that is deleted":           {catalog.DescribeVersion{Name: "wine", Version: "4"}, missing, "Model Version (name=wine, version=4) not found"},
		"version of an unknown model":       {catalog.SetVersionTag{Name: "none", Version: "1", Key: "k"}, missing, "Model Version (name=none, version=1) not found"},
		"alias of a deleted version":        {catalog.SetAlias{Name: "wine", Alias: "a", Version: "4"}, missing, "Model Version (name=wine, version=4) not found"},
		"alias latest":                      {catalog.SetAlias{Name: "wine", Alias: "LATEST", Version: "1"}, invalid, "'latest' alias name (case insensitive) is reserved."},
		"alias of a number":                 {catalog.SetAlias{Name: "wine", Alias: "V12", Version: "1"}, invalid, "Version alias name 'V12' is reserved."},
		"alias with a dot":                  {catalog.SetAlias{Name: "wine", Alias: "a.b", Version: "1"}, invalid, "Invalid alias name: 'a.b'."},
		"stage":                             {catalog.MoveVersion{Name: "wine", Version: "1", Stage: "Mars"}, invalid, "Invalid Model Version stage: Mars. Value must be one of None, Staging, Production, Archived."},
		"archive of none":                   {catalog.MoveVersion{Name: "wine", Version: "1", Stage: "Archived", Archive: true}, invalid, "because 'Archived' is not an Active stage. Valid stages are ['Staging', 'Production']"},
		"source of no run":                  {create("mlflow-artifacts:/0/"+wine+"/artifacts/m", nil, nil), invalid, "The run_id request parameter must identify the resource"},
		"source of an unknown run":          {create("mlflow-artifacts:/0/"+other+"/artifacts/m", text(other), nil), invalid, "The run_id request parameter must identify the resource"},
		"source of another logged model":    {create("models:/m-"+other, nil, text("m-"+wine)), invalid, "The model_id request parameter must identify the resource"},
		"unknown logged model":              {create("s3://b/x", nil, text("m-"+other)), missing, "Logged model with ID 'm-" + other + "' not found."},
		"unknown logged model, its address": {create("models:/m-"+other, nil, text("m-"+other)), missing, "Unable to fetch model from model URI source artifact location 'models:/m-" + other + "'.Error: Logged model with ID"},
		"source of a prompt":                {create("models:/hello/1", nil, nil), invalid, "Prompt versions cannot be used as model version sources."},
		"source of a deleted version":       {create("models:/wine/4", nil, nil), missing, "Model Version (name=wine, version=4) not found"},
		"source of no alias":                {create("models:/wine@none", nil, nil), invalid, "Registered model alias none not found."},
		"source of an empty stage":          {create("models:/wine/Staging", nil, nil), missing, "No versions of model with name 'wine' and stage 'Staging' found"},
		"source elsewhere":                  {create("models://host/wine/1", nil, nil), invalid, "Registered model sources must use the active model registry."},
		"source of another run than said":   {create("models:/wine/1", text("x"), nil), invalid, "The run_id and model_id request parameters must match the referenced model version."},
		"version of an unknown name":        {catalog.CreateVersion{Name: "none", Source: "s3://b/x"}, missing, "Registered Model with name=none not found"},
	} {
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			before := maps.Clone(s)
			_, _, _, err := s.do(decide.By(c.rule), other, now)
			if track.CodeOf(err) != c.code || !strings.Contains(fmt.Sprint(err), c.message) {
				t.Errorf("%s: %v\nwant %s: %s", track.CodeOf(err), err, c.code, c.message)
			}
			for key, doc := range s {
				if !proto.Equal(doc, before[key]) {
					t.Errorf("a refused command has changed %s", key)
				}
			}
		})
	}
}

func TestEffects(t *testing.T) {
	version := func(s store, n uint64) *sgpb.ModelVersion {
		return s[document.ModelVersionKey(wine, n)].GetModelVersion()
	}
	model := func(s store) *sgpb.RegisteredModel { return s[document.RegisteredModelKey(wine)].GetRegisteredModel() }
	for name, c := range map[string]struct {
		rule    decide.Rule
		written string
		changes string
		want    func(s store, answer *sgpb.Document) bool
	}{
		"a new name writes no version": {
			catalog.RenameModel{Name: "wine", NewName: "vin"}, "regmodel regname", "bob|renamed|wine|vin",
			func(s store, _ *sgpb.Document) bool {
				owner := func(name string) string { return s[document.RegisteredNameKey(name)].GetClaim().GetOwner() }
				return owner("wine") == "" && owner("vin") == document.RegisteredModelKey(wine) && model(s).GetName() == "vin" &&
					document.VersionUpdatedMS(model(s), version(s, 1)) == now
			},
		},
		"a name of its own is a name": {
			catalog.RenameModel{Name: "wine", NewName: "wine"}, "regmodel", "bob|renamed|wine|wine",
			func(s store, _ *sgpb.Document) bool { return model(s).GetUpdatedMs() == now },
		},
		"a deletion writes no version": {
			catalog.DeleteModel{Name: "wine"}, "regmodel regname", "bob|deleted|wine|",
			func(s store, _ *sgpb.Document) bool {
				return model(s).GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED && s[document.RegisteredNameKey("wine")].GetClaim().GetOwner() == ""
			},
		},
		"the next number counts deleted versions": {
			catalog.CreateVersion{Name: "wine", Source: "s3://b/y"}, "regmodel version", "",
			func(s store, a *sgpb.Document) bool {
				v := a.GetModelVersion()
				return v.GetVersion() == 5 && v.GetStatus() == "READY" && v.GetUser() == "bob" && v.GetStage() == sgpb.Stage_STAGE_NONE && model(s).GetUpdatedMs() == now
			},
		},
		"a version of a logged model is noted there": {
			catalog.CreateVersion{Name: "wine", Source: "models:/m-" + wine, ModelID: text("m-" + wine)}, "model regmodel version", "",
			func(s store, a *sgpb.Document) bool {
				v := a.GetModelVersion()
				m := s[document.LoggedModelKey("m-"+wine)].GetLoggedModel()
				return v.GetStorageLocation() == m.GetArtifactUri() && v.GetRunId() == wine && v.GetSource() == "models:/m-"+wine &&
					m.GetTags()[mlflow.ModelVersionsTag] == `[{"name": "wine", "version": 5}]`
			},
		},
		"a version of the champion": {
			catalog.CreateVersion{Name: "wine", Source: "models:/wine@champion"}, "regmodel version", "",
			func(_ store, a *sgpb.Document) bool {
				return a.GetModelVersion().GetSource() == "models:/wine/2" && a.GetModelVersion().GetStorageLocation() == "s3://b/x"
			},
		},
		"a version of the latest": {
			catalog.CreateVersion{Name: "wine", Source: "models:/wine/latest"}, "regmodel version", "",
			func(_ store, a *sgpb.Document) bool { return a.GetModelVersion().GetSource() == "models:/wine/3" },
		},
		"a version of what is in production": {
			catalog.CreateVersion{Name: "wine", Source: "models:/wine/production", RunID: text("")}, "regmodel version", "",
			func(_ store, a *sgpb.Document) bool { return a.GetModelVersion().GetSource() == "models:/wine/2" },
		},
		"a prompt's version": {
			catalog.CreateVersion{Name: "hello", Source: "dummy-source", Tags: kv(document.PromptTag, "true")}, "regmodel version", "",
			func(_ store, a *sgpb.Document) bool { return a.GetModelVersion().GetVersion() == 1 },
		},
		"one moves up and the others are archived": {
			catalog.MoveVersion{Name: "wine", Version: "3", Stage: "production", Archive: true}, "regmodel version",
			"bob|stage|Production|Archived bob|stage|Production|Archived bob|stage|None|Production",
			func(s store, _ *sgpb.Document) bool {
				return slices.Equal(document.InStage(model(s), sgpb.Stage_STAGE_PRODUCTION, 9), []uint64{3}) &&
					version(s, 1).GetStage() == sgpb.Stage_STAGE_ARCHIVED && version(s, 2).GetUpdatedMs() == now && version(s, 3).GetStage() == sgpb.Stage_STAGE_PRODUCTION
			},
		},
		"moved alone": {
			catalog.MoveVersion{Name: "wine", Version: "3", Stage: "Production"}, "regmodel version", "bob|stage|None|Production",
			func(s store, _ *sgpb.Document) bool {
				return slices.Equal(document.InStage(model(s), sgpb.Stage_STAGE_PRODUCTION, 9), []uint64{1, 2, 3})
			},
		},
		"a deleted version says nothing": {
			catalog.DeleteVersion{Name: "wine", Version: "2"}, "regmodel version", "bob|deleted|Production| bob|alias champion|2|",
			func(s store, _ *sgpb.Document) bool {
				v := version(s, 2)
				return v.GetDeleted() && v.GetSource() == "REDACTED-SOURCE-PATH" && v.GetRunId() == "REDACTED-RUN-ID" && v.GetRunLink() == "REDACTED-RUN-LINK" &&
					v.GetStorageLocation()+v.GetUser()+v.GetModelId()+v.GetDescription() == "" && len(model(s).GetAliases()) == 0
			},
		},
		"an alias moves": {
			catalog.SetAlias{Name: "wine", Alias: "champion", Version: " 1 "}, "regmodel", "bob|alias champion|2|1",
			func(s store, _ *sgpb.Document) bool { return model(s).GetAliases()["champion"] == 1 },
		},
		"an alias that is there is well": {catalog.SetAlias{Name: "wine", Alias: "champion", Version: "2"}, "", "", nil},
		"no alias to delete is well":     {catalog.DeleteAlias{Name: "wine", Alias: "none"}, "", "", nil},
		"no tag to delete is well":       {catalog.DeleteModelTag{Name: "wine", Key: "none"}, "", "", nil},
		"the same tag is well":           {catalog.SetModelTag{Name: "wine", Key: "t", Value: "1"}, "", "", nil},
		"a tag changes": {
			catalog.SetModelTag{Name: "wine", Key: "t", Value: "2"}, "regmodel", "bob|tag t|1|2",
			func(s store, _ *sgpb.Document) bool {
				return model(s).GetTags()["t"] == "2" && model(s).GetUpdatedMs() == 1000
			},
		},
		"a description is taken away": {
			catalog.DescribeVersion{Name: "wine", Version: "1"}, "version", "bob|description||",
			func(s store, _ *sgpb.Document) bool { return version(s, 1).GetNoDescription() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			answer, written, changes, err := s.do(decide.By(c.rule), other, now)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(written, " "); got != c.written {
				t.Errorf("written: %s, want %s", got, c.written)
			}
			if got := strings.Join(changes, " "); got != c.changes {
				t.Errorf("remembered: %s, want %s", got, c.changes)
			}
			if c.want != nil && !c.want(s, answer) {
				t.Errorf("not as it should be: %v", answer)
			}
		})
	}
}
