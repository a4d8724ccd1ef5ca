package evaluation

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Register adds the next version of a scorer, and the scorer under NewID if it is the first.
type Register struct {
	ExperimentID, Name, Serialized string
	NewID                          string
}

// DeleteScorer takes away one version of a scorer, or all if Version is 0.
type DeleteScorer struct {
	ExperimentID, Name string
	Version            uint32
}

// NoScorer is the answer to an unknown scorer; version 0 is any.
func NoScorer(experimentID, name string, version uint32) error {
	if version > 0 {
		return missing("Scorer with name '%s' and version %d not found for experiment %s.", name, version, experimentID)
	}
	return missing("Scorer with name '%s' not found for experiment %s.", name, experimentID)
}

// FindScorer looks for a scorer among those of its experiment; nil if there is none.
func FindScorer(all []*sgpb.Scorer, name string) *sgpb.Scorer {
	if i, ok := place(all, name); ok {
		return all[i]
	}
	return nil
}

func place(all []*sgpb.Scorer, name string) (int, bool) {
	return slices.BinarySearchFunc(all, name, func(s *sgpb.Scorer, name string) int { return strings.Compare(s.GetName(), name) })
}

// FindVersion looks for a version of a scorer, 0 for the newest; nil if there is none.
func FindVersion(s *sgpb.Scorer, version uint32) *sgpb.ScorerVersion {
	all := s.GetVersions()
	if version == 0 && len(all) > 0 {
		return all[len(all)-1]
	}
	i := slices.IndexFunc(all, func(v *sgpb.ScorerVersion) bool { return v.GetVersion() == version })
	if i < 0 {
		return nil
	}
	return all[i]
}

// scorers reads those of an active experiment and makes them the answer.
func scorers(d *decide.Decider, experimentID string) (key string, all []*sgpb.Scorer, err error) {
	e, err := d.ActiveExperiment(experimentID)
	if err != nil {
		return "", nil, err
	}
	key = document.ScorersKey(e.GetId())
	doc, err := d.Load(key)
	if err != nil {
		return "", nil, err
	}
	d.Answer(key)
	return key, doc.GetScorers().GetScorers(), nil
}

// put writes the scorers of an experiment with one in place of that at i; nil takes it out.
func put(d *decide.Decider, key string, all []*sgpb.Scorer, i, replaced int, s ...*sgpb.Scorer) {
	all = slices.Replace(slices.Clone(all), i, i+replaced, s...)
	d.Change(key, nil, func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_Scorers{Scorers: &sgpb.Scorers{Scorers: all}}
	})
}

// Decide adds the version.
func (c Register) Decide(d *decide.Decider) error {
	if strings.TrimSpace(c.Name) == "" {
		return invalid("Scorer name cannot be empty or contain only whitespace.")
	}
	if err := mlflow.CheckLength("name", c.Name, NameMax); err != nil {
		return err
	}
	if !json.Valid([]byte(c.Serialized)) {
		return invalid("serialized_scorer must be valid JSON")
	}
	key, all, err := scorers(d, c.ExperimentID)
	if err != nil {
		return err
	}
	size := scorerVersionBytes + len(c.Serialized)
	for _, s := range all {
		for _, v := range s.GetVersions() {
			size += scorerVersionBytes + len(v.GetSerialized())
		}
	}
	if size > scorersBytesMax {
		return invalid("The scorers of experiment %s are %d bytes with this one and at most %d MiB fit; delete old versions", c.ExperimentID, size, scorersBytesMax>>20)
	}
	i, found := place(all, c.Name)
	next, replaced := &sgpb.Scorer{Id: c.NewID, Name: c.Name}, 0
	if found {
		next.Id, next.Versions, replaced = all[i].GetId(), slices.Clone(all[i].GetVersions()), 1
	}
	next.Versions = append(next.Versions, &sgpb.ScorerVersion{
		Version: FindVersion(next, 0).GetVersion() + 1, Serialized: c.Serialized, CreatedMs: d.Given().NowMS,
	})
	put(d, key, all, i, replaced, next)
	return nil
}

// Decide takes the version away, and the scorer with its last.
func (c DeleteScorer) Decide(d *decide.Decider) error {
	key, all, err := scorers(d, c.ExperimentID)
	if err != nil {
		return err
	}
	i, found := place(all, c.Name)
	if !found {
		return NoScorer(c.ExperimentID, c.Name, 0)
	}
	old := all[i]
	if c.Version > 0 && FindVersion(old, c.Version) == nil {
		return NoScorer(c.ExperimentID, c.Name, c.Version)
	}
	rest := slices.DeleteFunc(slices.Clone(old.GetVersions()), func(v *sgpb.ScorerVersion) bool {
		return c.Version == 0 || v.GetVersion() == c.Version
	})
	if len(rest) == 0 {
		put(d, key, all, i, 1)
		return nil
	}
	put(d, key, all, i, 1, &sgpb.Scorer{Id: old.GetId(), Name: old.GetName(), Versions: rest})
	return nil
}
