package ingest

import (
	"strconv"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/ingest/body"
	"github.com/streamgauge/streamgauge/ingest/parse"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Routes registers the run writes of MLflow's API, and what jobs ask before they publish by themselves.
func (e *Edge) Routes(r fiber.Router) {
	for _, prefix := range []string{"/api/2.0/mlflow/runs", "/ajax-api/2.0/mlflow/runs"} {
		r.Post(prefix+"/log-metric", e.points(parse.Metric))
		r.Post(prefix+"/log-batch", e.points(parse.Batch))
		r.Post(prefix+"/log-model", e.document(e.logModel, empty))
		r.Post(prefix+"/create", e.document(does(e, createRun), whole))
		r.Post(prefix+"/update", e.document(does(e, updateRun), info))
		r.Post(prefix+"/delete", e.document(does(e, deleteRun), empty))
		r.Post(prefix+"/restore", e.document(does(e, restoreRun), empty))
		r.Post(prefix+"/log-parameter", e.document(does(e, logParam), empty))
		r.Post(prefix+"/set-tag", e.document(does(e, setTag), empty))
		r.Post(prefix+"/delete-tag", e.document(does(e, deleteTag), empty))
		r.Post(prefix+"/log-inputs", e.document(does(e, logInputs), empty))
		r.Post(prefix+"/outputs", e.document(does(e, logOutputs), empty))
	}
	r.Get("/v1/lanes", e.getLanes)
	e.frames.Routes(r)
	r.Post("/v1/metrics", e.postMetrics)
}

// points handles the hot requests.
func (e *Edge) points(read func(body []byte) (parse.Command, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		b, err := e.accept(c)
		if err != nil {
			return err
		}
		command, err := read(b)
		if err != nil {
			return err
		}
		if err := e.log(c.UserContext(), command); err != nil {
			return err
		}
		return empty(c, nil)
	}
}

// document handles requests that change a run's document alone.
func (e *Edge) document(do func(*fiber.Ctx, mlflow.Fields) (*sgpb.Run, error), answer func(*fiber.Ctx, *sgpb.Run) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		b, err := e.accept(c)
		if err != nil {
			return err
		}
		f, err := mlflow.ParseBody(b)
		if err != nil {
			return err
		}
		run, err := do(c, f)
		if err != nil {
			return err
		}
		return answer(c, run)
	}
}

// does carries out the command that a request holds.
func does(e *Edge, read func(mlflow.Fields) (track.Command, error)) func(*fiber.Ctx, mlflow.Fields) (*sgpb.Run, error) {
	return func(c *fiber.Ctx, f mlflow.Fields) (*sgpb.Run, error) {
		command, err := read(f)
		if err != nil {
			return nil, err
		}
		if err := e.spend(c.UserContext(), command.Run(), entries(command)); err != nil {
			return nil, err
		}
		return e.runs.Do(c.UserContext(), command)
	}
}

// entries is how much of a run's rate a command spends. States are free: a run that wrote too much may still end.
func entries(c track.Command) int {
	switch c := c.(type) {
	case track.LogBatch:
		return len(c.Params) + len(c.Tags)
	case track.DeleteTag:
		return 1
	case track.LogInputs:
		return len(c.Datasets) + len(c.Models)
	case track.LogOutputs:
		return len(c.Models)
	case track.CreateRun:
		return len(c.Tags)
	}
	return 0
}

// accept reads the body of a request, unless there is no room for what it brings.
func (e *Edge) accept(c *fiber.Ctx) ([]byte, error) {
	if err := e.options.Space(); err != nil {
		return nil, body.Refuse(c, err)
	}
	return body.JSON(c)
}

// empty answers an empty object.
func empty(c *fiber.Ctx, _ *sgpb.Run) error {
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.SendString("{}")
}

// whole answers the run.
func whole(c *fiber.Ctx, run *sgpb.Run) error {
	return object(c, "run", func(w *jx.Encoder) { mlflow.EncodeRun(w, run, nil) })
}

// info answers what a run is called and where it stands.
func info(c *fiber.Ctx, run *sgpb.Run) error {
	return object(c, "run_info", func(w *jx.Encoder) { mlflow.EncodeRunInfo(w, run) })
}

func object(c *fiber.Ctx, field string, value func(*jx.Encoder)) error {
	var w jx.Encoder
	w.Obj(func(w *jx.Encoder) { w.Field(field, value) })
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.Send(w.Bytes())
}

// statusOf reads a run's status by name or, as protobuf allows, by number; none is unspecified.
func statusOf(f mlflow.Fields) (sgpb.RunStatus, error) {
	if n, err := f.Int64("status", 0); err == nil {
		if n == 0 {
			return sgpb.RunStatus_RUN_STATUS_UNSPECIFIED, nil
		}
		return mlflow.ParseStatus("status", strconv.FormatInt(n, 10))
	}
	s, err := f.String("status")
	if err != nil || s == "" {
		return sgpb.RunStatus_RUN_STATUS_UNSPECIFIED, err
	}
	return mlflow.ParseStatus("status", s)
}
