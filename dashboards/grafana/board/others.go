package board

import "github.com/streamgauge/streamgauge/dashboards/grafana/panel"

// edgesMax bounds what of the graph the panel walks over: the newest edges. Streamgauge's own page and /v1/lineage have
// no such bound.
const edgesMax = "20000"

// reached begins a statement with near, the nodes within four edges of the chosen version, in both directions, and found,
// the edges between them. Each step is one scalar, which is computed once, and looks nodes up in a set: an array of
// nodes within a function of arrays would be copied for each edge.
var reached = `WITH
edges AS (
    SELECT concat(from_kind, ' ', from_id) AS source, concat(to_kind, ' ', to_id) AS target, any(kind) AS how
    FROM sg.lineage GROUP BY source, target ORDER BY max(at) DESC LIMIT ` + edgesMax + `
),
(SELECT groupArray((source, target, how)) FROM edges) AS pairs,
(SELECT [concat('version ', ${version:sqlstring})]) AS near_0,
` + step("near_1", "near_0") + step("near_2", "near_1") + step("near_3", "near_2") + step("near", "near_3") + `(SELECT groupArray(2000)(e) FROM (SELECT arrayJoin(pairs) AS e) WHERE e.1 IN near AND e.2 IN near) AS found
`

// step adds to the nodes so far, the nearest first, those that an edge leads to, in either direction.
func step(next, so string) string {
	return `(SELECT arraySlice(arrayDistinct(arrayConcat(` + so + `, groupUniqArray(300)(ends.2))), 1, 300)
    FROM (SELECT arrayJoin(pairs) AS e, arrayJoin([(e.1, e.2), (e.2, e.1)]) AS ends) WHERE ends.1 IN ` + so + `) AS ` + next + `,
`
}

// nodes selects the near ones as the panel reads them: a run under its name, hashes shortened, a colour a kind, and the
// address that Streamgauge's page knows the node by.
const nodes = `SELECT node AS id, kind AS title,
    multiIf(kind = 'run', concat(ifNull(name, ''), ' ', substring(rest, 1, 6)), kind = 'model', concat(ifNull(name, ''), ' ', substring(rest, 1, 8)), kind = 'commit', substring(rest, 1, 8), kind = 'endpoint', ifNull(name, ''), rest) AS subtitle,
    transform(kind, ['version', 'run', 'model', 'dataset', 'commit', 'endpoint'], ['#73bf69', '#5794f2', '#b877d9', '#ff9830', '#8e8e8e', '#f2495c'], '#8ab8ff') AS color,
    encodeURLComponent(concat(kind, ':', rest)) AS address
FROM (SELECT arrayJoin(near) AS node, splitByChar(' ', node)[1] AS kind, substring(node, position(node, ' ') + 1) AS rest) AS n
LEFT ANY JOIN (
    SELECT concat('run ', run_id) AS node, name FROM sg.runs WHERE concat('run ', run_id) IN near
    UNION ALL SELECT concat('model ', model_id) AS node, name FROM sg.models WHERE concat('model ', model_id) IN near
    UNION ALL SELECT concat('endpoint ', endpoint_id) AS node, name FROM sg.endpoints WHERE concat('endpoint ', endpoint_id) IN near
) AS named ON named.node = n.node`

func lineage() Board {
	return Board{
		UID: "sg-lineage", Title: "Streamgauge / Lineage", Description: "What a version came from, and what else that touched.",
		From: "now-90d",
		Variables: []Variable{
			{Name: "model", Label: "Model", SQL: `SELECT ` + choice("name") + ` FROM sg.registered_models WHERE is_prompt = 0 ORDER BY updated DESC LIMIT 1000`},
			{
				Name: "version", Label: "Version",
				SQL: `SELECT ` + escaped("concat(name, '/', toString(version))") + ` AS value, concat(toString(version), ' ', stage) AS text FROM sg.model_versions WHERE name = ${model:sqlstring} ORDER BY version DESC LIMIT 1000`,
			},
		},
		Sections: []Section{{Panels: []panel.Panel{
			panel.Graph("Lineage",
				reached+nodes,
				reached+`SELECT concat(e.1, ' > ', e.2) AS id, e.1 AS source, e.2 AS target, e.3 AS mainstat FROM (SELECT arrayJoin(found) AS e)`).LinkFrom("id", panel.Link{Title: "Lineage in Streamgauge", URL: "${server}/#/lineage?node=${__data.fields.address}", TargetBlank: true}),
			panel.Rows("Edges", reached+`SELECT e.1 AS source, e.3 AS how, e.2 AS target FROM (SELECT arrayJoin(found) AS e) ORDER BY source, target`).Size(panel.Columns, 8),
		}}},
	}
}

func fleet() Board {
	gpuHours := `FROM (
    SELECT r.user AS user, r.run_id AS run_id, r.name AS run, r.started AS started, ifNull(r.duration_s, toFloat64(dateDiff('second', r.started, now64(3)))) / 3600 AS hours, ifNull(g.gpus, 0) AS gpus,
        r.tags['streamgauge.host'] AS host
    FROM sg.runs AS r
    LEFT JOIN (SELECT run, uniqExact((rank, key)) AS gpus FROM sg.ranks WHERE startsWith(key, 'system/gpu_') AND endsWith(key, '_utilization_percentage') GROUP BY run) AS g ON g.run = r.run
    WHERE $__timeFilter(r.started) AND ` + ofExperiments + `
)`
	return Board{
		UID: "sg-fleet", Title: "Streamgauge / Fleet and cost", Description: "Hours of GPUs and machines by user and week.",
		Refresh: "5m", From: "now-90d", Variables: []Variable{experimentVariable()},
		Sections: []Section{{Panels: []panel.Panel{
			panel.Number("GPU hours", `SELECT sum(hours * gpus) AS hours `+gpuHours).Unit("h").Size(6, 4).Describe("Runs' durations times the GPUs whose load they logged."),
			panel.Number("Run hours", `SELECT sum(hours) AS hours `+gpuHours).Unit("h").Size(6, 4),
			panel.Number("Users", `SELECT uniqExact(user) AS users `+gpuHours).Size(6, 4),
			panel.Number("Hosts", `SELECT uniqExactIf(host, host != '') AS hosts `+gpuHours).Size(6, 4).Describe("As far as runs say: our library and MLflow's plugin do."),
			panel.Curves("Run hours by user and week", `SELECT toDateTime(toStartOfWeek(started, 1)) AS time, user, sum(hours) AS hours `+gpuHours+` GROUP BY time, user ORDER BY time`).Bars().Named("user").Unit("h"),
			panel.Curves("GPU hours by user and week", `SELECT toDateTime(toStartOfWeek(started, 1)) AS time, user, sum(hours * gpus) AS hours `+gpuHours+` GROUP BY time, user ORDER BY time`).Bars().Named("user").Unit("h"),
			panel.Rows("Users", `SELECT user, count() AS runs, sum(hours) AS run_hours, sum(hours * gpus) AS gpu_hours `+gpuHours+` GROUP BY user ORDER BY gpu_hours DESC, run_hours DESC LIMIT 200`).UnitOf("h", "run_hours", "gpu_hours"),
			panel.Rows("Hosts", `SELECT if(host = '', 'not said', host) AS host, count() AS runs, sum(hours) AS run_hours, max(started) AS last_started `+gpuHours+` GROUP BY host ORDER BY run_hours DESC LIMIT 200`).UnitOf("h", "run_hours"),
			toRun(panel.Rows("Dearest runs", `SELECT run_id, run, user, host, hours, gpus, hours * gpus AS gpu_hours `+gpuHours+` ORDER BY gpu_hours DESC, hours DESC LIMIT 50`), "run").UnitOf("h", "hours", "gpu_hours").Size(panel.Columns, 8),
		}}},
	}
}

func starter() Board {
	return Board{
		UID: "sg-sql", Title: "Streamgauge / SQL starter", Description: "Statements to begin with: copy a panel and change it.",
		From: "now-30d", Variables: []Variable{experimentVariable()},
		Sections: []Section{{Panels: []panel.Panel{
			panel.Text("Views", starterText).Size(panel.Columns, 5),
			panel.Rows("Best run of each experiment", `SELECT r.experiment_name AS experiment, argMin(r.name, m.value) AS run, min(m.value) AS least_loss
FROM sg.metrics_latest AS m INNER JOIN sg.runs AS r ON r.run = m.run
WHERE m.key = 'loss' AND isFinite(m.value) GROUP BY experiment ORDER BY experiment LIMIT 100`).Empty("no run has a metric named loss"),
			panel.Rows("Metrics and how many runs have them", `SELECT key AS metric, uniqExact(run) AS runs, min(value) AS least, max(value) AS greatest FROM sg.metrics_latest
WHERE `+ofExperiments+` GROUP BY metric ORDER BY runs DESC, metric LIMIT 200`),
			panel.Rows("Params and their values", `SELECT key AS param, uniqExact(value) AS values, count() AS runs, topK(3)(value) AS most_common FROM sg.params
WHERE `+ofExperiments+` GROUP BY param ORDER BY runs DESC, param LIMIT 200`),
			panel.Curves("Runs a day", `SELECT toStartOfDay(started) AS time, experiment_name AS experiment, count() AS runs FROM sg.runs WHERE $__timeFilter(started) AND `+ofExperiments+` GROUP BY time, experiment ORDER BY time`).Bars().Named("experiment"),
		}}},
	}
}

const starterText = `All views of database **sg** may be asked; each column is explained in ` + "`docs/sql.md`" + ` and by ` + "`DESCRIBE sg.runs`" + `.

- ` + "`sg.runs`" + `, ` + "`sg.params`" + `, ` + "`sg.tags`" + `: a row a run, param, tag
- ` + "`sg.metrics_latest`" + `: the last value of each metric; ` + "`sg.metrics`" + `: every point; ` + "`sg.metrics_rollup`" + `: buckets of 256 steps
- ` + "`sg.series(run = '...', key = 'loss', buckets = 400)`" + `: one curve; ` + "`sg.series_aligned`" + `, ` + "`sg.series_by_rank`" + `: several
- write variables as ` + "`${name:sqlstring}`" + `: Grafana pastes text, and this quotes it`
