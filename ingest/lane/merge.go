package lane

import (
	"github.com/streamgauge/streamgauge/ingest/columns"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

const (
	frameBytesMax = bus.FrameBytesMax
	// frameBytesMin is what a frame takes beside its sections: version, writer, number.
	frameBytesMin = 32
	// sectionBytesMax is what a section takes beside its columns: the run id and the lengths of the columns.
	sectionBytesMax = 96
	// mergedPointsMax: requests up to this size share a section. For larger ones the bytes saved are few, and
	// copying costs more.
	mergedPointsMax = 64
)

// merge makes sections of requests, in their order; small requests of one run share one. It changes the columns
// of the requests.
func merge(group []*request) []*sgpb.Section {
	if len(group) == 1 {
		return []*sgpb.Section{section(group[0])}
	}
	sections := make([]*request, 0, len(group))
	open := make(map[string]*columns.Columns)
	for _, r := range group {
		first := open[r.runID]
		if first != nil && r.points.Len() <= mergedPointsMax {
			first.Merge(r.points)
			continue
		}
		sections = append(sections, r)
		open[r.runID] = r.points
	}
	out := make([]*sgpb.Section, len(sections))
	for i, r := range sections {
		out[i] = section(r)
	}
	return out
}

func section(r *request) *sgpb.Section {
	return &sgpb.Section{RunId: r.runID, Points: frame.PackPoints(&r.points.Points)}
}
