package lane

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/streamgauge/streamgauge/schemas/feed"
)

const (
	// queueRequestsMax is what may wait on a lane: some seconds of single points.
	queueRequestsMax = 16 << 10
	// queueBytesMax is what the waiting points may take, as the upper bound of their encoding: 64 full frames.
	queueBytesMax = 64 << 20
	// attemptTimeout is how long one append may take before it is repeated; a disk that is busy with a merge
	// answers within a second.
	attemptTimeout = 3 * time.Second
	// giveUpAfter is how long the fate of a frame may stay unknown. It is far below the two minutes in which
	// the bus recognises a repeat, and below the patience of clients.
	giveUpAfter = 12 * time.Second
	// waitMax is how long points may wait for the frames before them. Then nobody has tried to store them, and
	// the answer is a sure no; with giveUpAfter it bounds every answer.
	waitMax = 10 * time.Second
	// pauseMin and pauseMax bound the pauses between attempts.
	pauseMin = 20 * time.Millisecond
	pauseMax = 500 * time.Millisecond
	// closeGrace is how long Close lets publishers finish what waits.
	closeGrace = 2 * time.Second
	// retryAfterSeconds is what callers are told who come too early.
	retryAfterSeconds = 1
)

// Options adjust lanes. The zero value is for production.
type Options struct {
	// Acks is told every acknowledged frame before its callers are. nil: nobody is.
	Acks *feed.Acks
	// Meter counts; nil is a new one.
	Meter *Meter
	// The rest is for tests; 0 is the constant of the same name.
	QueueRequestsMax, QueueBytesMax                int
	AttemptTimeout, GiveUpAfter, WaitMax, PauseMin time.Duration
	// NewWriter draws writer ids; nil draws random ones.
	NewWriter func() uint64
}

func (o Options) withDefaults() Options {
	if o.Acks == nil {
		o.Acks = new(feed.Acks)
	}
	if o.Meter == nil {
		o.Meter = NewMeter()
	}
	if o.QueueRequestsMax == 0 {
		o.QueueRequestsMax = queueRequestsMax
	}
	if o.QueueBytesMax == 0 {
		o.QueueBytesMax = queueBytesMax
	}
	if o.AttemptTimeout == 0 {
		o.AttemptTimeout = attemptTimeout
	}
	if o.GiveUpAfter == 0 {
		o.GiveUpAfter = giveUpAfter
	}
	if o.WaitMax == 0 {
		o.WaitMax = waitMax
	}
	if o.PauseMin == 0 {
		o.PauseMin = pauseMin
	}
	if o.NewWriter == nil {
		o.NewWriter = newWriter
	}
	return o
}

// newWriter draws a writer id, which is never 0.
func newWriter() uint64 {
	var b [8]byte
	for binary.LittleEndian.Uint64(b[:]) == 0 {
		_, _ = rand.Read(b[:]) // never fails
	}
	return binary.LittleEndian.Uint64(b[:])
}
