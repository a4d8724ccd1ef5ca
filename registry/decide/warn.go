package decide

import (
	"slices"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// What a run keeps at most. A document of all of it still fits the parts of one atomic batch.
const (
	paramsMax        = 10000
	tagsMax          = 10000
	datasetInputsMax = 1000
	modelLinksMax    = 10000
	// Of warnings the oldest go.
	warningsMax         = 100
	warningTextRunesMax = 1000
)

func (d *decider) warnRun(c track.WarnRun) error {
	r, err := d.run(c.RunID) // a deleted run may be warned: nothing of it is lost
	if err != nil {
		return err
	}
	if _, again := warningAt(r.Run, c.At); again {
		return nil
	}
	text := truncate(c.Text, warningTextRunesMax)
	if len(text) < len(c.Text) {
		text += "..."
	}
	d.changeRun(r, nil, func(x *sgpb.Run) {
		x.Warnings = append(x.Warnings, &sgpb.Warning{TimeMs: d.NowMS, Text: text, At: lanePosition(c.At)})
		x.Warnings = slices.Delete(x.Warnings, 0, max(0, len(x.Warnings)-warningsMax))
	})
	return nil
}
