package registry_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/streamgauge/streamgauge/registry"
	"github.com/streamgauge/streamgauge/registry/busserver"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/mem"
	"github.com/streamgauge/streamgauge/registry/nats"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

var ctx = context.Background()

func open(t testing.TB, j registry.Journal, o registry.Options) *registry.Registry {
	t.Helper()
	r, err := registry.Open(ctx, j, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func onBus(t testing.TB, s *busserver.Server) *nats.Journal {
	t.Helper()
	j, err := nats.Open(ctx, s.JS, nats.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func do(t testing.TB, r *registry.Registry, c track.Command) *sgpb.Run {
	t.Helper()
	run, err := r.Do(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestALifeOfARun(t *testing.T) {
	acks := new(feed.Acks)
	r := open(t, new(mem.Journal), registry.Options{Acks: acks, Lanes: 4})
	run := do(t, r, track.CreateRun{Name: "first", User: "ada", StartMS: 5})
	if acks.Docs() == 0 {
		t.Error("the readers were not told of the revision")
	}
	if run.GetArtifactUri() != "mlflow-artifacts:/0/"+run.GetId()+"/artifacts" || run.GetTags()["mlflow.runName"] != "first" {
		t.Errorf("created %v", run)
	}
	do(t, r, track.LogBatch{RunID: run.GetId(), Params: []*track.KeyValue{{Key: "lr", Value: "0.1"}}})
	if _, err := r.Do(ctx, track.LogBatch{RunID: run.GetId(), Params: []*track.KeyValue{{Key: "lr", Value: "0.2"}}}); track.CodeOf(err) != track.InvalidParameterValue {
		t.Errorf("a changed param: %v", err)
	}
	facts, err := r.Lookup(ctx, run.GetId())
	if err != nil || facts.Deleted || len(facts.Lanes) != 1 || facts.Lanes[0] != track.LaneOf(run.GetId(), 4) {
		t.Errorf("facts %+v: %v", facts, err)
	}
	do(t, r, track.DeleteRun{RunID: run.GetId()})
	if facts, _ = r.Lookup(ctx, run.GetId()); !facts.Deleted {
		t.Error("a deleted run is not looked up as deleted")
	}
	if _, err := r.Do(ctx, track.LogBatch{RunID: run.GetId()}); err == nil || !strings.Contains(err.Error(), "must be in the 'active' state") {
		t.Errorf("an empty batch to a deleted run: %v", err)
	}
	for _, id := range []string{"nope", "a > *", strings.Repeat("f", 32)} {
		if _, err := r.Do(ctx, track.LogBatch{RunID: id}); err == nil || err.Error() != "Run with id="+id+" not found" {
			t.Errorf("an empty batch to %q: %v", id, err)
		}
	}
}

// TestLargeDocumentsAndTexts goes through chunks and blobs, on the real bus with its 1 MiB messages.
func TestLargeDocumentsAndTexts(t *testing.T) {
	j := onBus(t, busserver.Start(t, t.TempDir()))
	r := open(t, j, registry.Options{})
	id := do(t, r, track.CreateRun{}).GetId()
	value := strings.Repeat("x", 6000)
	for i := range 4 {
		var params []*track.KeyValue
		for k := range 100 {
			params = append(params, &track.KeyValue{Key: fmt.Sprintf("p%d.%d", i, k), Value: value})
		}
		do(t, r, track.LogBatch{RunID: id, Params: params, Batch: true})
	}
	profile, source := strings.Repeat("profile ", 1<<18), strings.Repeat("s", 60000)
	input := &sgpb.DatasetInput{Dataset: &sgpb.Dataset{Name: "d", Digest: "1", SourceType: "local", Source: source, Profile: profile}}
	for range 2 { // the repeat changes nothing
		do(t, r, track.LogInputs{RunID: id, Datasets: []*sgpb.DatasetInput{input}})
	}
	// Another run with the same text shares the blob.
	other := do(t, r, track.CreateRun{}).GetId()
	do(t, r, track.LogInputs{RunID: other, Datasets: []*sgpb.DatasetInput{input}})

	again := open(t, j, registry.Options{})
	run, err := again.Run(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if len(run.GetParams()) != 400 || run.GetParams()["p3.99"] != value || len(run.GetInputs()) != 1 {
		t.Fatalf("%d params, %d inputs", len(run.GetParams()), len(run.GetInputs()))
	}
	if d := run.GetInputs()[0].GetDataset(); d.GetProfile() != "" || d.GetSource() != source {
		t.Fatal("the long text is not a blob, or the short one is")
	}
	text, err := again.Blob(ctx, run.GetInputs()[0].GetDataset().GetProfileBlob())
	if err != nil || text != profile {
		t.Fatalf("the text does not come back: %v", err)
	}
	// A document in chunks shrinks and grows again.
	for range 2 {
		do(t, again, track.LogBatch{RunID: id, Tags: []*track.KeyValue{{Key: "t", Value: value}}})
		do(t, r, track.DeleteTag{RunID: id, Key: "t"})
	}
}

func TestDeletingAnExperimentReachesItsRuns(t *testing.T) {
	j := new(mem.Journal)
	r := open(t, j, registry.Options{})
	one := do(t, r, track.CreateRun{ExperimentName: "e"})
	two := do(t, r, track.CreateRun{ExperimentName: "e"})
	do(t, r, track.DeleteRun{RunID: two.GetId()})
	experiment := one.GetExperimentId()
	stages := func() string {
		var out []string
		for _, run := range []*sgpb.Run{one, two} {
			now, err := r.Run(ctx, run.GetId())
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, now.GetLifecycle().String()[len("LIFECYCLE_"):])
		}
		return strings.Join(out, " ")
	}
	for _, step := range []struct {
		what  string
		route string
		id    string
		want  string
	}{
		{"one run deleted", "", "", "ACTIVE DELETED"},
		{"experiment deleted", "experiments/delete", `{"experiment_id":"` + experiment + `"}`, "DELETED DELETED"},
		{"a run of it restored", "runs/restore", one.GetId(), "ACTIVE DELETED"},
		{"experiment restored", "experiments/restore", `{"experiment_id":"` + experiment + `"}`, "ACTIVE ACTIVE"},
	} {
		switch step.route {
		case "runs/restore":
			do(t, r, track.RestoreRun{RunID: step.id})
		case "":
		default:
			if status, body := call(t, r, "POST", step.route, step.id); status != 200 {
				t.Fatalf("%s: %d %s", step.what, status, body)
			}
		}
		if got := stages(); got != step.want {
			t.Errorf("%s: %s, want %s", step.what, got, step.want)
		}
	}
}

// TestNamesAndIDsUnderConcurrency: two processes, many clients, few names; on the real bus, which is stopped
// and started in between.
func TestNamesAndIDsUnderConcurrency(t *testing.T) {
	dir := t.TempDir()
	const names = 20
	for round := range 2 {
		s := busserver.Start(t, dir)
		rs := []*registry.Registry{open(t, onBus(t, s), registry.Options{}), open(t, onBus(t, s), registry.Options{})}
		won := make([]int, names)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for client := range 8 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for n := range names {
					body := fmt.Sprintf(`{"name":"e%d-%d"}`, round, n)
					status, answer := call(t, rs[client%2], "POST", "experiments/create", body)
					mu.Lock()
					switch {
					case status == 200:
						won[n]++
					case status != 400 || !strings.Contains(answer, "RESOURCE_ALREADY_EXISTS"):
						t.Errorf("%s: %d %s", body, status, answer)
					}
					mu.Unlock()
				}
			}()
		}
		wg.Wait()
		for n, times := range won {
			if times != 1 {
				t.Errorf("the name e%d-%d was given %d times", round, n, times)
			}
		}
		// Ids count on without holes over the restart.
		for id := range names*(round+1) + 1 {
			if _, err := rs[id%2].Experiment(ctx, fmt.Sprint(id)); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
		if _, err := rs[0].Experiment(ctx, fmt.Sprint(names*(round+1)+1)); track.CodeOf(err) != track.ResourceDoesNotExist {
			t.Errorf("round %d: an experiment too many: %v", round, err)
		}
		for _, r := range rs {
			r.Close()
		}
		s.Stop()
	}
}

// TestOneDocumentFromManyClients wants every acknowledged param there, whichever process took it.
func TestOneDocumentFromManyClients(t *testing.T) {
	s := busserver.Start(t, t.TempDir())
	rs := []*registry.Registry{open(t, onBus(t, s), registry.Options{}), open(t, onBus(t, s), registry.Options{})}
	id := do(t, rs[0], track.CreateRun{}).GetId()
	var wg sync.WaitGroup
	const clients, each = 8, 20
	for client := range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				if _, err := rs[client%2].Do(ctx, track.LogBatch{RunID: id, Params: []*track.KeyValue{{Key: fmt.Sprintf("p%d.%d", client, i), Value: "v"}}}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	run, err := open(t, onBus(t, s), registry.Options{}).Run(ctx, id)
	if err != nil || len(run.GetParams()) != clients*each {
		t.Fatalf("%d params, want %d: %v", len(run.GetParams()), clients*each, err)
	}
}

func TestWhatAnotherProcessWroteIsObserved(t *testing.T) {
	j := new(mem.Journal)
	here, there := open(t, j, registry.Options{}), open(t, j, registry.Options{})
	run := do(t, here, track.CreateRun{})
	deleted := do(t, there, track.DeleteRun{RunID: run.GetId()})
	_, revision, err := j.Load(ctx, document.RunKey(run.GetId()))
	if err != nil {
		t.Fatal(err)
	}
	here.ObserveDocuments([]feed.Document{{Key: document.RunKey(run.GetId()), Revision: revision, Doc: &sgpb.Document{Body: &sgpb.Document_Run{Run: deleted}}}})
	facts, err := here.Lookup(ctx, run.GetId())
	if err != nil || !facts.Deleted {
		t.Fatalf("facts %+v: %v", facts, err)
	}
}

func TestTheDefaultExperimentStaysDeleted(t *testing.T) {
	j := new(mem.Journal)
	r := open(t, j, registry.Options{})
	if status, body := call(t, r, "POST", "experiments/delete", `{"experiment_id":"0"}`); status != 200 {
		t.Fatal(body)
	}
	e, err := open(t, j, registry.Options{}).Experiment(ctx, decide.DefaultExperimentID)
	if err != nil || e.GetLifecycle() != sgpb.Lifecycle_LIFECYCLE_DELETED {
		t.Fatalf("%v: %v", e, err)
	}
}

func TestCloseRefusesWhatComesAfter(t *testing.T) {
	r := open(t, new(mem.Journal), registry.Options{})
	r.Close()
	r.Close()
	if _, err := r.Do(ctx, track.CreateRun{}); track.CodeOf(err) != track.TemporarilyUnavailable {
		t.Fatal(err)
	}
}
