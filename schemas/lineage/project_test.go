package lineage_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

const (
	runA = "0123456789abcdef0123456789abcdef"
	runB = "fedcba9876543210fedcba9876543210"
)

func show(p lineage.Projection) []string {
	var out []string
	for _, e := range p.Edges {
		out = append(out, fmt.Sprintf("%s -%s-> %s %d..%d %v", e.From, e.Kind, e.To, e.SinceMS, e.UntilMS, e.Attributes))
	}
	return out
}

func aRun() *sgpb.Run {
	return &sgpb.Run{
		Id: runA, ExperimentId: "6", Name: "fit", CreatedMs: 100, UpdatedMs: 300, Status: sgpb.RunStatus_RUN_STATUS_FINISHED,
		Inputs: []*sgpb.DatasetInput{
			{Dataset: &sgpb.Dataset{Name: "wine", Digest: "d1", SourceType: "s3", Source: `{"uri":"s3://b/wine"}`}, Tags: map[string]string{"mlflow.data.context": "train"}, AddedMs: 150},
			{Dataset: &sgpb.Dataset{Name: "raw.csv", Digest: "h1", SourceType: "dvc", Source: `{"file":"x.dvc","md5":"h1"}`}},
			{Dataset: &sgpb.Dataset{Name: "made", Digest: "d2", SourceType: "code", Source: `{"tags":{"mlflow.source.name":"/a.py"}}`}},
			{Dataset: &sgpb.Dataset{Name: "text", Digest: "d3", SourceType: "hugging_face", Source: `{"path":"wikitext"}`}},
		},
		ModelInputs: []string{"m-old", "m-new"}, ModelInputsMs: map[string]int64{"m-new": 160},
		ModelOutputs: []*sgpb.ModelOutput{{ModelId: "m-out", Step: 7, AddedMs: 200}},
		Fork:         &sgpb.Fork{RunId: runB, Step: 40},
		Tags: map[string]string{
			"mlflow.parentRunId": runB, "mlflow.source.git.commit": "c0ffee", "mlflow.source.git.repoURL": "https://me:pw@host/repo",
			"mlflow.source.type": "PROJECT", "mlflow.source.name": "git@host:x/y#sub", "mlflow.project.entryPoint": "main",
			"streamgauge.dvc.raw.csv": "h1", "streamgauge.dvc.other": "h2", "mlflow.user": "ann",
		},
	}
}

func ofRun(r *sgpb.Run) lineage.Projection {
	p, _ := lineage.Of(&sgpb.Document{Body: &sgpb.Document_Run{Run: r}})
	return p
}

func TestARunTellsOfItsInputsOutputsAndOrigin(t *testing.T) {
	t.Parallel()
	want := []string{
		"dataset:wine@d1 -input-> run:" + runA + " 150..0 map[context:train]",
		"source:s3://b/wine -holds-> dataset:wine@d1 150..0 map[source_type:s3]",
		"dataset:raw.csv@h1 -input-> run:" + runA + " 100..0 map[]",
		"dataset:made@d2 -input-> run:" + runA + " 100..0 map[]",
		"dataset:text@d3 -input-> run:" + runA + " 100..0 map[]",
		"source:hugging_face://wikitext -holds-> dataset:text@d3 100..0 map[source_type:hugging_face]",
		"model:m-old -input-> run:" + runA + " 100..0 map[]",
		"model:m-new -input-> run:" + runA + " 160..0 map[]",
		"run:" + runA + " -output-> model:m-out 200..0 map[step:7]",
		"run:" + runB + " -fork-> run:" + runA + " 100..0 map[step:40]",
		"run:" + runB + " -parent-> run:" + runA + " 100..0 map[]",
		"commit:c0ffee -code-> run:" + runA + " 100..0 map[repository:https://host/repo script:git@host:x/y#sub]",
		"project:git@host:x/y#sub -project-> run:" + runA + " 100..0 map[entry_point:main]",
		"dataset:other@h2 -input-> run:" + runA + " 100..0 map[context:dvc]",
	}
	p := ofRun(aRun())
	if got := show(p); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if p.Name != "fit" || !slices.Equal(p.Experiments, []uint32{6}) || p.SinceMS != 100 || p.SeenMS != 300 || p.Attributes["status"] != "FINISHED" {
		t.Errorf("%+v", p.Fact)
	}
}

func TestADeletedRunEndsItsEdges(t *testing.T) {
	t.Parallel()
	r := aRun()
	r.Lifecycle, r.DeletedMs = sgpb.Lifecycle_LIFECYCLE_DELETED, 900
	p := ofRun(r)
	for _, e := range p.Edges {
		if e.UntilMS != 900 {
			t.Errorf("%+v does not end", e)
		}
	}
	if p.UntilMS != 900 || len(p.Edges) == 0 {
		t.Errorf("%+v", p.Fact)
	}
}

func TestOtherDocumentsTell(t *testing.T) {
	t.Parallel()
	job := &sgpb.JobName{Namespace: "air/flow", Name: "etl"}
	for name, c := range map[string]struct {
		doc  *sgpb.Document
		node lineage.Node
		want []string
	}{
		"logged model": {
			&sgpb.Document{Body: &sgpb.Document_LoggedModel{LoggedModel: &sgpb.LoggedModel{Id: "m-1", SourceRunId: runA, CreatedMs: 5}}},
			"model:m-1", []string{"run:" + runA + " -output-> model:m-1 5..0 map[]"},
		},
		"logged model of nothing": {&sgpb.Document{Body: &sgpb.Document_LoggedModel{LoggedModel: &sgpb.LoggedModel{Id: "m-1"}}}, "model:m-1", nil},
		"version": {
			&sgpb.Document{Body: &sgpb.Document_ModelVersion{ModelVersion: &sgpb.ModelVersion{RegisteredModelId: "a1", Version: 2, RunId: runA, ModelId: "m-1", CreatedMs: 6, Source: "models:/m-1"}}},
			"version:a1/2", []string{"run:" + runA + " -registered-> version:a1/2 6..0 map[]", "model:m-1 -registered-> version:a1/2 6..0 map[]"},
		},
		"version of a folder": {
			&sgpb.Document{Body: &sgpb.Document_ModelVersion{ModelVersion: &sgpb.ModelVersion{RegisteredModelId: "a1", Version: 3, CreatedMs: 6, Source: "s3://b/model"}}},
			"version:a1/3", []string{"source:s3://b/model -registered-> version:a1/3 6..0 map[]"},
		},
		"deleted version": {
			&sgpb.Document{Body: &sgpb.Document_ModelVersion{ModelVersion: &sgpb.ModelVersion{RegisteredModelId: "a1", Version: 2, RunId: "REDACTED-RUN-ID", Source: "REDACTED-SOURCE-PATH", Deleted: true, UpdatedMs: 9}}},
			"version:a1/2", nil,
		},
		"endpoint": {
			&sgpb.Document{Body: &sgpb.Document_Endpoint{Endpoint: &sgpb.Endpoint{Id: "e1", RegisteredModelId: "a1", Version: 2, SinceMs: 7, UntilMs: 8}}},
			"endpoint:e1", []string{"version:a1/2 -serves-> endpoint:e1 7..8 map[]"},
		},
		"job run": {
			&sgpb.Document{Body: &sgpb.Document_JobRun{JobRun: &sgpb.JobRun{
				Id: "u1", Job: job, StartMs: 3, ParentId: "u0", Commit: "c0ffee",
				Inputs: []*sgpb.JobData{{Namespace: "s3://b", Name: "raw", SinceMs: 4}}, Outputs: []*sgpb.JobData{{Namespace: "postgres://h:1", Name: "d.s.t"}},
			}}},
			"job-run:u1", []string{
				"job:air%2Fflow/etl -run-> job-run:u1 3..0 map[]", "source:s3://b/raw -input-> job-run:u1 4..0 map[]",
				"job-run:u1 -output-> source:postgres://h:1/d.s.t 3..0 map[]", "job-run:u0 -parent-> job-run:u1 3..0 map[]",
				"commit:c0ffee -code-> job-run:u1 3..0 map[]",
			},
		},
		"node": {&sgpb.Document{Body: &sgpb.Document_LineageNode{LineageNode: &sgpb.LineageNode{Node: "table:x", Name: "X"}}}, "table:x", nil},
	} {
		p, ok := lineage.Of(c.doc)
		if !ok || p.Node != c.node || !slices.Equal(show(p), c.want) {
			t.Errorf("%s: %q tells\n%s", name, p.Node, strings.Join(show(p), "\n"))
		}
	}
	if _, ok := lineage.Of(&sgpb.Document{Body: &sgpb.Document_Token{Token: &sgpb.Token{}}}); ok {
		t.Error("a token tells of lineage")
	}
}

// Whatever a run holds: projecting does not change it, gives the same again, has no edge twice, and all it says is text
// that can be asked for.
func TestProjectionsAreFunctions(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		run := aRun()
		for range r.IntN(5) {
			source := []string{strange(r), `{"uri":"` + runA + `"}`, "{", `{"path":7}`}[r.IntN(4)]
			run.Inputs = append(run.Inputs, &sgpb.DatasetInput{Dataset: &sgpb.Dataset{Name: strange(r), Digest: strange(r), SourceType: strange(r), Source: source}})
			run.ModelInputs = append(run.ModelInputs, strange(r))
			run.Tags["streamgauge.dvc."+strange(r)] = strange(r)
			run.Tags["mlflow.source.git.commit"] = strange(r)
		}
		before := proto.Clone(run)
		first, again := ofRun(run), ofRun(run)
		if !reflect.DeepEqual(first, again) || !proto.Equal(before, run) {
			t.Fatalf("%v is projected to %v and to %v", run, first, again)
		}
		seen := make(map[string]bool)
		for _, e := range first.Edges {
			key := string(e.From) + "\n" + string(e.To) + "\n" + e.Kind
			if seen[key] {
				t.Fatalf("%q twice", key)
			}
			seen[key] = true
			for _, n := range []lineage.Node{e.From, e.To} {
				if n.Kind() != lineage.KindVersion {
					back(t, n)
				}
			}
		}
	}
}
