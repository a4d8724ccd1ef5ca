package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/streamgauge/streamgauge/cmd/bench/generate"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// namesAFrame are points too, one of each name.
	namesAFrame = 4_000
)

// sender frames sections under one writer.
type sender struct {
	bus            generate.Bus
	url            string
	writer, number uint64
}

func newSender(url string) *sender {
	return &sender{bus: generate.HTTP(url), url: url, writer: rand.Uint64() | 1}
}

func (s *sender) send(ctx context.Context, sections []*sgpb.Section) error {
	s.number++
	data, err := frame.Encode(&sgpb.Frame{Writer: s.writer, Number: s.number, Sections: sections})
	if err != nil {
		return err
	}
	return s.bus.Publish(ctx, sections[0].GetRunId(), data)
}

// close waits for all of it to be acknowledged.
func (s *sender) close(ctx context.Context) error {
	defer s.bus.Close()
	return s.bus.Flush(ctx)
}

// start is the beginning of a run that goes on.
func start(run, experiment, name string) *sgpb.Section {
	return &sgpb.Section{RunId: run, Events: []*sgpb.RunEvent{{TimeMs: time.Now().UnixMilli(), Event: &sgpb.RunEvent_Started{
		Started: &sgpb.RunStarted{ExperimentId: experiment, Name: name, User: "bench"},
	}}}}
}

func finish(s *sgpb.Section) *sgpb.Section {
	now := time.Now().UnixMilli()
	s.Events = append(s.Events, &sgpb.RunEvent{TimeMs: now, Event: &sgpb.RunEvent_State{
		State: &sgpb.RunState{Status: sgpb.RunStatus_RUN_STATUS_FINISHED, EndTimeMs: now},
	}})
	return s
}

// names makes a finished run with a point under each of so many names.
func (to server) names(ctx context.Context, n int) (filled, error) {
	f, err := to.experiment(ctx, "names")
	if err != nil {
		return f, err
	}
	run := track.NewRunID()
	f.Runs = []string{run}
	s := newSender(to.url)
	if err := s.send(ctx, []*sgpb.Section{start(run, f.Experiment, "many names")}); err != nil {
		return f, err
	}
	now := time.Now().UnixMilli()
	for first := 0; first < n; first += namesAFrame {
		p := &track.Points{}
		for i := first; i < min(first+namesAFrame, n); i++ {
			p.Key, p.Keys = append(p.Key, uint32(len(p.Keys))), append(p.Keys, fmt.Sprintf("layer/%d/%d", i%1000, i))
			p.Step, p.TimeMS, p.Value = append(p.Step, 0), append(p.TimeMS, now), append(p.Value, float64(i))
		}
		section := &sgpb.Section{RunId: run, Points: frame.PackPoints(p)}
		if first+namesAFrame >= n {
			section = finish(section)
		}
		if err := s.send(ctx, []*sgpb.Section{section}); err != nil {
			return f, err
		}
	}
	if err := s.close(ctx); err != nil {
		return f, err
	}
	return f, to.applied(ctx, 1)
}
