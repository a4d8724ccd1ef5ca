package commit

import (
	"maps"
	"slices"
	"strconv"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// truth is what the documents must say, kept in the simplest way: maps, changed at once and eagerly.
type truth struct {
	experiments []*truthExperiment // by id
	runs        map[string]*truthRun
	// models are the registered models by name; gone those that were deleted.
	models map[string]*truthModel
	gone   []*truthModel
}

type truthExperiment struct {
	name    string
	deleted bool
	tags    map[string]string
}

type truthRun struct {
	id, experiment, name string
	status               sgpb.RunStatus
	params, tags         map[string]string
	deleted              bool
	outputs              []string
}

func newTruth() *truth {
	return &truth{experiments: []*truthExperiment{{name: "Default", tags: map[string]string{}}}, runs: map[string]*truthRun{}, models: map[string]*truthModel{}}
}

const ok = track.Code("")

func (w *truth) experiment(id string) *truthExperiment {
	n, err := strconv.Atoi(id)
	if err != nil || n >= len(w.experiments) {
		return nil
	}
	return w.experiments[n]
}

func (w *truth) named(name string) int {
	return slices.IndexFunc(w.experiments, func(e *truthExperiment) bool { return e.name == name })
}

// do carries out what a test's operation asks for. id is the run id that was drawn or chosen.
func (w *truth) do(op operation, id string) track.Code {
	if op.run != nil {
		return w.doRun(op.run, id)
	}
	if op.rule != nil {
		return w.doRule(op.rule)
	}
	switch c := op.command.(type) {
	case decide.CreateExperiment:
		if w.named(c.Name) >= 0 {
			return track.ResourceAlreadyExists
		}
		w.experiments = append(w.experiments, &truthExperiment{name: c.Name, tags: map[string]string{}})
	case decide.RenameExperiment:
		e := w.experiment(c.ID)
		switch {
		case e == nil:
			return track.ResourceDoesNotExist
		case e.deleted:
			return track.InvalidState
		case e.name != c.Name && w.named(c.Name) >= 0:
			return track.ResourceAlreadyExists
		}
		e.name = c.Name
	case decide.DeleteExperiment:
		return w.move(c.ID, true)
	case decide.RestoreExperiment:
		return w.move(c.ID, false)
	case decide.SetExperimentTag:
		e := w.experiment(c.ID)
		switch {
		case e == nil:
			return track.ResourceDoesNotExist
		case e.deleted:
			return track.InvalidParameterValue
		}
		e.tags[c.Key] = c.Value
	}
	return ok
}

func (w *truth) move(id string, deleted bool) track.Code {
	e := w.experiment(id)
	if e == nil || e.deleted == deleted {
		return track.ResourceDoesNotExist
	}
	e.deleted = deleted
	for _, r := range w.runs {
		if r.experiment == id {
			r.deleted = deleted
		}
	}
	return ok
}

func (w *truth) doRun(c track.Command, id string) track.Code {
	if create, is := c.(track.CreateRun); is {
		return w.createRun(create, id)
	}
	r := w.runs[c.Run()]
	if r == nil {
		return track.ResourceDoesNotExist
	}
	switch c.(type) {
	case track.DeleteRun:
		r.deleted = true
		return ok
	case track.RestoreRun:
		r.deleted = false
		return ok
	}
	if r.deleted {
		return track.InvalidParameterValue
	}
	switch c := c.(type) {
	case track.UpdateRun:
		if c.Status != 0 {
			r.status = c.Status
		}
		if c.Name != "" {
			r.name, r.tags[mlflow.RunNameTag] = c.Name, c.Name
		}
	case track.LogBatch:
		return r.log(c)
	case track.DeleteTag:
		if _, has := r.tags[c.Key]; !has {
			return track.ResourceDoesNotExist
		}
		delete(r.tags, c.Key)
	case track.LogOutputs:
		for _, m := range c.Models {
			if !slices.Contains(r.outputs, m.ModelId) {
				r.outputs = append(r.outputs, m.ModelId)
			}
		}
	}
	return ok
}

func (w *truth) createRun(c track.CreateRun, id string) track.Code {
	if c.ID != "" && w.runs[c.ID] != nil {
		if c.Lenient {
			return ok
		}
		return track.ResourceAlreadyExists
	}
	at := c.ExperimentID
	if c.ExperimentName != "" {
		n := w.named(c.ExperimentName)
		if n < 0 {
			n = len(w.experiments)
			w.experiments = append(w.experiments, &truthExperiment{name: c.ExperimentName, tags: map[string]string{}})
		}
		at = strconv.Itoa(n)
	}
	e := w.experiment(at)
	switch {
	case e == nil:
		return track.ResourceDoesNotExist
	case e.deleted:
		return track.InvalidParameterValue
	}
	w.runs[id] = &truthRun{
		id: id, experiment: at, name: c.Name, status: sgpb.RunStatus_RUN_STATUS_RUNNING,
		params: map[string]string{}, tags: map[string]string{mlflow.RunNameTag: c.Name},
	}
	return ok
}

func (r *truthRun) log(c track.LogBatch) track.Code {
	params, tags := maps.Clone(r.params), maps.Clone(r.tags)
	for _, p := range c.Params {
		if old, has := params[p.Key]; has && old != p.Value {
			return track.InvalidParameterValue
		}
		params[p.Key] = p.Value
	}
	for _, t := range c.Tags {
		tags[t.Key] = t.Value
	}
	r.params, r.tags, r.name = params, tags, cmpOr(tags[mlflow.RunNameTag], r.name)
	return ok
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
