package parse

import (
	"strconv"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/ingest/columns"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// requestBytesMax is the most that one request's points may take in a frame, which needs room for its own
// header and the section's. A thousand points with the longest keys take 300 KiB.
const requestBytesMax = bus.FrameBytesMax - 256

// Command is what log-metric or log-batch asks for: valid by itself, not yet compared with the run.
type Command struct {
	RunID string
	// Points is nil when there are none. Whoever has the command releases them.
	Points *columns.Columns
	Params []*track.KeyValue
	Tags   []*track.KeyValue
}

// Metric reads the body of log-metric.
func Metric(body []byte) (Command, error) {
	m := metrics{cols: columns.Get()}
	m.begin(-1)
	var ids runIDs
	err := object(body, func(d *jx.Decoder, name []byte) error {
		if ok, err := ids.field(d, name); ok {
			return err
		}
		return m.field(d, name)
	})
	c := Command{Points: m.cols}
	if err == nil {
		c.RunID, err = ids.id()
	}
	if err == nil {
		err = m.end()
	}
	if err == nil {
		err = m.refusal
	}
	return c.checked(err)
}

// Batch reads the body of log-batch.
func Batch(body []byte) (Command, error) {
	b := batch{metrics: metrics{cols: columns.Get()}}
	err := object(body, b.field)
	c := Command{Points: b.metrics.cols, Params: b.params.kept, Tags: b.tags.kept}
	if err == nil {
		c.RunID, err = b.ids.id()
	}
	if err == nil {
		err = b.refusal()
	}
	return c.checked(err)
}

// checked answers the command, or releases its points and answers the error.
func (c Command) checked(err error) (Command, error) {
	if err == nil && c.Points.Bytes() > requestBytesMax {
		err = track.Errorf(track.InvalidParameterValue, "The metrics of this request take up to %d bytes; at most %d fit one frame. Please split up metrics across multiple requests and try again.",
			c.Points.Bytes(), requestBytesMax)
	}
	if err != nil || c.Points.Len() == 0 {
		c.Points.Release()
		c.Points = nil
	}
	if err != nil {
		return Command{}, err
	}
	return c, nil
}

// runIDs are the two names of the run's id.
type runIDs struct{ id1, uuid string }

func (r *runIDs) field(d *jx.Decoder, name []byte) (ok bool, err error) {
	switch string(name) {
	case "run_id":
		r.id1, err = text(d, "run_id")
	case "run_uuid":
		r.uuid, err = text(d, "run_uuid")
	default:
		return false, nil
	}
	return true, err
}

func (r *runIDs) id() (string, error) {
	switch {
	case r.id1 != "":
		return r.id1, nil
	case r.uuid != "":
		return r.uuid, nil
	}
	return "", mlflow.MissingParameter("run_id")
}

// batch reads the fields of log-batch.
type batch struct {
	ids     runIDs
	metrics metrics
	count   int
	params  pairs
	tags    pairs
}

func (b *batch) field(d *jx.Decoder, name []byte) error {
	if ok, err := b.ids.field(d, name); ok {
		return err
	}
	switch string(name) {
	case "metrics":
		return b.readMetrics(d)
	case "params":
		return b.params.read(d, "params")
	case "tags":
		return b.tags.read(d, "tags")
	}
	return d.Skip()
}

func (b *batch) readMetrics(d *jx.Decoder) error {
	b.metrics.cols.Reset() // of two fields of one name the last counts
	b.metrics.refusal, b.count = nil, 0
	m := &b.metrics
	field := m.field
	return list(d, "metrics", func() error {
		b.count++
		if b.count > mlflow.BatchMetricsMax {
			return d.Skip() // the count alone refuses the request
		}
		m.begin(b.count - 1)
		if err := element(d, "metrics", m.index); err != nil {
			return err
		}
		if err := d.ObjBytes(field); err != nil {
			return err
		}
		return m.end()
	})
}

// list reads a list of whatever each reads; null is an empty list.
func list(d *jx.Decoder, name string, each func() error) error {
	switch d.Next() {
	case jx.Array:
		return d.Arr(func(*jx.Decoder) error { return each() })
	case jx.Null:
		return d.Null()
	}
	raw, err := d.Raw()
	if err != nil {
		return err
	}
	return wrongType(name, raw)
}

// element makes sure that an element of a list is an object.
func element(d *jx.Decoder, name string, i int) error {
	if d.Next() == jx.Object {
		return nil
	}
	raw, err := d.Raw()
	if err != nil {
		return err
	}
	return wrongType(name+"["+strconv.Itoa(i)+"]", raw)
}

// refusal is the first thing that is well-formed and not allowed, in MLflow's order.
func (b *batch) refusal() error {
	if b.metrics.refusal != nil {
		return b.metrics.refusal
	}
	if err := b.params.check("params", true); err != nil {
		return err
	}
	if err := b.tags.check("tags", false); err != nil {
		return err
	}
	for _, limit := range []struct {
		what       string
		count, max int
	}{
		{"metrics", b.count, mlflow.BatchMetricsMax},
		{"params", b.params.count, mlflow.BatchParamsMax},
		{"tags", b.tags.count, mlflow.BatchTagsMax},
		{"metrics, params, and tags", b.count + b.params.count + b.tags.count, mlflow.BatchEntitiesMax},
	} {
		if limit.count > limit.max {
			return track.Errorf(track.InvalidParameterValue, "A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple requests and try again.",
				limit.max, limit.what, limit.count, limit.what, limit.what)
		}
	}
	return nil
}
