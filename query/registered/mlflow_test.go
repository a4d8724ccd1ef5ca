package registered_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/registered"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// recorded is what testdata/record.py wrote: what a real MLflow server answered.
type recorded struct {
	Models []struct {
		Name             string
		Tags             map[string]string
		Created, Updated int64
	}
	Versions []struct {
		Name             string
		Version          uint64
		Source           string
		RunID            string `json:"run_id"`
		Tags             map[string]string
		Deleted          bool
		Created, Updated int64
	}
	Cases []struct {
		Subject, Filter string
		Order           []string
		Answer          struct {
			Status        int
			Code, Message string
			Found         []string
		}
	}
}

func load(t *testing.T) (recorded, *registered.Set) {
	t.Helper()
	b, err := os.ReadFile("testdata/mlflow_registry.json")
	if err != nil {
		t.Fatal(err)
	}
	var data recorded
	if err := json.Unmarshal(b, &data); err != nil {
		t.Fatal(err)
	}
	set := registered.New(registered.Options{})
	for _, m := range data.Models {
		set.Add([]registered.Document{{Revision: 1, Model: &sgpb.RegisteredModel{
			Id: m.Name, Name: m.Name, Tags: m.Tags, CreatedMs: m.Created, UpdatedMs: m.Updated, Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE,
		}}})
	}
	for _, v := range data.Versions {
		set.Add([]registered.Document{{Revision: 1, Version: &sgpb.ModelVersion{
			RegisteredModelId: v.Name, Version: v.Version, Source: v.Source, RunId: v.RunID, Tags: v.Tags, CreatedMs: v.Created, UpdatedMs: v.Updated, Deleted: v.Deleted,
		}}})
	}
	return data, set
}

// ours is an order where we differ from MLflow: its tokenizer takes the word for a type if it is not in small
// letters.
const ours = "TIMESTAMP desc"

func find(set *registered.Set, subject, text string, order []string) (found []string, err error) {
	q := registered.Search{Max: 1000}
	if subject == "registered-models" {
		if q.Where, err = filter.ParseModels(text); err != nil {
			return nil, err
		}
		if q.Order, err = filter.ParseModelOrder(order); err != nil {
			return nil, err
		}
		page, _, err := set.Models(q)
		for _, m := range page {
			found = append(found, m.Model.GetName())
		}
		return found, err
	}
	if q.Where, err = filter.ParseVersions(text); err != nil {
		return nil, err
	}
	if q.Order, err = filter.ParseVersionOrder(order); err != nil {
		return nil, err
	}
	page, _, err := set.Versions(q)
	for _, v := range page {
		found = append(found, fmt.Sprintf("%s/%d", v.Model.GetName(), v.Version.GetVersion()))
	}
	return found, err
}

func TestSearchesAnswerAsMLflow(t *testing.T) {
	data, set := load(t)
	for _, c := range data.Cases {
		name := fmt.Sprintf("%s %q %q", c.Subject, c.Filter, strings.Join(c.Order, ","))
		found, err := find(set, c.Subject, c.Filter, c.Order)
		if err != nil && track.CodeOf(err) != track.InvalidParameterValue {
			t.Errorf("%s: code %v", name, track.CodeOf(err))
		}
		switch {
		case slices.Contains(c.Order, ours):
		case c.Answer.Status == 500:
			// MLflow's client repeats what is answered 500 for minutes: what is wrong is answered 400 here.
			if err == nil {
				t.Errorf("%s: found %q, MLflow answers 500 %q", name, found, c.Answer.Message)
			}
		case c.Answer.Status == 200 && err != nil:
			t.Errorf("%s: refused with %q, MLflow finds %q", name, err, c.Answer.Found)
		case c.Answer.Status == 200 && !slices.Equal(found, c.Answer.Found):
			t.Errorf("%s: found %q, MLflow finds %q", name, found, c.Answer.Found)
		case c.Answer.Status != 200 && err == nil:
			t.Errorf("%s: found %q, MLflow answers %d %q", name, found, c.Answer.Status, c.Answer.Message)
		case c.Answer.Status != 200 && err.Error() != c.Answer.Message:
			t.Errorf("%s:\n   got %q\nMLflow %q", name, err, c.Answer.Message)
		}
	}
}

func TestWhatIsNotNewerChangesNothing(t *testing.T) {
	set := registered.New(registered.Options{})
	model := func(revision uint64, name string, lifecycle sgpb.Lifecycle) {
		set.ObserveDocuments([]feed.Document{{Key: document.RegisteredModelKey("a"), Revision: revision, Doc: &sgpb.Document{Body: &sgpb.Document_RegisteredModel{
			RegisteredModel: &sgpb.RegisteredModel{Id: "a", Name: name, Lifecycle: lifecycle, LastVersion: 2, Spans: []*sgpb.StageSpan{{First: 1, Stage: sgpb.Stage_STAGE_NONE}}},
		}}}})
	}
	version := func(revision, n uint64, tags map[string]string) {
		set.ObserveDocuments([]feed.Document{{Key: document.ModelVersionKey("a", n), Revision: revision, Doc: &sgpb.Document{Body: &sgpb.Document_ModelVersion{
			ModelVersion: &sgpb.ModelVersion{RegisteredModelId: "a", Version: n, Tags: tags},
		}}}})
	}
	see := func(subject, filter string, want ...string) {
		t.Helper()
		if found, err := find(set, subject, filter, nil); err != nil || !slices.Equal(found, want) {
			t.Errorf("%s %q: %v %v, want %v", subject, filter, found, err, want)
		}
	}
	const active, deleted = sgpb.Lifecycle_LIFECYCLE_ACTIVE, sgpb.Lifecycle_LIFECYCLE_DELETED
	version(5, 1, map[string]string{"k": "new"})
	see("model-versions", "") // its model is not known yet
	model(9, "second", active)
	model(8, "first", active)
	version(4, 1, map[string]string{"k": "old"})
	version(7, 2, nil)
	see("registered-models", "", "second")
	see("model-versions", "tags.k = 'new'", "second/1")
	see("model-versions", "name = 'second'", "second/2", "second/1")
	version(10, 1, map[string]string{document.PromptTag: "true"})
	see("model-versions", "")
	see("model-versions", "tags.`"+document.PromptTag+"` = 'true'", "second/1")
	version(11, 1, nil)
	see("model-versions", "", "second/2", "second/1")
	model(12, "second", deleted)
	version(13, 1, nil)
	see("registered-models", "")
	see("model-versions", "")
	if models, versions, bytes := set.Counts(); models != 1 || versions != 0 || bytes != 0 {
		t.Errorf("after the deletion: %d models, %d versions, %d bytes", models, versions, bytes)
	}
}

func TestPagesFollowEachOther(t *testing.T) {
	_, set := load(t)
	order, err := filter.ParseVersionOrder([]string{"name DESC"})
	if err != nil {
		t.Fatal(err)
	}
	q := registered.Search{Order: order, Max: 3}
	var got []string
	for pages := 0; pages < 10; pages++ {
		page, next, err := set.Versions(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page {
			got = append(got, fmt.Sprintf("%s/%d", v.Model.GetName(), v.Version.GetVersion()))
		}
		if next == "" {
			break
		}
		if q.From, err = order.ParseToken(next); err != nil {
			t.Fatal(err)
		}
	}
	all, err := find(set, "model-versions", "", []string{"name DESC"})
	if err != nil || !slices.Equal(got, all) || len(all) < 4 {
		t.Errorf("pages %v, all at once %v %v", got, all, err)
	}
}

func TestMoreThanFitsIsSaid(t *testing.T) {
	for name, opts := range map[string]registered.Options{"versions": {VersionsMax: 2}, "bytes": {BytesMax: 1800}} {
		set := registered.New(opts)
		set.Add([]registered.Document{{Revision: 1, Model: &sgpb.RegisteredModel{Id: "a", Name: "wine", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}}})
		add := func(n, revision uint64) {
			set.Add([]registered.Document{{Revision: revision, Version: &sgpb.ModelVersion{RegisteredModelId: "a", Version: n}}})
		}
		add(1, 2)
		add(2, 3)
		add(2, 4) // the same again is none more
		if found, err := find(set, "model-versions", "", nil); err != nil || len(found) != 2 {
			t.Errorf("%s: %v %v before it is full", name, found, err)
		}
		add(3, 5)
		add(4, 6)
		for _, subject := range []string{"model-versions", "registered-models"} {
			if _, err := find(set, subject, "", nil); track.CodeOf(err) != track.NotImplemented || !strings.Contains(err.Error(), "streamgauge.registry") {
				t.Errorf("%s: %s when it is full: %v", name, subject, err)
			}
		}
		if _, versions, bytes := set.Counts(); opts.VersionsMax > 0 && versions > opts.VersionsMax || opts.BytesMax > 0 && bytes > opts.BytesMax {
			t.Errorf("%s: %d versions of %d bytes are kept", name, versions, bytes)
		}
		set.Add([]registered.Document{
			{Revision: 7, Model: &sgpb.RegisteredModel{Id: "a", Lifecycle: sgpb.Lifecycle_LIFECYCLE_DELETED}},
			{Revision: 8, Model: &sgpb.RegisteredModel{Id: "b", Name: "tea", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}},
		})
		if found, err := find(set, "registered-models", "", nil); err != nil || !slices.Equal(found, []string{"tea"}) {
			t.Errorf("%s: %v %v after the model that was too large is gone", name, found, err)
		}
	}
}

func TestWhatDidNotFitIsNotReplacedByWhatIsOlder(t *testing.T) {
	set := registered.New(registered.Options{BytesMax: 2000})
	version := func(revision uint64, description string) registered.Document {
		return registered.Document{Revision: revision, Version: &sgpb.ModelVersion{RegisteredModelId: "a", Version: 1, Description: description}}
	}
	set.Add([]registered.Document{
		{Revision: 1, Model: &sgpb.RegisteredModel{Id: "a", Name: "wine", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}},
		version(2, ""), version(5, strings.Repeat("x", 3000)), version(2, ""),
	})
	if found, err := find(set, "model-versions", "", nil); track.CodeOf(err) != track.NotImplemented {
		t.Errorf("revision 2 answers for revision 5, which did not fit: %v %v", found, err)
	}
	set.Add([]registered.Document{version(6, "")})
	if found, err := find(set, "model-versions", "", nil); err != nil || len(found) != 1 {
		t.Errorf("%v %v once it fits", found, err)
	}
}

func TestModelsThemselvesAreBounded(t *testing.T) {
	set := registered.New(registered.Options{BytesMax: 2000})
	large := &sgpb.RegisteredModel{Id: "a", Name: "wine", Description: strings.Repeat("x", 3000), Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}
	set.Add([]registered.Document{{Revision: 1, Model: large}})
	if _, err := find(set, "registered-models", "", nil); track.CodeOf(err) != track.NotImplemented {
		t.Errorf("a model of 3,000 bytes in 2,000: %v", err)
	}
	if _, _, bytes := set.Counts(); bytes != 0 {
		t.Errorf("%d bytes are counted for what is not kept", bytes)
	}
	set.Add([]registered.Document{{Revision: 2, Model: &sgpb.RegisteredModel{Id: "a", Name: "wine", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE}}})
	if found, err := find(set, "registered-models", "", nil); err != nil || !slices.Equal(found, []string{"wine"}) {
		t.Errorf("%v %v once it is small", found, err)
	}
}
