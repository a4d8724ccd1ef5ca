// Package alert says what an alert rule is: which runs it watches, what of them, and who is told.
//
// A rule is plain data with JSON as people write it. Check answers with the field that is wrong and what to do about it.
// What a rule's kinds mean for a stream of points is consumers/alerts.
package alert

// Kind is what a rule looks for.
type Kind string

// The kinds.
const (
	// Threshold is a comparison that holds for a number of points one after another.
	Threshold Kind = "threshold"
	// NaN is a value that is no number or infinite.
	NaN Kind = "nan"
	// Plateau is a number of points without a better value than before.
	Plateau Kind = "plateau"
	// NoHeartbeat is a running run that gives no sign of itself for a time.
	NoHeartbeat Kind = "no_heartbeat"
	// State is a run that enters one of some states.
	State Kind = "state"
)

// Ranks says whose points count.
type Ranks string

// Whose points count.
const (
	// EachRank is judged by itself.
	EachRank Ranks = "each"
	// RankZero alone is judged.
	RankZero Ranks = "zero"
)

// The types of a channel.
const (
	Webhook = "webhook"
	Slack   = "slack"
	Email   = "email"
)

// Crashed is the state of a run that says RUNNING and has given no sign for long; the others are MLflow's.
const Crashed = "CRASHED"

// Rule is one alert rule. Exactly one of ExperimentIDs and RunID is set, and of the kinds' settings the one that
// Kind names; nan has none.
type Rule struct {
	ID string `json:"id"`
	// Revision grows with each change. An episode belongs to one revision.
	Revision      uint64   `json:"revision"`
	Name          string   `json:"name"`
	Enabled       bool     `json:"enabled"`
	ExperimentIDs []string `json:"experiment_ids,omitempty"`
	RunID         string   `json:"run_id,omitempty"`
	Kind          Kind     `json:"kind"`
	// Metric is a name, or a pattern in which * stands for any text; "" with nan: all metrics.
	Metric string `json:"metric,omitempty"`
	// Ranks is EachRank if it is "".
	Ranks       Ranks                `json:"ranks,omitempty"`
	Threshold   *ThresholdSettings   `json:"threshold,omitempty"`
	Plateau     *PlateauSettings     `json:"plateau,omitempty"`
	NoHeartbeat *NoHeartbeatSettings `json:"no_heartbeat,omitempty"`
	State       *StateSettings       `json:"state,omitempty"`
	Channels    []Channel            `json:"channels"`
	// CreatedMS and UpdatedMS are set by the server.
	CreatedMS int64  `json:"created_ms,omitempty"`
	UpdatedMS int64  `json:"updated_ms,omitempty"`
	CreatedBy string `json:"created_by,omitempty"`
}

// ThresholdSettings compares a value: Value stands right of Op, which is one of > < >= <=.
type ThresholdSettings struct {
	Op    string  `json:"op"`
	Value float64 `json:"value"`
	// ForPoints is how many points one after another it must hold; 0 is 1.
	ForPoints int `json:"for_points,omitempty"`
}

// PlateauSettings waits for a value that is better than the best by more than MinDelta.
type PlateauSettings struct {
	Points   int     `json:"points"`
	MinDelta float64 `json:"min_delta"`
	// Direction is min if less is better, or max.
	Direction string `json:"direction"`
}

// NoHeartbeatSettings says how long a run may be silent.
type NoHeartbeatSettings struct {
	AfterMS int64 `json:"after_ms"`
}

// StateSettings names states of a run: MLflow's that end it, and Crashed.
type StateSettings struct {
	States []string `json:"states"`
}

// Channel is one way of telling people.
type Channel struct {
	// ID is given by the server and stays when the rule is changed, unless the channel is another one.
	ID   string `json:"id,omitempty"`
	Type string `json:"type"`
	// URL of a webhook or of Slack.
	URL string `json:"url,omitempty"`
	// Secret signs a webhook's deliveries. It is never answered; HasSecret says that there is one.
	Secret    string `json:"secret,omitempty"`
	HasSecret bool   `json:"has_secret,omitempty"`
	// To are the addresses of e-mail.
	To []string `json:"to,omitempty"`
}
