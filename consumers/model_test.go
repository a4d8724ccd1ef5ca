package consumers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/faulttest"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	modelSeeds = 3000
	modelOps   = 120
	modelShare = 0.02 // of the soak
	// restMax is how many steps a lane may take to come to rest.
	restMax = 1000
)

// TestFault12Model drives the core of a lane through random histories: several writers, repeats, holes, late
// frames, garbage, run events, crashes and lost answers at every step, inserts that land late, owners that
// sleep, an engine that loses its newest parts, a bus whose clock jumps, and readers whose snapshot and read have
// anything between them. MODEL_SEEDS sets how many histories, MODEL_SEED runs a single one.
func TestFault12Model(t *testing.T) {
	seeds, from := modelSeeds, uint64(0)
	if n, err := strconv.Atoi(os.Getenv("MODEL_SEEDS")); err == nil {
		seeds = n
	}
	if n, err := strconv.ParseUint(os.Getenv("MODEL_SEED"), 10, 64); err == nil {
		from, seeds = n, 1
	}
	reached := make(map[string]int)
	var all faulttest.Tally
	histories := 0
	for n := range faulttest.Rounds(t, seeds, modelShare) {
		seed := from + uint64(n)
		points, err := history(seed, reached)
		if err != nil {
			t.Fatalf("MODEL_SEED=%d: %v", seed, err)
		}
		all.Acknowledged += int64(points)
		histories++
	}
	t.Logf("%d histories: %v", histories, reached)
	all.Check(t)
	if histories < modelSeeds {
		return
	}
	for _, must := range []string{"burnt", ErrOvertaken.Error(), ErrRewound.Error(), "crash", "zombie landed late", "pinned read", "marker read"} {
		if reached[must] == 0 {
			t.Errorf("no history came to %q: the model tests too little", must)
		}
	}
}

// player is the owner of the lane in a history, and the readers.
type player struct {
	*world
	lane      *Lane
	owned     *opened
	epoch     uint64
	next      uint64
	snapshots []snapshot
	// merged are batches that wait for their insert.
	merged []*Batch
	now    time.Time
	// stale: the engine has lost what the owner takes for applied. Until that shows, readers may miss it.
	stale   bool
	reached map[string]int
}

// snapshot is a reader between its two steps.
type snapshot struct {
	run      track.RunNumber
	sections []*feed.Section
	applied  uint64
	seen     uint64
}

// history plays one and gives how many points the log took.
func history(seed uint64, reached map[string]int) (points int, err error) {
	p := &player{world: newWorld(seed), reached: reached, now: time.Now()}
	p.lane = NewLane(LaneConfig{Source: p.world, Sink: p.world, Runs: p.world, Retention: Retention{AgeMax: time.Hour, BytesMax: 1000}})
	for range modelOps {
		if err := p.op(); err != nil {
			return 0, err
		}
	}
	p.faults = false
	for n := 0; p.owned == nil || p.owned.marker.Last < uint64(len(p.log)) || len(p.zombies)+len(p.limbo) > 0 || p.stale; n++ {
		if n > restMax {
			return 0, fmt.Errorf("the lane does not come to rest: applied %d of %d", p.marker().Last, len(p.log))
		}
		if err := p.finish(); err != nil {
			return 0, err
		}
	}
	for _, t := range p.truth {
		points += len(t.points)
	}
	return points, p.check()
}

func (p *player) op() error {
	switch n := p.IntN(20); {
	case n < 7:
		p.publish()
	case p.owned == nil:
		return p.open()
	case n < 12:
		return p.fetch(1 + p.IntN(4))
	case n < 15:
		return p.insert()
	case n < 17:
		p.snap()
	case n == 17:
		p.wakeZombie()
	case n == 18 && p.IntN(10) == 0:
		p.rewind()
	case n == 19:
		if err := p.owned.verify(context.Background()); err != nil {
			return p.close(err)
		}
	}
	return p.read()
}

// finish brings everything to rest without further faults.
func (p *player) finish() error {
	p.wakeZombie()
	if len(p.limbo) > 0 {
		_ = p.Fence(context.Background(), 0) // cannot fail without faults
	}
	if p.owned == nil {
		return p.open()
	}
	if err := p.owned.verify(context.Background()); err != nil {
		return p.close(err)
	}
	p.stale = false
	if err := p.fetch(10); err != nil {
		return err
	}
	return p.insert()
}

func (p *player) open() error {
	p.crashed = false
	p.epoch++
	h := &holding{epoch: p.epoch, began: time.Now()}
	h.until.Store(int64(time.Hour))
	o, err := p.lane.open(context.Background(), h)
	if err != nil {
		return p.close(err)
	}
	retry := func(_ context.Context, err error) error {
		if p.crashed {
			return errCrash
		}
		return nil
	}
	o.intake.retry, o.apply.retry = retry, retry
	o.apply.burnt = func(string) { p.reached["burnt"]++ }
	p.owned, p.next, p.stale = o, o.marker.Last+1, false
	return nil
}

// close notes why an owner ended; what is none of the expected reasons ends the history.
func (p *player) close(err error) error {
	p.owned, p.merged = nil, nil
	p.lane.tail.close()
	for _, expected := range []error{ErrOvertaken, ErrRewound} {
		if errors.Is(err, expected) {
			p.reached[expected.Error()]++
			return nil
		}
	}
	if p.faults {
		p.reached["crash"]++
		p.snapshots = nil // the readers were in the process
		return nil
	}
	return err
}

func (p *player) fetch(n int) error {
	from := p.next - 1
	to := min(from+uint64(n), uint64(len(p.log)))
	if from >= to {
		return nil
	}
	if p.next < p.first {
		return fmt.Errorf("frame %d was purged before it was applied", p.next)
	}
	next, err := p.owned.take(context.Background(), p.log[from:to], p.next)
	if err != nil {
		return p.close(err)
	}
	p.next = next
	return nil
}

func (p *player) insert() error {
	p.now = p.now.Add(time.Hour)
	if p.merged == nil || p.IntN(2) == 0 { // sometimes the next is merged while one waits for its insert
		if err := p.merge(); err != nil {
			return err
		}
	}
	if len(p.merged) == 0 {
		return nil
	}
	b := p.merged[0]
	p.merged = p.merged[1:]
	if err := p.owned.insert(context.Background(), b); err != nil {
		return p.close(err)
	}
	p.owned.purged = time.Time{}
	p.owned.keepHouse(context.Background())
	return p.beside(p.owned.marker.Last)
}

func (p *player) merge() error {
	p.owned.tail.pace = Pace{RowsMax: 1 + p.IntN(8), BytesMax: 1 << 20} // batches of any size
	frames, _ := p.owned.tail.cut(p.now)
	if frames == nil {
		return nil
	}
	for _, f := range frames[1:] {
		if MonthOf(f.TimeMS) != MonthOf(frames[0].TimeMS) {
			return fmt.Errorf("a batch over two months: %d and %d", frames[0].Seq, f.Seq)
		}
	}
	p.merged = append(p.merged, p.owned.merge(frames))
	return nil
}

func (p *player) wakeZombie() {
	if len(p.zombies) == 0 {
		return
	}
	z := p.zombies[0]
	p.zombies = p.zombies[1:]
	before := len(p.landed)
	p.aside(z.batch)
	p.world.insert(z)
	if len(p.landed) > before {
		p.reached["zombie landed late"]++
	}
}

// rewind is a power failure of the engine: newest parts are lost, tokens stay or not. What was under way is
// gone too.
func (p *player) rewind() {
	p.limbo, p.zombies, p.snapshots = nil, nil, nil
	p.lives++
	for n := p.IntN(3); n > 0 && len(p.landed) > 0; n-- {
		m := p.marker()
		if m.First < p.first {
			return // beyond the safety window there is no way back
		}
		for i, l := range p.landed {
			if l.marker == m {
				p.landed, p.stale = append(p.landed[:i], p.landed[i+1:]...), true
				break
			}
		}
		if p.IntN(2) == 0 {
			delete(p.tokens, fmt.Sprintf("0:%d", m.First))
		}
	}
}
