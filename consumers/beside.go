package consumers

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// besideBytes is what a small value or a console line takes in memory beside its texts and numbers.
const besideBytes = 240

// besideIndex counts the small values and the console lines of a frame, also what is refused of them: what is refused
// today, for its run is not known, may be taken when the frame is decided again, and must not move the others.
type besideIndex struct{ value, line uint32 }

// Streams of console lines.
const (
	streamOut = 1
	streamErr = 2
)

// beside takes what a section carries beside points. The place of each in its frame names its row, so a frame that is
// written twice, in whatever batches, has its rows once. from is the place of the section's first.
func (in *Intake) beside(f *Frame, s *sgpb.Section, from besideIndex, run fact, r *refused) {
	at := table.Placed{
		Run: run.number, Experiment: run.experiment, Rank: s.GetRank(), Attempt: s.GetAttempt(),
		Lane: in.lane, Seq: f.Seq, Writer: f.Writer, Frame: f.Number,
	}
	var values []*sgpb.SmallValue
	var reason error
	for i, v := range s.GetValues() {
		at.Index = from.value + uint32(i)
		row, err := valueOf(v, at)
		if err != nil {
			values = append(values, v)
			if reason == nil {
				reason = fmt.Errorf("values[%d].%w", i, err)
			}
			continue
		}
		f.Values = append(f.Values, row)
		f.Bytes += besideBytes + len(row.Key) + len(row.Body) + 8*(len(row.Edges)+len(row.Counts)) + len(row.SHA256) + len(row.MediaType)
	}
	if reason != nil {
		r.of(s, reason.Error()).Values = values
	}
	at.Index = from.line
	lines(f, s, at, r)
}

// lines takes a section's console lines; at is the place of the first.
func lines(f *Frame, s *sgpb.Section, at table.Placed, r *refused) {
	var lines []*sgpb.ConsoleLine
	var reason error
	first := at.Index
	for i, l := range s.GetConsole() {
		at.Index = first + uint32(i)
		if l.GetStream() != streamOut && l.GetStream() != streamErr {
			lines = append(lines, l)
			if reason == nil {
				reason = fmt.Errorf("console[%d].stream is %d; 1 is standard output, 2 is standard error", i, l.GetStream())
			}
			continue
		}
		f.Lines = append(f.Lines, table.ConsoleLine{Placed: at, TS: l.GetTimeMs(), Stream: uint8(l.GetStream()), Number: l.GetNumber(), Text: l.GetText()})
		f.Bytes += besideBytes + len(l.GetText())
	}
	if reason != nil {
		r.of(s, reason.Error()).Console = lines
	}
}

// valueOf makes the row of a small value; an error names the field.
func valueOf(v *sgpb.SmallValue, at table.Placed) (table.SmallValue, error) {
	row := table.SmallValue{Placed: at, Key: v.GetKey(), Step: v.GetStep(), TS: v.GetTimeMs()}
	if row.Key == "" || len(row.Key) > frame.KeyBytesMax {
		return row, fmt.Errorf("key has %d bytes; 1 to %d are allowed", len(row.Key), frame.KeyBytesMax)
	}
	switch x := v.GetValue().(type) {
	case *sgpb.SmallValue_Text:
		row.Kind, row.Body = table.KindText, x.Text
	case *sgpb.SmallValue_Json:
		row.Kind, row.Body = table.KindJSON, x.Json
		if !json.Valid([]byte(x.Json)) {
			return row, errors.New("json is no JSON")
		}
	case *sgpb.SmallValue_Histogram:
		row.Kind, row.Edges, row.Counts = table.KindHistogram, x.Histogram.GetEdges(), x.Histogram.GetCounts()
		if len(row.Edges) != len(row.Counts)+1 {
			return row, fmt.Errorf("histogram has %d edges for %d counts; there is one more", len(row.Edges), len(row.Counts))
		}
	case *sgpb.SmallValue_Artifact:
		a := x.Artifact
		row.Kind, row.Body, row.SHA256, row.SizeBytes, row.MediaType = table.KindArtifact, a.GetPath(), a.GetSha256(), a.GetSizeBytes(), a.GetMediaType()
		if row.Body == "" {
			return row, errors.New("artifact.path is empty")
		}
	default:
		return row, errors.New("value is of a kind that this version does not know")
	}
	return row, nil
}
