package turns

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestNobodyWaitsForReceiversThatHang takes turns with receivers that never answer, more than there are turns, and with one that does.
func TestNobodyWaitsForReceiversThatHang(t *testing.T) {
	var mu sync.Mutex
	now := time.UnixMilli(0)
	turns := New(func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	})
	take := func(ctx context.Context, name string) func() {
		t.Helper()
		end, err := turns.Take(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return end
	}
	// Each hangs once.
	for i := range 2 * AtOnce {
		end := take(t.Context(), fmt.Sprint("hangs", i))
		mu.Lock()
		now = now.Add(SlowAfter)
		mu.Unlock()
		end()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var took, gaveUp sync.Map
	for i := range 2 * AtOnce {
		wg.Go(func() {
			if end, err := turns.Take(ctx, fmt.Sprint("hangs", i)); err == nil {
				took.Store(i, end)
			} else {
				gaveUp.Store(i, err)
			}
		})
	}
	// Whatever they do, one who answers gets its turns, and no more at once than one receiver has.
	for range 10 * AtOnce {
		take(t.Context(), "answers")()
	}
	var ends []func()
	for range ReceiverAtOnce {
		ends = append(ends, take(t.Context(), "answers"))
	}
	none, stop := context.WithCancel(t.Context())
	stop()
	if _, err := turns.Take(none, "answers"); err == nil {
		t.Error("a receiver has more turns at once than it may")
	}
	for _, end := range ends {
		end()
	}
	cancel()
	wg.Wait()
	n, left := 0, 0
	took.Range(func(_, end any) bool { n++; end.(func())(); return true })
	gaveUp.Range(func(any, any) bool { left++; return true })
	if n > HangingAtOnce || n+left != 2*AtOnce {
		t.Errorf("%d receivers that hang had turns at once, %d gave up", n, left)
	}
	// All answer again, and nothing is remembered of them.
	for i := range 2 * AtOnce {
		take(t.Context(), fmt.Sprint("hangs", i))()
	}
	if len(turns.all)+len(turns.hanging)+len(turns.receivers) != 0 {
		t.Errorf("%d and %d turns are out, %d receivers are remembered", len(turns.all), len(turns.hanging), len(turns.receivers))
	}
}
