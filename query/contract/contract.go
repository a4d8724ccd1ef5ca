// Package contract describes the routes of the read edge under /v1. Answers that are written field by field have their types
// here; a test of the whole server holds them to what is answered.
package contract

import (
	"net/http"
	"slices"

	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/query/registered"
	"github.com/streamgauge/streamgauge/query/walk/serve"
	"github.com/streamgauge/streamgauge/schemas/describe"
)

// Routes are all of them.
func Routes() []describe.Route {
	return slices.Concat(series(), tallies(), live(), beside(), tables(), graph(), transitions())
}

// sqlRequest is a statement.
type sqlRequest struct {
	Query  string `json:"query" required:"true" minLength:"1" description:"One statement that reads." example:"SELECT count() FROM sg.runs"`
	Format string `json:"format" enum:"json,exact,csv,tsv,arrow,parquet" default:"json" description:"How the answer is written; exact is json with 64-bit integers, NaN and infinities as texts."`
}

// sqlAnswer is ClickHouse's format JSONCompact.
type sqlAnswer struct {
	Meta []struct {
		Name string `json:"name"`
		Type string `json:"type" description:"ClickHouse's type."`
	} `json:"meta"`
	Data       [][]describe.Anything `json:"data" description:"Rows, each a list in the order of meta."`
	Rows       uint64                `json:"rows"`
	Statistics describe.Anything     `json:"statistics,omitempty"`
	// These come with LIMIT, WITH TOTALS and extremes.
	Before   uint64            `json:"rows_before_limit_at_least,omitempty"`
	Totals   describe.Anything `json:"totals,omitempty"`
	Extremes describe.Anything `json:"extremes,omitempty"`
}

type statusAnswer struct {
	Points      uint64 `json:"points" description:"All points, those in memory too."`
	Waiting     uint64 `json:"points_waiting" description:"Points that are acknowledged and not in ClickHouse yet."`
	Runs        uint64 `json:"runs"`
	Experiments uint64 `json:"experiments"`
}

func tables() []describe.Route {
	return []describe.Route{{
		Method: http.MethodPost, Path: "/v1/sql", Area: "SQL", Summary: "Ask in SQL",
		Text:  "Runs one statement that reads, over the views of database `sg` ([sql.md](sql.md)). It sees all that was acknowledged before. A statement that fails on its way breaks the connection.",
		Takes: sqlRequest{}, Gives: sqlAnswer{},
		Answers: []describe.Media{
			{Type: "text/csv", Text: "`csv`, with a line of names."}, {Type: "text/tab-separated-values", Text: "`tsv`, with a line of names."},
			{Type: "application/vnd.apache.arrow.stream", Text: "`arrow`: an Arrow IPC stream."}, {Type: "application/vnd.apache.parquet", Text: "`parquet`: a Parquet file."},
			{Type: "application/octet-stream", Text: "What a `FORMAT` in the statement gives may have another type."}, {Type: "text/plain", Text: "Likewise."},
		},
		Refusals: []int{http.StatusRequestEntityTooLarge},
	}, {
		Method: http.MethodGet, Path: "/v1/sql/schema", Area: "SQL", Summary: "List the views",
		Text: "What SQL may ask: the views, their columns, our functions, and what they mean.", Gives: ask.Schema{},
	}, {
		Method: http.MethodGet, Path: "/v1/status", Area: "Server", Summary: "Count what there is",
		Text: "Active runs and experiments, and their points.", Gives: statusAnswer{},
	}}
}

type transitionsRequest struct {
	Name string `path:"name" description:"The registered model." example:"wine"`
}

func transitions() []describe.Route {
	return []describe.Route{{
		Method: http.MethodGet, Path: "/v1/registered-models/:name/transitions", Area: "Approvals", Summary: "List a model's transitions",
		Text: "Who moved which version to which stage, and which alias to which version, and when.", Takes: transitionsRequest{}, Gives: registered.Moves{},
	}}
}

type lineageRequest struct {
	Node      []string `query:"node" required:"true" minItems:"1" maxItems:"200" collectionFormat:"multi" description:"The node that the walk begins at: run:ID, version:NAME/VERSION, dataset:NAME@DIGEST, ... Repeated, up to 200 times: all of them together, without those of which nothing is known." example:"[\"run:0123456789abcdef0123456789abcdef\"]"`
	Direction string   `query:"direction" enum:"up,down,both" default:"both" description:"What is above the node, below it, or both."`
	Depth     int      `query:"depth" minimum:"1" maximum:"20" default:"5" description:"Edges away from the node."`
	AsOf      string   `query:"as_of" description:"The time that is looked at: milliseconds since 1970, RFC 3339, or a day, which is its end." example:"2026-01-31T12:00:00Z"`
	Ended     bool     `query:"ended" default:"false" description:"Also what has ended."`
	NodesMax  int      `query:"nodes_max" minimum:"1" maximum:"10000" default:"1000" description:"Nodes in a direction."`
	EdgesMax  int      `query:"edges_max" minimum:"1" maximum:"1000" default:"100" description:"Edges that are followed from one node, the newest."`
}

func graph() []describe.Route {
	return []describe.Route{{
		Method: http.MethodGet, Path: "/v1/lineage", Area: "Lineage", Summary: "Walk the lineage of a node",
		Text: "What a node came from and what came of it ([lineage.md](lineage.md)). An unknown node is 404.", Takes: lineageRequest{}, Gives: serve.Answer{},
	}}
}
