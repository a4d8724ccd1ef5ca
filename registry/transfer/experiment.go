package transfer

import (
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// experiment finds the experiment of that name, or makes it: under its own id if nobody has had that, else under the next.
func (p Place) experiment(d *decide.Decider, e *sgpb.Experiment) error {
	if e.GetName() == "" {
		return invalid("Invalid value for parameter 'experiment.name' supplied: it is empty")
	}
	if err := mlflow.CheckLength("experiment.name", e.GetName(), mlflow.ExperimentNameMax); err != nil {
		return err
	}
	owner, err := d.Claimed(document.ExperimentNameKey(e.GetName()))
	if err != nil {
		return err
	}
	if owner != "" {
		return p.matched(d, owner, e)
	}
	id, err := freeID(d, e.GetId())
	if err != nil {
		return err
	}
	key := document.ExperimentKey(id)
	d.Claim(document.ExperimentNameKey(e.GetName()), key, e.GetName())
	return p.put(d, key, moved(e, id, 0))
}

// matched answers for a name that an experiment has. The default one that nobody has touched takes in what the other was.
func (p Place) matched(d *decide.Decider, owner string, e *sgpb.Experiment) error {
	doc, err := d.Load(owner)
	if err != nil {
		return err
	}
	was := doc.GetExperiment()
	next := moved(e, was.GetId(), was.GetLifecycleEpoch())
	*p.Outcome = Matched
	d.Answer(owner)
	switch {
	case same(document.Portable(doc, nil), document.Portable(next, nil)):
		*p.Outcome = Same
	case was.GetId() == decide.DefaultExperimentID && was.GetChanges() <= 1 && len(was.GetTags()) == 0:
		return p.put(d, owner, next)
	}
	return nil
}

// freeID is the id itself if no experiment has had it, else the next. The counter stays above all.
func freeID(d *decide.Decider, id string) (string, error) {
	before, err := d.Load(document.ExperimentKey(id))
	if err != nil {
		return "", err
	}
	counter, err := d.Load(document.ExperimentCounter)
	if err != nil {
		return "", err
	}
	next := max(counter.GetCounter().GetNext(), 1)
	if before != nil {
		id = strconv.FormatUint(next, 10)
	}
	n, ok := track.ParseExperimentID(id)
	if !ok {
		return "", track.Errorf(track.ResourceExhausted, "there is no experiment id left: %s would be the next", id)
	}
	if uint64(n) >= next {
		place(d, document.ExperimentCounter, &sgpb.Document{Body: &sgpb.Document_Counter{Counter: &sgpb.Counter{Next: uint64(n) + 1}}})
	}
	return id, nil
}

// moved is an experiment under another id. Its artifacts' location follows if it was made of the id.
func moved(e *sgpb.Experiment, id string, epoch uint64) *sgpb.Document {
	next := proto.CloneOf(e)
	next.ArtifactLocation = Relocated(e.GetArtifactLocation(), e.GetId(), id)
	next.Id, next.LifecycleEpoch = id, epoch
	if next.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED && epoch == 0 {
		next.LifecycleEpoch = 1
	}
	return &sgpb.Document{Body: &sgpb.Document_Experiment{Experiment: next}}
}

// Relocated is a location at an experiment's folder of the server's own store, under another id; others stay.
func Relocated(location, from, to string) string {
	folder := artifactRoot + from
	if location == folder {
		return artifactRoot + to
	}
	if rest := location; len(rest) > len(folder) && rest[:len(folder)] == folder && rest[len(folder)] == '/' {
		return artifactRoot + to + rest[len(folder):]
	}
	return location
}

// artifactRoot is the server's own store.
const artifactRoot = "mlflow-artifacts:/"
