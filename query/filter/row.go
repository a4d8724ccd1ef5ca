package filter

import (
	"strconv"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Row is what the Go evaluator asks of a run or an experiment. Match and Key call it from one goroutine.
type Row interface {
	// Metric is the latest value of a metric as it was sent, NaN included.
	Metric(key string) (float64, bool)
	// Text is the value of a param, a tag or an attribute that is text.
	Text(f Field) (string, bool)
	// Number is the value of an attribute that is a time in milliseconds; an unset end has none.
	Number(key string) (int64, bool)
	// Datasets are a run's inputs, in any order.
	Datasets() []Dataset
}

// Dataset is what a filter can ask of a dataset input.
type Dataset struct {
	Name, Digest string
	// Context is the input tag mlflow.data.context; empty if there is none.
	Context string
}

func (d Dataset) text(key string) (string, bool) {
	switch key {
	case DatasetName:
		return d.Name, true
	case DatasetDigest:
		return d.Digest, true
	case DatasetContext:
		return d.Context, d.Context != ""
	}
	return "", false
}

// ContextTag is the input tag that a dataset's context is read from.
const ContextTag = "mlflow.data.context"

// RunRow is a run's document as a Row.
type RunRow struct {
	Run *sgpb.Run
	// Latest answers for the metrics, nil if there are none.
	Latest func(key string) (float64, bool)
}

// Metric asks Latest.
func (r RunRow) Metric(key string) (float64, bool) {
	if r.Latest == nil {
		return 0, false
	}
	return r.Latest(key)
}

// Text reads the document.
func (r RunRow) Text(f Field) (string, bool) {
	switch f.Entity {
	case Param:
		v, ok := r.Run.GetParams()[f.Key]
		return v, ok
	case Tag:
		v, ok := r.Run.GetTags()[f.Key]
		return v, ok
	case Attribute:
		return r.attribute(f.Key)
	}
	return "", false
}

func (r RunRow) attribute(key string) (string, bool) {
	switch key {
	case RunID:
		return r.Run.GetId(), true
	case RunName:
		return r.Run.GetName(), true
	case Status:
		return mlflow.StatusName(r.Run.GetStatus()), true
	case ArtifactURI:
		return r.Run.GetArtifactUri(), true
	case UserID:
		return r.Run.GetUser(), true
	}
	return "", false
}

// Number reads the document; an end of 0 is unset.
func (r RunRow) Number(key string) (int64, bool) {
	switch key {
	case StartTime:
		return r.Run.GetStartMs(), true
	case EndTime:
		return r.Run.GetEndMs(), r.Run.GetEndMs() != 0
	}
	return 0, false
}

// Datasets reads the document's inputs.
func (r RunRow) Datasets() []Dataset {
	ds := make([]Dataset, 0, len(r.Run.GetInputs()))
	for _, in := range r.Run.GetInputs() {
		ds = append(ds, Dataset{Name: in.GetDataset().GetName(), Digest: in.GetDataset().GetDigest(), Context: in.GetTags()[ContextTag]})
	}
	return ds
}

// ExperimentRow is an experiment's document as a Row.
type ExperimentRow struct{ Experiment *sgpb.Experiment }

// Metric has none.
func (ExperimentRow) Metric(string) (float64, bool) { return 0, false }

// Text reads the document.
func (r ExperimentRow) Text(f Field) (string, bool) {
	switch {
	case f.Entity == Tag:
		v, ok := r.Experiment.GetTags()[f.Key]
		return v, ok
	case f == Field{Attribute, Name}:
		return r.Experiment.GetName(), true
	case f == Field{Attribute, ExperimentID}:
		return r.Experiment.GetId(), true
	}
	return "", false
}

// Number reads the document; the id orders as a number.
func (r ExperimentRow) Number(key string) (int64, bool) {
	switch key {
	case CreationTime:
		return r.Experiment.GetCreatedMs(), true
	case LastUpdateTime:
		return r.Experiment.GetUpdatedMs(), true
	case ExperimentID:
		n, err := strconv.ParseInt(r.Experiment.GetId(), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// Datasets has none.
func (ExperimentRow) Datasets() []Dataset { return nil }
