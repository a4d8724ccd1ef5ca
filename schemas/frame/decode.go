package frame

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// KeyBytesMax is MLflow's limit on the length of a metric key.
const KeyBytesMax = 250

// EventsMax is how many run events a frame may carry: each is a decision about a document.
const EventsMax = 1000

// BesideMax is how many small values, and how many console lines, a frame may carry: a line with its time and text takes
// more than a sixteenth of what a frame has for each.
const BesideMax = 1 << 16

// Decode reads a frame and checks everything that does not need to know other documents: version, writer,
// number, run ids, and that the columns of points fit together. An error names the field; the frame is then
// quarantined whole. Keys that came in fixed width stand in the column key afterwards.
func Decode(b []byte) (*sgpb.Frame, error) {
	f := new(sgpb.Frame)
	if err := proto.Unmarshal(b, f); err != nil {
		return nil, fmt.Errorf("not a frame: %w", err)
	}
	switch {
	case f.GetVersion() != Version:
		return nil, fmt.Errorf("frame.version is %d; this reader knows %d", f.GetVersion(), Version)
	case f.GetWriter() == 0:
		return nil, fmt.Errorf("frame.writer is 0; a writer draws a random number that is not")
	case f.GetNumber() == 0:
		return nil, fmt.Errorf("frame.number is 0; numbers count from 1")
	}
	events, values, lines := 0, 0, 0
	for i, s := range f.GetSections() {
		if events += len(s.GetEvents()); events > EventsMax {
			return nil, fmt.Errorf("sections[%d].events: the frame has more than %d; send several frames", i, EventsMax)
		}
		if values += len(s.GetValues()); values > BesideMax {
			return nil, fmt.Errorf("sections[%d].values: the frame has more than %d; send several frames", i, BesideMax)
		}
		if lines += len(s.GetConsole()); lines > BesideMax {
			return nil, fmt.Errorf("sections[%d].console: the frame has more than %d; send several frames", i, BesideMax)
		}
		if _, ok := track.ParseRunID(s.GetRunId()); !ok {
			return nil, fmt.Errorf("sections[%d].run_id %q is not 32 lower-case hex digits", i, s.GetRunId())
		}
		if err := checkPoints(s.GetPoints()); err != nil {
			return nil, fmt.Errorf("sections[%d].points.%w", i, err)
		}
	}
	return f, nil
}

func checkPoints(p *sgpb.Points) error {
	if p == nil {
		return nil
	}
	if err := oneForm("key", len(p.GetKey()), "key_fixed", len(p.GetKeyFixed())); err != nil {
		return err
	}
	if len(p.GetKeyFixed()) > 0 {
		p.Key, p.KeyFixed = p.KeyFixed, nil
	}
	n := len(p.GetKey())
	switch {
	case len(p.GetValue()) != n:
		return fmt.Errorf("value has %d entries, key %d", len(p.GetValue()), n)
	case len(p.GetContext()) != 0 && len(p.GetContext()) != n:
		return fmt.Errorf("context has %d entries, key %d", len(p.GetContext()), n)
	}
	if err := column(n, "step_delta", len(p.GetStepDelta()), "step", len(p.GetStep())); err != nil {
		return err
	}
	if err := column(n, "time_delta_ms", len(p.GetTimeDeltaMs()), "time_ms", len(p.GetTimeMs())); err != nil {
		return err
	}
	return checkDictionaries(p)
}

// column checks that a column stands there in one of its two forms, with n entries.
func column(n int, short string, shorts int, fixed string, fixeds int) error {
	if err := oneForm(short, shorts, fixed, fixeds); err != nil {
		return err
	}
	if fixeds > 0 {
		short, shorts = fixed, fixeds
	}
	if shorts != n {
		return fmt.Errorf("%s has %d entries, key %d", short, shorts, n)
	}
	return nil
}

func oneForm(short string, shorts int, fixed string, fixeds int) error {
	if shorts > 0 && fixeds > 0 {
		return fmt.Errorf("%s has %d entries beside %d of %s; send one of the two", fixed, fixeds, shorts, short)
	}
	return nil
}

func checkDictionaries(p *sgpb.Points) error {
	for i, k := range p.GetKeys() {
		if k == "" || len(k) > KeyBytesMax {
			return fmt.Errorf("keys[%d] has %d bytes; 1 to %d are allowed", i, len(k), KeyBytesMax)
		}
	}
	if i := repeated(p.GetKeys()); i > 0 {
		return fmt.Errorf("keys[%d] is %q, which stands in the dictionary before", i, p.GetKeys()[i])
	}
	for i, k := range p.GetKey() {
		if int(k) >= len(p.GetKeys()) {
			return fmt.Errorf("key[%d] is %d, the dictionary has %d", i, k, len(p.GetKeys()))
		}
	}
	for i, c := range p.GetContext() {
		if int(c) > len(p.GetContexts()) {
			return fmt.Errorf("context[%d] is %d, the dictionary has %d", i, c, len(p.GetContexts()))
		}
	}
	return nil
}

// repeated finds the first key that stands before it too, 0 if there is none. Readers look a key up once.
func repeated(keys []string) int {
	if len(keys) < 2 {
		return 0
	}
	seen := make(map[string]struct{}, len(keys))
	for i, k := range keys {
		seen[k] = struct{}{}
		if len(seen) <= i {
			return i
		}
	}
	return 0
}

// UnpackPoints undoes PackPoints; it takes a message that Decode has checked. The columns of p are reused and must not
// be touched afterwards.
func UnpackPoints(p *sgpb.Points) track.Points {
	out := track.Points{Keys: p.GetKeys(), Key: p.GetKey(), Step: p.GetStep(), TimeMS: p.GetTimeMs(), Value: p.GetValue(), Context: p.GetContext()}
	if len(out.Step) == 0 {
		out.Step = sums(p.GetStepDelta())
	}
	if len(out.TimeMS) == 0 {
		out.TimeMS = sums(p.GetTimeDeltaMs())
	}
	for _, c := range p.GetContexts() {
		out.Contexts = append(out.Contexts, track.PointContext{ModelID: c.GetModelId(), DatasetName: c.GetDatasetName(), DatasetDigest: c.GetDatasetDigest()})
	}
	return out
}

func sums(values []int64) []int64 {
	prev := int64(0)
	for i, v := range values {
		prev += v
		values[i] = prev
	}
	return values
}
