package lineage

import (
	"maps"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// dataMax bounds the inputs, and the outputs, of one run of a job.
const dataMax = 2000

// Data is a dataset as an event names it.
type Data struct {
	Namespace, Name string
	Attributes      map[string]string
}

// JobName is a job as an event names it.
type JobName struct{ Namespace, Name string }

// Observe adds an event to the run of a job that it tells of. Events may come in any order and more than once: times and
// states are compared, datasets are joined, and of texts the first stays.
type Observe struct {
	// Run is OpenLineage's runId.
	Run string
	Job JobName
	// State is OpenLineage's eventType, "" if the event changes none.
	State           string
	TimeMS          int64
	Inputs, Outputs []Data
	ParentRun       string
	ParentJob       JobName
	Commit          string
	Attributes      map[string]string
}

// Decide makes or changes the run's document.
func (c Observe) Decide(d *decide.Decider) error {
	key := document.JobRunKey(c.Run)
	doc, err := d.Load(key)
	if err != nil {
		return err
	}
	before := doc.GetJobRun()
	next := &sgpb.JobRun{Id: c.Run, CreatedBy: d.Given().By, CreatedMs: d.Given().NowMS, StartMs: c.TimeMS}
	if before != nil {
		next = proto.Clone(before).(*sgpb.JobRun)
	}
	if err := c.join(next); err != nil {
		return err
	}
	d.Answer(key)
	if before != nil && proto.Equal(before, next) {
		return nil
	}
	next.UpdatedMs = d.Given().NowMS
	d.Change(key, nil, func(doc *sgpb.Document) { doc.Body = &sgpb.Document_JobRun{JobRun: next} })
	return nil
}

func (c Observe) join(r *sgpb.JobRun) error {
	if r.GetJob() == nil {
		r.Job = &sgpb.JobName{Namespace: c.Job.Namespace, Name: c.Job.Name}
	}
	r.StartMs = min(r.GetStartMs(), c.TimeMS)
	if newer(r, c.State, c.TimeMS) {
		r.State, r.StateMs = c.State, c.TimeMS
	}
	if ends(c.State) {
		r.EndMs = max(r.GetEndMs(), c.TimeMS)
	}
	if r.GetParentId() == "" && c.ParentRun != "" {
		r.ParentId, r.ParentJob = c.ParentRun, &sgpb.JobName{Namespace: c.ParentJob.Namespace, Name: c.ParentJob.Name}
	}
	if r.GetCommit() == "" {
		r.Commit = c.Commit
	}
	if r.Attributes == nil && len(c.Attributes) > 0 {
		r.Attributes = make(map[string]string)
	}
	addTexts(r.Attributes, c.Attributes)
	var err error
	if r.Inputs, err = joinData("inputs", r.Inputs, c.Inputs, c.TimeMS); err != nil {
		return err
	}
	r.Outputs, err = joinData("outputs", r.Outputs, c.Outputs, c.TimeMS)
	return err
}

// newer says whether a state is that of a later event than the one that is known; of one time the more final counts.
func newer(r *sgpb.JobRun, state string, timeMS int64) bool {
	if state == "" {
		return false
	}
	if r.GetState() == "" || timeMS != r.GetStateMs() {
		return r.GetState() == "" || timeMS > r.GetStateMs()
	}
	return finality(state) > finality(r.GetState())
}

// finality orders the states of OpenLineage.
func finality(state string) int {
	for i, s := range []string{"START", "RUNNING", "COMPLETE", "ABORT", "FAIL"} {
		if s == state {
			return i + 1
		}
	}
	return 0
}

func ends(state string) bool { return finality(state) >= finality("COMPLETE") }

func addTexts(to, from map[string]string) {
	for k, v := range from {
		if _, ok := to[k]; !ok && len(to) < attributesMax {
			to[k] = v
		}
	}
}

func joinData(field string, have []*sgpb.JobData, more []Data, timeMS int64) ([]*sgpb.JobData, error) {
	known := make(map[[2]string]*sgpb.JobData, len(have))
	for _, d := range have {
		known[[2]string{d.GetNamespace(), d.GetName()}] = d
	}
	for i, m := range more {
		if n := lineage.Data(m.Namespace, m.Name); len(n) > lineage.NodeBytesMax || n.Text() == "" {
			return nil, invalid("Invalid value for parameter '%s[%d]' supplied: namespace and name are empty or longer than %d bytes", field, i, lineage.NodeBytesMax)
		}
		key := [2]string{m.Namespace, m.Name}
		d := known[key]
		if d == nil {
			d = &sgpb.JobData{Namespace: m.Namespace, Name: m.Name, SinceMs: timeMS, Attributes: maps.Clone(m.Attributes)}
			known[key] = d
			have = append(have, d)
			continue
		}
		d.SinceMs = min(d.GetSinceMs(), timeMS)
		if d.Attributes == nil && len(m.Attributes) > 0 {
			d.Attributes = make(map[string]string)
		}
		addTexts(d.Attributes, m.Attributes)
	}
	if len(have) > dataMax {
		return nil, invalid("The run of the job would have %d %s; at most %d are kept", len(have), field, dataMax)
	}
	return have, nil
}
