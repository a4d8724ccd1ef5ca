package otlp

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// MetricsBytesMax bounds an unpacked request of metrics, of which a few bytes become a hundred when they are parsed;
	// exporters send some kilobytes.
	MetricsBytesMax = 4 << 20
	// metricPointsMax bounds what a request becomes.
	metricPointsMax = 100_000
	// messagesMax bounds what it may be before it is parsed; exporters send 100 bytes for one, so that 4 MiB are some 40,000.
	messagesMax = 300_000
	// nestingMax is how deep the parser goes.
	nestingMax = protowire.DefaultRecursionLimit
)

// Attributes that say where points belong: the run is an attribute of the resource, the step of a data point.
var (
	runAttributes = []string{"streamgauge.run_id", "mlflow.run_id"}
	stepAttribute = "streamgauge.step"
)

// RunPoints are the points of one resource.
type RunPoints struct {
	RunID  string
	Points []MetricPoint
}

// MetricPoint is one value of a metric.
type MetricPoint struct {
	Key    string
	Step   int64
	TimeMS int64
	Value  float64
}

// Metrics is what a request of metrics says. Rejected counts data points that belong to no run or cannot be a point;
// Reason is why the first of them cannot.
type Metrics struct {
	Runs     []RunPoints
	Rejected int
	Reason   string
	points   int
}

// Reject counts data points that are not taken.
func (m *Metrics) Reject(n int, reason string) {
	if m.Rejected == 0 && n > 0 {
		m.Reason = reason
	}
	m.Rejected += n
}

// ParseMetrics reads a request of metrics. mediaType is application/json or application/x-protobuf; nowMS is the time of
// data points without one.
func ParseMetrics(body []byte, mediaType string, nowMS int64) (*Metrics, error) {
	// It has the fields of ExportMetricsServiceRequest, and none of gRPC's code comes with it.
	var data metricspb.MetricsData
	unmarshal := proto.Unmarshal
	if mediaType == "application/json" {
		// The ids of exemplars are hex there, which passes for base64; nobody reads them.
		unmarshal = func(b []byte, m proto.Message) error {
			return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, m)
		}
	}
	if messages(body, mediaType) > messagesMax {
		return nil, tooManyPoints()
	}
	if err := unmarshal(body, &data); err != nil {
		return nil, track.Errorf(track.BadRequest, "Invalid OpenTelemetry format: %v", err)
	}
	m := new(Metrics)
	for _, r := range data.GetResourceMetrics() {
		of := reader{metrics: m, nowMS: nowMS, run: RunPoints{RunID: runOf(r.GetResource().GetAttributes())}}
		for _, scope := range r.GetScopeMetrics() {
			for _, metric := range scope.GetMetrics() {
				of.metric(metric)
				if m.points+len(of.run.Points) > metricPointsMax {
					return nil, tooManyPoints()
				}
			}
		}
		if len(of.run.Points) > 0 {
			m.Runs = append(m.Runs, of.run)
			m.points += len(of.run.Points)
		}
	}
	return m, nil
}

func tooManyPoints() error {
	return fiber.NewError(fiber.StatusRequestEntityTooLarge, fmt.Sprintf("the metrics are more than %d points; send fewer at a time", metricPointsMax))
}

// messages counts, before memory is spent on them, about how many messages a body has: one of two bytes becomes one of two
// hundred.
func messages(body []byte, mediaType string) int {
	if mediaType == "application/json" {
		return bytes.Count(body, []byte{'{'})
	}
	return inside(body, new(metricspb.MetricsData).ProtoReflect().Descriptor(), nestingMax)
}

// inside counts what stands in lists in a message of that kind, at any place: attributes, their values and metadata are
// messages as data points are. What is in no list is in a message that was counted. What is no protobuf ends it, and is
// refused when it is parsed; so is what is nested deeper than the parser goes.
func inside(b []byte, of protoreflect.MessageDescriptor, deep int) (n int) {
	for len(b) > 0 && deep > 0 && n <= messagesMax {
		number, kind, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return n
		}
		size := protowire.ConsumeFieldValue(number, kind, b[tag:])
		if size < 0 {
			return n
		}
		if field := of.Fields().ByNumber(number); field != nil && kind == protowire.BytesType {
			if field.IsList() && !field.IsPacked() {
				n++
			}
			if field.Message() != nil {
				inner, _ := protowire.ConsumeBytes(b[tag:])
				n += inside(inner, field.Message(), deep-1)
			}
		}
		b = b[tag+size:]
	}
	return n
}

func runOf(attributes []*commonpb.KeyValue) string {
	for _, name := range runAttributes {
		for _, a := range attributes {
			if a.GetKey() == name {
				return a.GetValue().GetStringValue()
			}
		}
	}
	return ""
}

// reader makes points of the data points of one resource.
type reader struct {
	metrics *Metrics
	run     RunPoints
	nowMS   int64
}

// dataPoint is what all kinds have.
type dataPoint interface {
	GetAttributes() []*commonpb.KeyValue
	GetTimeUnixNano() uint64
	GetFlags() uint32
}

// distribution is what histograms have beside.
type distribution interface {
	dataPoint
	GetCount() uint64
	GetSum() float64
	GetMin() float64
	GetMax() float64
}

func (r *reader) metric(m *metricspb.Metric) {
	switch d := m.GetData().(type) {
	case *metricspb.Metric_Gauge:
		r.numbers(m.GetName(), d.Gauge.GetDataPoints())
	case *metricspb.Metric_Sum:
		r.numbers(m.GetName(), d.Sum.GetDataPoints())
	case *metricspb.Metric_Histogram:
		for _, p := range d.Histogram.GetDataPoints() {
			r.distribution(m.GetName(), p, has{p.Sum != nil, p.Min != nil, p.Max != nil})
		}
	case *metricspb.Metric_ExponentialHistogram:
		for _, p := range d.ExponentialHistogram.GetDataPoints() {
			r.distribution(m.GetName(), p, has{p.Sum != nil, p.Min != nil, p.Max != nil})
		}
	case *metricspb.Metric_Summary:
		for _, p := range d.Summary.GetDataPoints() {
			values := []named{{"count", float64(p.GetCount())}, {"sum", p.GetSum()}}
			for _, q := range p.GetQuantileValues() {
				values = append(values, named{"q" + strconv.FormatFloat(q.GetQuantile(), 'g', -1, 64), q.GetValue()})
			}
			r.add(m.GetName(), p, values)
		}
	}
}

func (r *reader) numbers(name string, points []*metricspb.NumberDataPoint) {
	for _, p := range points {
		value := p.GetAsDouble()
		if _, ok := p.GetValue().(*metricspb.NumberDataPoint_AsInt); ok {
			value = float64(p.GetAsInt())
		}
		r.add(name, p, []named{{"", value}})
	}
}

// has says which of the optional values are there.
type has struct{ sum, min, max bool }

func (r *reader) distribution(name string, p distribution, h has) {
	values := []named{{"count", float64(p.GetCount())}}
	for _, v := range []struct {
		there bool
		named
	}{{h.sum, named{"sum", p.GetSum()}}, {h.min, named{"min", p.GetMin()}}, {h.max, named{"max", p.GetMax()}}} {
		if v.there {
			values = append(values, v.named)
		}
	}
	r.add(name, p, values)
}

// named is a value of a data point that has several.
type named struct {
	name  string
	value float64
}

// add makes points of a data point, or rejects it.
func (r *reader) add(name string, p dataPoint, values []named) {
	if p.GetFlags()&uint32(metricspb.DataPointFlags_DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK) != 0 {
		return // it says that there is none
	}
	if _, ok := track.ParseRunID(r.run.RunID); !ok {
		r.metrics.Reject(1, fmt.Sprintf("metric %.100q: the resource attribute %s names no run (%.64q); want the 32 hex digits of a run's id", name, runAttributes[0], r.run.RunID))
		return
	}
	timeMS := int64(p.GetTimeUnixNano() / uint64(time.Millisecond))
	if timeMS == 0 {
		timeMS = r.nowMS
	}
	key, step, stepped := keyOf(name, p.GetAttributes())
	if !stepped {
		step = timeMS / 1000
	}
	var points []MetricPoint
	for _, v := range values {
		full := key
		if v.name != "" {
			full += "/" + v.name
		}
		if name == "" || len(full) > frame.KeyBytesMax || !utf8.ValidString(full) {
			r.metrics.Reject(1, fmt.Sprintf("metric %.100q: with its attributes the key is no text of 1 to %d bytes", name, frame.KeyBytesMax))
			return
		}
		points = append(points, MetricPoint{Key: full, Step: step, TimeMS: timeMS, Value: v.value})
	}
	r.run.Points = append(r.run.Points, points...)
}

// keyOf is a metric's name with the attributes in order, as in loss{phase=train}, and the step if an attribute has it.
func keyOf(name string, attributes []*commonpb.KeyValue) (key string, step int64, stepped bool) {
	var pairs []string
	for _, a := range attributes {
		if a.GetKey() != stepAttribute {
			pairs = append(pairs, a.GetKey()+"="+plain(a.GetValue()))
			continue
		}
		switch v := a.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_IntValue:
			step, stepped = v.IntValue, true
		case *commonpb.AnyValue_DoubleValue:
			step, stepped = int64(v.DoubleValue), math.Abs(v.DoubleValue) < 1<<53
		}
	}
	if len(pairs) == 0 {
		return name, step, stepped
	}
	slices.Sort(pairs)
	return name + "{" + strings.Join(pairs, ",") + "}", step, stepped
}

// plain writes an attribute as one reads it: texts without quotes.
func plain(v *commonpb.AnyValue) string {
	if s, ok := v.GetValue().(*commonpb.AnyValue_StringValue); ok {
		return s.StringValue
	}
	return string(dump(nil, v))
}
