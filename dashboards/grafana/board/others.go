package board

import "github.com/streamgauge/streamgauge/dashboards/grafana/panel"

// reached are the nodes of the lineage graph within four edges of the chosen version, in both directions.
const reached = `WITH RECURSIVE
edges AS (SELECT concat(from_kind, ' ', from_id) AS source, concat(to_kind, ' ', to_id) AS target, any(kind) AS how FROM sg.lineage GROUP BY source, target),
both AS (SELECT source AS a, target AS b FROM edges UNION ALL SELECT target, source FROM edges),
walk AS (
    SELECT concat('version ', ${version:sqlstring}) AS node, 0 AS depth
    UNION ALL
    SELECT b, depth + 1 FROM walk INNER JOIN both ON a = node WHERE depth < 4
),
near AS (SELECT DISTINCT node FROM walk LIMIT 300)
`

func lineage() Board {
	return Board{
		UID: "sg-lineage", Title: "Streamgauge / Lineage", Description: "What a version came from, and what else that touched.",
		From: "now-90d",
		Variables: []Variable{
			{Name: "model", Label: "Model", SQL: `SELECT name FROM sg.registered_models WHERE is_prompt = 0 ORDER BY updated DESC LIMIT 1000`},
			{
				Name: "version", Label: "Version",
				SQL: `SELECT concat(name, '/', toString(version)) AS value, concat(toString(version), ' ', stage) AS text FROM sg.model_versions WHERE name = ${model:sqlstring} ORDER BY version DESC LIMIT 1000`,
			},
		},
		Sections: []Section{{Panels: []panel.Panel{
			panel.Graph("Lineage",
				reached+`SELECT node AS id, splitByChar(' ', node)[1] AS title, substring(node, position(node, ' ') + 1) AS subtitle FROM near`,
				reached+`SELECT concat(source, ' > ', target) AS id, source, target, how AS mainstat FROM edges WHERE source IN (SELECT node FROM near) AND target IN (SELECT node FROM near) LIMIT 2000`),
			panel.Rows("Edges", reached+`SELECT source, how, target FROM edges WHERE source IN (SELECT node FROM near) AND target IN (SELECT node FROM near) ORDER BY source, target LIMIT 2000`).Size(panel.Columns, 8),
		}}},
	}
}

func fleet() Board {
	gpuHours := `FROM (
    SELECT r.user AS user, r.run_id AS run_id, r.name AS run, r.started AS started, ifNull(r.duration_s, dateDiff('second', r.started, now64(3))) / 3600 AS hours, ifNull(g.gpus, 0) AS gpus,
        r.tags['streamgauge.host'] AS host
    FROM sg.runs AS r
    LEFT JOIN (SELECT run, uniqExact((rank, key)) AS gpus FROM sg.ranks WHERE startsWith(key, 'system/gpu_') AND endsWith(key, '_utilization_percentage') GROUP BY run) AS g ON g.run = r.run
    WHERE $__timeFilter(r.started) AND ` + ofExperiments + `
)`
	return Board{
		UID: "sg-fleet", Title: "Streamgauge / Fleet and cost", Description: "Hours of GPUs and machines by user and week.",
		Refresh: "5m", From: "now-90d", Variables: []Variable{experimentVariable()},
		Sections: []Section{{Panels: []panel.Panel{
			panel.Number("GPU hours", `SELECT sum(hours * gpus) AS hours `+gpuHours).Describe("Runs' durations times the GPUs whose load they logged."),
			panel.Number("Run hours", `SELECT sum(hours) AS hours `+gpuHours),
			panel.Number("Users", `SELECT uniqExact(user) AS users `+gpuHours),
			panel.Number("Hosts", `SELECT uniqExactIf(host, host != '') AS hosts `+gpuHours).Describe("As far as runs say: our library and MLflow's plugin do."),
			panel.Curves("Run hours by user and week", `SELECT toDateTime(toStartOfWeek(started, 1)) AS time, user, sum(hours) AS hours `+gpuHours+` GROUP BY time, user ORDER BY time`).Bars(),
			panel.Curves("GPU hours by user and week", `SELECT toDateTime(toStartOfWeek(started, 1)) AS time, user, sum(hours * gpus) AS hours `+gpuHours+` GROUP BY time, user ORDER BY time`).Bars(),
			panel.Rows("Users", `SELECT user, count() AS runs, sum(hours) AS run_hours, sum(hours * gpus) AS gpu_hours `+gpuHours+` GROUP BY user ORDER BY gpu_hours DESC, run_hours DESC LIMIT 200`),
			panel.Rows("Hosts", `SELECT if(host = '', 'not said', host) AS host, count() AS runs, sum(hours) AS run_hours, max(started) AS last_started `+gpuHours+` GROUP BY host ORDER BY run_hours DESC LIMIT 200`),
			toRun(panel.Rows("Dearest runs", `SELECT run_id, run, user, host, hours, gpus, hours * gpus AS gpu_hours `+gpuHours+` ORDER BY gpu_hours DESC, hours DESC LIMIT 50`), "run").Size(panel.Columns, 8),
		}}},
	}
}

func starter() Board {
	return Board{
		UID: "sg-sql", Title: "Streamgauge / SQL starter", Description: "Statements to begin with: copy a panel and change it.",
		From: "now-30d", Variables: []Variable{experimentVariable()},
		Sections: []Section{{Panels: []panel.Panel{
			panel.Text("Views", starterText).Size(panel.Columns, 7),
			panel.Rows("Best run of each experiment", `SELECT r.experiment_name AS experiment, argMin(r.name, m.value) AS run, min(m.value) AS least_loss
FROM sg.metrics_latest AS m INNER JOIN sg.runs AS r ON r.run = m.run
WHERE m.key = 'loss' AND isFinite(m.value) GROUP BY experiment ORDER BY experiment LIMIT 100`).Empty("no run has a metric named loss"),
			panel.Rows("Metrics and how many runs have them", `SELECT key AS metric, uniqExact(run) AS runs, min(value) AS least, max(value) AS greatest FROM sg.metrics_latest
WHERE `+ofExperiments+` GROUP BY metric ORDER BY runs DESC, metric LIMIT 200`),
			panel.Rows("Params and their values", `SELECT key AS param, uniqExact(value) AS values, count() AS runs, topK(3)(value) AS most_common FROM sg.params
WHERE `+ofExperiments+` GROUP BY param ORDER BY runs DESC, param LIMIT 200`),
			panel.Curves("Runs a day", `SELECT toStartOfDay(started) AS time, experiment_name AS experiment, count() AS runs FROM sg.runs WHERE $__timeFilter(started) AND `+ofExperiments+` GROUP BY time, experiment ORDER BY time`).Bars(),
		}}},
	}
}

const starterText = `All views of database **sg** may be asked; each column is explained in ` + "`docs/sql.md`" + ` and by ` + "`DESCRIBE sg.runs`" + `.

- ` + "`sg.runs`" + `, ` + "`sg.params`" + `, ` + "`sg.tags`" + `: a row a run, param, tag
- ` + "`sg.metrics_latest`" + `: the last value of each metric; ` + "`sg.metrics`" + `: every point; ` + "`sg.metrics_rollup`" + `: buckets of 256 steps
- ` + "`sg.series(run = '...', key = 'loss', buckets = 400)`" + `: one curve; ` + "`sg.series_aligned`" + `, ` + "`sg.series_by_rank`" + `: several
- write variables as ` + "`${name:sqlstring}`" + `: Grafana pastes text, and this quotes it`
