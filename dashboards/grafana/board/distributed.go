package board

import "github.com/streamgauge/streamgauge/dashboards/grafana/panel"

func distributed() Board {
	metric := metricVariable(ofRun)
	metric.SQL = `SELECT ` + choice("key") + ` FROM sg.ranks WHERE ` + ofRun + ` AND NOT startsWith(key, 'system/') GROUP BY key ORDER BY uniqExact(rank) DESC, key LIMIT 1000`
	return Board{
		UID: "sg-ranks", Title: "Streamgauge / Distributed training", Description: "The ranks of one run: their spread, who is slow, and what they wait for.",
		Refresh: "10s", From: "now-24h",
		Variables: []Variable{
			experimentVariable(), searchVariable(), runVariable(), metric,
			{
				Name: "part", Label: "Parts of a step", Multi: true, All: true,
				SQL: `SELECT ` + choice("key") + ` FROM sg.ranks WHERE ` + ofRun + ` AND match(key, '(?i)(seconds|time|latency|_ms$)') AND NOT startsWith(key, 'system/') GROUP BY key ORDER BY key LIMIT 50`,
			},
		},
		Marks: runMarks(),
		Sections: []Section{
			{Panels: []panel.Panel{
				panel.StepsOf("${metric:text}, all ranks", "step", `SELECT step, min(value_mean) AS least, avg(value_mean) AS mean, max(value_mean) AS greatest
FROM sg.series_by_rank(run = ${run:sqlstring}, key = ${metric:sqlstring}, buckets = 400) WHERE `+oneRun+` GROUP BY step ORDER BY step`).Band("least", "greatest").
					Describe("Over steps; the band is from the rank with the least mean to that with the greatest."),
				panel.Heat("${metric:text} by rank", "time", "process", "value", `SELECT $__timeInterval(time_last) AS time, leftPad(toString(rank), 4, '0') AS process, avg(value_mean) AS value
FROM sg.series_by_rank(run = ${run:sqlstring}, key = ${metric:sqlstring}, buckets = 200) WHERE `+oneRun+` GROUP BY time, process ORDER BY process, time LIMIT 100000`).
					Describe("Over time: Grafana's heat map has no other axis. A row a rank."),
				panel.Steps("${metric:text}, each rank", "step", "process", "value", `SELECT step, concat('rank ', toString(rank)) AS process, value_mean AS value
FROM sg.series_by_rank(run = ${run:sqlstring}, key = ${metric:sqlstring}, buckets = 100) WHERE rank < 64 AND `+oneRun+` ORDER BY rank, step`).
					Describe("Over steps; the first 64 ranks."),
				panel.Rows("Stragglers", `SELECT rank, max(step_last) AS last_step, max(last_step) OVER () - last_step AS steps_behind, max(time_last) AS last_point,
    dateDiff('second', last_point, max(last_point) OVER ()) AS seconds_behind, sum(value_mean * finite) / sum(finite) AS mean
FROM sg.ranks WHERE `+ofRun+` AND key = ${metric:sqlstring} GROUP BY rank ORDER BY steps_behind DESC, seconds_behind DESC, mean DESC LIMIT 100`).
					Describe("How far each rank's last point of the metric lies behind the first rank's."),
			}},
			{Title: "Where the time goes", Panels: []panel.Panel{
				panel.Steps("Parts of a step", "step", "part", "value", `SELECT sgBucket(step_first, 8) AS step, key AS part, sum(value_sum) / sum(finite) AS value
FROM sg.metrics_rollup WHERE `+ofRun+` AND key IN (${part:sqlstring}) GROUP BY step, part ORDER BY part, step`).Unit("s").Empty("the training logs no metric that is a time").
					Describe("Means over all ranks, over steps: computing, communicating, waiting for data, as far as the training logs them."),
				panel.Rows("Slowest ranks by part", `SELECT key AS part, rank, sum(value_mean * finite) / sum(finite) AS mean, mean / avg(mean) OVER (PARTITION BY part) AS times_the_average
FROM sg.ranks WHERE `+ofRun+` AND key IN (${part:sqlstring}) GROUP BY part, rank ORDER BY times_the_average DESC LIMIT 100`).UnitOf("s", "mean").Empty("the training logs no metric that is a time"),
			}},
			{Title: "Launches", Panels: []panel.Panel{
				panel.Rows("Launches", `SELECT `+launch+`, uniqExact(rank) AS ranks, min(time_first) AS first_point, max(time_last) AS last_point, min(step_first) AS first_step, max(step_last) AS last_step, sum(points) AS points
FROM sg.ranks WHERE `+ofRun+` GROUP BY attempt ORDER BY attempt LIMIT 100`).Size(panel.Columns, 6).Describe("A restarted run goes on as a new launch, an attempt in the views."),
			}},
		},
	}
}
