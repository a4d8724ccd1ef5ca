package consumers

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamgauge/streamgauge/schemas/table"
)

var (
	// ErrOvertaken: the table has a batch of another owner, or of an earlier life, where ours would be.
	ErrOvertaken = errors.New("another owner's batch has taken the place of ours")
	// ErrRewound: the table has lost batches that it had.
	ErrRewound = errors.New("the table ends before what was applied")
)

// applier brings batches into the table, whatever happens to the engine meanwhile.
type applier struct {
	sink Sink
	// allowed says whether we still own the lane. It is asked before every insert.
	allowed func() error
	// retry is told of an error and returns when to try again, or an error to give up.
	retry func(ctx context.Context, err error) error
	// burnt is told when a token turned out to be burnt.
	burnt func(token string)
}

// apply returns nil once exactly this batch is in the table.
func (a *applier) apply(ctx context.Context, b *Batch) error {
	for try := 0; ; {
		if err := a.allowed(); err != nil {
			return err
		}
		token := tokenOf(b, try)
		failed := a.sink.Write(ctx, b, token)
		if failed != nil {
			if err := a.retry(ctx, fmt.Errorf("insert batch: %w", failed)); err != nil {
				return err
			}
			if err := a.fence(ctx, b.Lane); err != nil {
				return err
			}
		}
		there, err := a.landed(ctx, b)
		if there || err != nil {
			return err
		}
		if failed != nil {
			continue
		}
		// The answer was good and the batch is not there: either the engine dropped it as a repeat of an
		// insert that another owner has running right now, or of one that never became a part.
		if err := a.fence(ctx, b.Lane); err != nil {
			return err
		}
		if there, err := a.landed(ctx, b); there || err != nil {
			return err
		}
		a.burnt(token)
		try++
	}
}

// tokenOf names an insert by where it starts, so that of all inserts with one start one lands.
func tokenOf(b *Batch, try int) string {
	if try == 0 {
		return fmt.Sprintf("%d:%d", b.Lane, b.Marker.First)
	}
	return fmt.Sprintf("%d:%d:%d", b.Lane, b.Marker.First, try)
}

func (a *applier) fence(ctx context.Context, lane uint16) error {
	for {
		err := a.sink.Fence(ctx, lane)
		if err == nil {
			return nil
		}
		if err := a.retry(ctx, fmt.Errorf("end inserts of the lane: %w", err)); err != nil {
			return err
		}
	}
}

func (a *applier) marker(ctx context.Context, lane uint16) (table.Marker, error) {
	for {
		m, err := a.sink.Marker(ctx, lane)
		if err == nil {
			return m, nil
		}
		if err := a.retry(ctx, fmt.Errorf("read marker: %w", err)); err != nil {
			return m, err
		}
	}
}

// landed asks the table whether the batch is there.
func (a *applier) landed(ctx context.Context, b *Batch) (bool, error) {
	m, err := a.marker(ctx, b.Lane)
	switch {
	case err != nil:
		return false, err
	case m == b.Marker:
		return true, nil
	case m.Last >= b.Marker.First:
		return false, fmt.Errorf("lane %d: %w: it goes from %d to %d under epoch %d, ours from %d to %d under %d",
			b.Lane, ErrOvertaken, m.First, m.Last, m.Epoch, b.Marker.First, b.Marker.Last, b.Marker.Epoch)
	case m.Last < b.Marker.First-1:
		return false, fmt.Errorf("lane %d: %w: it ends at %d, we had applied %d", b.Lane, ErrRewound, m.Last, b.Marker.First-1)
	}
	return false, nil
}
