// Package quota bounds how fast one run and one token may write, and tells who is faster when to come back.
//
// A bucket of credit fills at the allowed rate up to a burst. Whoever has any may spend more than that, for a frame is
// taken as a whole, and then waits until the debt is paid. So a request of any size passes, and the rate holds on average.
// It is pure but for its lock: the clock comes in.
package quota

import (
	"math"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// burstSeconds of the rate may come at once: a checkpoint, a reconnect.
	burstSeconds = 10
	// bucketsMax bounds each of the two generations of buckets that are remembered, some 100 bytes each. Who is
	// forgotten has a full bucket again.
	bucketsMax = 1 << 16
)

// Limits are rates in points a second, in which params, tags, events and the like count as one each; 0 is no limit.
type Limits struct{ Run, Token float64 }

// Quota keeps account. The nil Quota allows everything. Methods may be called at once by many.
type Quota struct {
	limits Limits

	mu         sync.Mutex
	young, old map[key]bucket
}

// key names a run or a token.
type key struct {
	token bool
	id    string
}

// bucket had so much credit at a time; less than 0 is debt.
type bucket struct {
	credit float64
	at     time.Time
}

// New makes a quota, nil if nothing is limited.
func New(l Limits) *Quota {
	if l.Run <= 0 && l.Token <= 0 {
		return nil
	}
	return &Quota{limits: l}
}

// Take spends points of a caller on runs, by their ids, or spends nothing and says when to come back. A run that is yet to
// be made has the id "", and no rate of its own.
func (q *Quota) Take(now time.Time, caller *track.Caller, runs map[string]int) error {
	if q == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	all := 0
	for id, n := range runs {
		all += n
		if id == "" {
			continue
		}
		if wait := q.wait(now, key{id: id}, q.limits.Run); wait > 0 {
			return exhausted(wait, "run "+id, q.limits.Run, "--run-rate")
		}
	}
	who := key{token: true, id: caller.Token}
	if caller.Token != "" {
		if wait := q.wait(now, who, q.limits.Token); wait > 0 {
			return exhausted(wait, "the token '"+caller.Name+"'", q.limits.Token, "--token-rate")
		}
		q.spend(now, who, q.limits.Token, all)
	}
	for id, n := range runs {
		if id != "" {
			q.spend(now, key{id: id}, q.limits.Run, n)
		}
	}
	return nil
}

func exhausted(wait time.Duration, who string, rate float64, flag string) error {
	seconds := int(math.Ceil(wait.Seconds()))
	return track.Unavailable(track.ResourceExhausted, seconds, "%s writes more than the %g points a second that the server allows (%s); come back in %d seconds", who, rate, flag, seconds)
}

// wait is how long a key's debt lasts, 0 for none.
func (q *Quota) wait(now time.Time, k key, rate float64) time.Duration {
	if rate <= 0 {
		return 0
	}
	debt := -q.bucket(now, k, rate).credit
	return time.Duration(max(debt, 0) / rate * float64(time.Second))
}

func (q *Quota) spend(now time.Time, k key, rate float64, n int) {
	if rate <= 0 {
		return
	}
	b := q.bucket(now, k, rate)
	b.credit -= float64(n)
	if len(q.young) >= bucketsMax || q.young == nil {
		q.old, q.young = q.young, make(map[key]bucket)
	}
	q.young[k] = b
}

// bucket is a key's as it is now.
func (q *Quota) bucket(now time.Time, k key, rate float64) bucket {
	b, known := q.young[k]
	if !known {
		b, known = q.old[k]
	}
	burst := rate * burstSeconds
	if !known {
		return bucket{credit: burst, at: now}
	}
	passed := max(now.Sub(b.at).Seconds(), 0)
	return bucket{credit: min(b.credit+passed*rate, burst), at: now}
}
