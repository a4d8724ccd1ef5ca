package consumers

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
)

const (
	// fillersMax bounds how far a restored log is moved on by itself; 10,000 a second take under two minutes.
	fillersMax = 1_000_000
	// fillersAtOnce go out together.
	fillersAtOnce = 1000
	// fillerWriter is the writer of all fillers; random ids do not hit it.
	fillerWriter = math.MaxUint64
)

// Appender is a Source that also takes messages. Without it a restored log needs a person.
type Appender interface {
	// Append puts messages behind the log's end, in order, under their subjects. It returns when the log has all
	// of them; after an error it may have any of the first ones.
	Append(ctx context.Context, messages []Message) error
}

// line compares the log with the table's marker. A log that was lost or restored from an older copy gives sequences
// once more that the table has already, and its new frames would pass for applied ones. An empty one is moved on;
// of one with frames, those that are new are appended once more, behind the marker (decision 021).
func (l *Lane) line(ctx context.Context, marker table.Marker) (State, error) {
	state, err := l.Source.State(ctx)
	if err != nil {
		return state, fmt.Errorf("read the log's state: %w", err)
	}
	if state.Messages > 0 {
		same, err := l.continues(ctx, marker, state)
		if err != nil || same {
			return state, err
		}
		return l.repair(ctx, marker, state)
	}
	if state.Last > marker.Last {
		l.gap(marker.Last+1, state.Last) // the table was restored from a copy that is older than the safety window
	}
	if state.Last < marker.Last {
		l.Log.Warn("the log was empty and behind the watermark, moving it on", "end", state.Last, "watermark", marker.Last)
		if err := l.Source.Purge(ctx, marker.Last); err != nil {
			return state, fmt.Errorf("move the log on to %d: %w", marker.Last+1, err)
		}
	}
	state.Last = marker.Last // what is gone from the log, nobody can wait for
	return state, nil
}

// gap tells of frames that were on the log and are neither there nor in the table.
func (l *Lane) gap(from, to uint64) {
	l.metrics.holes.Add(float64(to - from + 1))
	l.Log.Error("the log has a gap", "from", from, "to", to)
}

// continues says whether the frames behind the marker follow those that the table has: the message of the marker is
// the one that it was, by its time, or all up to it are gone.
func (l *Lane) continues(ctx context.Context, marker table.Marker, state State) (bool, error) {
	if state.Last < marker.Last {
		return false, nil
	}
	if marker.Last == 0 || state.First > marker.Last {
		return true, nil
	}
	if err := l.Source.Seek(ctx, marker.Last); err != nil {
		return false, fmt.Errorf("seek to %d: %w", marker.Last, err)
	}
	messages, err := l.Source.Fetch(ctx, 1)
	if err != nil {
		return false, fmt.Errorf("read the frame of the marker, %d: %w", marker.Last, err)
	}
	return messages[0].Seq > marker.Last || messages[0].TimeMS == marker.TimeMS, nil
}

// repair fills a restored log up to the marker and appends its new frames behind that. Done twice it changes nothing:
// frames have numbers. What was acknowledged after the copy was made and was not in the table yet is lost, and told.
func (l *Lane) repair(ctx context.Context, marker table.Marker, state State) (State, error) {
	log, able := l.Source.(Appender)
	if missing := int64(marker.Last) - int64(state.Last); !able || missing > fillersMax {
		return state, fmt.Errorf("the log goes from %d to %d, but ClickHouse has applied frames up to %d: the bus was restored from an older copy; restore the matching copy of ClickHouse, or remove the lane's stream if its frames are not needed",
			state.First, state.Last, marker.Last)
	}
	l.metrics.rewinds.Inc()
	l.Log.Error("the bus was restored from an older copy; frames that it had acknowledged behind the watermark are lost unless their writers send them again; gaps in the writers' numbers count them",
		"end", state.Last, "watermark", marker.Last)
	filler, err := l.filler()
	if err != nil {
		return state, err
	}
	for state.Last < marker.Last {
		fillers := make([]Message, min(marker.Last-state.Last, fillersAtOnce))
		for i := range fillers {
			fillers[i] = filler
		}
		if err := log.Append(ctx, fillers); err != nil {
			return state, fmt.Errorf("move the log on to %d: %w", marker.Last, err)
		}
		if state, err = l.Source.State(ctx); err != nil {
			return state, fmt.Errorf("read the log's state: %w", err)
		}
	}
	if err := l.forward(ctx, log, marker, state.First, filler.Data); err != nil {
		return state, err
	}
	if err := l.Source.Purge(ctx, marker.Last); err != nil {
		return state, fmt.Errorf("purge up to %d: %w", marker.Last, err)
	}
	return l.Source.State(ctx)
}

// filler is a message that takes a sequence and says nothing.
func (l *Lane) filler() (Message, error) {
	data, err := frame.Encode(&sgpb.Frame{Writer: fillerWriter, Number: 1})
	return Message{Subject: bus.EdgeSubject(l.Lane), Data: data}, err
}

// forward appends what came up to the marker's sequence after the marker's time: those are new frames.
func (l *Lane) forward(ctx context.Context, log Appender, marker table.Marker, first uint64, filler []byte) error {
	if err := l.Source.Seek(ctx, first); err != nil {
		return fmt.Errorf("seek to %d: %w", first, err)
	}
	count := 0
	for next := first; next <= marker.Last; {
		messages, err := l.Source.Fetch(ctx, fetchBytesMax)
		if err != nil {
			return fmt.Errorf("fetch from %d: %w", next, err)
		}
		var fresh []Message
		for _, m := range messages {
			next = m.Seq + 1
			if m.Seq <= marker.Last && m.TimeMS > marker.TimeMS && !bytes.Equal(m.Data, filler) {
				fresh = append(fresh, m)
			}
		}
		if err := log.Append(ctx, fresh); err != nil {
			return fmt.Errorf("append frames below %d once more: %w", next, err)
		}
		count += len(fresh)
	}
	l.Log.Warn("frames that took sequences of lost ones stand on the log once more", "frames", count)
	return nil
}
