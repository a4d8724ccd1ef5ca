package models

import (
	"cmp"
	"math"
	"strconv"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Search is a parsed search for logged models.
type Search struct {
	Experiments []uint32
	Where       []Clause
	// Datasets scope the metrics of Where; without any, a model must have a metric on one of them.
	Datasets []Dataset
	Order    Order
}

// probe asks of a model's points whether any satisfies a condition.
type probe struct {
	key      string
	clause   *Clause // nil: any value, of any key
	datasets []Dataset
}

// probes are the conditions on metrics, in the order of Where.
func (s *Search) probes() []probe {
	var out []probe
	for i := range s.Where {
		if c := &s.Where[i]; c.Field.Entity == Metric {
			out = append(out, probe{c.Field.Key, c, s.Datasets})
		}
	}
	if len(out) == 0 && len(s.Datasets) > 0 {
		out = append(out, probe{datasets: s.Datasets})
	}
	return out
}

// NeedsPoints says whether metrics matter for what is found, or for its order.
func (s *Search) NeedsPoints() bool { return len(s.probes()) > 0 || len(s.Order.metrics()) > 0 }

// Point is one value measured for a model.
type Point struct {
	Key string
	// Dataset is name, newline, digest; or empty.
	Dataset      string
	Run          uint64
	TimeMS, Step int64
	Value        float64
}

// Facts are what a search must know of a model's points. The zero value is of no points.
type Facts struct {
	// Holds[i] is whether any point satisfies condition i.
	Holds []bool
	// Latest[i] is the newest point of the order's metric i.
	Latest []Latest
}

// Latest is the newest point of a metric: the latest by time, then by step, then of the first run by id.
type Latest struct {
	Known        bool
	TimeMS, Step int64
	Run          uint64
	Value        float64
}

func (l Latest) compare(o Latest) int {
	if l.Known != o.Known {
		if l.Known {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(l.TimeMS, o.TimeMS), cmp.Compare(l.Step, o.Step), cmp.Compare(o.Run, l.Run), cmp.Compare(l.Value, o.Value))
}

// stored is a value as MLflow keeps it for models: NaN is 0.
func stored(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// Observe takes one point in.
func (s *Search) Observe(f *Facts, p Point) {
	probes, metrics := s.probes(), s.Order.metrics()
	f.grow(len(probes), len(metrics))
	for i, pr := range probes {
		f.Holds[i] = f.Holds[i] || pr.satisfied(p)
	}
	for i, t := range metrics {
		if t.Field.Key != p.Key || !t.Dataset.has(p.Dataset) {
			continue
		}
		if l := (Latest{true, p.TimeMS, p.Step, p.Run, stored(p.Value)}); l.compare(f.Latest[i]) > 0 {
			f.Latest[i] = l
		}
	}
}

func (pr probe) satisfied(p Point) bool {
	if pr.clause != nil && (pr.key != p.Key || !pr.clause.holdsNumber(stored(p.Value))) {
		return false
	}
	for _, d := range pr.datasets {
		if d.has(p.Dataset) {
			return true
		}
	}
	return len(pr.datasets) == 0
}

func (f *Facts) grow(holds, latest int) {
	f.Holds = append(f.Holds, make([]bool, holds-min(len(f.Holds), holds))...)
	f.Latest = append(f.Latest, make([]Latest, latest-min(len(f.Latest), latest))...)
}

// Join takes in the facts of other points of the same model.
func (f *Facts) Join(o Facts) {
	f.grow(len(o.Holds), len(o.Latest))
	for i, h := range o.Holds {
		f.Holds[i] = f.Holds[i] || h
	}
	for i, l := range o.Latest {
		if l.compare(f.Latest[i]) > 0 {
			f.Latest[i] = l
		}
	}
}

// Match says whether a model is found, but for its experiment.
func (s *Search) Match(m *sgpb.LoggedModel, f Facts) bool {
	if m.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED {
		return false
	}
	for i := range s.probes() {
		if i >= len(f.Holds) || !f.Holds[i] {
			return false
		}
	}
	for _, c := range s.Where {
		if c.Field.Entity != Metric && !c.matches(m) {
			return false
		}
	}
	return true
}

func (c Clause) matches(m *sgpb.LoggedModel) bool {
	if c.Field.numeric() {
		return c.holdsNumber(float64(number(m, c.Field.Key)))
	}
	v, ok := text(m, c.Field)
	return ok && c.holdsText(v)
}

func number(m *sgpb.LoggedModel, key string) int64 {
	if key == Created {
		return m.GetCreatedMs()
	}
	return m.GetUpdatedMs()
}

// text is the value of a param, a tag or an attribute that is text. What a client
// left out of type and source is an empty text, as in MLflow; a message that nobody set is none.
func text(m *sgpb.LoggedModel, f Field) (v string, ok bool) {
	switch f.Entity {
	case Param:
		v, ok = m.GetParams()[f.Key]
		return v, ok
	case Tag:
		v, ok = m.GetTags()[f.Key]
		return v, ok
	}
	switch f.Key {
	case ID:
		return m.GetId(), true
	case Name:
		return m.GetName(), true
	case Status:
		return StatusName(m.GetStatus()), true
	case ExperimentID:
		return m.GetExperimentId(), true
	case ArtifactURI:
		return m.GetArtifactUri(), true
	case LifecycleStage:
		return mlflow.LifecycleName(m.GetLifecycle()), true
	case ModelType:
		return m.GetModelType(), true
	case SourceRun:
		return m.GetSourceRunId(), true
	}
	return m.GetStatusMessage(), m.GetStatusMessage() != ""
}

// StatusName is a status as filters write it.
func StatusName(s sgpb.LoggedModelStatus) string {
	if int(s) < 0 || int(s) >= len(statuses) {
		return strconv.Itoa(int(s))
	}
	return statuses[s]
}
