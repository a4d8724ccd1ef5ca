package parse

import (
	"strconv"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/ingest/columns"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// modelIDMax is the length of a model id; MLflow's own have 34 characters.
const modelIDMax = 100

// metrics reads metric objects, one after the other, into columns.
type metrics struct {
	cols *columns.Columns
	// index of the metric being read, -1 for log-metric, whose metric is the request itself.
	index int
	// The metric being read. key is reused.
	key               []byte
	value             float64
	time, step        int64
	hasValue, hasTime bool
	context           track.PointContext
	// refusal is the first thing that is well-formed and not allowed: MLflow looks for what is malformed in
	// the whole request first.
	refusal error
}

// path is where a field stands in the request.
func (m *metrics) path(field string) string {
	if m.index < 0 {
		return field
	}
	return "metrics[" + strconv.Itoa(m.index) + "]." + field
}

func (m *metrics) begin(index int) {
	m.index, m.key = index, m.key[:0]
	m.value, m.time, m.step, m.hasValue, m.hasTime = 0, 0, 0, false, false
	m.context = track.PointContext{}
}

// field reads one field of a metric; the names in camel case are protobuf's.
func (m *metrics) field(d *jx.Decoder, name []byte) (err error) {
	switch string(name) {
	case "key":
		return m.readKey(d)
	case "value":
		return m.readValue(d)
	case "timestamp":
		m.time, m.hasTime, err = m.readInteger(d, "timestamp")
	case "step":
		m.step, _, err = m.readInteger(d, "step")
	case "model_id", "modelId":
		m.context.ModelID, err = text(d, m.path("model_id"))
	case "dataset_name", "datasetName":
		m.context.DatasetName, err = text(d, m.path("dataset_name"))
	case "dataset_digest", "datasetDigest":
		m.context.DatasetDigest, err = text(d, m.path("dataset_digest"))
	default:
		return d.Skip()
	}
	return err
}

func (m *metrics) readKey(d *jx.Decoder) error {
	if d.Next() != jx.String {
		s, err := text(d, m.path("key"))
		m.key = append(m.key[:0], s...)
		return err
	}
	b, err := d.StrBytes()
	m.key = append(m.key[:0], b...)
	return err
}

func (m *metrics) readValue(d *jx.Decoder) error {
	raw, err := scalar(d)
	if err != nil {
		return err
	}
	m.hasValue = raw != nil
	if raw == nil {
		return nil
	}
	if m.value, err = float(raw); err != nil {
		return wrongType(m.path("value"), raw)
	}
	return nil
}

func (m *metrics) readInteger(d *jx.Decoder, field string) (n int64, ok bool, err error) {
	raw, err := scalar(d)
	if err != nil || raw == nil {
		return 0, false, err
	}
	if n, err = integer(raw); err != nil {
		return 0, false, wrongType(m.path(field), raw)
	}
	return n, true, nil
}

// scalar reads a value as it stands, nil if it is null or an empty text: both count as absent.
func scalar(d *jx.Decoder) ([]byte, error) {
	switch d.Next() {
	case jx.Number:
		return d.Num()
	case jx.Null:
		return nil, d.Null()
	}
	raw, err := d.Raw()
	if err != nil || string(raw) == `""` {
		return nil, err
	}
	return raw, nil
}

// end checks the metric that was read and adds it to the columns.
func (m *metrics) end() error {
	switch {
	case len(m.key) == 0:
		return mlflow.MissingParameter(m.path("key"))
	case !m.hasValue:
		return mlflow.MissingParameter(m.path("value"))
	case !m.hasTime:
		return mlflow.MissingParameter(m.path("timestamp"))
	}
	if m.refusal != nil {
		return nil
	}
	key, ok := m.cols.Find(m.key)
	if !ok {
		name := string(m.key)
		if m.refusal = m.checkKey(name); m.refusal != nil {
			return nil
		}
		key = m.cols.Define(name)
	}
	if m.refusal = m.check(); m.refusal == nil {
		m.cols.Append(columns.Point{Key: key, Step: m.step, TimeMS: m.time, Value: m.value, Context: m.context})
	}
	return nil
}

// checkKey checks the name of a metric, which MLflow's messages call its name.
func (m *metrics) checkKey(key string) error {
	if err := mlflow.CheckLength("Metric name", key, mlflow.KeyLengthMax); err != nil {
		return err
	}
	if mlflow.CheckKey("", key) != nil { // the path is only worth making for an error
		return mlflow.CheckKey(m.path("name"), key)
	}
	if len(key) > frame.KeyBytesMax {
		return track.Errorf(track.InvalidParameterValue, "'%s' exceeds the maximum length of %d bytes in UTF-8", m.path("name"), frame.KeyBytesMax)
	}
	return nil
}

func (m *metrics) check() error {
	if m.time < 0 {
		return track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter '%s' supplied: metric '%s' (value=%s). Timestamp must be a nonnegative long (64-bit integer) ",
			m.time, m.path("timestamp"), m.key, pythonFloat(m.value))
	}
	if m.context == (track.PointContext{}) {
		return nil
	}
	if err := mlflow.CheckLength(m.path("model_id"), m.context.ModelID, modelIDMax); err != nil {
		return err
	}
	if err := mlflow.CheckLength(m.path("dataset_name"), m.context.DatasetName, mlflow.DatasetNameMax); err != nil {
		return err
	}
	return mlflow.CheckLength(m.path("dataset_digest"), m.context.DatasetDigest, mlflow.DatasetDigestMax)
}
