// Package openlineage reads OpenLineage's run events (specification 1.x, schema 2-0-2). Of facets it takes what the graph
// shows: the parent run, the job's type, its commit and query, the version of datasets; the others are left out. It is
// pure.
package openlineage

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/streamgauge/streamgauge/registry/lineage"
	graph "github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	runIDMax = 256
	// textBytesMax bounds what is kept of a facet's text.
	textBytesMax = 2 << 10
)

type event struct {
	EventType string     `json:"eventType"`
	EventTime string     `json:"eventTime"`
	Producer  string     `json:"producer"`
	Run       *run       `json:"run"`
	Job       *job       `json:"job"`
	Dataset   *struct{}  `json:"dataset"`
	Inputs    []*dataset `json:"inputs"`
	Outputs   []*dataset `json:"outputs"`
}

// facets are extensible: one of another form than its name's says nothing, and the others are read all the same.
type facets[T any] struct{ of T }

// UnmarshalJSON implements json.Unmarshaler. What came before a mismatch, and behind it, is kept.
func (f *facets[T]) UnmarshalJSON(b []byte) error {
	var mismatch *json.UnmarshalTypeError
	if err := json.Unmarshal(b, &f.of); err != nil && !errors.As(err, &mismatch) {
		return err
	}
	return nil
}

type run struct {
	RunID  string `json:"runId"`
	Facets facets[struct {
		Parent       *parent `json:"parent"`
		ParentRun    *parent `json:"parentRun"` // its name before 0.20
		ErrorMessage struct {
			Message string `json:"message"`
		} `json:"errorMessage"`
		NominalTime struct {
			Start string `json:"nominalStartTime"`
		} `json:"nominalTime"`
		Engine struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"processing_engine"`
	}] `json:"facets"`
}

type parent struct {
	Run struct {
		RunID string `json:"runId"`
	} `json:"run"`
	Job job `json:"job"`
}

type job struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Facets    facets[struct {
		JobType struct {
			Integration    string `json:"integration"`
			JobType        string `json:"jobType"`
			ProcessingType string `json:"processingType"`
		} `json:"jobType"`
		Code struct {
			Type    string `json:"type"`
			URL     string `json:"url"`
			Version string `json:"version"`
		} `json:"sourceCodeLocation"`
		SQL struct {
			Query string `json:"query"`
		} `json:"sql"`
		Documentation struct {
			Description string `json:"description"`
		} `json:"documentation"`
	}] `json:"facets"`
}

type dataset struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Facets    facets[struct {
		Version struct {
			Version string `json:"datasetVersion"`
		} `json:"version"`
	}] `json:"facets"`
}

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}

// Parse reads one event. The error names the field.
func Parse(body []byte) (lineage.Observe, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return lineage.Observe{}, track.Errorf(track.BadRequest, "The request body is no OpenLineage event: %v", err)
	}
	if e.Run == nil || e.Job == nil {
		what := "an event without 'run' and 'job'"
		switch {
		case e.Dataset != nil:
			what = "a DatasetEvent"
		case e.Job != nil:
			what = "a JobEvent"
		}
		return lineage.Observe{}, invalid("This is %s; only OpenLineage's RunEvents are taken, which have 'run' and 'job'", what)
	}
	at, err := parseTime(e.EventTime)
	if err != nil {
		return lineage.Observe{}, err
	}
	out := lineage.Observe{
		Run: e.Run.RunID, Job: lineage.JobName{Namespace: e.Job.Namespace, Name: e.Job.Name}, TimeMS: at, Attributes: e.attributes(),
		Inputs: data(e.Inputs), Outputs: data(e.Outputs),
	}
	if out.State, err = state(e.EventType); err != nil {
		return out, err
	}
	if err := checkRun("run.runId", out.Run); err != nil {
		return out, err
	}
	if err := checkJob("job", out.Job); err != nil {
		return out, err
	}
	if code := e.Job.Facets.of.Code; code.Type == "git" {
		out.Commit = short(code.Version)
	}
	if p := firstOf(e.Run.Facets.of.Parent, e.Run.Facets.of.ParentRun); p != nil && p.Run.RunID != out.Run {
		out.ParentRun, out.ParentJob = p.Run.RunID, lineage.JobName{Namespace: short(p.Job.Namespace), Name: short(p.Job.Name)}
		return out, checkRun("run.facets.parent.run.runId", out.ParentRun)
	}
	return out, nil
}

func firstOf(a, b *parent) *parent {
	if a != nil {
		return a
	}
	return b
}

// state is the part of eventType that changes what a run is; OTHER only adds to it.
func state(eventType string) (string, error) {
	switch eventType {
	case "START", "RUNNING", "COMPLETE", "ABORT", "FAIL":
		return eventType, nil
	case "", "OTHER":
		return "", nil
	}
	return "", invalid("Invalid value '%.64s' for parameter 'eventType' supplied: it is START, RUNNING, COMPLETE, ABORT, FAIL or OTHER", eventType)
}

// parseTime reads ISO 8601 as OpenLineage's clients write it. Without a zone it is UTC.
func parseTime(s string) (ms int64, err error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil && t.UnixMilli() > 0 {
			return t.UnixMilli(), nil
		}
	}
	return 0, invalid("Invalid value '%.64s' for parameter 'eventTime' supplied: it must be a time after 1970 such as 2026-01-31T12:00:00.000Z", s)
}

func checkRun(field, id string) error {
	if id == "" || utf8.RuneCountInString(id) > runIDMax {
		return invalid("Invalid value for parameter '%s' supplied: it must have 1 to %d characters, a UUID as a rule", field, runIDMax)
	}
	return nil
}

func checkJob(field string, j lineage.JobName) error {
	if j.Namespace == "" || j.Name == "" || len(graph.Job(j.Namespace, j.Name)) > graph.NodeBytesMax {
		return invalid("Invalid value for parameter '%s' supplied: namespace and name must be there, and have at most %d bytes", field, graph.NodeBytesMax)
	}
	return nil
}

func data(all []*dataset) []lineage.Data {
	out := make([]lineage.Data, 0, len(all))
	for _, d := range all {
		if d != nil {
			out = append(out, lineage.Data{Namespace: d.Namespace, Name: d.Name, Attributes: said("version", d.Facets.of.Version.Version)})
		}
	}
	return out
}

func (e *event) attributes() map[string]string {
	r, j := e.Run.Facets.of, e.Job.Facets.of
	return said(
		"producer", e.Producer, "integration", j.JobType.Integration, "job_type", j.JobType.JobType, "processing_type", j.JobType.ProcessingType,
		"source_code", graph.WithoutUser(j.Code.URL), "sql", j.SQL.Query, "description", j.Documentation.Description,
		"error", r.ErrorMessage.Message, "nominal_start", r.NominalTime.Start,
		"engine", strings.TrimSpace(r.Engine.Name+" "+r.Engine.Version),
	)
}

// said makes attributes of pairs, without those that are empty.
func said(pairs ...string) map[string]string {
	var out map[string]string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if out == nil {
			out = make(map[string]string)
		}
		out[pairs[i]] = short(pairs[i+1])
	}
	return out
}

func short(s string) string {
	if len(s) > textBytesMax {
		s = s[:textBytesMax]
	}
	return strings.ToValidUTF8(s, "")
}
