package source_test

import (
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/registry/source"
)

const (
	runID   = "00000000000000010000000000000001"
	modelID = "m-00000000000000010000000000000001"
)

func owner(id, root string) source.Owner {
	return source.Owner{ID: id, Root: func() (string, bool, error) { return root, root != "", nil }}
}

// The answers are those of MLflow's server 3.17.2.
func TestSources(t *testing.T) {
	const climbs, runOwns, modelOwns = "without relative path references present", "The run_id request parameter must identify", "The model_id request parameter must identify"
	run := owner(runID, "mlflow-artifacts:/0/"+runID+"/artifacts")
	localRun := owner(runID, "file:///data/0/"+runID+"/artifacts")
	model := owner(modelID, "mlflow-artifacts:/0/models/"+modelID+"/artifacts")
	nobody := owner("", "")
	for _, c := range []struct {
		source string
		check  func(string, source.Owner) error
		owner  source.Owner
		want   string
	}{
		{"s3://bucket/x", source.CheckRun, nobody, ""},
		{"s3://bucket/x/", source.CheckRun, nobody, ""},
		{"s3://bucket//x", source.CheckRun, nobody, ""},
		{"dbfs:/x", source.CheckRun, nobody, ""},
		{"gs://b/größe", source.CheckRun, nobody, ""},
		{"s3://bucket", source.CheckRun, nobody, climbs},
		{"s3://bucket/", source.CheckRun, nobody, climbs},
		{"s3://bucket/../x", source.CheckRun, nobody, climbs},
		{"s3://bucket/./x", source.CheckRun, nobody, climbs},
		{"s3://bucket/a/..", source.CheckRun, nobody, climbs},
		{"s3://bucket/%2e%2e/x", source.CheckRun, nobody, climbs},
		{"s3://bucket/..%2f..%2fx", source.CheckRun, nobody, climbs},
		{"s3://bucket/%25252e%25252e/x", source.CheckRun, nobody, climbs},
		{"s3://bucket/a%00", source.CheckRun, nobody, climbs},
		{"s3:relative", source.CheckRun, nobody, climbs},
		{"s3://bucket/x?a=/../b", source.CheckRun, nobody, climbs},
		{"s3://bucket/" + "%" + strings.Repeat("25", 400) + "2e2e/x", source.CheckRun, nobody, climbs},
		{"runs:/" + runID + "/model", source.CheckRun, run, ""},
		{"runs:/" + runID + "/model", source.CheckRun, nobody, runOwns},
		{"runs:/ffff/model", source.CheckRun, run, runOwns},
		{"runs://host/" + runID + "/model", source.CheckRun, run, runOwns},
		{"runs:/" + runID + "/../x", source.CheckRun, run, climbs},
		{"runs:/" + runID + "/model", source.CheckModel, model, modelOwns},
		{"models:/wine/1", source.CheckRun, nobody, ""},
		{"models:/" + modelID, source.CheckRun, nobody, modelOwns},
		{"models:/a/b/c", source.CheckRun, nobody, modelOwns},
		{"models:/" + modelID, source.CheckModel, model, ""},
		{"models:/m-ffff", source.CheckModel, model, modelOwns},
		{"models://host/" + modelID, source.CheckModel, model, modelOwns},
		{"mlflow-artifacts:/0/" + runID + "/artifacts/m", source.CheckRun, run, ""},
		{"mlflow-artifacts:/0/" + runID + "/artifacts", source.CheckRun, run, ""},
		{"mlflow-artifacts:/0/" + runID + "/artifacts2", source.CheckRun, run, runOwns},
		{"mlflow-artifacts:/0/" + runID, source.CheckRun, run, runOwns},
		{"mlflow-artifacts:/0/ffff/artifacts/m", source.CheckRun, run, runOwns},
		{"mlflow-artifacts:/0/" + runID + "/artifacts/m", source.CheckRun, nobody, runOwns},
		{"mlflow-artifacts:/0/" + runID + "/artifacts/m", source.CheckRun, owner(runID, ""), runOwns},
		{"mlflow-artifacts:/0/" + runID + "/artifacts/..%2f..", source.CheckRun, run, climbs},
		{"mlflow-artifacts:/0/models/" + modelID + "/artifacts", source.CheckModel, model, ""},
		{"mlflow-artifacts:/0/models/m-ffff/artifacts", source.CheckModel, model, modelOwns},
		{"s3://bucket/x", source.CheckModel, owner(modelID, ""), ""},
		{"/data/0/" + runID + "/artifacts/m", source.CheckRun, localRun, ""},
		{"file:///data/0/" + runID + "/artifacts/m", source.CheckRun, localRun, ""},
		{"file:///data/0/" + runID + "/artifacts/%6d", source.CheckRun, localRun, ""},
		{"/data/0/" + runID + "/artifacts/../../x", source.CheckRun, localRun, "local path has to be contained within the artifact directory"},
		{"/data/0/" + runID + "/artifacts2", source.CheckRun, localRun, "Invalid model version source: '/data/0/" + runID + "/artifacts2'"},
		{"/data/0/" + runID + "/artifacts/m", source.CheckRun, nobody, "the run_id request parameter has to be specified"},
		{"/data/0/" + runID + "/artifacts/m", source.CheckRun, run, "the run_id request parameter has to be specified"},
		{"/data/0/" + runID + "/artifacts/m", source.CheckRun, owner(runID, ""), runOwns},
		{"/data/m", source.CheckModel, owner(modelID, "/data"), ""},
		{"/data/m", source.CheckModel, owner(modelID, "/data/m/n"), "the model_id request parameter has to be specified"},
		{"data/m", source.CheckRun, owner(runID, "data"), "has to be contained"},
		{"file://far/data/m", source.CheckRun, localRun, "file://far/data/m is not a valid remote uri."},
		{"", source.CheckRun, localRun, "has to be contained"},
	} {
		err := c.check(c.source, c.owner)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q of %q: %v, want %q", c.source, c.owner.ID, err, c.want)
		}
	}
}

func TestSchemes(t *testing.T) {
	for s, refused := range map[string]bool{
		"s3://b/x": false, "mlflow-artifacts:/0/x": false, "mlflow-artifacts://host/0/x": true, "http://h/x": true, "HTTPS://h/x": true, "ftp:///x": true,
		"hdfs://h/x": true, "runs:/x": false, "/http/x": false, "gs://b/x": false,
	} {
		if err := source.CheckScheme(s); (err != nil) != refused {
			t.Errorf("%s: %v, want refused %v", s, err, refused)
		}
	}
	for s, refused := range map[string]bool{"dummy-source": false, "prompt-template": false, "s3://b/x": true, "": true} {
		if err := source.CheckPrompt(s); (err != nil) != refused {
			t.Errorf("prompt from %s: %v, want refused %v", s, err, refused)
		}
	}
}

func TestModelAddresses(t *testing.T) {
	for s, want := range map[string]source.Model{
		"models:/m-1":             {ID: "m-1"},
		"models:/wine/3":          {Name: "wine", Version: "3"},
		"models:/wine/latest":     {Name: "wine"},
		"models:/wine/Latest":     {Name: "wine"},
		"models:/wine/Production": {Name: "wine", Stage: "Production"},
		"models:/wine@champion":   {Name: "wine", Alias: "champion"},
		"models:/a@b@c":           {Name: "a@b", Alias: "c"},
		"models:/a#b/1":           {Name: "a#b", Version: "1"},
		"models:/a b/1":           {Name: "a b", Version: "1"},
	} {
		if got, ok := source.ParseModel(s); !ok || got != want {
			t.Errorf("%s: %+v %v, want %+v", s, got, ok, want)
		}
	}
	for _, s := range []string{"models:/", "models:", "models:/a/b/c", "models:/wine/", "models:/wine@", "runs:/wine/1", "wine/1", "models:/ /1"} {
		if got, ok := source.ParseModel(s); ok {
			t.Errorf("%s is read as %+v", s, got)
		}
	}
	if m, ok := source.ParseModel("models://host/wine/1"); !ok || !m.Foreign() {
		t.Error("an address of another registry is not told from one of this")
	}
}

// What is unquoted comes to rest or is refused, whatever it is.
func FuzzSources(f *testing.F) {
	f.Add("s3://b/%25252e")
	f.Add("models:/a@b")
	f.Add("file://x/%")
	f.Fuzz(func(t *testing.T, s string) {
		run := owner(runID, "/data/"+runID)
		if err := source.CheckRun(s, run); err == nil && strings.Contains(s, "/../") {
			for _, scheme := range []string{"s3:", "mlflow-artifacts:", "runs:", "models:"} {
				if strings.HasPrefix(s, scheme) {
					t.Errorf("%q climbs", s)
				}
			}
		}
		_ = source.CheckModel(s, owner(modelID, "mlflow-artifacts:/0/m"))
		_, _ = source.ParseModel(s)
	})
}
