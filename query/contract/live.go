package contract

import (
	"net/http"

	"github.com/streamgauge/streamgauge/schemas/describe"
)

type liveHead struct {
	Last string `header:"Last-Event-ID" description:"The last event that was seen, as browsers send it when they come back."`
}

type subscription struct {
	RunID string                `json:"run_id" required:"true" description:"The run."`
	Keys  []string              `json:"keys" required:"true" minItems:"1" description:"Metrics."`
	Rank  describe.TextOrNumber `json:"rank" description:"lowest, each, merged or a number; lowest if left out."`
	Axis  string                `json:"axis" enum:"step,time,relative" default:"step"`
	Width int64                 `json:"bucket_width" minimum:"0" description:"That of the line that was read, a power of two; 0 for points."`
}

type liveRequest struct {
	ID            string         `path:"id" description:"The stream, as its event hello names it."`
	Subscriptions []subscription `json:"subscriptions" description:"At most 2000 pairs of run and metric; an empty list ends what was there."`
}

func live() []describe.Route {
	return []describe.Route{{
		Method: http.MethodGet, Path: "/v1/live", Area: "Live", Summary: "Follow metrics as they are logged",
		Text:  "One stream of server-sent events for all charts of a page: `hello`, `points`, `reset` ([series.md](series.md#live)). It ends after 15 minutes, and is resumed.",
		Takes: liveHead{}, Answers: []describe.Media{{Type: "text/event-stream", Text: "Events whose data is JSON."}},
	}, {
		Method: http.MethodPost, Path: "/v1/live/:id", Area: "Live", Summary: "Say what a stream shall bring",
		Text: "Replaces what was said before.", Takes: liveRequest{}, Gives: describe.Empty{}, Refusals: []int{http.StatusRequestEntityTooLarge},
	}}
}

type page struct {
	RunID string  `path:"run_id" description:"The run." example:"0123456789abcdef0123456789abcdef"`
	Rank  *uint32 `query:"rank" description:"That rank alone."`
	After string  `query:"after" description:"The after of the page before."`
}

type valuesRequest struct {
	page
	Limit int     `query:"limit" minimum:"1" maximum:"1000" default:"100" description:"Rows of a page."`
	Key   string  `query:"key" description:"That key alone."`
	From  int64   `query:"from_step" description:"The least step, included."`
	To    int64   `query:"to_step" description:"The greatest step, included."`
	Step  []int64 `query:"step" maxItems:"1000" collectionFormat:"multi" description:"These steps alone; may be given up to 1000 times."`
}

type valueKeysRequest struct {
	RunID string `path:"run_id" description:"The run." example:"0123456789abcdef0123456789abcdef"`
	Key   string `query:"key" description:"That key alone."`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" description:"Keys of a page."`
	After string `query:"after" description:"The after of the page before: the last key there."`
	Steps int    `query:"steps" minimum:"0" maximum:"1000" default:"0" description:"How many steps of each key to tell. Without a key limit times steps is at most 100000."`
}

type valueKeysAnswer struct {
	Keys []struct {
		Key        string   `json:"key"`
		Kinds      []string `json:"kinds" description:"text, histogram, json or artifact."`
		MediaTypes []string `json:"media_types" description:"Of artifacts."`
		Values     uint64   `json:"values"`
		StepsTotal uint64   `json:"steps_total" description:"Different steps."`
		First      int64    `json:"first_step"`
		Last       int64    `json:"last_step"`
		Steps      []int64  `json:"steps" description:"Ascending; of more steps than were asked for some that lie evenly among them, with the first and the last."`
	} `json:"keys"`
	After string `json:"after" description:"Where the next page begins."`
	More  bool   `json:"more"`
}

type consoleRequest struct {
	page
	Limit  int    `query:"limit" minimum:"1" maximum:"10000" default:"100" description:"Lines of a page."`
	Stream string `query:"stream" enum:"stdout,stderr" description:"That one alone."`
}

type valuesAnswer struct {
	Values []struct {
		Key       string            `json:"key"`
		Step      int64             `json:"step"`
		Time      int64             `json:"timestamp" description:"In milliseconds since 1970."`
		Rank      uint32            `json:"rank"`
		Attempt   uint32            `json:"attempt"`
		Kind      string            `json:"kind" enum:"text,histogram,json,artifact" description:"The value stands in the field of this name."`
		Text      string            `json:"text,omitempty"`
		JSON      describe.Anything `json:"json,omitempty"`
		Histogram *struct {
			Edges  []describe.Number `json:"edges"`
			Counts []describe.Number `json:"counts"`
		} `json:"histogram,omitempty"`
		Artifact *struct {
			Path   string `json:"path"`
			SHA256 string `json:"sha256"`
			Bytes  uint64 `json:"size_bytes"`
			Type   string `json:"media_type"`
		} `json:"artifact,omitempty"`
	} `json:"values"`
	After string `json:"after" description:"Where the next page begins; there is one if more is true, or later."`
	More  bool   `json:"more"`
}

type consoleAnswer struct {
	Lines []struct {
		Time    int64  `json:"timestamp" description:"In milliseconds since 1970."`
		Rank    uint32 `json:"rank"`
		Attempt uint32 `json:"attempt"`
		Stream  string `json:"stream"`
		Number  uint64 `json:"number"`
		Text    string `json:"text"`
	} `json:"lines"`
	After string `json:"after" description:"Where the next page begins."`
	More  bool   `json:"more"`
}

func beside() []describe.Route {
	return []describe.Route{{
		Method: http.MethodGet, Path: "/v1/runs/:run_id/values", Area: "Values and console", Summary: "Read a run's small values",
		Text: "By key, rank, attempt and step ([values.md](values.md)). A page also ends after 4 MiB.", Takes: valuesRequest{}, Gives: valuesAnswer{},
	}, {
		Method: http.MethodGet, Path: "/v1/runs/:run_id/values/keys", Area: "Values and console", Summary: "List the keys of a run's small values",
		Text: "By name, each with its kinds and steps ([values.md](values.md)).", Takes: valueKeysRequest{}, Gives: valueKeysAnswer{},
	}, {
		Method: http.MethodGet, Path: "/v1/runs/:run_id/console", Area: "Values and console", Summary: "Read a run's console lines",
		Text: "By time, rank, attempt, stream and number. A page also ends after 4 MiB.", Takes: consoleRequest{}, Gives: consoleAnswer{},
	}}
}
