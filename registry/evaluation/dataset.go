package evaluation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// userTag is who does it, by MLflow's client.
const userTag = "mlflow.user"

// Create makes a dataset without records. As with MLflow the experiments need not be there.
type Create struct {
	Name          string
	Tags          map[string]string
	ExperimentIDs []string
}

// SetTags adds and replaces tags.
type SetTags struct {
	ID   string
	Tags map[string]string
}

// DeleteTag takes a tag away; one that is not there is no mistake.
type DeleteTag struct{ ID, Key string }

// Place puts a dataset into experiments or takes it out of them.
type Place struct {
	ID            string
	ExperimentIDs []string
	Remove        bool
}

// Delete takes a dataset away with its records; one that is not there is no mistake.
type Delete struct{ ID string }

// NoDataset is the answer to an unknown id.
func NoDataset(id string) error { return missing("Evaluation dataset with id '%s' not found", id) }

// Key is the key of a dataset's document, "" if nothing can have that id.
func Key(id string) string {
	if len(id) != len("d-")+32 || id[:2] != "d-" {
		return ""
	}
	if _, err := hex.DecodeString(id[2:]); err != nil {
		return ""
	}
	return document.EvaluationDatasetKey(id)
}

// load reads a dataset and makes it the answer; nil if there is none.
func load(d *decide.Decider, id string) (*sgpb.EvaluationDataset, error) {
	key := Key(id)
	if key == "" {
		return nil, nil
	}
	doc, err := d.Load(key)
	if err != nil || doc.GetEvaluationDataset() == nil || doc.GetEvaluationDataset().GetDeleted() {
		return nil, err
	}
	d.Answer(key)
	return doc.GetEvaluationDataset(), nil
}

func change(d *decide.Decider, id string, set func(*sgpb.EvaluationDataset)) {
	d.Change(Key(id), nil, func(doc *sgpb.Document) { set(doc.GetEvaluationDataset()) })
}

// digest changes with every write of records, as MLflow's does.
func digest(name string, nowMS int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s:%d", name, nowMS))
	return hex.EncodeToString(sum[:4])
}

// Decide makes the dataset.
func (c Create) Decide(d *decide.Decider) error {
	if err := mlflow.CheckLength("name", c.Name, NameMax); err != nil {
		return err
	}
	if err := check(c.Tags, c.ExperimentIDs); err != nil {
		return err
	}
	now := d.Given().NowMS
	e := &sgpb.EvaluationDataset{
		Id: "d-" + d.Given().ID, Name: c.Name, Tags: c.Tags, Digest: digest(c.Name, now), CreatedMs: now, UpdatedMs: now,
		CreatedBy: c.Tags[userTag], UpdatedBy: c.Tags[userTag], ExperimentIds: c.ExperimentIDs,
	}
	key := Key(e.GetId())
	d.CreateQuietly(key, func(doc *sgpb.Document) { doc.Body = &sgpb.Document_EvaluationDataset{EvaluationDataset: e} })
	d.Answer(key)
	return nil
}

func check(tags map[string]string, experiments []string) error {
	size := 0
	for k, v := range tags {
		size += len(k) + len(v)
	}
	if size > tagsBytesMax {
		return invalid("Invalid value for parameter 'tags': with them the dataset's tags are %d bytes; at most %d fit. Keep long texts in records", size, tagsBytesMax)
	}
	if len(tags) > tagsMax {
		return invalid("Invalid value for parameter 'tags': an evaluation dataset has at most %d", tagsMax)
	}
	if len(experiments) > experimentsMax {
		return invalid("Invalid value for parameter 'experiment_ids': an evaluation dataset is in at most %d", experimentsMax)
	}
	for _, id := range experiments {
		if len(id) > experimentIDMax {
			return invalid("Invalid value for parameter 'experiment_ids': an id of %d bytes is none of an experiment", len(id))
		}
	}
	return nil
}

// Decide sets the tags.
func (c SetTags) Decide(d *decide.Decider) error {
	e, err := load(d, c.ID)
	if err != nil {
		return err
	}
	if e == nil {
		return missing("Could not find evaluation dataset with ID %s", c.ID)
	}
	tags := maps.Clone(e.GetTags())
	if tags == nil {
		tags = make(map[string]string, len(c.Tags))
	}
	maps.Copy(tags, c.Tags)
	if err := check(tags, nil); err != nil {
		return err
	}
	change(d, c.ID, func(e *sgpb.EvaluationDataset) { e.Tags = tags })
	return nil
}

// Decide takes the tag away.
func (c DeleteTag) Decide(d *decide.Decider) error {
	e, err := load(d, c.ID)
	if err != nil || e == nil {
		return err
	}
	if _, ok := e.GetTags()[c.Key]; ok {
		change(d, c.ID, func(e *sgpb.EvaluationDataset) { delete(e.Tags, c.Key) })
	}
	return nil
}

// Decide adds experiments, which must exist, or removes them, which need not be there.
func (c Place) Decide(d *decide.Decider) error {
	e, err := load(d, c.ID)
	if err != nil {
		return err
	}
	if e == nil {
		return missing("Dataset '%s' not found", c.ID)
	}
	// Before anything is looked up: each is a document, and is looked for in the list.
	if len(c.ExperimentIDs) > experimentsMax {
		return invalid("Invalid value for parameter 'experiment_ids': a request names at most %d; make several of it", experimentsMax)
	}
	ids := slices.Clone(e.GetExperimentIds())
	for _, id := range c.ExperimentIDs {
		if c.Remove {
			ids = slices.DeleteFunc(ids, func(s string) bool { return s == id })
			continue
		}
		key, err := decide.ExperimentKey(id)
		if err != nil {
			return err
		}
		doc, err := d.Load(key)
		if err != nil {
			return err
		}
		if doc.GetExperiment() == nil {
			return missing("No Experiment with id=%s", id)
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if err := check(nil, ids); err != nil {
		return err
	}
	now := d.Given().NowMS
	change(d, c.ID, func(e *sgpb.EvaluationDataset) { e.ExperimentIds, e.UpdatedMs = ids, now })
	return nil
}

// Decide empties the documents.
func (c Delete) Decide(d *decide.Decider) error {
	e, err := load(d, c.ID)
	if err != nil || e == nil {
		return err
	}
	if e.GetSchema() != "" {
		if _, err := d.Load(document.EvaluationRecordsKey(c.ID)); err != nil {
			return err
		}
		store(d, c.ID, nil)
	}
	d.Change(Key(c.ID), nil, func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_EvaluationDataset{EvaluationDataset: &sgpb.EvaluationDataset{Id: c.ID, Deleted: true}}
	})
	return nil
}
