package nats

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/streamgauge/streamgauge/schemas/bus"
)

const (
	// answerMax bounds an answer: a run's document is read for it.
	answerMax = 5 * time.Second
	// questionsMax and questionBytesMax bound the questions that wait; who asks more is not answered, and asks again.
	questionsMax, questionBytesMax = 4096, 1 << 20
)

// AnswerLanes answers jobs that ask on the bus for their lanes, until the connection is closed. Of several processes
// one answers.
func AnswerLanes(nc *nats.Conn, answer func(ctx context.Context, question []byte) []byte) error {
	s, err := nc.QueueSubscribe(bus.LanesSubject, bus.LanesSubject, func(m *nats.Msg) {
		ctx, cancel := context.WithTimeout(context.Background(), answerMax)
		defer cancel()
		_ = m.Respond(answer(ctx, m.Data)) // who hears nothing asks again
	})
	if err == nil {
		err = s.SetPendingLimits(questionsMax, questionBytesMax)
	}
	if err != nil {
		return fmt.Errorf("answer %s: %w", bus.LanesSubject, err)
	}
	return nil
}
