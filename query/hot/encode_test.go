package hot_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query/hot"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestEncodedRunsFollowEveryChange(t *testing.T) {
	t.Parallel()
	s, l, _ := newSet(hot.Options{})
	encode := func() string {
		t.Helper()
		r, err := l.Run(t.Context(), someRun)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Encode(t.Context(), r, hot.FormGet, nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	want := func(text string) {
		t.Helper()
		for range 2 {
			if got := encode(); !strings.Contains(got, text) {
				t.Errorf("%s is not in %s", text, got)
			}
		}
	}
	run := &sgpb.Run{Id: someRun, ExperimentId: "3", CreatedMs: 60_000, Name: "first"}
	s.ObserveDocuments([]feed.Document{runDocument(1, run)})
	want(`"run_name":"first"`)
	s.ObserveDocuments([]feed.Document{runDocument(2, &sgpb.Run{Id: someRun, ExperimentId: "3", Name: "second"})})
	want(`"run_name":"second"`)
	s.ObserveDocuments([]feed.Document{runDocument(1, run)})
	want(`"run_name":"second"`)
	sec := &feed.Section{RunID: someRun, Points: track.Points{Keys: []string{"z", "a"}, Key: []uint32{0, 1, 0}, Step: []int64{5, 1, 4}, TimeMS: []int64{1, 1, 1}, Value: []float64{0.5, 2, 9}}}
	s.ObserveSections([]*feed.Section{sec})
	want(`"metrics":[{"key":"a","value":2,"timestamp":1,"step":1},{"key":"z","value":0.5,"timestamp":1,"step":5}]`)
	want(`"lifecycle_stage":"active"`)
	s.ObserveDocuments([]feed.Document{{Key: document.ExperimentKey("3"), Revision: 9, Doc: &sgpb.Document{Body: &sgpb.Document_Experiment{
		Experiment: &sgpb.Experiment{Id: "3", Lifecycle: sgpb.Lifecycle_LIFECYCLE_DELETED, LifecycleEpoch: 1}}}}})
	want(`"lifecycle_stage":"deleted"`)
	s.ObserveDocuments([]feed.Document{{Key: document.RunKey(someRun), Revision: 10}})
	if r, err := l.Run(t.Context(), someRun); err != nil || r != nil {
		t.Errorf("a run whose document is gone is %v, %v", r, err)
	}
}

func TestTextsOfDatasetsComeBackFromBlobs(t *testing.T) {
	t.Parallel()
	s, l, _ := newSet(hot.Options{})
	run := &sgpb.Run{Id: someRun, ExperimentId: "0", CreatedMs: 60_000, ModelInputs: []string{"m-1"}, Inputs: []*sgpb.DatasetInput{{Dataset: &sgpb.Dataset{Name: "wine", ProfileBlob: "abc"}}}}
	s.ObserveDocuments([]feed.Document{runDocument(1, run)})
	r, err := l.Run(t.Context(), someRun)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Encode(t.Context(), r, hot.FormGet, func(context.Context, string) (string, error) { return "", errors.New("gone") }); err == nil {
		t.Error("a blob that cannot be read is no error")
	}
	blobs := func(_ context.Context, sum string) (string, error) { return "text of " + sum, nil }
	whole, err := s.Encode(t.Context(), r, hot.FormGet, blobs)
	if err != nil || !strings.Contains(string(whole), `"profile":"text of abc"`) || !strings.Contains(string(whole), `"model_inputs"`) {
		t.Errorf("%s, %v", whole, err)
	}
	if found, err := s.Encode(t.Context(), r, hot.FormSearch, blobs); err != nil || strings.Contains(string(found), `"model_inputs"`) {
		t.Errorf("a search shows %s, %v", found, err)
	}
	if run.Inputs[0].Dataset.Profile != "" {
		t.Error("the shared document was changed")
	}
}
