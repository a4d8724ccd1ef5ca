package access

import (
	"github.com/streamgauge/streamgauge/ingest/parse"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Names are what a request names, by whatever field and in whatever place: more than a route looks at, never less.
type Names struct {
	Experiments     []string
	ExperimentNames []string
	Runs            []string
	Models          []string
}

// fields are where MLflow's requests and ours name something.
var fields = []struct {
	name string
	to   func(*Names) *[]string
}{
	{"experiment_id", func(n *Names) *[]string { return &n.Experiments }},
	{"experiment_ids", func(n *Names) *[]string { return &n.Experiments }},
	{"experiment_name", func(n *Names) *[]string { return &n.ExperimentNames }},
	{"run_id", func(n *Names) *[]string { return &n.Runs }},
	{"run_uuid", func(n *Names) *[]string { return &n.Runs }},
	{"run_ids", func(n *Names) *[]string { return &n.Runs }},
	{"source_run_id", func(n *Names) *[]string { return &n.Runs }},
	{"model_id", func(n *Names) *[]string { return &n.Models }},
}

// NamesOf reads a request of a route that does not search. Bodies are read by the parsers of the routes
// themselves, so that both see the same.
func NamesOf(reach Reach, query map[string][]string, body []byte) (Names, error) {
	n, err := namesIn(mlflow.ParseQuery(query))
	if err != nil {
		return n, err
	}
	switch reach {
	case InQuery:
		return n, nil
	case Metric, Batch:
		// The logged model of a metric is not looked at: its page shows values of its own experiment's runs only.
		read := parse.Metric
		if reach == Batch {
			read = parse.Batch
		}
		c, err := read(body)
		c.Points.Release()
		n.Runs = append(n.Runs, c.RunID)
		return n, err
	}
	f, err := mlflow.ParseBody(body)
	if err != nil {
		return n, err
	}
	inBody, err := namesIn(f)
	n.add(inBody)
	if err != nil {
		return n, err
	}
	switch {
	case reach == NewRun:
		// The one field that the route reads; without it the run is the default experiment's, whatever else is named.
		if id, err := f.ID("experiment_id"); err != nil || id == "" {
			n.Experiments = append(n.Experiments, "")
		}
	case reach == NewExperiment:
		err = n.newExperiment(f)
	}
	return n, err
}

func (n *Names) add(o Names) {
	n.Experiments = append(n.Experiments, o.Experiments...)
	n.ExperimentNames = append(n.ExperimentNames, o.ExperimentNames...)
	n.Runs = append(n.Runs, o.Runs...)
	n.Models = append(n.Models, o.Models...)
}

func namesIn(f mlflow.Fields) (n Names, err error) {
	for _, field := range fields {
		if !f.Has(field.name) {
			continue
		}
		one, err := f.ID(field.name)
		all := []string{one}
		if err != nil {
			if all, err = f.Strings(field.name); err != nil {
				return n, err
			}
		}
		to := field.to(&n)
		*to = append(*to, all...)
	}
	// log-inputs and outputs name models in a list of objects.
	models, err := f.Objects("models")
	if err != nil {
		return n, err
	}
	for _, m := range models {
		id, err := m.String("model_id")
		if err != nil {
			return n, err
		}
		n.Models = append(n.Models, id)
	}
	// Live streams name runs in one.
	subscriptions, err := f.Objects("subscriptions")
	if err != nil {
		return n, err
	}
	for _, s := range subscriptions {
		id, err := s.ID("run_id")
		if err != nil {
			return n, err
		}
		n.Runs = append(n.Runs, id)
	}
	return n, nil
}

// newExperiment reads the name of an experiment that is to be made. A confined caller may not say where its
// artifacts lie: it could choose another experiment's folder.
func (n *Names) newExperiment(f mlflow.Fields) error {
	if location, err := f.String("artifact_location"); err != nil || location != "" {
		return track.Errorf(track.PermissionDenied, "A token that is confined to experiments may not choose 'artifact_location'; leave it out, or use a token made without --experiment")
	}
	name, err := f.String("name")
	if err != nil {
		return err
	}
	n.ExperimentNames = append(n.ExperimentNames, name)
	return nil
}
