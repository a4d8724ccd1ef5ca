package otlp_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/ingest/otlp"
)

const protobuf = "application/x-protobuf"

func text(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

func attribute(key string, v *commonpb.AnyValue) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: v}
}

func request(t *testing.T, spans ...*tracepb.Span) []byte {
	t.Helper()
	b, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{attribute("service.name", text("gauge"))}},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sample(attributes ...*commonpb.KeyValue) *tracepb.Span {
	return &tracepb.Span{
		TraceId: []byte{1, 2}, SpanId: []byte{0xab}, ParentSpanId: make([]byte, 8), Name: `a "b"`,
		StartTimeUnixNano: 1_700_000_000_000_000_001, EndTimeUnixNano: 1_700_000_000_000_000_002, Attributes: attributes,
		Status: &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: "no"},
		Events: []*tracepb.Span_Event{{Name: "e", TimeUnixNano: 5, Attributes: []*commonpb.KeyValue{attribute("k", text("v"))}}},
		Links:  []*tracepb.Span_Link{{TraceId: []byte{9}, SpanId: []byte{8}}},
	}
}

func one(t *testing.T, body []byte, kind string) *otlp.Span {
	t.Helper()
	spans, err := otlp.Parse(body, kind)
	if err != nil || len(spans) != 1 {
		t.Fatalf("%d spans, %v", len(spans), err)
	}
	return spans[0]
}

func TestASpanIsKeptInBothForms(t *testing.T) {
	s := one(t, request(t, sample(attribute("mlflow.spanType", text("TOOL")), attribute("mlflow.traceRequestId", text("forged")))), protobuf)
	if s.TraceID != "tr-00000000000000000000000000000102" || s.SpanID != "00000000000000ab" || !s.Root() || s.Type != "TOOL" || s.Status != "ERROR" {
		t.Errorf("got %+v", s.Span)
	}
	// Byte for byte as Python's json.dumps has it, for searches compare these texts.
	want := `{"trace_id": "AQI=", "span_id": "qw==", "parent_span_id": null, "name": "a \"b\"", "start_time_unix_nano": 1700000000000000001, ` +
		`"end_time_unix_nano": 1700000000000000002, "events": [{"name": "e", "time_unix_nano": 5, "attributes": {"k": "v"}}], ` +
		`"status": {"code": "STATUS_CODE_ERROR", "message": "no"}, "attributes": {"mlflow.spanType": "\"TOOL\"", ` +
		`"mlflow.traceRequestId": "\"tr-00000000000000000000000000000102\""}, ` +
		`"links": [{"trace_id": "tr-00000000000000000000000000000009", "span_id": "0000000000000008", "attributes": {}}]}`
	if s.Content != want {
		t.Errorf("content\n%s\nwant\n%s", s.Content, want)
	}
	var back struct {
		Start  json.Number `json:"start_time_unix_nano"`
		Status struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(s.OTLP), &back); err != nil || back.Start != "1700000000000000001" || back.Status.Code != "STATUS_CODE_ERROR" {
		t.Errorf("otlp %s: %v", s.OTLP, err)
	}
	if s.Resource["service.name"] != "gauge" {
		t.Errorf("resource %v", s.Resource)
	}
}

func TestAttributesArePythonsJSON(t *testing.T) {
	float := func(x float64) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: x}}
	}
	integer := func(n int64) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: n}}
	}
	list := func(vs ...*commonpb.AnyValue) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: vs}}}
	}
	object := func(kvs ...*commonpb.KeyValue) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: kvs}}}
	}
	for name, c := range map[string]struct {
		value *commonpb.AnyValue
		want  string
	}{
		"text":           {text("ü\"\\\n\x01<>"), `"ü\"\\\n\u0001<>"`},
		"whole float":    {float(1), "1.0"},
		"great float":    {float(1e16), "1e+16"},
		"small float":    {float(0.00001), "1e-05"},
		"million":        {float(1_000_000), "1000000.0"},
		"zero":           {float(0), "0.0"},
		"nan":            {float(math.NaN()), "NaN"},
		"infinity":       {float(math.Inf(-1)), "-Infinity"},
		"integer":        {integer(1 << 60), "1152921504606846976"},
		"boolean":        {&commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: true}}, "true"},
		"bytes":          {&commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: []byte{1}}}, `"AQ=="`},
		"nothing":        {&commonpb.AnyValue{}, "null"},
		"list":           {list(integer(1), text("a"), nil), `[1, "a", null]`},
		"object":         {object(attribute("a", integer(1)), attribute("b", list())), `{"a": 1, "b": []}`},
		"a key twice":    {object(attribute("a", integer(1)), attribute("b", integer(2)), attribute("a", integer(3))), `{"a": 3, "b": 2}`},
		"an empty thing": {object(), "{}"},
	} {
		if got := one(t, request(t, sample(attribute("x", c.value))), protobuf).Attributes["x"]; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestJSONHasItsIDsInHex(t *testing.T) {
	body := `{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "0102", "spanId": "ab", "name": "x", "startTimeUnixNano": "1700000000000000001",
		"attributes": [{"key": "n", "value": {"intValue": "9007199254740993"}}], "unknown": 1}]}]}]}`
	s := one(t, []byte(body), "application/json")
	if s.TraceID != "tr-00000000000000000000000000000102" || s.StartNS != 1_700_000_000_000_000_001 || s.Attributes["n"] != "9007199254740993" {
		t.Errorf("got %+v %v", s.Span, s.Attributes)
	}
	if s.Type != "UNKNOWN" || s.Status != "UNSET" {
		t.Errorf("type %s, status %s", s.Type, s.Status)
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	noID, longID := sample(), sample()
	noID.SpanId = nil
	longID.TraceId = make([]byte, 17)
	for name, c := range map[string]struct {
		body []byte
		kind string
	}{
		"no protobuf":        {[]byte("xyz"), protobuf},
		"nothing":            {nil, protobuf},
		"no JSON":            {[]byte("{"), "application/json"},
		"no object":          {[]byte("[]"), "application/json"},
		"an id that is none": {[]byte(`{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "zz"}]}]}]}`), "application/json"},
		"a list that is one": {[]byte(`{"resourceSpans": {}}`), "application/json"},
		"no span id":         {request(t, noID), protobuf},
		"a long trace id":    {request(t, longID), protobuf},
	} {
		if spans, err := otlp.Parse(c.body, c.kind); err == nil {
			t.Errorf("%s: %d spans", name, len(spans))
		}
	}
}

func TestDecompress(t *testing.T) {
	pack := func(w io.WriteCloser, b *bytes.Buffer, text string) []byte {
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var zipped, deflated, raw, bomb bytes.Buffer
	flat, err := flate.NewWriter(&raw, 1)
	if err != nil {
		t.Fatal(err)
	}
	decompress := func(body []byte, encoding string) ([]byte, error) {
		n, err := otlp.Size(body, encoding)
		if err != nil {
			return nil, err
		}
		return otlp.Decompress(body, encoding, n)
	}
	for name, c := range map[string]struct {
		body     []byte
		encoding string
	}{
		"plain": {[]byte("spans"), ""}, "gzip": {pack(gzip.NewWriter(&zipped), &zipped, "spans"), "gzip"},
		"deflate": {pack(zlib.NewWriter(&deflated), &deflated, "spans"), "deflate"}, "raw deflate": {pack(flat, &raw, "spans"), "deflate"},
	} {
		if got, err := decompress(c.body, c.encoding); err != nil || string(got) != "spans" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, c := range map[string]struct {
		body     []byte
		encoding string
	}{
		"no gzip": {[]byte("spans"), "gzip"}, "no deflate": {[]byte("\xffspans"), "deflate"}, "unknown": {nil, "br"},
		"too much": {pack(gzip.NewWriter(&bomb), &bomb, strings.Repeat("x", otlp.BodyBytesMax+1)), "gzip"},
	} {
		if _, err := decompress(c.body, c.encoding); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestWhatGrowsTooLargeIsRefusedBeforeItDoes(t *testing.T) {
	const mib = 1 << 20
	control := func(n int) *commonpb.KeyValue { return attribute("x", text(strings.Repeat("\x01", n))) }
	half := sample(control(3 * mib)) // 39 MiB
	for name, body := range map[string][]byte{"a span": request(t, sample(control(31*mib))), "two spans": request(t, half, half)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := otlp.Parse(body, protobuf)
		runtime.ReadMemStats(&after)
		var refused *fiber.Error
		if !errors.As(err, &refused) || refused.Code != fiber.StatusRequestEntityTooLarge {
			t.Errorf("%s: %v", name, err)
		}
		if n := (after.TotalAlloc - before.TotalAlloc) / mib; n > 200 {
			t.Errorf("%s: %d MiB allocated", name, n)
		}
	}
	// What is taken is not larger than it was said to be.
	for name, s := range map[string]*tracepb.Span{"text": sample(attribute("x", text(strings.Repeat("x", 30*mib)))), "control": sample(control(4 * mib))} {
		if n := one(t, request(t, s), protobuf).Bytes(); n > otlp.RowsBytesMax {
			t.Errorf("%s: %d bytes of rows", name, n)
		}
	}
}
