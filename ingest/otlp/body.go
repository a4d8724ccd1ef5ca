package otlp

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/gofiber/fiber/v2"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// BodyBytesMax bounds a request, packed and unpacked: exporters send some hundred spans at a time.
const BodyBytesMax = 32 << 20

// RowsBytesMax bounds what a request becomes: both forms of its spans, in which a control character has 13 bytes, and
// its resources. With BodyBytesMax it fits what may wait to be written, or the request would be told for ever to come
// back; a span of BodyBytesMax of plain text fits nearly.
const RowsBytesMax = 64 << 20

// Size is how long a body of a Content-Encoding, which may be empty, is when it is unpacked. It unpacks it without
// keeping it, so that memory for it can be had before it is.
func Size(body []byte, encoding string) (int, error) {
	if encoding == "" {
		return len(body), nil
	}
	r, err := unpacking(body, encoding)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, io.LimitReader(r, BodyBytesMax+1))
	if err != nil {
		return 0, unpackable(encoding)
	}
	if n > BodyBytesMax {
		return 0, track.Errorf(track.BadRequest, "The unpacked body is larger than %d MiB; send fewer spans at a time", BodyBytesMax>>20)
	}
	return int(n), nil
}

// Decompress unpacks a body of which Size told the size.
func Decompress(body []byte, encoding string, size int) ([]byte, error) {
	if encoding == "" {
		return body, nil
	}
	r, err := unpacking(body, encoding)
	if err != nil {
		return nil, err
	}
	out := make([]byte, size)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, unpackable(encoding)
	}
	return out, nil
}

func unpackable(encoding string) error {
	return track.Errorf(track.BadRequest, "Failed to decompress %s payload", encoding)
}

func unpacking(body []byte, encoding string) (io.Reader, error) {
	switch encoding {
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, unpackable(encoding)
		}
		return r, nil
	case "deflate":
		if r, err := zlib.NewReader(bytes.NewReader(body)); err == nil {
			return r, nil
		}
		// Some clients send it without the header that it should have.
		return flate.NewReader(bytes.NewReader(body)), nil
	}
	return nil, track.Errorf(track.BadRequest, "Unsupported Content-Encoding: %s", encoding)
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
	rows := 0
	for _, r := range data.GetResourceSpans() {
		if rows += once.pairs(r.GetResource().GetAttributes()); rows > RowsBytesMax {
			return nil, tooLarge
		}
		resource := texts(r.GetResource().GetAttributes())
		for _, scope := range r.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				contentBytes, otlpBytes := twice.span(s), once.span(s)
				if rows += contentBytes + otlpBytes; rows > RowsBytesMax {
					return nil, tooLarge
				}
				span, err := newSpan(s, resource, contentBytes, otlpBytes)
				if err != nil {
					return nil, err
				}
				out = append(out, span)
			}
		}
	}
	return out, nil
}

var tooLarge = fiber.NewError(fiber.StatusRequestEntityTooLarge,
	fmt.Sprintf("the spans take more than %d MiB when they are stored; send fewer at a time, or less in one", RowsBytesMax>>20))

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
