package streamgauge

import "errors"

// shipBytesMax is what is handed to the transport at once: frames that come meanwhile go with the next ones.
const shipBytesMax = 8 << 20

// errAbandoned is of frames that waited when Close gave up.
var errAbandoned = errors.New("closed before all frames were delivered")

// ship delivers until the publisher is closed and nothing waits, or was abandoned. It sends at once when nothing is
// under way; what is added meanwhile shares the next frame.
func (p *Publisher) ship() {
	defer close(p.done)
	for {
		frames := p.take()
		if frames == nil {
			return
		}
		refused := 0
		err := Deliver(p.ctx, p.to, frames, Delivery{
			PauseMin: p.options.PauseMin, Trouble: p.options.Trouble,
			Refused: func(frame []byte, reason error) {
				refused++
				if p.options.Refused != nil {
					p.options.Refused(frame, reason)
				}
			},
			Accepted: func(n int) {
				p.settled(n-refused, refused)
				refused = 0
			},
		})
		if err != nil {
			p.mu.Lock()
			p.failure = errAbandoned
			p.tell()
			p.mu.Unlock()
			return
		}
	}
}

// take waits for frames and answers some; nil when there will be none.
func (p *Publisher) take() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 {
		if !p.open.Empty() {
			if err := p.seal(false); err != nil {
				p.failure = err
				return nil
			}
			continue
		}
		if p.closed || p.wait(p.ctx) != nil {
			return nil
		}
	}
	bytes := 0
	for n, f := range p.queue {
		if bytes += len(f); n > 0 && bytes > shipBytesMax {
			return append([][]byte(nil), p.queue[:n]...)
		}
	}
	return append([][]byte(nil), p.queue...)
}

// settled forgets the first frames of the queue.
func (p *Publisher) settled(durable, refused int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.queue[:durable+refused] {
		p.bytes -= len(f)
	}
	clear(p.queue[:durable+refused])
	p.queue = p.queue[durable+refused:]
	p.stats.FramesDurable += durable
	p.stats.FramesRefused += refused
	p.tell()
}
