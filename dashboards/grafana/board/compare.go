package board

import (
	"fmt"

	"github.com/streamgauge/streamgauge/dashboards/grafana/panel"
)

func compare() Board {
	metric := metricVariable(ofRuns)
	metric.Label, metric.Multi = "Metrics", true
	// One experiment at first: runs of several seldom have metrics and params in common.
	experiment := experimentVariable()
	experiment.All = false
	return Board{
		UID: "sg-compare", Title: "Streamgauge / Compare", Description: "Runs beside each other: curves, params, and what the best has in common.",
		Refresh: "30s", From: "now-30d",
		Variables: []Variable{
			experiment, searchVariable(), runsVariable(), metric,
			{Name: "param", Label: "Param", SQL: `SELECT ` + choice("key") + ` FROM sg.params WHERE run_id IN (${run:sqlstring}) AND value_number IS NOT NULL GROUP BY key ORDER BY uniqExact(value) DESC, key LIMIT 500`},
			{Name: "best", Label: "Best is", Choices: []string{"least", "greatest"}},
		},
		Marks: []Mark{stageMark},
		Sections: []Section{
			{Panels: []panel.Panel{
				panel.Steps("${metric:text} over steps", "step", "run", "value", aligned(`a.step AS step, r.run AS run, a.value_mean AS value`, "run, step", 400)).Repeat("metric").
					Size(panel.Columns, 10).Describe("Means of the same steps."),
			}},
			{Title: "Over time", Panels: []panel.Panel{
				panel.Steps("${metric:text} over seconds since the start", "seconds", "run", "value",
					aligned(`round(dateDiff('millisecond', r.started, a.time_last) / 1000) AS seconds, r.run AS run, a.value_mean AS value`, "run, seconds", 100)).Repeat("metric").
					Describe("Seconds since each run's start."),
				panel.Curves("${metric:text} over time", aligned(`a.time_last AS time, r.run AS run, a.value_mean AS value`, "time, run", 400)).Named("run").Repeat("metric"),
			}},
			{Title: "Params and results", Panels: []panel.Panel{
				panel.Matrix("Params", "param", "run", "value", `SELECT key AS param, concat(run_name, ' ', substring(run_id, 1, 6)) AS run, value
FROM sg.params WHERE run_id IN (${run:sqlstring}) ORDER BY run, param LIMIT 5000`).Size(panel.Columns, 9),
				panel.Scatter("Param and metric", "param", "metric", `SELECT p.value_number AS param, m.last_value AS metric, concat(p.run_name, ' ', substring(p.run_id, 1, 6)) AS run
FROM (SELECT * FROM sg.params WHERE run_id IN (${run:sqlstring}) AND key = ${param:sqlstring} AND value_number IS NOT NULL) AS p
INNER JOIN (SELECT run, any(value) AS last_value FROM sg.metrics_latest WHERE `+ofRuns+` AND key IN (${metric:sqlstring}) AND isFinite(value) GROUP BY run) AS m ON m.run = p.run
ORDER BY param LIMIT 1000`).Call("param", "${param:text}").Call("metric", "${metric:text}").Empty("no chosen run has both as numbers").Describe("The last value of the first chosen metric over the chosen param, a point a run."),
				toRun(panel.Rows("Best", `SELECT r.run_id AS run_id, r.label AS name, r.status AS status, m.key AS metric, m.value AS last_value, m.step AS step, r.params AS params
FROM (SELECT run, key, value, step FROM sg.metrics_latest WHERE `+ofRuns+` AND key IN (${metric:sqlstring})) AS m
INNER JOIN (SELECT run, run_id, `+short+` AS label, status, toJSONString(params) AS params FROM sg.runs WHERE run_id IN (${run:sqlstring})) AS r ON r.run = m.run
ORDER BY isNaN(last_value), if(${best:sqlstring} = 'greatest', -last_value, last_value), name LIMIT 100`), "name"),
			}},
		},
	}
}

const (
	// valuesMax is about how many values the curves of one panel have together; of many runs nobody sees more.
	valuesMax = 20_000
	// bucketsMin are what a curve has at least, however many runs there are.
	bucketsMin = 50
)

// aligned selects from the chosen runs' series (a), in at most so many buckets of the same steps, and their names (r).
func aligned(what, order string, buckets int) string {
	return fmt.Sprintf(`SELECT %[1]s
FROM sg.series_aligned(runs = arrayStringConcat([${run:sqlstring}], ','), key = ${metric:sqlstring}, buckets = least(%[2]d, greatest(%[3]d, intDiv(%[4]d, greatest(1, length([${run:sqlstring}])))))) AS a
INNER JOIN (SELECT sgRun(run_id) AS number, %[5]s AS run, started FROM sg.runs WHERE run_id IN (${run:sqlstring})) AS r ON r.number = a.run
ORDER BY %[6]s`, what, buckets, bucketsMin, valuesMax, short, order)
}
