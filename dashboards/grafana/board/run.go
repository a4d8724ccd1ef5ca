package board

import "github.com/streamgauge/streamgauge/dashboards/grafana/panel"

func run() Board {
	metric := metricVariable(ofRun)
	metric.Label, metric.Multi = "Metrics", true
	return Board{
		UID: "sg-run", Title: "Streamgauge / Run", Description: "One run: its metrics over steps, its params, its machines, its output.",
		Refresh: "10s", From: "now-7d", Variables: []Variable{experimentVariable(), searchVariable(), runVariable(), metric}, Marks: runMarks(),
		Sections: []Section{
			{Panels: []panel.Panel{
				panel.Number("State", `SELECT lower(status) AS state FROM sg.runs WHERE run_id = ${run:sqlstring}`).AnyText(),
				panel.Number("Duration", `SELECT ifNull(duration_s, toFloat64(dateDiff('second', started, now64(3)))) AS duration FROM sg.runs WHERE run_id = ${run:sqlstring}`).Unit("s"),
				panel.Number("Last step", `SELECT max(step) AS step FROM sg.metrics_latest WHERE `+ofRun),
				panel.Number("Points", `SELECT sum(points) AS points FROM sg.ranks WHERE `+ofRun).Unit("short"),
				panel.Number("Ranks", `SELECT uniqExact(rank) AS ranks FROM sg.ranks WHERE `+ofRun),
				panel.Number("Values not finite", `SELECT sum(points - finite) AS values FROM sg.ranks WHERE `+ofRun).Describe("NaN and infinities.").Alarm(1, 100),
			}},
			{Panels: []panel.Panel{
				panel.StepsOf("${metric:text}", "step", `SELECT step_last AS step, value_min AS least, value_mean AS mean, value_max AS greatest
FROM sg.series(run = ${run:sqlstring}, key = ${metric:sqlstring}, buckets = 400) WHERE `+oneRun+` ORDER BY step`).Band("least", "greatest").Repeat("metric").
					Describe("Over steps; the band is from the least to the greatest value of a bucket, over all ranks."),
			}},
			{Title: "Values", Panels: []panel.Panel{
				panel.Rows("Metrics, last values", `SELECT key AS metric, value, step, rank, time FROM sg.metrics_latest WHERE `+ofRun+` ORDER BY metric LIMIT 1000`).Size(12, 10),
				panel.Rows("Params", `SELECT key AS param, value FROM sg.params WHERE run_id = ${run:sqlstring} ORDER BY param LIMIT 1000`).Size(6, 10),
				panel.Rows("Tags", `SELECT key AS tag, value FROM sg.tags WHERE run_id = ${run:sqlstring} AND NOT startsWith(key, 'mlflow.') ORDER BY tag LIMIT 1000`).Size(6, 10),
			}},
			{Title: "Machines", Panels: []panel.Panel{
				system("Processor and memory", "per cent", `name LIKE '%percentage' AND gpu < 0`).Unit("percent").Empty("no system metrics were logged"),
				system("GPU", "per cent", `name LIKE '%percentage' AND gpu >= 0`).Unit("percent").Empty("no GPU was seen"),
				system("Memory", "megabytes", `name LIKE '%megabytes' AND name NOT LIKE 'network%' AND name NOT LIKE 'disk%'`).Unit("decmbytes").Empty("no system metrics were logged"),
				system("Network", "megabytes since the start", `name LIKE 'network%megabytes'`).Unit("decmbytes").Empty("no system metrics were logged"),
			}},
			{Title: "Ranks", Panels: []panel.Panel{
				panel.Rows("Ranks and launches", `SELECT rank, `+launch+`, sum(points) AS points, max(step_last) AS last_step, max(time_last) AS last_point, sum(value_mean * finite) / sum(finite) AS mean
FROM sg.ranks WHERE `+ofRun+` AND key IN (${metric:sqlstring}) GROUP BY rank, attempt ORDER BY rank, attempt LIMIT 1000`).Size(panel.Columns, 8),
			}},
			{Title: "Output", Panels: []panel.Panel{
				panel.Lines("Console", `SELECT time AS timestamp, text AS body, if(stream = 'stderr', 'error', 'info') AS level, rank
FROM sg.console WHERE `+ofRun+` ORDER BY time DESC, number DESC LIMIT 1000`).Empty("no console was captured").Size(panel.Columns, 12),
			}},
		},
	}
}

// system draws metrics of the machines over the chosen time.
func system(title, unit, which string) panel.Panel {
	return panel.Curves(title, `SELECT $__timeInterval(time) AS time, concat(name, if(gpu < 0, '', concat(' of GPU ', toString(gpu))), if(rank = 0, '', concat(', rank ', toString(rank)))) AS series, avg(value) AS value
FROM sg.system_metrics WHERE `+ofRun+` AND `+which+` AND $__timeFilter(time) GROUP BY time, series ORDER BY time`).Named("series").Describe("In " + unit + ".")
}
