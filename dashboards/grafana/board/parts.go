package board

import "github.com/streamgauge/streamgauge/dashboards/grafana/panel"

// All are the dashboards, in the order of their menu. server is the address of Streamgauge's page, which links lead to.
func All(server string) []Board {
	out := []Board{overview(), run(), compare(), distributed(), models(), lineage(), fleet(), operations(), starter()}
	for i := range out {
		out[i].Variables = append(out[i].Variables, Variable{Name: "server", Constant: server})
	}
	return out
}

// Parts of statements. Grafana pastes: values of variables are always quoted by ${...:sqlstring}.
const (
	ofExperiments = `$__conditionalAll(experiment_id IN (${experiment:sqlstring}), $experiment)`
	ofRun         = `run = sgRun(${run:sqlstring})`
	ofRuns        = `run IN (SELECT sgRun(arrayJoin(` + theRuns + `)))`
	// theRuns are the chosen runs as an array that is one of texts even if nothing is chosen, where Grafana pastes nothing.
	theRuns = `arrayConcat([''], [${run:sqlstring}])`
	// oneRun leaves out the server's own points, which are of no run.
	oneRun = `${run:sqlstring} != ''`
	// launch counts attempts, which are times for most runs and small numbers for others.
	launch = `dense_rank() OVER (ORDER BY attempt) AS launch`
	// short is a name of a run that no other run has.
	short = `concat(name, ' ', substring(run_id, 1, 6))`
)

// escaped doubles backslashes, which Grafana's sqlstring leaves as they are and ClickHouse reads as the begin of an
// escape: a name that ends with one would not end the text.
func escaped(expr string) string { return "replaceAll(" + expr + `, '\\', '\\\\')` }

// choice selects a name as a variable's value, and as the text that stands for it.
func choice(column string) string { return escaped(column) + " AS value, " + column + " AS text" }

// choicesMax bounds what a list of runs holds; the field to search in narrows it. Where all are chosen each is a curve, and of
// more nobody sees one.
const choicesMax = "100"

func experimentVariable() Variable {
	return Variable{
		Name: "experiment", Label: "Experiment", Multi: true, All: true,
		SQL: `SELECT toString(experiment_id) AS value, name AS text FROM sg.experiments ORDER BY updated DESC LIMIT 1000`,
	}
}

func searchVariable() Variable { return Variable{Name: "search", Label: "Search runs"} }

// runVariable lists the newest runs that the search finds by name or id.
func runVariable() Variable {
	return Variable{
		Name: "run", Label: "Run",
		SQL: `SELECT run_id AS value, concat(name, ' ', substring(run_id, 1, 6), formatDateTime(started, ' %F %R')) AS text
FROM sg.runs
WHERE ` + ofExperiments + ` AND (positionCaseInsensitive(name, ${search:sqlstring}) > 0 OR startsWith(run_id, ${search:sqlstring}))
ORDER BY started DESC LIMIT ` + choicesMax,
	}
}

func runsVariable() Variable {
	v := runVariable()
	v.Label, v.Multi, v.All = "Runs", true, true
	return v
}

// metricVariable lists the metrics of the chosen runs but for those of the system, those of most runs first.
func metricVariable(runs string) Variable {
	return Variable{
		Name: "metric", Label: "Metric",
		SQL: `SELECT ` + choice("key") + ` FROM sg.metrics_latest WHERE ` + runs + ` AND NOT startsWith(key, 'system/') GROUP BY key ORDER BY count() DESC, key LIMIT 1000`,
	}
}

// toRun leads from a row with run_id to our page and to the dashboard of the run.
func toRun(p panel.Panel, field string) panel.Panel {
	return p.Hide("run_id").LinkFrom(field,
		panel.Link{Title: "Dashboard of the run", URL: "/d/sg-run?var-run=${__data.fields.run_id}&from=now-30d&to=now"},
		panel.Link{Title: "The run in Streamgauge", URL: "${server}/#/runs/${__data.fields.run_id}", TargetBlank: true},
	)
}

// runMarks are a run's begin, end, restarts and checkpoints.
func runMarks() []Mark {
	return []Mark{
		{
			Name: "Run", Color: "blue",
			SQL: `SELECT started AS time, ifNull(ended, now64(3)) AS timeEnd, concat(name, ' ', lower(status)) AS text FROM sg.runs WHERE run_id IN (${run:sqlstring})`,
		},
		{
			Name: "Restart", Color: "orange",
			SQL: `SELECT time, concat('launch ', toString(nth)) AS text FROM (
    SELECT min(time_first) AS time, row_number() OVER (PARTITION BY run ORDER BY attempt) AS nth FROM sg.ranks WHERE ` + ofRuns + ` GROUP BY run, attempt
) WHERE nth > 1 ORDER BY time LIMIT 1000`,
		},
		{
			Name: "Checkpoint", Color: "green", Off: true,
			SQL: `SELECT created AS time, concat('model ', name) AS text FROM sg.models WHERE run_id IN (${run:sqlstring}) ORDER BY time LIMIT 1000`,
		},
	}
}

var stageMark = Mark{
	Name: "Stage", Color: "purple",
	SQL: `SELECT at AS time, concat(name, '/', toString(version), ': ', from_stage, ' to ', to_stage) AS text FROM sg.transitions WHERE $__timeFilter(at) ORDER BY time LIMIT 1000`,
}
