package trace

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/semaphore"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/ingest/otlp"
	"github.com/streamgauge/streamgauge/ingest/trace/change"
	"github.com/streamgauge/streamgauge/ingest/trace/transfer"
	"github.com/streamgauge/streamgauge/ingest/trace/write"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// jsonBytesMax bounds requests but those of spans.
	jsonBytesMax = 8 << 20
	// discardBytesMax is how much of a refused body is read so that its sender hears the answer.
	discardBytesMax = 8 << 20
	// nameLengthMax bounds the name of a trace.
	nameLengthMax = 8000
	// parsingBytesMax bounds the unpacked spans that are parsed at a time, which takes many times their size: one of
	// the largest requests, or many of the usual.
	parsingBytesMax = otlp.BodyBytesMax
	// parsingTimeout is how long a request waits for that; then its client comes back.
	parsingTimeout    = 5 * time.Second
	retryAfterSeconds = 1
	// idLengthMax bounds the id of a trace; MLflow's column has 50 characters.
	idLengthMax = 250
)

// Experiments know the experiments. It is called at once by many; what it answers is not changed.
type Experiments interface {
	Experiment(ctx context.Context, id string) (*sgpb.Experiment, error)
}

// Edge serves the writes over HTTP.
type Edge struct {
	writer      *write.Writer
	experiments Experiments
	// space is asked before anything is accepted; its error is the answer.
	space func() error
	now   func() time.Time
	// parsing has parsingBytesMax.
	parsing *semaphore.Weighted
}

// NewEdge makes an edge; it does not close the writer.
func NewEdge(w *write.Writer, e Experiments, space func() error) *Edge {
	return &Edge{writer: w, experiments: e, space: space, now: time.Now, parsing: semaphore.NewWeighted(parsingBytesMax)}
}

// Routes registers MLflow's writes of traces, in both of its versions, OpenTelemetry's, and those of
// another server.
func (e *Edge) Routes(r fiber.Router) {
	r.Post("/v1/traces", e.postSpans)
	(&transfer.Edge{Writer: e.writer, Experiments: e.experiments, Space: e.space}).Routes(r)
	for _, api := range []string{"/api", "/ajax-api"} {
		v2, v3 := api+"/2.0/mlflow/traces", api+"/3.0/mlflow/traces"
		r.Post(v3, e.start)
		r.Post(v2, e.begin)
		r.Patch(v2+"/:id", e.end)
		for _, traces := range []string{v2, v3} {
			r.Post(traces+"/delete-traces", e.deleteTraces)
			r.Patch(traces+"/:id/tags", e.setTag)
			r.Delete(traces+"/:id/tags", e.deleteTag)
			r.Post(traces+"/link-to-run", e.linkToRun)
			r.Post(traces+"/link-prompts", e.linkPrompts)
		}
		r.Post(v3+"/:id/assessments", e.createAssessment)
		r.Patch(v3+"/:id/assessments/:assessment", e.updateAssessment)
		r.Delete(v3+"/:id/assessments/:assessment", e.deleteAssessment)
	}
}

// accept reads the body of a request, unless there is no room for what it brings.
func (e *Edge) accept(c *fiber.Ctx, bytesMax int) ([]byte, error) {
	if err := e.space(); err != nil {
		return nil, refuse(c, err)
	}
	stream, length := c.Context().RequestBodyStream(), c.Request().Header.ContentLength()
	if stream == nil && length <= bytesMax {
		b := c.Request().Body()
		c.Locals(bodyBytes, len(b))
		return b, nil
	}
	b, err := mlflow.ReadBody(stream, length, bytesMax)
	if errors.Is(err, mlflow.ErrBodyTooLarge) {
		return nil, refuse(c, fiber.NewError(fiber.StatusRequestEntityTooLarge, "the request body is too large; split it over several requests"))
	}
	if err != nil {
		c.Context().SetConnectionClose()
		return nil, track.Errorf(track.BadRequest, "read the request body: %v", err)
	}
	c.Locals(bodyBytes, len(b))
	return b, nil
}

type localKey int

// bodyBytes is where accept leaves how long the body was.
const bodyBytes localKey = 0

// change carries out what an accepted request wants.
func (e *Edge) change(c *fiber.Ctx, parts ...write.Part) ([]*sgpb.Trace, error) {
	n, _ := c.Locals(bodyBytes).(int) // each handler accepts first
	return e.writer.Do(n, parts...)
}

// refuse answers a request whose body is not wanted. What is left of it must not be taken for the next request
// on the connection.
func refuse(c *fiber.Ctx, err error) error {
	if stream := c.Context().RequestBodyStream(); stream != nil && c.Request().Header.ContentLength() != 0 {
		if _, end := io.CopyN(io.Discard, stream, discardBytesMax); end != io.EOF {
			c.Context().SetConnectionClose()
		}
	}
	return err
}

// fields reads a request that is a JSON object.
func (e *Edge) fields(c *fiber.Ctx) (mlflow.Fields, error) {
	// As MLflow does: a page of another origin cannot send this type without being asked whether it may.
	kind, _, _ := strings.Cut(c.Get(fiber.HeaderContentType), ";")
	if c.Request().Header.ContentLength() != 0 && strings.TrimSpace(kind) != fiber.MIMEApplicationJSON {
		return mlflow.Fields{}, refuse(c, track.Errorf(track.InvalidParameterValue, "Bad Request. Content-Type must be one of ['application/json']."))
	}
	b, err := e.accept(c, jsonBytesMax)
	if err != nil {
		return mlflow.Fields{}, err
	}
	return mlflow.ParseBody(b)
}

// param reads a part of the path, copied: the router reuses its memory.
func param(c *fiber.Ctx, name string) (string, error) {
	s, err := url.PathUnescape(c.Params(name))
	if err != nil {
		return "", track.Errorf(track.InvalidParameterValue, "Invalid value for parameter '%s' in the path: %v", name, err)
	}
	return checkID(strings.Clone(s))
}

func checkID(id string) (string, error) {
	if err := checkText("trace_id", id); err != nil {
		return "", err
	}
	return id, mlflow.CheckLength("trace_id", id, idLengthMax)
}

// checkText refuses what a protobuf cannot hold. JSON comes as UTF-8, but paths, queries and headers need not.
func checkText(field, text string) error {
	if !utf8.ValidString(text) {
		return track.Errorf(track.InvalidParameterValue, "Invalid value for parameter '%s' supplied: it is not UTF-8", field)
	}
	return nil
}

// active is an experiment that takes traces.
func (e *Edge) active(ctx context.Context, id string) (*sgpb.Experiment, error) {
	x, err := e.experiments.Experiment(ctx, id)
	if err == nil && x.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED {
		err = track.Errorf(track.InvalidParameterValue, "The experiment %s must be in the 'active' state. Current state is deleted.", x.GetId())
	}
	return x, err
}

func (e *Edge) start(c *fiber.Ctx) error {
	f, err := e.fields(c)
	if err != nil {
		return err
	}
	info := new(sgpb.TraceInfo)
	if err := message(f, "trace", "trace_info", info); err != nil {
		return err
	}
	if info.GetTraceId() == "" {
		return mlflow.MissingParameter("trace.trace_info.trace_id")
	}
	if _, err := checkID(info.GetTraceId()); err != nil {
		return err
	}
	if err := mlflow.CheckLength("Trace name", info.GetTags()["mlflow.traceName"], nameLengthMax); err != nil {
		return err
	}
	for _, a := range info.GetAssessments() {
		if err := change.CheckAssessment(a); err != nil {
			return err
		}
	}
	experiment, err := e.active(c.UserContext(), info.GetTraceLocation().GetMlflowExperiment().GetExperimentId())
	if err != nil {
		return err
	}
	after, err := e.change(c, write.Part{ID: info.GetTraceId(), Change: change.Start(info, experiment, e.now())})
	if err != nil {
		return err
	}
	return reply(c, func(w *jx.Encoder) {
		w.Field("trace", func(w *jx.Encoder) {
			w.Obj(func(w *jx.Encoder) {
				w.Field("trace_info", func(w *jx.Encoder) { mlflow.EncodeMessage(w, after[0].Info) })
			})
		})
	})
}

// message reads an object within an object, both of which must be there.
func message(f mlflow.Fields, outer, inner string, into proto.Message) error {
	if !f.Has(outer) {
		return mlflow.MissingParameter(outer)
	}
	o, err := f.Object(outer)
	if err == nil && !o.Has(inner) {
		err = mlflow.MissingParameter(outer + "." + inner)
	}
	if err != nil {
		return err
	}
	return mlflow.DecodeMessage(outer+"."+inner, o.Raw(inner), into)
}

func reply(c *fiber.Ctx, body func(*jx.Encoder)) error {
	var w jx.Encoder
	w.Obj(body)
	c.Context().SetContentType(fiber.MIMEApplicationJSON)
	return c.Send(w.Bytes())
}

// done answers an empty object to a change that has no other answer.
func (e *Edge) done(c *fiber.Ctx, parts ...write.Part) error {
	if len(parts) > 0 {
		if _, err := e.change(c, parts...); err != nil {
			return err
		}
	}
	return reply(c, func(*jx.Encoder) {})
}
