package clickhouse_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

const (
	// The lost answers are of every kind this often.
	lostRounds, lostShare = 2, 0.05
	// hungMax is how long a lane waits for an answer here.
	hungMax = 1500 * time.Millisecond
	// delayMax is the longest that an answer is held back.
	delayMax = 2 * time.Second
)

// eager is a pace that inserts what is there at once.
var eager = consumers.Pace{RowsMax: 500_000, BytesMax: 128 << 20, GapMin: time.Millisecond, RowsSoon: 1, AgeMax: 10 * time.Millisecond}

var lostAnswers = []*fate{
	{name: "cut before the answer", answer: func(c, e net.Conn) bool { c.Close(); hangUp(e); return true }},
	{name: "cut before the answer, the engine does not know", answer: func(c, _ net.Conn) bool { c.Close(); return true }},
	{name: "half open", answer: func(net.Conn, net.Conn) bool { return true }},
	{name: "delayed", answer: func(net.Conn, net.Conn) bool { time.Sleep(rand.N(delayMax)); return false }},
	{name: "cut within the data", cut: true},
	{name: "cut within the data, the engine does not know", cut: true, unknown: true},
	{name: "cut while the insert runs", silence: 2 * time.Millisecond},
}

// TestFault03LostAnswers cuts, delays and swallows what the engine answers to inserts. The lane cannot know whether an
// insert has landed, or is running still when it sends the next.
func TestFault03LostAnswers(t *testing.T) {
	r := newRig(t)
	p := newProxy(t, r.engine.Addr)
	sent, frames := int64(0), uint64(0)
	for range faulttest.Rounds(t, lostRounds, lostShare) {
		for _, f := range lostAnswers {
			keys := 10
			if f.silence > 0 {
				keys = 500 // an insert that takes its time
			}
			for range 3 {
				frames++
				r.publishFrame(1, frames, series(runID(7), keys, 100, int64(frames)*100))
				sent += int64(keys) * 100
			}
			p.arm(f)
			c := r.config()
			c.Address, c.RequestMax = p.Addr().String(), hungMax
			_, _, stop := r.startAt(c, func(l *consumers.LaneConfig) { l.Pace = eager })
			r.awaitMarker(f.name, frames)
			stop()
		}
	}
	if want := int(frames) / 3; p.met != want {
		t.Errorf("%d of %d inserts met their fate", p.met, want)
	}
	t.Logf("%d lost answers", p.met)
	r.tally(sent)
}

// awaitMarker waits until the table has all up to seq.
func (r *rig) awaitMarker(what string, seq uint64) {
	r.Helper()
	const query = "SELECT toUInt64(max(step)) FROM streamgauge.points WHERE run = 0 AND key = '' AND rank = 0"
	for end := time.Now().Add(settleMax); ; time.Sleep(5 * time.Millisecond) {
		n, err := r.engine.Scalar(r.ctx, query)
		switch {
		case err == nil && n >= seq:
			return
		case time.Now().After(end):
			r.Fatalf("%s: the table ends at %d of %d: %v", what, n, seq, err)
		}
	}
}

// tally counts the table, by rows, by markers and by the rollup.
func (r *rig) tally(acknowledged int64) {
	r.Helper()
	text, err := r.engine.Query(r.ctx, countPoints)
	if err != nil {
		r.Fatal(err)
	}
	var rows, different int64
	if _, err := fmt.Sscan(text, &rows, &different); err != nil {
		r.Fatal(err)
	}
	r.query(fmt.Sprint(rows), countP8)
	marked, err := r.engine.Query(r.ctx, countMarkers)
	if err != nil {
		r.Fatal(err)
	}
	if sum, _, _ := strings.Cut(marked, "\t"); sum != fmt.Sprint(rows) || !strings.HasSuffix(strings.TrimSpace(marked), "\t1") {
		r.Errorf("markers (rows, last, unbroken) are %q, the table has %d rows", marked, rows)
	}
	faulttest.Of(acknowledged, rows, different).Check(r)
}
