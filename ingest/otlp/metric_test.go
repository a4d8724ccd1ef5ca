package otlp_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/ingest/otlp"
)

const metricRun = "0123456789abcdef0123456789abcdef"

func textOf(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

func wholeOf(key string, value int64) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: value}}}
}

// ofRun is a request with metrics of one resource.
func ofRun(attributes []*commonpb.KeyValue, metrics ...*metricspb.Metric) *metricspb.MetricsData {
	return &metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{
		Resource: &resourcepb.Resource{Attributes: attributes}, ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: metrics}},
	}}}
}

func gauge(name string, points ...*metricspb.NumberDataPoint) *metricspb.Metric {
	return &metricspb.Metric{Name: name, Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: points}}}
}

func double(v float64, timeNano uint64, attributes ...*commonpb.KeyValue) *metricspb.NumberDataPoint {
	return &metricspb.NumberDataPoint{TimeUnixNano: timeNano, Attributes: attributes, Value: &metricspb.NumberDataPoint_AsDouble{AsDouble: v}}
}

const (
	at   = 1_700_000_000_250_000_000 // nanoseconds
	atMS = 1_700_000_000_250
)

func point(key string, step, timeMS int64, value float64) otlp.MetricPoint {
	return otlp.MetricPoint{Key: key, Step: step, TimeMS: timeMS, Value: value}
}

func TestMetricsBecomePoints(t *testing.T) {
	sum, least := 6.5, 0.5
	data := ofRun([]*commonpb.KeyValue{textOf("service.name", "x"), textOf("mlflow.run_id", metricRun)},
		gauge("loss", double(0.5, at), double(math.Inf(1), at, wholeOf("streamgauge.step", 7)), double(1, 0)),
		gauge("none", &metricspb.NumberDataPoint{Flags: 1}),
		&metricspb.Metric{Name: "tokens", Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{DataPoints: []*metricspb.NumberDataPoint{
			{TimeUnixNano: at, Value: &metricspb.NumberDataPoint_AsInt{AsInt: 12}, Attributes: []*commonpb.KeyValue{textOf("phase", "train"), wholeOf("gpu", 3)}},
		}}}},
		&metricspb.Metric{Name: "latency", Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{DataPoints: []*metricspb.HistogramDataPoint{
			{TimeUnixNano: at, Count: 3, Sum: &sum, Min: &least, Attributes: []*commonpb.KeyValue{textOf("route", "a")}},
		}}}},
		&metricspb.Metric{Name: "size", Data: &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: &metricspb.ExponentialHistogram{DataPoints: []*metricspb.ExponentialHistogramDataPoint{
			{TimeUnixNano: at, Count: 2},
		}}}},
		&metricspb.Metric{Name: "old", Data: &metricspb.Metric_Summary{Summary: &metricspb.Summary{DataPoints: []*metricspb.SummaryDataPoint{
			{TimeUnixNano: at, Count: 4, Sum: 8, QuantileValues: []*metricspb.SummaryDataPoint_ValueAtQuantile{{Quantile: 0.5, Value: 2}}},
		}}}},
	)
	const step = atMS / 1000
	want := []otlp.RunPoints{{RunID: metricRun, Points: []otlp.MetricPoint{
		point("loss", step, atMS, 0.5), point("loss", 7, atMS, math.Inf(1)), point("loss", 5, 5000, 1),
		point("tokens{gpu=3,phase=train}", step, atMS, 12),
		point("latency{route=a}/count", step, atMS, 3), point("latency{route=a}/sum", step, atMS, 6.5), point("latency{route=a}/min", step, atMS, 0.5),
		point("size/count", step, atMS, 2),
		point("old/count", step, atMS, 4), point("old/sum", step, atMS, 8), point("old/q0.5", step, atMS, 2),
	}}}
	for kind, encode := range map[string]func(proto.Message) ([]byte, error){"application/x-protobuf": proto.Marshal, "application/json": protojson.Marshal} {
		b, err := encode(data)
		if err != nil {
			t.Fatal(err)
		}
		m, err := otlp.ParseMetrics(b, kind, 5000)
		if err != nil || m.Rejected != 0 || !reflect.DeepEqual(m.Runs, want) {
			t.Errorf("%s: %v, %+v", kind, err, m)
		}
	}
}

func TestMetricsThatCannotBePointsAreCounted(t *testing.T) {
	for name, tt := range map[string]struct {
		data *metricspb.MetricsData
		want string
	}{
		"no run":       {ofRun(nil, gauge("loss", double(1, at))), `"loss": the resource attribute streamgauge.run_id names no run ("")`},
		"not a run":    {ofRun([]*commonpb.KeyValue{textOf("streamgauge.run_id", "7")}, gauge("loss", double(1, at))), `("7")`},
		"no name":      {ofRun([]*commonpb.KeyValue{textOf("streamgauge.run_id", metricRun)}, gauge("", double(1, at))), "1 to 250 bytes"},
		"key too long": {ofRun([]*commonpb.KeyValue{textOf("streamgauge.run_id", metricRun)}, gauge("x", double(1, at, textOf("a", strings.Repeat("v", 250))))), "1 to 250 bytes"},
	} {
		b, err := proto.Marshal(tt.data)
		if err != nil {
			t.Fatal(err)
		}
		m, err := otlp.ParseMetrics(b, "application/x-protobuf", 0)
		if err != nil || m.Rejected != 1 || len(m.Runs) != 0 || !strings.Contains(m.Reason, tt.want) {
			t.Errorf("%s: %v, %+v", name, err, m)
		}
	}
}

// TestEmptyMessagesAreCountedBeforeTheyAreParsed: two bytes each, they would become some hundred times as much.
func TestEmptyMessagesAreCountedBeforeTheyAreParsed(t *testing.T) {
	wrap := func(field protowire.Number, inner []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), inner)
	}
	empty := bytes.Repeat(wrap(1, nil), 400_000)
	for name, b := range map[string][]byte{
		"points":     wrap(1, wrap(2, wrap(2, wrap(5, empty)))),
		"metrics":    wrap(1, wrap(2, bytes.Repeat(wrap(2, nil), 400_000))),
		"attributes": wrap(1, wrap(2, wrap(2, wrap(5, wrap(1, bytes.Repeat(wrap(7, nil), 400_000)))))),
		"resources":  empty,
		// Attributes, their lists and metadata are messages wherever they stand.
		"attributes of a resource":  wrap(1, wrap(1, empty)),
		"attributes of a scope":     wrap(1, wrap(2, wrap(1, bytes.Repeat(wrap(3, nil), 400_000)))),
		"metadata of a metric":      wrap(1, wrap(2, wrap(2, bytes.Repeat(wrap(12, nil), 400_000)))),
		"attributes of an exemplar": wrap(1, wrap(2, wrap(2, wrap(5, wrap(1, wrap(5, bytes.Repeat(wrap(7, nil), 400_000))))))),
		"a list in an attribute":    wrap(1, wrap(1, wrap(1, wrap(2, wrap(5, empty))))),
		"lists in a list":           wrap(1, wrap(1, wrap(1, wrap(2, wrap(5, wrap(1, wrap(5, empty))))))),
	} {
		before := allocated()
		_, err := otlp.ParseMetrics(b, "application/x-protobuf", 1)
		var e *fiber.Error
		if !errors.As(err, &e) || e.Code != fiber.StatusRequestEntityTooLarge {
			t.Errorf("%s: %v", name, err)
		}
		if grown := allocated() - before; grown > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, grown)
		}
	}
	many := []byte(`{"resourceMetrics":[` + strings.Repeat(`{},`, 400_000) + `{}]}`)
	if _, err := otlp.ParseMetrics(many, "application/json", 1); err == nil {
		t.Error("400,000 objects of JSON are taken")
	}
}

// TestAttributesAreNotCountedTwice: as many points with attributes as fit a request are taken.
func TestAttributesAreNotCountedTwice(t *testing.T) {
	points := make([]*metricspb.NumberDataPoint, 60_000)
	for i := range points {
		points[i] = &metricspb.NumberDataPoint{Attributes: []*commonpb.KeyValue{textOf("rank", "1"), textOf("node", "a"), textOf("x", "y")}}
	}
	b, err := proto.Marshal(ofRun([]*commonpb.KeyValue{textOf("streamgauge.run_id", metricRun)}, gauge("x", points...)))
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > otlp.MetricsBytesMax {
		t.Fatalf("%d bytes", len(b))
	}
	if _, err := otlp.ParseMetrics(b, "application/x-protobuf", 1); err != nil {
		t.Error(err)
	}
}

// allocated is what was ever allocated.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestMetricsThatAreNoneAreRefused(t *testing.T) {
	for kind, bad := range map[string]string{"application/x-protobuf": "\xff", "application/json": `{"resourceMetrics":7}`} {
		if _, err := otlp.ParseMetrics([]byte(bad), kind, 0); err == nil || !strings.Contains(err.Error(), "Invalid OpenTelemetry format") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	points := make([]*metricspb.NumberDataPoint, 100_001)
	for i := range points {
		points[i] = &metricspb.NumberDataPoint{}
	}
	b, err := proto.Marshal(ofRun([]*commonpb.KeyValue{textOf("streamgauge.run_id", metricRun)}, gauge("x", points...)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := otlp.ParseMetrics(b, "application/x-protobuf", 0); err == nil || !strings.Contains(fmt.Sprint(err), "100000 points") {
		t.Errorf("%d bytes of tiny points: %v", len(b), err)
	}
}
