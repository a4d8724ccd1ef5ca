// Package send tells people of alerts: by webhook, signed as others are, to Slack, and by e-mail.
package send

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/describe"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Event is an event as the API shows it and as webhooks get it.
type Event struct {
	ID           string          `json:"id"`
	Number       uint64          `json:"number" description:"Counts events."`
	Type         string          `json:"type" enum:"fired,resolved"`
	Episode      string          `json:"episode" description:"The id of the event that fired: both events of an episode have it."`
	RuleID       string          `json:"rule_id"`
	RuleRevision uint64          `json:"rule_revision"`
	RuleName     string          `json:"rule_name"`
	Kind         alert.Kind      `json:"kind" enum:"threshold,nan,plateau,no_heartbeat,state"`
	RunID        string          `json:"run_id"`
	ExperimentID string          `json:"experiment_id"`
	Metric       string          `json:"metric,omitempty"`
	Rank         uint32          `json:"rank"`
	Value        describe.Number `json:"value"`
	Step         int64           `json:"step"`
	State        string          `json:"state,omitempty" description:"Of the run, if the alert looks at it."`
	TimeMS       int64           `json:"time_ms" description:"Of the point by the job's clock, or when the run changed."`
	FoundMS      int64           `json:"found_ms" description:"When the server found it."`
	Deliveries   []Delivery      `json:"deliveries,omitempty"`
}

// Delivery is how it went to tell one channel.
type Delivery struct {
	Channel   string `json:"channel" enum:"webhook,slack,email"`
	ID        string `json:"id" description:"The same of all attempts."`
	Attempts  uint32 `json:"attempts"`
	Status    uint32 `json:"status,omitempty" description:"Of the last answer over HTTP, or the last code over SMTP."`
	Error     string `json:"error,omitempty"`
	State     string `json:"state" enum:"WAITING,DELIVERED,GIVEN_UP"`
	AttemptMS int64  `json:"attempt_ms,omitempty"`
}

// MarshalJSON writes what JSON has no numbers for as texts.
func (e Event) MarshalJSON() ([]byte, error) {
	type plain Event
	value := any(e.Value)
	switch v := float64(e.Value); {
	case math.IsNaN(v):
		value = "NaN"
	case math.IsInf(v, 1):
		value = "Infinity"
	case math.IsInf(v, -1):
		value = "-Infinity"
	}
	return json.Marshal(struct {
		plain
		Value any `json:"value"`
	}{plain(e), value})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Event) UnmarshalJSON(b []byte) error {
	type plain Event
	in := struct {
		*plain
		Value any `json:"value"`
	}{plain: (*plain)(e)}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	switch v := in.Value.(type) {
	case float64:
		e.Value = describe.Number(v)
	case string:
		n, err := strconv.ParseFloat(v, 64) // it knows NaN, Infinity and -Infinity
		if err != nil {
			return fmt.Errorf("value: %w", err)
		}
		e.Value = describe.Number(n)
	}
	return nil
}

// Show is an event for people and programs.
func Show(e *sgpb.AlertEvent) Event {
	out := Event{
		ID: e.GetId(), Number: e.GetNumber(), Type: "fired", Episode: e.GetEpisode(), RuleID: e.GetRuleId(), RuleRevision: e.GetRuleRevision(),
		RuleName: e.GetRuleName(), Kind: alert.Kind(e.GetKind()), RunID: e.GetRunId(), ExperimentID: strconv.FormatUint(uint64(e.GetExperiment()), 10),
		Metric: e.GetMetric(), Rank: e.GetRank(), Value: describe.Number(e.GetValue()), Step: e.GetStep(), State: e.GetState(),
		TimeMS: e.GetTimeMs(), FoundMS: e.GetFoundMs(),
	}
	if e.GetResolved() {
		out.Type = "resolved"
	}
	for _, d := range e.GetDeliveries() {
		shown := Delivery{Channel: d.GetChannel(), ID: d.GetId(), Attempts: d.GetAttempts(), Status: d.GetStatus(), Error: d.GetError(), State: "WAITING", AttemptMS: d.GetAttemptMs()}
		switch {
		case d.GetDelivered():
			shown.State = "DELIVERED"
		case d.GetGivenUp():
			shown.State = "GIVEN_UP"
		}
		out.Deliveries = append(out.Deliveries, shown)
	}
	return out
}

// ShowBriefly is Show for those who may not see where alerts go: of what receivers and networks said the status alone.
func ShowBriefly(e *sgpb.AlertEvent) Event {
	out := Show(e)
	for i, d := range out.Deliveries {
		out.Deliveries[i].Error = alert.Brief(d.Error, d.Status)
	}
	return out
}

// body is what a webhook gets.
func body(e *sgpb.AlertEvent, home string) ([]byte, error) {
	shown := Show(e)
	shown.Deliveries = nil
	b, err := json.Marshal(map[string]any{
		"event": "alert." + shown.Type, "timestamp": time.UnixMilli(e.GetFoundMs()).UTC().Format(time.RFC3339Nano), "data": shown, "url": link(e, home),
	})
	if err != nil {
		return nil, fmt.Errorf("encode event of an alert: %w", err)
	}
	return b, nil
}

func link(e *sgpb.AlertEvent, home string) string { return home + "/#/runs/" + e.GetRunId() }

// subject is one line.
func subject(e *sgpb.AlertEvent) string {
	verb := "fired"
	if e.GetResolved() {
		verb = "is over"
	}
	return fmt.Sprintf("Alert %s: %s", verb, e.GetRuleName())
}

// text says what happened, for people; to whom is the run's name and the experiment's.
func text(e *sgpb.AlertEvent, to, home string) string {
	var what string
	switch alert.Kind(e.GetKind()) {
	case alert.State:
		what = "the run is " + e.GetState()
	case alert.NoHeartbeat:
		if what = "the run gives no sign of itself"; e.GetResolved() {
			what = "the run gives signs of itself again"
		}
	default:
		what = fmt.Sprintf("%s = %g at step %d, rank %d", e.GetMetric(), e.GetValue(), e.GetStep(), e.GetRank())
	}
	return fmt.Sprintf("%s\n%s\n%s\n%s", subject(e), what, to, link(e, home))
}

// slackBody is Slack's form. What Slack takes for marks is escaped.
func slackBody(text string) ([]byte, error) {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	return json.Marshal(map[string]string{"text": escape.Replace(text)})
}

// Example is an event for a test.
func Example(r *alert.Rule, now time.Time) *sgpb.AlertEvent {
	e := &sgpb.AlertEvent{
		Id: "test", Episode: "test", RuleId: r.ID, RuleRevision: r.Revision, RuleName: r.Name + " (test)", Kind: string(r.Kind),
		RunId: strings.Repeat("0", 32), Metric: r.Metric, TimeMs: now.UnixMilli(), FoundMs: now.UnixMilli(),
	}
	if r.RunID != "" {
		e.RunId = r.RunID
	}
	if r.Kind == alert.State {
		e.State = r.State.States[0]
	}
	return e
}
