// Package sourcetest is the contract of consumers.Source as a test, and a source in memory that meets it.
package sourcetest

import (
	"context"
	"sync"

	"github.com/streamgauge/streamgauge/consumers"
)

// Memory is a log in memory. Its zero value is an empty log.
type Memory struct {
	mu       sync.Mutex
	messages []consumers.Message
	last     uint64
	bytes    uint64
	next     uint64
	changed  chan struct{}
	failures []error
	// BytesMax is the size limit that State tells.
	BytesMax uint64
}

var _ consumers.Source = (*Memory)(nil)

// Publish puts a message at the end of the log and gives its sequence.
func (m *Memory) Publish(timeMS int64, subject string, data []byte) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	m.messages = append(m.messages, consumers.Message{Seq: m.last, TimeMS: timeMS, Subject: subject, Data: data})
	m.bytes += uint64(len(data))
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
	return m.last
}

// Fail makes the next calls of Fetch fail, one error each.
func (m *Memory) Fail(errs ...error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failures = append(m.failures, errs...)
}

// Seek implements consumers.Source.
func (m *Memory) Seek(_ context.Context, seq uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next = seq
	return nil
}

// Fetch implements consumers.Source.
func (m *Memory) Fetch(ctx context.Context, bytesMax int) ([]consumers.Message, error) {
	for {
		out, changed, err := m.read(bytesMax)
		if err != nil || len(out) > 0 {
			return out, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (m *Memory) read(bytesMax int) (out []consumers.Message, changed <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.failures) > 0 {
		err, m.failures = m.failures[0], m.failures[1:]
		return nil, nil, err
	}
	bytes := 0
	for _, x := range m.messages {
		if x.Seq < m.next {
			continue
		}
		if bytes += len(x.Data); len(out) > 0 && bytes > bytesMax {
			break
		}
		x.Data = append([]byte(nil), x.Data...)
		out = append(out, x)
	}
	if n := len(out); n > 0 {
		m.next = out[n-1].Seq + 1
		return out, nil, nil
	}
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return nil, m.changed, nil
}

// State implements consumers.Source.
func (m *Memory) State(context.Context) (consumers.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := consumers.State{First: m.last + 1, Last: m.last, Messages: uint64(len(m.messages)), Bytes: m.bytes, BytesMax: m.BytesMax}
	if len(m.messages) > 0 {
		s.First = m.messages[0].Seq
	}
	return s, nil
}

// Purge implements consumers.Source.
func (m *Memory) Purge(_ context.Context, seq uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.messages) > 0 && m.messages[0].Seq <= seq {
		m.bytes -= uint64(len(m.messages[0].Data))
		m.messages = m.messages[1:]
	}
	m.last = max(m.last, seq)
	return nil
}
