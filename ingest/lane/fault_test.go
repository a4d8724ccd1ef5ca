package lane_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/ingest/lane"
	"github.com/streamgauge/streamgauge/ingest/mem"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// faulty is a bus that loses frames, loses acknowledgements, delivers late, and refuses.
type faulty struct {
	mem.Bus
	faultsOf100 int

	mu     sync.Mutex
	random *rand.Rand
	late   [][]byte
	// doubtful are the frames that may be stored, by name: their names must never carry anything else.
	doubtful map[[2]uint64][]byte
	reused   error
}

var errLost = errors.New("connection lost")

func (f *faulty) Append(ctx context.Context, laneNumber uint16, b []byte) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	writer, number, err := lane.Name(b)
	if err != nil {
		return 0, err
	}
	name := [2]uint64{writer, number}
	if before, ok := f.doubtful[name]; ok && !bytes.Equal(before, b) {
		f.reused = fmt.Errorf("the name %x of a frame that may be stored carries another", name)
	}
	if len(f.late) > 0 && f.random.IntN(3) == 0 {
		if _, err := f.Bus.Append(context.Background(), laneNumber, f.late[0]); err != nil {
			return 0, err
		}
		f.late = f.late[1:]
	}
	if f.random.IntN(100) >= f.faultsOf100 {
		f.doubtful[name] = bytes.Clone(b)
		return f.Bus.Append(ctx, laneNumber, b)
	}
	switch f.random.IntN(4) {
	case 0:
		return 0, &lane.Refused{Reason: track.Unavailable(track.ResourceExhausted, 1, "full")}
	case 1: // stored, and nobody hears of it
		if _, err := f.Bus.Append(ctx, laneNumber, b); err != nil {
			return 0, err
		}
	case 2: // stored later than its publisher gives up
		f.late = append(f.late, bytes.Clone(b))
	}
	f.doubtful[name] = bytes.Clone(b)
	return 0, errLost
}

// TestNothingAcknowledgedIsLostOrDoubled drives publishers through failures of every kind.
func TestNothingAcknowledgedIsLostOrDoubled(t *testing.T) {
	var acknowledged, refused, unknown int
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		b := &faulty{random: rand.New(rand.NewPCG(seed, 1)), faultsOf100: random.IntN(95), doubtful: make(map[[2]uint64][]byte)}
		lanes := lane.New(b, lane.Options{GiveUpAfter: 3 * time.Millisecond, AttemptTimeout: time.Second, PauseMin: 100 * time.Microsecond})
		var mu sync.Mutex
		told := make(map[point]error)
		var wg sync.WaitGroup
		for caller := range 4 {
			wg.Go(func() {
				for i := range 6 {
					run, first := runs[caller%2], (caller*6+i)*10
					err := lanes.Commit(context.Background(), run, series(fmt.Sprint("k", i%2), first, 3))
					mu.Lock()
					for j := range 3 {
						told[point{run.ID, int64(first + j)}] = err
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		lanes.Close()
		if b.reused != nil {
			t.Fatalf("seed %d: %v", seed, b.reused)
		}
		for _, late := range b.late {
			if _, err := b.Bus.Append(context.Background(), 0, late); err != nil {
				t.Fatal(err)
			}
		}
		got := stored(t, b.Frames(0))
		for p, err := range told {
			switch code := track.CodeOf(err); {
			case err == nil && got[p] != 1:
				t.Fatalf("seed %d: %v was acknowledged and is stored %d times", seed, p, got[p])
			case err == nil:
				acknowledged++
			case code == track.ResourceExhausted && got[p] != 0:
				t.Fatalf("seed %d: %v was refused for certain and is stored", seed, p)
			case code == track.ResourceExhausted:
				refused++
			case code == track.TemporarilyUnavailable && got[p] > 1:
				t.Fatalf("seed %d: %v is stored %d times", seed, p, got[p])
			case code == track.TemporarilyUnavailable:
				unknown++
			default:
				t.Fatalf("seed %d: a caller is told %v", seed, err)
			}
		}
	}
	if acknowledged == 0 || refused == 0 || unknown == 0 {
		t.Fatalf("%d acknowledged, %d refused, %d unknown: the test does not reach all", acknowledged, refused, unknown)
	}
}
