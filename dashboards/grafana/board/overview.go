package board

import "github.com/streamgauge/streamgauge/dashboards/grafana/panel"

func overview() Board {
	return Board{
		UID: "sg-overview", Title: "Streamgauge / Overview", Description: "What runs now, how much comes in, what failed, what is slow.",
		Refresh: "10s", From: "now-24h", Variables: []Variable{experimentVariable()}, Marks: []Mark{stageMark},
		Sections: []Section{
			{Panels: []panel.Panel{
				panel.Number("Running", `SELECT count() AS runs FROM sg.runs WHERE status = 'RUNNING' AND `+ofExperiments),
				panel.Number("Started", `SELECT count() AS runs FROM sg.runs WHERE $__timeFilter(started) AND `+ofExperiments).Describe("In the chosen time."),
				panel.Number("Failed", `SELECT count() AS runs FROM sg.runs WHERE status = 'FAILED' AND $__timeFilter(ended) AND `+ofExperiments).Describe("Ended in the chosen time.").Alarm(1, 10),
				panel.Number("Silent", silent("count() AS runs")).Describe("Running, but without a point for ten minutes.").Alarm(1, 3),
				panel.Number("Points a second", `SELECT sum(points) / 300 AS points FROM sg.metrics_rollup WHERE `+ofExperiments+`
AND run IN (SELECT run FROM sg.runs WHERE ended IS NULL OR ended > now() - INTERVAL 5 MINUTE) AND time_last > now() - INTERVAL 5 MINUTE`).
					Describe("Of the last five minutes, in buckets of 256 steps whose last point is that young.").Unit("short"),
				panel.Number("Models in production", `SELECT uniqExact(name) AS models FROM sg.model_versions WHERE stage = 'Production'`),
			}},
			{Panels: []panel.Panel{
				panel.Curves("Runs started", `SELECT $__timeInterval(started) AS time, status, count() AS runs FROM sg.runs
WHERE $__timeFilter(started) AND `+ofExperiments+` GROUP BY time, status ORDER BY time`).Bars().Named("status"),
				panel.Curves("Points", `SELECT $__timeInterval(time) AS time, sum(points) AS points FROM sg.batches AS b WHERE $__timeFilter(b.time) GROUP BY time ORDER BY time`).
					Bars().Unit("short").Describe("Of all experiments, at the time when the bus took them."),
			}},
			{Title: "Runs", Panels: []panel.Panel{
				toRun(panel.Rows("Running now", `SELECT r.run_id AS run_id, r.name AS run, r.experiment_name AS experiment, r.user AS user, r.started AS started, m.last_step AS step, m.last_time AS last_point
FROM sg.runs AS r
LEFT JOIN (SELECT run, max(step) AS last_step, max(time) AS last_time FROM sg.metrics_latest WHERE run IN (SELECT run FROM sg.runs WHERE status = 'RUNNING') GROUP BY run) AS m ON m.run = r.run
WHERE r.status = 'RUNNING' AND `+ofExperiments+` ORDER BY started DESC LIMIT 100`), "run").Empty("nothing runs now"),
				toRun(panel.Rows("Failed lately", `SELECT run_id, name AS run, experiment_name AS experiment, user, status, ended, duration_s
FROM sg.runs WHERE status IN ('FAILED', 'KILLED') AND $__timeFilter(ended) AND `+ofExperiments+` ORDER BY ended DESC LIMIT 100`), "run").
					Override("duration_s", map[string]any{"unit": "s"}).Empty("nothing failed in this time"),
				toRun(panel.Rows("Longest", `SELECT run_id, name AS run, experiment_name AS experiment, user, status, started, ifNull(duration_s, toFloat64(dateDiff('second', started, now64(3)))) AS duration
FROM sg.runs WHERE $__timeFilter(started) AND `+ofExperiments+` ORDER BY duration DESC LIMIT 20`), "run").
					Override("duration", map[string]any{"unit": "s"}),
				panel.Rows("Experiments", `SELECT experiment_name AS experiment, count() AS runs, countIf(status = 'RUNNING') AS running, countIf(status = 'FAILED') AS failed, max(started) AS last_started
FROM sg.runs WHERE `+ofExperiments+` GROUP BY experiment ORDER BY last_started DESC LIMIT 100`),
			}},
		},
	}
}

// silent selects of the running runs those without a point for ten minutes.
func silent(what string) string {
	return `SELECT ` + what + ` FROM sg.runs
WHERE status = 'RUNNING' AND started < now() - INTERVAL 10 MINUTE AND ` + ofExperiments + `
AND run NOT IN (SELECT run FROM sg.metrics_latest WHERE run IN (SELECT run FROM sg.runs WHERE status = 'RUNNING') AND time > now() - INTERVAL 10 MINUTE)`
}
