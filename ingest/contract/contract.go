// Package contract describes the routes of the write edge under /v1.
package contract

import (
	"net/http"

	"github.com/streamgauge/streamgauge/ingest/trace/transfer"
	"github.com/streamgauge/streamgauge/schemas/describe"
)

const protobufType = "application/x-protobuf"

type framesAnswer struct {
	Accepted int   `json:"accepted" description:"Frames that are durable."`
	Bytes    int64 `json:"bytes" description:"How long they are, with their lengths."`
	Warnings []struct {
		Frame   int    `json:"frame" description:"From 0."`
		RunID   string `json:"run_id"`
		Message string `json:"message"`
	} `json:"warnings,omitempty" description:"Frames that are accepted and will have no effect, such as those of runs that are not known."`
	LeftOut int `json:"warnings_left_out,omitempty"`
}

type lanesRequest struct {
	RunID string `query:"run_id" pattern:"^[0-9a-f]{32}$" description:"Also answers the lanes of this run, which need not be there yet."`
	Ranks uint32 `query:"ranks" description:"How many ranks a run that is not there yet will have."`
}

type lanesAnswer struct {
	Lanes []struct {
		Lane      int    `json:"lane"`
		Bus       string `json:"bus" enum:"nats,kafka"`
		Stream    string `json:"stream,omitempty" description:"Of NATS."`
		Subject   string `json:"subject_prefix,omitempty" description:"Of NATS; behind it comes the run's id."`
		Topic     string `json:"topic,omitempty" description:"Of Kafka."`
		Partition *int   `json:"partition,omitempty" description:"Of Kafka."`
	} `json:"lanes"`
	NATS     string   `json:"nats_url"`
	Brokers  []string `json:"kafka_brokers,omitempty"`
	FrameMax int      `json:"frame_bytes_max"`
	Run      []int    `json:"run_lanes,omitempty" description:"The run's, if one was named."`
}

// metricsRequest is a request of OpenTelemetry's exporters; its fields are those of its protobuf in JSON.
type metricsRequest struct {
	Metrics []describe.Anything `json:"resourceMetrics" description:"ResourceMetrics, as JSON of protobuf."`
}

type metricsAnswer struct {
	Partial *struct {
		Rejected int    `json:"rejectedDataPoints,omitempty"`
		Message  string `json:"errorMessage,omitempty"`
	} `json:"partialSuccess,omitempty" description:"Which points were left out, and why."`
}

type spansRequest struct {
	Experiment string              `header:"X-Mlflow-Experiment-Id" required:"true" description:"The experiment that the spans belong to."`
	Run        string              `header:"X-Mlflow-Run-Id" description:"A run that the traces are linked to." pattern:"^[0-9a-f]{32}$"`
	Spans      []describe.Anything `json:"resourceSpans" description:"ResourceSpans, as JSON of protobuf."`
}

type artifactRequest struct {
	Run   string `query:"run_id" pattern:"^[0-9a-f]{32}$" description:"Whose artifacts: a run's. Either this or model_id."`
	Model string `query:"model_id" description:"Or a logged model's."`
}

type archiveRequest struct {
	artifactRequest
	Path string `query:"path" description:"A folder below its artifacts; all of them without."`
}

type pageRequest struct {
	artifactRequest
	Path string `query:"path" required:"true" description:"A file below its artifacts that ends with .html, .htm or .pdf."`
}

// Routes are all of them.
func Routes() []describe.Route {
	const large = http.StatusRequestEntityTooLarge
	protobuf := func(text string) []describe.Media { return []describe.Media{{Type: protobufType, Text: text}} }
	return []describe.Route{{
		Method: http.MethodPost, Path: "/v1/frames", Area: "Writing", Summary: "Send native frames",
		Text: "A stream of frames, each behind its length as a varint ([protocol.md](protocol.md)). A refusal also has `accepted`, `bytes` and `offset`: where the first frame that was not accepted begins.",
		Bodies: []describe.Media{
			{Type: protobufType, Text: "Frames of schemas/proto/streamgauge/v1/frame.proto."}, {Type: "application/octet-stream", Text: "The same."},
		},
		Gives: framesAnswer{}, Refusals: []int{large},
	}, {
		Method: http.MethodGet, Path: "/v1/lanes", Area: "Writing", Summary: "Say where jobs publish", Takes: lanesRequest{}, Gives: lanesAnswer{},
		Text: "For jobs that publish to the bus by themselves.",
	}, {
		Method: http.MethodPost, Path: "/v1/metrics", Area: "Writing", Summary: "Take OpenTelemetry's metrics in",
		Text:  "OTLP over HTTP ([guide.md](guide.md)); the resource's attribute `streamgauge.run_id` names the run. May be packed with gzip, deflate or zlib, as `Content-Encoding` says.",
		Takes: metricsRequest{}, Bodies: protobuf("An ExportMetricsServiceRequest."), Gives: metricsAnswer{}, Answers: protobuf("An ExportMetricsServiceResponse."), Refusals: []int{large},
	}, {
		Method: http.MethodPost, Path: "/v1/traces", Area: "Writing", Summary: "Take OpenTelemetry's spans in",
		Text:  "OTLP over HTTP, as MLflow's clients and any exporter send it. May be packed, as `Content-Encoding` says.",
		Takes: spansRequest{}, Bodies: protobuf("An ExportTraceServiceRequest."), Gives: describe.Empty{}, Answers: protobuf("An ExportTraceServiceResponse."), Refusals: []int{large, http.StatusUnprocessableEntity},
	}, {
		Method: http.MethodPost, Path: "/v1/import/traces", Area: "Transfer", Summary: "Place traces of another server",
		Text:  "As an export has them ([export.md](export.md)). One that is there and the same stays.",
		Takes: transfer.Request{}, Gives: transfer.Answer{}, Refusals: []int{large},
	}, {
		Method: http.MethodGet, Path: "/v1/artifacts/archive", Area: "Artifacts", Summary: "Get a folder of artifacts as one file",
		Text:  "A zip of at most 100,000 files, made while it is sent. An answer that breaks off is not whole. Eight are made at a time; more get 429 with `Retry-After`.",
		Takes: archiveRequest{}, Answers: []describe.Media{{Type: "application/zip", Text: "The folder."}}, Refusals: []int{http.StatusNotFound, http.StatusTooManyRequests},
	}, {
		Method: http.MethodGet, Path: "/v1/artifacts/page", Area: "Artifacts", Summary: "Show an HTML or PDF artifact in a frame",
		Text:  "As MLflow's `/get-artifact`, with a `Content-Security-Policy` for showing it: HTML runs its own scripts in an origin of its own, and can ask neither this server nor another for anything.",
		Takes: pageRequest{}, Refusals: []int{http.StatusNotFound},
		Answers: []describe.Media{{Type: "text/html", Text: "The file."}, {Type: "application/pdf", Text: "The file."}},
	}}
}
