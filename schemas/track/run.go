package track

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"strconv"
)

// RunIDLength is the length of a run id in hex digits.
const RunIDLength = 32

// RunNumber is the run's number in ClickHouse: the first 16 hex digits of its id. Never 0, which marks
// markers.
type RunNumber = uint64

// NewRunID draws a run id whose number is not 0.
func NewRunID() string {
	var b [RunIDLength / 2]byte
	for binary.BigEndian.Uint64(b[:8]) == 0 {
		// crypto/rand.Read never fails on the platforms that Go supports.
		_, _ = rand.Read(b[:])
	}
	return hex.EncodeToString(b[:])
}

// ParseRunID checks that id is 32 lower-case hex digits with a number that is not 0.
func ParseRunID(id string) (RunNumber, bool) {
	if len(id) != RunIDLength || !lowerHex(id) {
		return 0, false
	}
	n, err := strconv.ParseUint(id[:16], 16, 64)
	return n, err == nil && n != 0
}

func lowerHex(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// LaneOf is the default lane of a run: FNV-1a of its id modulo the number of lanes.
func LaneOf(runID string, lanes uint16) uint16 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(runID))
	return uint16(h.Sum64() % uint64(lanes))
}

// RanksPerLane is how many ranks one lane carries before a run gets another; a rank that logs 1,000 points a
// second makes a lane of 256 of them about a quarter of what one bus stream takes.
const RanksPerLane = 256

// LanesOf are the lanes of a new run: from its default lane on as many as its ranks need. Writer w uses the one at w
// modulo their number.
func LanesOf(runID string, ranks uint32, lanes uint16) []uint16 {
	n := min(uint32(lanes), max(1, ranks/RanksPerLane+min(1, ranks%RanksPerLane)))
	first := uint32(LaneOf(runID, lanes))
	out := make([]uint16, n)
	for i := range out {
		out[i] = uint16((first + uint32(i)) % uint32(lanes))
	}
	return out
}

// ParseExperimentID reads a small integer id; experiment ids are below 2^31.
func ParseExperimentID(id string) (uint32, bool) {
	n, err := strconv.ParseUint(id, 10, 31)
	return uint32(n), err == nil && strconv.FormatUint(n, 10) == id
}

// RunFacts is what the write path must know of a run before it takes points.
type RunFacts struct {
	ID         string
	Number     RunNumber
	Experiment uint32
	// Lanes never changes after the run's creation.
	Lanes   []uint16
	Deleted bool
}

// PointContext is the logged model and dataset that a value was measured with; zero means none.
type PointContext struct {
	ModelID       string
	DatasetName   string
	DatasetDigest string
}

// Dataset is the text that ClickHouse keeps for a context's dataset: name and digest apart by a newline,
// empty for none.
func (c PointContext) Dataset() string {
	if c.DatasetName == "" && c.DatasetDigest == "" {
		return ""
	}
	return c.DatasetName + "\n" + c.DatasetDigest
}

// Points are metric points of one run, rank and attempt as parallel columns.
type Points struct {
	// Keys is the dictionary that Key indexes.
	Keys []string
	Key  []uint32
	Step []int64
	// TimeMS is milliseconds since the epoch.
	TimeMS []int64
	Value  []float64
	// Contexts is the dictionary that Context indexes, plus one; nil Context means none for every point.
	Contexts []PointContext
	Context  []uint32
}

// Len is the number of points.
func (p *Points) Len() int { return len(p.Key) }

// ContextOf is the context of point i.
func (p *Points) ContextOf(i int) PointContext {
	if len(p.Context) == 0 || p.Context[i] == 0 {
		return PointContext{}
	}
	return p.Contexts[p.Context[i]-1]
}
