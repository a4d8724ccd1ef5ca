package decide

import (
	"cmp"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// beatEveryMS is how often a run's heartbeat is written down. Who reads it asks for minutes.
const beatEveryMS = 60_000

// onLane decides a command of a run event. Its frame may be decided again after a crash, and meanwhile others may
// have changed the run: the document says what was carried out, which changes nothing more, and its warnings say
// what was refused, which stays so. Of more than warningsMax refusals in a crash's few seconds the oldest are
// taken for carried out; the run's other warnings stand, but quarantine may miss them.
func (d *decider) onLane(c track.OnLane) error {
	r, err := d.runOnLane(c)
	if err != nil {
		return err
	}
	key := document.RunKey(c.Run())
	if text, refused := warningAt(r, c.At); refused {
		return invalid("%s", text)
	}
	done := carriedOut(r, c.At.Lane)
	switch {
	case done != nil && compare(done.GetLast(), c.At) >= 0 && compare(done.GetFirst(), c.At) <= 0:
		d.out.Answer = key
		return nil
	case done != nil && compare(done.GetFirst(), c.At) > 0:
		return NoRun(r.GetId())
	}
	if err := ForRun(c.Command).decide(d); err != nil {
		return err
	}
	if _, beat := c.Command.(track.Beat); beat && len(d.out.Events) == 0 {
		return nil // nothing happened that must not happen twice
	}
	d.emit(Event{Key: key, set: func(doc *sgpb.Document) { carryOut(doc.GetRun(), c.At) }})
	return nil
}

// runOnLane reads the run of a command, nil if there is none yet.
func (d *decider) runOnLane(c track.OnLane) (*sgpb.Run, error) {
	id := c.Run()
	if _, ok := track.ParseRunID(id); !ok {
		return nil, nil // the command's own decision refuses it
	}
	doc, err := d.load(document.RunKey(id))
	if err != nil || doc.GetRun().GetId() != id { // another run may have the same number
		return nil, err
	}
	return doc.GetRun(), nil
}

// beat writes down that the run was heard of, now and then.
func (d *decider) beat(c track.Beat) error {
	r, err := d.run(c.RunID)
	if err != nil || d.NowMS-r.GetUpdatedMs() < beatEveryMS {
		return err
	}
	d.changeRun(r, nil, func(*sgpb.Run) {}) // any change renews updated_ms
	return nil
}

func lanePosition(p track.Position) *sgpb.LanePosition {
	if p == (track.Position{}) {
		return nil
	}
	return &sgpb.LanePosition{Lane: uint32(p.Lane), Sequence: p.Sequence, Event: p.Event}
}

// compare compares positions on one lane.
func compare(a *sgpb.LanePosition, b track.Position) int {
	return cmp.Or(cmp.Compare(a.GetSequence(), b.Sequence), cmp.Compare(a.GetEvent(), b.Event))
}

// carriedOut finds what a run has carried out of a lane, nil for nothing.
func carriedOut(r *sgpb.Run, lane uint16) *sgpb.CarriedOut {
	for _, c := range r.GetCarriedOut() {
		if c.GetLast().GetLane() == uint32(lane) {
			return c
		}
	}
	return nil
}

func carryOut(r *sgpb.Run, p track.Position) {
	if c := carriedOut(r, p.Lane); c != nil {
		c.Last = lanePosition(p)
		return
	}
	r.CarriedOut = append(r.CarriedOut, &sgpb.CarriedOut{First: lanePosition(p), Last: lanePosition(p)})
}

// warningAt finds the refusal of the event at a position.
func warningAt(r *sgpb.Run, p track.Position) (text string, found bool) {
	want := lanePosition(p)
	for _, w := range r.GetWarnings() {
		if want != nil && proto.Equal(w.GetAt(), want) {
			return w.GetText(), true
		}
	}
	return "", false
}
