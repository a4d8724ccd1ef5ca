package consumers

import (
	"time"

	"github.com/streamgauge/streamgauge/schemas/bus"
)

const (
	// checkpointsMax bounds what retention remembers; an hour of batches at full pace has 18,000.
	checkpointsMax = 4096
	// laneShare of a lane's size limit is what applied frames take at most, so that a full lane means
	// unapplied bytes.
	laneShare = 4
	// heldWindows is how much a reader behind the lane may hold: half of the lane.
	heldWindows = 2
)

// Retention decides how far a lane may be purged: applied frames stay for AgeMax or up to BytesMax,
// whichever is less. It is pure.
type Retention struct {
	AgeMax   time.Duration
	BytesMax uint64

	checkpoints []checkpoint
	kept        uint64
}

// checkpoint is the end of an applied batch: bytes are the batch's own.
type checkpoint struct {
	seq    uint64
	timeMS int64
	bytes  uint64
}

// DefaultRetention is the safety window of the bus.
var DefaultRetention = Retention{AgeMax: bus.SafetyWindowAge, BytesMax: bus.SafetyWindowBytes}

// Limit keeps the window within its share of the lane.
func (r *Retention) Limit(laneBytesMax uint64) {
	if laneBytesMax > 0 {
		r.BytesMax = min(r.BytesMax, laneBytesMax/laneShare)
	}
}

// Applied records that the batch up to seq is in ClickHouse.
func (r *Retention) Applied(seq uint64, timeMS int64, bytes uint64) {
	r.checkpoints = append(r.checkpoints, checkpoint{seq: seq, timeMS: timeMS, bytes: bytes})
	r.kept += bytes
	if len(r.checkpoints) <= checkpointsMax {
		return
	}
	// Neighbours become one: the window ends at coarser steps.
	half := r.checkpoints[:0]
	for i := 0; i+1 < len(r.checkpoints); i += 2 {
		a, b := r.checkpoints[i], r.checkpoints[i+1]
		half = append(half, checkpoint{seq: b.seq, timeMS: b.timeMS, bytes: a.bytes + b.bytes})
	}
	if n := len(r.checkpoints); n%2 == 1 {
		half = append(half, r.checkpoints[n-1])
	}
	r.checkpoints = half
}

// Purge gives the sequence up to which frames may go now and how many bytes they are, 0 if none. Batches that end behind
// hold stay, unless they would be heldWindows times what may stay.
func (r *Retention) Purge(nowMS int64, hold uint64) (seq, bytes uint64) {
	n := 0
	for n < len(r.checkpoints) {
		c := r.checkpoints[n]
		if c.seq > hold && r.kept-bytes <= heldWindows*r.BytesMax {
			break
		}
		if r.kept-bytes <= r.BytesMax && nowMS-c.timeMS <= r.AgeMax.Milliseconds() {
			break
		}
		seq = c.seq
		bytes += c.bytes
		n++
	}
	return seq, bytes
}

// Purged records that frames up to seq are gone.
func (r *Retention) Purged(seq uint64) {
	n := 0
	for n < len(r.checkpoints) && r.checkpoints[n].seq <= seq {
		r.kept -= r.checkpoints[n].bytes
		n++
	}
	r.checkpoints = append(r.checkpoints[:0], r.checkpoints[n:]...)
}
