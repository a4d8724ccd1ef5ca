package memory

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/consumers/alerts/episode"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Saved is everything that is remembered at one moment, or what of it is other than at an earlier one.
type Saved struct {
	// Seen is the last sequence that was taken, by lane.
	Seen map[uint16]uint64
	// Ended has when runs with states ended, milliseconds since the epoch; Met the revisions of rules that know the runs from
	// before them.
	Ended map[string]int64
	Met   map[string]uint64
	// States by their series; nil for one that is gone.
	States map[episode.Series]*State
}

const (
	bitOpen = 1 << iota
	bitHas
	bitRunning
	bitSilent
	bitKnown
	bitGone
)

// table gives texts their places.
type table struct {
	out    *sgpb.AlertStates
	places map[string]uint32
}

func (t *table) place(text string) uint32 {
	at, ok := t.places[text]
	if !ok {
		at = uint32(len(t.out.Texts))
		t.places[text] = at
		t.out.Texts = append(t.out.Texts, text)
	}
	return at
}

// Pack writes it down, in columns.
func (s Saved) Pack() ([]byte, error) {
	out := new(sgpb.AlertStates)
	t := &table{out, make(map[string]uint32)}
	for lane, seq := range s.Seen {
		out.Lanes, out.Seen = append(out.Lanes, uint32(lane)), append(out.Seen, seq)
	}
	for run, ms := range s.Ended {
		out.EndedRun, out.EndedMs = append(out.EndedRun, t.place(run)), append(out.EndedMs, ms)
	}
	for rule, revision := range s.Met {
		out.MetRule, out.MetRevision = append(out.MetRule, t.place(rule)), append(out.MetRevision, revision)
	}
	for series, st := range s.States {
		out.Rule, out.Revision = append(out.Rule, t.place(series.RuleID)), append(out.Revision, series.Revision)
		out.Run, out.Rank, out.Metric = append(out.Run, t.place(series.RunID)), append(out.Rank, series.Rank), append(out.Metric, t.place(series.Metric))
		if st == nil {
			st = new(State)
			out.Flags = append(out.Flags, bitGone)
		} else {
			out.Flags = append(out.Flags, bit(st.Open, bitOpen)|bit(st.Has, bitHas)|bit(st.Running, bitRunning)|bit(st.Silent, bitSilent)|bit(st.Known, bitKnown))
		}
		out.Count, out.Attempt = append(out.Count, uint64(st.Count)), append(out.Attempt, st.Attempt)
		out.StartLane, out.StartSeq, out.StartIndex = append(out.StartLane, uint32(st.Start.Lane)), append(out.StartSeq, st.Start.Seq), append(out.StartIndex, st.Start.Index)
		out.Best, out.SeenMs, out.Experiment = append(out.Best, st.Best), append(out.SeenMs, st.SeenMS), append(out.Experiment, st.Experiment)
		out.SignLane, out.SignSeq, out.SignIndex = append(out.SignLane, uint32(st.Sign.Lane)), append(out.SignSeq, st.Sign.Seq), append(out.SignIndex, st.Sign.Index)
	}
	b, err := proto.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode the alerts' states: %w", err)
	}
	return b, nil
}

func bit(yes bool, which uint32) uint32 {
	if yes {
		return which
	}
	return 0
}

// Unpack reads what Pack wrote, or JSON, as it was written before.
func Unpack(b []byte) (Saved, error) {
	if len(b) > 0 && b[0] == '{' {
		return fromJSON(b)
	}
	in := new(sgpb.AlertStates)
	if err := proto.Unmarshal(b, in); err != nil {
		return Saved{}, fmt.Errorf("decode the alerts' states: %w", err)
	}
	if !fits(in) {
		return Saved{}, fmt.Errorf("decode the alerts' states: columns do not fit each other")
	}
	s := Saved{Seen: make(map[uint16]uint64), Ended: make(map[string]int64), Met: make(map[string]uint64), States: make(map[episode.Series]*State, len(in.Rule))}
	for i, lane := range in.Lanes {
		s.Seen[uint16(lane)] = in.Seen[i]
	}
	for i, run := range in.EndedRun {
		s.Ended[in.Texts[run]] = in.EndedMs[i]
	}
	for i, rule := range in.MetRule {
		s.Met[in.Texts[rule]] = in.MetRevision[i]
	}
	for i, flags := range in.Flags {
		series := episode.Series{RuleID: in.Texts[in.Rule[i]], Revision: in.Revision[i], RunID: in.Texts[in.Run[i]], Rank: in.Rank[i], Metric: in.Texts[in.Metric[i]]}
		if flags&bitGone != 0 {
			s.States[series] = nil
			continue
		}
		s.States[series] = &State{
			Open: flags&bitOpen != 0, Has: flags&bitHas != 0, Running: flags&bitRunning != 0, Silent: flags&bitSilent != 0, Known: flags&bitKnown != 0,
			Count: int(in.Count[i]), Attempt: in.Attempt[i], Best: in.Best[i], SeenMS: in.SeenMs[i], Experiment: in.Experiment[i],
			Start: episode.Position{Lane: uint16(in.StartLane[i]), Seq: in.StartSeq[i], Index: in.StartIndex[i]},
			Sign:  episode.Position{Lane: uint16(in.SignLane[i]), Seq: in.SignSeq[i], Index: in.SignIndex[i]},
		}
	}
	return s, nil
}

// fits says that columns have the same length, and that places are among the texts.
func fits(in *sgpb.AlertStates) bool {
	n := len(in.Flags)
	for _, length := range []int{
		len(in.Rule), len(in.Revision), len(in.Run), len(in.Rank), len(in.Metric), len(in.Count), len(in.StartLane), len(in.StartSeq), len(in.StartIndex),
		len(in.Attempt), len(in.Best), len(in.SeenMs), len(in.SignLane), len(in.SignSeq), len(in.SignIndex), len(in.Experiment),
	} {
		if length != n {
			return false
		}
	}
	for _, places := range [][]uint32{in.Rule, in.Run, in.Metric, in.EndedRun, in.MetRule} {
		for _, at := range places {
			if int(at) >= len(in.Texts) {
				return false
			}
		}
	}
	return len(in.Lanes) == len(in.Seen) && len(in.EndedRun) == len(in.EndedMs) && len(in.MetRule) == len(in.MetRevision)
}

func fromJSON(b []byte) (Saved, error) {
	var in struct {
		Seen   map[uint16]uint64 `json:"seen"`
		Ended  map[string]int64  `json:"ended"`
		States []struct {
			episode.Series
			State State `json:"state"`
		} `json:"states"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return Saved{}, fmt.Errorf("decode the alerts' states: %w", err)
	}
	s := Saved{Seen: in.Seen, Ended: in.Ended, States: make(map[episode.Series]*State, len(in.States))}
	for _, st := range in.States {
		s.States[st.Series] = &st.State
	}
	return s, nil
}
