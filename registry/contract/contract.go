// Package contract describes the registry's own routes under /v1. Answers have the types that the handlers answer with.
package contract

import (
	"net/http"
	"slices"

	move "github.com/streamgauge/streamgauge/registry/transfer/serve"
	"github.com/streamgauge/streamgauge/registry/v1"
	"github.com/streamgauge/streamgauge/registry/webhook/serve"
	"github.com/streamgauge/streamgauge/schemas/describe"
)

// Routes are all of them.
func Routes() []describe.Route {
	return slices.Concat(alerts(), approvals(), endpoints(), lineage(), webhooks(), transfer())
}

type requireRequest struct {
	Name  string `path:"name" description:"The registered model."`
	Stage string `json:"stage" required:"true" description:"The stage." example:"Production"`
	Count int    `json:"count" required:"true" minimum:"0" maximum:"20" description:"Approvals that a version needs to get there; 0 for none."`
}

type requireAnswer struct {
	Required map[string]uint32 `json:"approvals_required" description:"By stage."`
}

type listApprovals struct {
	Model  string `query:"model" description:"Those of this model alone."`
	Status string `query:"status" enum:"PENDING,APPROVED,REJECTED,CLOSED" description:"Those alone."`
}

type approvalsAnswer struct {
	Approvals []v1.Approval `json:"approvals" description:"The newest first, at most 1000."`
}

type approvalRequest struct {
	Model   string                `json:"model" required:"true" minLength:"1" description:"The registered model."`
	Version describe.TextOrNumber `json:"version" required:"true" description:"Its version."`
	Stage   string                `json:"stage" required:"true" description:"Where it shall get." example:"Production"`
	Comment string                `json:"comment" description:"Why."`
	By      string                `json:"by" maxLength:"256" description:"Whom somebody without a token says he is."`
}

type verdictRequest struct {
	ID      string `path:"id" description:"The request for an approval."`
	Comment string `json:"comment" description:"Why."`
	By      string `json:"by" maxLength:"256" description:"Whom somebody without a token says he is."`
}

type approvalAnswer struct {
	Approval v1.Approval `json:"approval"`
}

func approvals() []describe.Route {
	const area, large = "Approvals", http.StatusRequestEntityTooLarge
	refusals := []int{large, http.StatusConflict}
	return []describe.Route{{
		Method: http.MethodPut, Path: "/v1/registered-models/:name/approvals-required", Area: area, Summary: "Say how many approvals a stage needs",
		Text: "Of one registered model ([guide.md](guide.md)).", Takes: requireRequest{}, Gives: requireAnswer{}, Refusals: refusals,
	}, {
		Method: http.MethodGet, Path: "/v1/approvals", Area: area, Summary: "List approvals", Takes: listApprovals{}, Gives: approvalsAnswer{},
	}, {
		Method: http.MethodPost, Path: "/v1/approvals", Area: area, Summary: "Ask for approval",
		Text: "Of one version for one stage.", Takes: approvalRequest{}, Gives: approvalAnswer{}, Refusals: refusals,
	}, {
		Method: http.MethodPost, Path: "/v1/approvals/:id/approve", Area: area, Summary: "Approve", Takes: verdictRequest{}, Gives: approvalAnswer{}, Refusals: refusals,
	}, {
		Method: http.MethodPost, Path: "/v1/approvals/:id/reject", Area: area, Summary: "Reject", Takes: verdictRequest{}, Gives: approvalAnswer{}, Refusals: refusals,
	}}
}

type listEndpoints struct {
	Model  string `query:"model" description:"Those of this model alone."`
	Active bool   `query:"active" default:"false" description:"Those that serve alone."`
}

type endpointsAnswer struct {
	Endpoints []v1.Endpoint `json:"endpoints" description:"Those that serve first, then the newest; at most 1000."`
}

type endpointRequest struct {
	Name    string                `json:"name" required:"true" minLength:"1" description:"What people call it."`
	URL     string                `json:"url" required:"true" minLength:"1" description:"Where it serves." example:"https://models.example.org/wine"`
	Model   string                `json:"model" required:"true" minLength:"1" description:"The registered model."`
	Version describe.TextOrNumber `json:"version" required:"true" description:"Its version."`
	SinceMS int64                 `json:"since_ms" minimum:"0" description:"Since when, in milliseconds since 1970; now if left out."`
}

type endRequest struct {
	ID      string `path:"id" description:"The record."`
	UntilMS int64  `json:"until_ms" minimum:"0" description:"Until when, in milliseconds since 1970; now if left out."`
}

type endpointAnswer struct {
	Endpoint v1.Endpoint `json:"endpoint"`
}

func endpoints() []describe.Route {
	const area, large = "Endpoints", http.StatusRequestEntityTooLarge
	refusals := []int{large, http.StatusConflict}
	return []describe.Route{{
		Method: http.MethodGet, Path: "/v1/endpoints", Area: area, Summary: "List where versions serve", Takes: listEndpoints{}, Gives: endpointsAnswer{},
	}, {
		Method: http.MethodPost, Path: "/v1/endpoints", Area: area, Summary: "Record that a version serves somewhere", Takes: endpointRequest{}, Gives: endpointAnswer{}, Refusals: refusals,
	}, {
		Method: http.MethodPatch, Path: "/v1/endpoints/:id", Area: area, Summary: "Record that it ended", Text: "Records are ended, never changed otherwise.",
		Takes: endRequest{}, Gives: endpointAnswer{}, Refusals: refusals,
	}}
}

type edge struct {
	From       string            `json:"from" required:"true" description:"A node: KIND:NAME." example:"run:0123456789abcdef0123456789abcdef"`
	To         string            `json:"to" required:"true" description:"A node." example:"table:predictions"`
	Kind       string            `json:"kind" description:"Lower-case letters, digits and hyphens; derived if left out."`
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes"`
	SinceMS    int64             `json:"since_ms" description:"Since when, in milliseconds since 1970; now if left out."`
	UntilMS    int64             `json:"until_ms" description:"Ends the edge; 0 takes that back."`
}

type node struct {
	Node       string            `json:"node" required:"true" description:"A node: KIND:NAME." example:"table:predictions"`
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes"`
}

type recordRequest struct {
	Edges []edge `json:"edges" maxItems:"60" description:"From what was there to what came of it."`
	Nodes []node `json:"nodes" maxItems:"60" description:"What nodes are called."`
}

type recordAnswer struct {
	Edges int `json:"edges"`
	Nodes int `json:"nodes"`
}

type eventRequest struct {
	Time     string              `json:"eventTime" required:"true" format:"date-time"`
	Producer string              `json:"producer"`
	Type     string              `json:"eventType" enum:"START,RUNNING,COMPLETE,ABORT,FAIL,OTHER"`
	Job      job                 `json:"job" required:"true"`
	Run      run                 `json:"run" required:"true"`
	Inputs   []describe.Anything `json:"inputs"`
	Outputs  []describe.Anything `json:"outputs"`
}

type job struct {
	Namespace string            `json:"namespace" required:"true"`
	Name      string            `json:"name" required:"true"`
	Facets    describe.Anything `json:"facets"`
}

type run struct {
	ID     string            `json:"runId" required:"true" format:"uuid"`
	Facets describe.Anything `json:"facets"`
}

func lineage() []describe.Route {
	refusals := []int{http.StatusRequestEntityTooLarge, http.StatusConflict}
	return []describe.Route{{
		Method: http.MethodPost, Path: "/v1/lineage", Area: "Lineage", Summary: "Record lineage by hand",
		Text: "Edges and nodes of any kind, all or none ([lineage.md](lineage.md)).", Takes: recordRequest{}, Gives: recordAnswer{}, Refusals: refusals,
	}, {
		Method: http.MethodPost, Path: "/api/v1/lineage", Area: "Lineage", Summary: "Take OpenLineage's events in",
		Text: "RunEvents of the specification 1.x; may be packed with gzip.", Takes: eventRequest{}, Gives: describe.Empty{}, Status: http.StatusCreated,
		Refusals: append(refusals, http.StatusUnsupportedMediaType),
	}}
}

type deliveriesRequest struct {
	ID string `path:"id" description:"The webhook."`
}

func webhooks() []describe.Route {
	return []describe.Route{{
		Method: http.MethodGet, Path: "/v1/webhooks/:id/deliveries", Area: "Webhooks", Summary: "List a webhook's deliveries",
		Text: "The last 100, the newest first.", Takes: deliveriesRequest{}, Gives: serve.Deliveries{},
	}}
}

type exportRequest struct {
	Kind string   `json:"kind" required:"true" enum:"experiment,run,logged_model,registered_model,model_version,approval,endpoint,evaluation_dataset,evaluation_records,scorers,job_run,lineage_edge,lineage_node,alert_rules,alert_event,blob" description:"What to read."`
	IDs  []string `json:"ids" maxItems:"1000" description:"These runs or blobs alone; all if left out."`
}

type importRequest struct {
	Documents []importDocument `json:"documents" required:"true" minItems:"1" maxItems:"500"`
	Check     bool             `json:"check" description:"Write nothing: say what would become of each."`
}

type importDocument struct {
	Document describe.Anything   `json:"document" required:"true" description:"As the export has it: Document of schemas/proto/streamgauge/v1/documents.proto in protobuf's JSON."`
	Changes  []describe.Anything `json:"changes" description:"Its history."`
	Of       string              `json:"of" description:"The dataset of records, the experiment of scorers."`
}

func transfer() []describe.Route {
	return []describe.Route{{
		Method: http.MethodPost, Path: "/v1/export", Area: "Transfer", Summary: "Read documents with their history",
		Text: "As they are kept, for `streamgauge export` ([export.md](export.md)). The last line is `{\"end\":{\"documents\":N}}`; without it not all came.", Takes: exportRequest{},
		Answers:  []describe.Media{{Type: "application/x-ndjson", Text: "A document a line: `document`, `changes`, `of`."}},
		Refusals: []int{http.StatusRequestEntityTooLarge},
	}, {
		Method: http.MethodPost, Path: "/v1/import", Area: "Transfer", Summary: "Place documents of another server",
		Text:  "Each is there afterwards with its times, users and history, or is refused. One that is there and the same stays.",
		Takes: importRequest{}, Gives: move.Results{}, Refusals: []int{http.StatusRequestEntityTooLarge, http.StatusConflict},
	}}
}
