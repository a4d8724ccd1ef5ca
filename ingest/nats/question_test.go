package nats_test

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go"

	ingestnats "github.com/streamgauge/streamgauge/ingest/nats"
	"github.com/streamgauge/streamgauge/schemas/bus"
)

func TestJobsAskForTheirLanesOnTheBus(t *testing.T) {
	b := startBus(t, 0)
	answer := func(_ context.Context, question []byte) []byte { return append([]byte("lanes of "), question...) }
	if err := ingestnats.AnswerLanes(b.js.Conn(), answer); err != nil {
		t.Fatal(err)
	}
	job, err := nats.Connect("", nats.InProcessServer(b))
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	if err := b.js.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	m, err := job.Request(bus.LanesSubject, []byte("a run"), startWait)
	if err != nil || string(m.Data) != "lanes of a run" {
		t.Errorf("%v, %v", m, err)
	}
}
