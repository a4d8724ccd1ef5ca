package panel

// Source is the data source that all panels ask, by the uid that provisioning gives it.
var Source = Ref{Type: "grafana-clickhouse-datasource", UID: "streamgauge"}

// Ref names a data source.
type Ref struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Format is what the data source makes of the rows of an answer; numbers are those of its Go half.
type Format int

// Formats. TimeSeries wants a column of type DateTime, takes texts as names of series and numbers as their values.
// Logs wants the columns timestamp and body.
const (
	TimeSeries Format = 0
	Table      Format = 1
	Logs       Format = 2
)

var queryTypes = map[Format]string{TimeSeries: "timeseries", Table: "table", Logs: "logs"}

// Query is one statement.
type Query struct {
	SQL    string
	Format Format
}

// pluginVersion is the version of the data source that the form of queries is of.
const pluginVersion = "4.14.0"

// Target is a query as panels, annotations and alert rules hold it.
type Target struct {
	RefID         string `json:"refId"`
	Datasource    Ref    `json:"datasource"`
	EditorType    string `json:"editorType"`
	QueryType     string `json:"queryType"`
	Format        Format `json:"format"`
	PluginVersion string `json:"pluginVersion"`
	RawSQL        string `json:"rawSql"`
}

// Target gives a query a name within its panel.
func (q Query) Target(refID string) Target {
	return Target{RefID: refID, Datasource: Source, EditorType: "sql", QueryType: queryTypes[q.Format], Format: q.Format, PluginVersion: pluginVersion, RawSQL: q.SQL}
}

// Var writes a variable of texts as a list for IN: quoted by Grafana, whatever is in them.
func Var(name string) string { return "(${" + name + ":sqlstring})" }
