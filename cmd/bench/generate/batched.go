package generate

import (
	"context"
	"time"
)

const (
	// batchFrames go into one request.
	batchFrames = 16
	// refusalMax bounds the time between two frames that are taken.
	refusalMax = time.Minute
)

// batched sends frames in requests. One is under way while the next is filled.
type batched struct {
	// send answers how many frames from the first on are taken. An error with a wait will pass.
	send   func(ctx context.Context, frames [][]byte) (accepted int, wait time.Duration, err error)
	close  func()
	frames [][]byte
	under  chan error
}

func newBatched(send func(context.Context, [][]byte) (int, time.Duration, error), close func()) *batched {
	b := &batched{send: send, close: close, under: make(chan error, 1)}
	b.under <- nil
	return b
}

func (b *batched) Close() { b.close() }

func (b *batched) Publish(ctx context.Context, _ string, data []byte) error {
	if b.frames = append(b.frames, data); len(b.frames) < batchFrames {
		return nil
	}
	return b.post(ctx)
}

func (b *batched) Flush(ctx context.Context) error {
	if err := b.post(ctx); err != nil {
		return err
	}
	err := <-b.under
	b.under <- nil
	return err
}

// post waits for the request that is under way and starts the next.
func (b *batched) post(ctx context.Context) error {
	if err := <-b.under; err != nil {
		b.under <- err
		return err
	}
	frames := b.frames
	b.frames = nil
	go func() { b.under <- b.sendAll(ctx, frames) }()
	return nil
}

func (b *batched) sendAll(ctx context.Context, frames [][]byte) error {
	for end := time.Now().Add(refusalMax); len(frames) > 0; {
		accepted, wait, err := b.send(ctx, frames)
		if accepted > 0 {
			frames, end = frames[accepted:], time.Now().Add(refusalMax)
		}
		switch {
		case err != nil && (wait == 0 || time.Now().After(end)):
			return err
		case err != nil:
			time.Sleep(wait)
		}
	}
	return nil
}
