package contract

import (
	"net/http"

	"github.com/streamgauge/streamgauge/registry/alerts/serve"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/describe"
)

// settings are what a rule says; all of it may be changed.
type settings struct {
	Enabled       bool                       `json:"enabled" default:"true" description:"Rules that are not look at nothing."`
	ExperimentIDs []string                   `json:"experiment_ids" maxItems:"100" description:"Experiments whose runs are watched; either these or run_id."`
	RunID         string                     `json:"run_id" description:"The one run that is watched."`
	Metric        string                     `json:"metric" maxLength:"250" description:"Of threshold, nan and plateau: a name, or a pattern with *. Empty with nan: all metrics."`
	Ranks         string                     `json:"ranks" description:"each (if left out): each rank by itself; zero: rank 0 alone."`
	Threshold     *alert.ThresholdSettings   `json:"threshold" description:"op is one of > < >= <=; for_points: how many points one after another it must hold."`
	Plateau       *alert.PlateauSettings     `json:"plateau" description:"No value better by more than min_delta for so many points; direction is min or max."`
	NoHeartbeat   *alert.NoHeartbeatSettings `json:"no_heartbeat" description:"How long a running run may be silent, 5000 to 2592000000 ms."`
	State         *alert.StateSettings       `json:"state" description:"Some of FINISHED, FAILED, KILLED, CRASHED."`
}

type createAlert struct {
	Name     string          `json:"name" required:"true" minLength:"1" maxLength:"250" description:"Tells people what is the matter." example:"loss too high"`
	Kind     string          `json:"kind" required:"true" enum:"threshold,nan,plateau,no_heartbeat,state"`
	Channels []alert.Channel `json:"channels" required:"true" minItems:"1" maxItems:"10" description:"Ways to tell people: webhook (url, secret), slack (url), email (to)."`
	settings
}

type changeAlert struct {
	ID       string          `path:"id" description:"The alert."`
	Name     string          `json:"name" maxLength:"250" description:"Tells people what is the matter."`
	Kind     string          `json:"kind" enum:"threshold,nan,plateau,no_heartbeat,state"`
	Channels []alert.Channel `json:"channels" maxItems:"10" description:"All of them. One without a secret keeps that of the channel with the same address."`
	settings
}

type namedAlert struct {
	ID string `path:"id" description:"The alert."`
}

type listAlerts struct {
	Token string `query:"page_token" description:"From the page before."`
}

type alertHistory struct {
	Rule  string `query:"rule" description:"Events of this alert alone."`
	Run   string `query:"run" description:"Events of this run alone."`
	Token string `query:"page_token" description:"From the page before."`
}

func alerts() []describe.Route {
	const area, large = "Alerts", http.StatusRequestEntityTooLarge
	refusals := []int{large, http.StatusConflict}
	return []describe.Route{{
		Method: http.MethodGet, Path: "/v1/alerts", Area: area, Summary: "List alerts", Text: "100 on a page ([alerts.md](alerts.md)).", Takes: listAlerts{}, Gives: serve.Rules{},
	}, {
		Method: http.MethodPost, Path: "/v1/alerts", Area: area, Summary: "Make an alert",
		Text: "It judges points that come from now on. Exactly the settings of its kind are given; nan has none.", Takes: createAlert{}, Gives: serve.One{}, Refusals: refusals,
	}, {
		Method: http.MethodGet, Path: "/v1/alerts/history", Area: area, Summary: "List what alerts found",
		Text: "The last 10,000 events, 100 on a page. What receivers answered is shown to those who may change alerts; others see its status.", Takes: alertHistory{}, Gives: serve.Events{},
	}, {
		Method: http.MethodGet, Path: "/v1/alerts/:id", Area: area, Summary: "Get an alert", Text: "Never its secrets.", Takes: namedAlert{}, Gives: serve.One{},
	}, {
		Method: http.MethodPatch, Path: "/v1/alerts/:id", Area: area, Summary: "Change an alert",
		Text: "The fields that are there; with kind, its settings too. What had fired by the earlier revision is not resolved any more.", Takes: changeAlert{}, Gives: serve.One{}, Refusals: refusals,
	}, {
		Method: http.MethodDelete, Path: "/v1/alerts/:id", Area: area, Summary: "Delete an alert", Text: "Its events stay.", Takes: namedAlert{}, Gives: describe.Empty{}, Refusals: refusals,
	}, {
		Method: http.MethodPost, Path: "/v1/alerts/:id/test", Area: area, Summary: "Tell every channel of an example", Text: "Once, and noted nowhere.",
		Takes: namedAlert{}, Gives: serve.Tested{}, Refusals: refusals,
	}}
}
