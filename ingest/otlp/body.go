package otlp

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// BodyBytesMax bounds a request, packed and unpacked: exporters send some hundred spans at a time.
const BodyBytesMax = 32 << 20

// Decompress unpacks a body of a Content-Encoding, which may be empty.
func Decompress(body []byte, encoding string) ([]byte, error) {
	switch encoding {
	case "":
		return body, nil
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, track.Errorf(track.BadRequest, "Failed to decompress gzip payload")
		}
		return unpack(r, encoding)
	case "deflate":
		if r, err := zlib.NewReader(bytes.NewReader(body)); err == nil {
			return unpack(r, encoding)
		}
		// Some clients send it without the header that it should have.
		return unpack(flate.NewReader(bytes.NewReader(body)), encoding)
	}
	return nil, track.Errorf(track.BadRequest, "Unsupported Content-Encoding: %s", encoding)
}

func unpack(r io.Reader, encoding string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, BodyBytesMax+1))
	if err != nil {
		return nil, track.Errorf(track.BadRequest, "Failed to decompress %s payload", encoding)
	}
	if len(b) > BodyBytesMax {
		return nil, track.Errorf(track.BadRequest, "The unpacked body is larger than %d MiB; send fewer spans at a time", BodyBytesMax>>20)
	}
	return b, nil
}

// Parse reads a request of spans. mediaType is application/json or application/x-protobuf.
func Parse(body []byte, mediaType string) ([]*Span, error) {
	// It has the fields of ExportTraceServiceRequest, and none of gRPC's code comes with it.
	var data tracepb.TracesData
	if decode(body, mediaType, &data) != nil {
		return nil, track.Errorf(track.BadRequest, "Invalid OpenTelemetry format")
	}
	if len(data.GetResourceSpans()) == 0 {
		return nil, track.Errorf(track.BadRequest, "Invalid OpenTelemetry format - no spans found")
	}
	var out []*Span
	for _, r := range data.GetResourceSpans() {
		for _, scope := range r.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				span, err := newSpan(s, r.GetResource())
				if err != nil {
					return nil, err
				}
				out = append(out, span)
			}
		}
	}
	return out, nil
}

func decode(body []byte, mediaType string, into *tracepb.TracesData) error {
	if mediaType != "application/json" {
		return proto.Unmarshal(body, into)
	}
	body, err := idsToBase64(body)
	if err != nil {
		return err
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, into)
}

// idsToBase64 mends what OpenTelemetry's JSON has as hex and protobuf's JSON as base64.
func idsToBase64(body []byte) ([]byte, error) {
	var data map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&data); err != nil {
		return nil, err
	}
	for _, r := range objects(data["resourceSpans"]) {
		for _, scope := range objects(r["scopeSpans"]) {
			for _, span := range objects(scope["spans"]) {
				if err := mendIDs(span); err != nil {
					return nil, err
				}
				for _, link := range objects(span["links"]) {
					if err := mendIDs(link); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	return json.Marshal(data)
}

func mendIDs(object map[string]any) error {
	for _, field := range []string{"traceId", "spanId", "parentSpanId"} {
		text, _ := object[field].(string)
		if text == "" {
			continue
		}
		b, err := hex.DecodeString(text)
		if err != nil {
			return err
		}
		object[field] = base64.StdEncoding.EncodeToString(b)
	}
	return nil
}

// objects are the objects of a list; what is none is left for the decoder to refuse.
func objects(v any) []map[string]any {
	list, _ := v.([]any)
	out := make([]map[string]any, 0, len(list))
	for _, item := range list {
		if o, ok := item.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}
