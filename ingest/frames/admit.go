package frames

import (
	"context"
	"slices"
	"strconv"

	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Runs are the documents of runs. Both methods are called at once by many.
type Runs interface {
	// Lookup answers track.ResourceDoesNotExist for an unknown run.
	Lookup(ctx context.Context, runID string) (track.RunFacts, error)
	Do(ctx context.Context, c track.Command) (*sgpb.Run, error)
}

// Experiments are looked up for callers that are confined to some.
type Experiments interface {
	Experiment(ctx context.Context, id string) (*sgpb.Experiment, error)
	ExperimentByName(ctx context.Context, name string) (*sgpb.Experiment, error)
}

// admission says of each frame of a request whether it may pass, and onto which lane.
type admission struct {
	runs        Runs
	experiments Experiments
	// lanes is how many lanes new runs are spread over.
	lanes uint16
	// byWriter are the lanes of the request's writers.
	byWriter map[uint64]uint16
	warnings []warning
	unwarned int
}

// warning is about a frame that is durable and will not become what its sender thinks.
type warning struct {
	frame   int
	runID   string
	message string
}

// warningsMax bounds the warnings of an answer.
const warningsMax = 16

// admit answers the lane of a frame, the request's number n.
func (a *admission) admit(ctx context.Context, n int, f *sgpb.Frame) (uint16, error) {
	before, known := a.byWriter[f.GetWriter()]
	laneNumber, have, runID := before, known, ""
	for i, s := range f.GetSections() {
		if i > 0 && s.GetRunId() == runID && len(s.GetEvents()) == 0 {
			continue // as the section before
		}
		runID = s.GetRunId()
		lanes, err := a.section(ctx, n, s)
		if err != nil {
			return 0, err
		}
		l := lanes[f.GetWriter()%uint64(len(lanes))]
		if have && l != laneNumber {
			return 0, track.Errorf(track.InvalidParameterValue,
				"sections[%d].run_id %s belongs to lane %d and what the writer %016x sent before to lane %d; a writer stays on one lane: draw a writer for each run",
				i, runID, l, f.GetWriter(), laneNumber)
		}
		laneNumber, have = l, true
	}
	if !have {
		return 0, track.Errorf(track.InvalidParameterValue, "sections is empty, so the frame has no lane; add a section with the run's id, it may be empty beside")
	}
	a.byWriter[f.GetWriter()] = laneNumber
	return laneNumber, nil
}

// section answers the lanes of a section's run.
func (a *admission) section(ctx context.Context, n int, s *sgpb.Section) ([]uint16, error) {
	run, err := a.runs.Lookup(ctx, s.GetRunId())
	if track.CodeOf(err) == track.ResourceDoesNotExist {
		run, err = a.start(ctx, s)
	}
	switch {
	case err == nil:
	case !track.Permanent(err) || track.CodeOf(err) == track.PermissionDenied:
		return nil, err
	case !track.CallerOf(ctx).SeesAll():
		return nil, track.Errorf(track.PermissionDenied, "The run '%s' is not known, and so not known to be within the experiments of this token; start it with a run event 'started' in an experiment of the token: %v", s.GetRunId(), err)
	default:
		a.warn(n, s, "the run is not known and the frame does not start it; the section goes to quarantine: "+err.Error())
		return []uint16{track.LaneOf(s.GetRunId(), a.lanes)}, nil
	}
	if err := Allowed(ctx, a.experiments, run); err != nil {
		return nil, err
	}
	if len(run.Lanes) == 0 {
		return nil, track.Errorf(track.InternalError, "run %s has no lane", run.ID)
	}
	if run.Deleted {
		a.warn(n, s, "the run is deleted: its points are kept and show when it is restored, its events go to quarantine")
	}
	return run.Lanes, nil
}

// start creates the run of a section that starts it.
func (a *admission) start(ctx context.Context, s *sgpb.Section) (track.RunFacts, error) {
	i := slices.IndexFunc(s.GetEvents(), func(e *sgpb.RunEvent) bool { return e.GetStarted() != nil })
	if i < 0 {
		return track.RunFacts{}, track.Errorf(track.ResourceDoesNotExist, "Run with id=%s not found", s.GetRunId())
	}
	e := s.GetEvents()[i]
	if err := a.allowedToStart(ctx, e.GetStarted()); err != nil {
		return track.RunFacts{}, err
	}
	command, err := frame.CommandOf(s.GetRunId(), e)
	if err == nil {
		_, err = a.runs.Do(ctx, command)
	}
	if err != nil {
		return track.RunFacts{}, err
	}
	return a.runs.Lookup(ctx, s.GetRunId())
}

// Allowed refuses a run outside of the caller's experiments.
func Allowed(ctx context.Context, experiments Experiments, run track.RunFacts) error {
	caller := track.CallerOf(ctx)
	if caller.SeesAll() {
		return nil
	}
	e, err := experiments.Experiment(ctx, strconv.FormatUint(uint64(run.Experiment), 10))
	if err != nil {
		return err
	}
	if !caller.Sees(e.GetId(), e.GetName()) {
		return outside(caller, "run '"+run.ID+"'")
	}
	return nil
}

// allowedToStart refuses a new run outside of the caller's experiments.
func (a *admission) allowedToStart(ctx context.Context, s *sgpb.RunStarted) error {
	caller := track.CallerOf(ctx)
	if caller.SeesAll() {
		return nil
	}
	id, name := s.GetExperimentId(), s.GetExperimentName()
	e, err := a.experiment(ctx, id, name)
	switch {
	case err == nil:
		id, name = e.GetId(), e.GetName()
	case !track.Permanent(err):
		return err
	case name == "":
		return outside(caller, "experiment '"+id+"'")
	default:
		id = "" // it will be made
	}
	if !caller.Sees(id, name) {
		return outside(caller, "experiment '"+name+"'")
	}
	return nil
}

func (a *admission) experiment(ctx context.Context, id, name string) (*sgpb.Experiment, error) {
	if name != "" {
		return a.experiments.ExperimentByName(ctx, name)
	}
	return a.experiments.Experiment(ctx, id)
}

func outside(caller *track.Caller, what string) error {
	return track.Errorf(track.PermissionDenied, "The token '%s' is confined to other experiments than that of %s; use a token made with that --experiment, or without", caller.Name, what)
}

func (a *admission) warn(n int, s *sgpb.Section, message string) {
	if len(a.warnings) > 0 && a.warnings[len(a.warnings)-1].runID == s.GetRunId() {
		return
	}
	if len(a.warnings) == warningsMax {
		a.unwarned++
		return
	}
	a.warnings = append(a.warnings, warning{frame: n, runID: s.GetRunId(), message: message})
}
