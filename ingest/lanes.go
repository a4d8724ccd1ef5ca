package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// lanesQuestion is what a job may add when it asks for lanes.
type lanesQuestion struct {
	// RunID asks for that run's lanes, which Ranks has a say in while the run is not there.
	RunID string `json:"run_id"`
	Ranks uint32 `json:"ranks"`
}

// getLanes tells jobs where to publish.
func (e *Edge) getLanes(c *fiber.Ctx) error {
	f := mlflow.ParseQuery(map[string][]string{"ranks": {c.Query("ranks", "0")}})
	ranks, err := f.Int64("ranks", 0)
	if err != nil || ranks < 0 || ranks > 1<<32-1 {
		return track.Errorf(track.InvalidParameterValue, "Invalid value for parameter 'ranks': it must be a number of ranks")
	}
	answer, err := e.answerLanes(c.UserContext(), lanesQuestion{RunID: strings.Clone(c.Query("run_id")), Ranks: uint32(ranks)})
	if err != nil {
		return err
	}
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.Send(answer)
}

// Lanes answers on the bus what GET /v1/lanes answers; the question is JSON with the parameters, or empty. An error is
// answered as HTTP's is.
func (e *Edge) Lanes(ctx context.Context, question []byte) []byte {
	var q lanesQuestion
	var err error
	if len(question) > 0 {
		if err = json.Unmarshal(question, &q); err != nil {
			err = track.Errorf(track.InvalidParameterValue, `The question is no JSON like {"run_id": "...", "ranks": 8}: %v`, err)
		}
	}
	var answer []byte
	if err == nil {
		answer, err = e.answerLanes(ctx, q)
	}
	if err != nil {
		_, answer, _ = mlflow.ErrorBody(err)
	}
	return answer
}

func (e *Edge) answerLanes(ctx context.Context, q lanesQuestion) ([]byte, error) {
	var own []uint16
	if q.RunID != "" {
		var err error
		if own, err = e.lanesOf(ctx, q); err != nil {
			return nil, err
		}
	}
	var w jx.Encoder
	w.Obj(func(w *jx.Encoder) {
		w.Field("lanes", func(w *jx.Encoder) { encodeLanes(w, e.options.Bus) })
		w.Field("nats_url", func(w *jx.Encoder) { w.Str(e.options.Bus.URL) })
		if len(e.options.Bus.Brokers) > 0 {
			w.Field("kafka_brokers", func(w *jx.Encoder) {
				w.Arr(func(w *jx.Encoder) {
					for _, b := range e.options.Bus.Brokers {
						w.Str(b)
					}
				})
			})
		}
		w.Field("frame_bytes_max", func(w *jx.Encoder) { w.Int(bus.FrameBytesMax) })
		if q.RunID != "" {
			w.Field("run_lanes", func(w *jx.Encoder) {
				w.Arr(func(w *jx.Encoder) {
					for _, l := range own {
						w.Int(int(l))
					}
				})
			})
		}
	})
	return w.Bytes(), nil
}

// lanesOf are a run's lanes; one that is not there yet will have those that are computed.
func (e *Edge) lanesOf(ctx context.Context, q lanesQuestion) ([]uint16, error) {
	if _, ok := track.ParseRunID(q.RunID); !ok {
		return nil, track.Errorf(track.InvalidParameterValue, "Invalid value for parameter 'run_id': %.64q is not 32 lower-case hex digits", q.RunID)
	}
	run, err := e.runs.Lookup(ctx, q.RunID)
	switch {
	case err == nil:
		return run.Lanes, nil
	case track.CodeOf(err) == track.ResourceDoesNotExist:
		return track.LanesOf(q.RunID, q.Ranks, e.options.Bus.Lanes), nil
	}
	return nil, fmt.Errorf("look up run %s: %w", q.RunID, err)
}

func encodeLanes(w *jx.Encoder, b Bus) {
	w.Arr(func(w *jx.Encoder) {
		for lane := range b.Lanes {
			w.Obj(func(w *jx.Encoder) {
				w.Field("lane", func(w *jx.Encoder) { w.Int(int(lane)) })
				if b.Topic != "" {
					w.Field("bus", func(w *jx.Encoder) { w.Str("kafka") })
					w.Field("topic", func(w *jx.Encoder) { w.Str(b.Topic) })
					w.Field("partition", func(w *jx.Encoder) { w.Int(int(lane)) })
					return
				}
				w.Field("bus", func(w *jx.Encoder) { w.Str("nats") })
				w.Field("stream", func(w *jx.Encoder) { w.Str(bus.LaneStream(lane)) })
				w.Field("subject_prefix", func(w *jx.Encoder) { w.Str(bus.RunSubject(lane, "")) })
			})
		}
	})
}
