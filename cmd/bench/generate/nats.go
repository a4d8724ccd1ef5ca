package generate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// pendingMax bounds the frames that are under way.
	pendingMax = 64
	// pause after a refusal that will pass: the lane is full.
	pause = 20 * time.Millisecond
)

// pending is a frame on its way.
type pending struct {
	subject string
	data    []byte
	ack     jetstream.PubAckFuture
}

// natsBus publishes straight to the lanes, as a job does.
type natsBus struct {
	conn  *nats.Conn
	js    jetstream.JetStream
	lanes uint16
	sent  []pending
}

// NATS connects to the server's NATS; lanes is how many there are.
func NATS(url string, lanes uint16) (Bus, error) {
	conn, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(2*pendingMax))
	if err != nil {
		return nil, err
	}
	return &natsBus{conn: conn, js: js, lanes: lanes}, nil
}

func (b *natsBus) Close() { b.conn.Close() }

func (b *natsBus) Publish(ctx context.Context, run string, data []byte) error {
	p := pending{subject: bus.RunSubject(track.LaneOf(run, b.lanes), run), data: data}
	if err := b.send(&p); err != nil {
		return err
	}
	b.sent = append(b.sent, p)
	if len(b.sent) < pendingMax {
		return nil
	}
	return b.settle(ctx, len(b.sent)/2)
}

func (b *natsBus) Flush(ctx context.Context) error { return b.settle(ctx, len(b.sent)) }

func (b *natsBus) send(p *pending) (err error) {
	p.ack, err = b.js.PublishAsync(p.subject, p.data)
	return err
}

// settle waits for the oldest n frames; what was refused for now is sent again.
func (b *natsBus) settle(ctx context.Context, n int) error {
	for i := range b.sent[:n] {
		p := &b.sent[i]
		for {
			err := wait(ctx, p.ack)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return err
			}
			time.Sleep(pause)
			if err := b.send(p); err != nil {
				return err
			}
		}
	}
	b.sent = append(b.sent[:0], b.sent[n:]...)
	return nil
}

func wait(ctx context.Context, ack jetstream.PubAckFuture) error {
	select {
	case <-ack.Ok():
		return nil
	case err := <-ack.Err():
		return err
	case <-ctx.Done():
		return errors.Join(ctx.Err(), errors.New("a frame was not acknowledged"))
	}
}
