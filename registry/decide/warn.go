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
	text := truncate(c.Text, warningTextRunesMax)
	if len(text) < len(c.Text) {
		text += "..."
	}
	d.changeRun(r, nil, func(x *sgpb.Run) {
		x.Warnings = append(x.Warnings, &sgpb.Warning{TimeMs: d.NowMS, Text: text})
		x.Warnings = slices.Delete(x.Warnings, 0, max(0, len(x.Warnings)-warningsMax))
	})
	return nil
}
