package ingest

import (
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Each function reads one kind of request. What a run's document allows is decided by Runs.

// first is the first of several errors.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func createRun(f mlflow.Fields) (track.Command, error) {
	experiment, e1 := f.ID("experiment_id")
	user, e2 := f.String("user_id")
	name, e3 := f.String("run_name")
	start, e4 := f.Int64("start_time", 0)
	tags, e5 := f.KeyValues("tags")
	return track.CreateRun{ExperimentID: experiment, User: user, Name: name, StartMS: start, Tags: tags}, first(e1, e2, e3, e4, e5)
}

func updateRun(f mlflow.Fields) (track.Command, error) {
	id, e1 := f.RunID()
	end, e2 := f.Int64("end_time", 0)
	status, e3 := statusOf(f)
	name, e4 := f.String("run_name")
	return track.UpdateRun{RunID: id, Status: status, EndMS: end, Name: name}, first(e1, e2, e3, e4)
}

func deleteRun(f mlflow.Fields) (track.Command, error) {
	id, err := f.RunID()
	return track.DeleteRun{RunID: id}, err
}

func restoreRun(f mlflow.Fields) (track.Command, error) {
	id, err := f.RunID()
	return track.RestoreRun{RunID: id}, err
}

func logParam(f mlflow.Fields) (track.Command, error) {
	id, kv, err := runAndPair(f)
	return track.LogBatch{RunID: id, Params: []*track.KeyValue{kv}}, err
}

func setTag(f mlflow.Fields) (track.Command, error) {
	id, kv, err := runAndPair(f)
	return track.LogBatch{RunID: id, Tags: []*track.KeyValue{kv}}, err
}

func runAndPair(f mlflow.Fields) (string, *track.KeyValue, error) {
	id, e1 := f.RunID()
	key, e2 := f.Required("key")
	value, e3 := f.String("value")
	return id, &track.KeyValue{Key: key, Value: value}, first(e1, e2, e3)
}

func deleteTag(f mlflow.Fields) (track.Command, error) {
	id, e1 := f.RunID()
	key, e2 := f.Required("key")
	return track.DeleteTag{RunID: id, Key: key}, first(e1, e2)
}

func logInputs(f mlflow.Fields) (track.Command, error) {
	id, e1 := f.RunID()
	inputs, e2 := f.Objects("datasets")
	models, e3 := f.Objects("models")
	c := track.LogInputs{RunID: id}
	err := first(e1, e2, e3)
	for _, in := range inputs {
		d, e := datasetInput(in)
		c.Datasets, err = append(c.Datasets, d), first(err, e)
	}
	for _, m := range models {
		model, e := m.Required("model_id")
		c.Models, err = append(c.Models, model), first(err, e)
	}
	return c, err
}

func datasetInput(f mlflow.Fields) (*sgpb.DatasetInput, error) {
	tags, e1 := f.KeyValues("tags")
	d, e2 := f.Object("dataset")
	if err := first(e1, e2); err != nil {
		return nil, err
	}
	out := &sgpb.DatasetInput{Dataset: new(sgpb.Dataset), Tags: make(map[string]string, len(tags))}
	for _, t := range tags {
		err := first(
			mlflow.CheckLength("key", t.Key, mlflow.InputTagKeyMax),
			mlflow.CheckLength("value", t.Value, mlflow.InputTagValueMax))
		if err != nil {
			return nil, err
		}
		out.Tags[t.Key] = t.Value
	}
	for _, field := range []struct {
		name     string
		to       *string
		required bool
		max      int
	}{
		{"name", &out.Dataset.Name, true, mlflow.DatasetNameMax},
		{"digest", &out.Dataset.Digest, true, mlflow.DatasetDigestMax},
		{"source_type", &out.Dataset.SourceType, true, mlflow.DatasetSourceTypeMax},
		{"source", &out.Dataset.Source, true, mlflow.DatasetSourceMax},
		{"schema", &out.Dataset.Schema, false, mlflow.DatasetSchemaMax},
		{"profile", &out.Dataset.Profile, false, mlflow.DatasetProfileMax},
	} {
		read := d.String
		if field.required {
			read = d.Required
		}
		s, err := read(field.name)
		if err := first(err, mlflow.CheckLength(field.name, s, field.max)); err != nil {
			return nil, err
		}
		*field.to = s
	}
	return out, nil
}

func logOutputs(f mlflow.Fields) (track.Command, error) {
	id, err := f.RunID()
	if err == nil && !f.Has("models") {
		err = mlflow.MissingParameter("models")
	}
	models, e := f.Objects("models")
	if err = first(err, e); err != nil {
		return nil, err
	}
	c := track.LogOutputs{RunID: id}
	for _, m := range models {
		model, e1 := m.Required("model_id")
		step, e2 := m.Int64("step", 0)
		if err := first(e1, e2); err != nil {
			return nil, err
		}
		c.Models = append(c.Models, &sgpb.ModelOutput{ModelId: model, Step: step})
	}
	return c, nil
}
