// Package alert holds Streamgauge's alert rules for Grafana: its alerting, provisioned from files or over its API.
//
// A rule is one statement whose rows are what is wrong, one number with the texts that name it, and fires for each row.
// No row is well: Grafana is told that no data means no alarm.
package alert

import "github.com/streamgauge/streamgauge/dashboards/grafana/panel"

// Rule is one alert rule.
type Rule struct {
	UID, Title, Summary string
	// SQL gives a row for each thing that is wrong: texts that name it, and a number above 0.
	SQL string
	// For is how long it must be so before anybody is told, such as 1m; 0s tells at once.
	For string
	// Severity is a label: critical or warning.
	Severity string
	// Window is how many seconds of time range the statement's macros have.
	Window int
}

// Group is what one file or one evaluation holds: Interval is in seconds.
type Group struct {
	Name     string
	Interval int
	Rules    []Rule
}

// expression is the data source of Grafana's own that compares results.
const expression = "__expr__"

// JSON is a rule in the form that both files and the API take, but for the names of folder and group.
type JSON struct {
	UID          string            `json:"uid" yaml:"uid"`
	Title        string            `json:"title" yaml:"title"`
	Condition    string            `json:"condition" yaml:"condition"`
	Data         []Datum           `json:"data" yaml:"data"`
	NoDataState  string            `json:"noDataState" yaml:"noDataState"`
	ExecErrState string            `json:"execErrState" yaml:"execErrState"`
	For          string            `json:"for" yaml:"for"`
	Annotations  map[string]string `json:"annotations" yaml:"annotations"`
	Labels       map[string]string `json:"labels" yaml:"labels"`
	IsPaused     bool              `json:"isPaused" yaml:"isPaused"`
}

// Datum is one query or expression of a rule.
type Datum struct {
	RefID             string         `json:"refId" yaml:"refId"`
	DatasourceUID     string         `json:"datasourceUid" yaml:"datasourceUid"`
	RelativeTimeRange Range          `json:"relativeTimeRange" yaml:"relativeTimeRange"`
	Model             map[string]any `json:"model" yaml:"model"`
}

// Range is in seconds before now.
type Range struct {
	From int `json:"from" yaml:"from"`
	To   int `json:"to" yaml:"to"`
}

// JSON gives a rule Grafana's form: query A, and condition B that is true where A is above 0.
func (r Rule) JSON() JSON {
	t := panel.Query{SQL: r.SQL, Format: panel.Table}.Target("A")
	window := Range{From: r.Window}
	return JSON{
		UID: r.UID, Title: r.Title, Condition: "B", NoDataState: "OK", ExecErrState: "Error", For: r.For,
		Annotations: map[string]string{"summary": r.Summary},
		Labels:      map[string]string{"severity": r.Severity, "source": "streamgauge"},
		Data: []Datum{
			{RefID: "A", DatasourceUID: t.Datasource.UID, RelativeTimeRange: window, Model: map[string]any{
				"refId": t.RefID, "datasource": map[string]any{"type": t.Datasource.Type, "uid": t.Datasource.UID},
				"editorType": t.EditorType, "queryType": t.QueryType, "format": int(t.Format), "pluginVersion": t.PluginVersion, "rawSql": t.RawSQL,
			}},
			{RefID: "B", DatasourceUID: expression, RelativeTimeRange: window, Model: map[string]any{
				"refId": "B", "type": "threshold", "expression": "A", "datasource": map[string]any{"type": expression, "uid": expression},
				"conditions": []any{map[string]any{"type": "query", "evaluator": map[string]any{"type": "gt", "params": []any{0}}}},
			}},
		},
	}
}
