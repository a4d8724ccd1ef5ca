package board

import "github.com/streamgauge/streamgauge/dashboards/grafana/panel"

const ofModels = `$__conditionalAll(name IN (${model:sqlstring}), $model)`

func models() Board {
	return Board{
		UID: "sg-models", Title: "Streamgauge / Model registry", Description: "Versions, stages, who moved them and when, what waits for approval.",
		Refresh: "1m", From: "now-90d",
		Variables: []Variable{{
			Name: "model", Label: "Model", Multi: true, All: true,
			SQL: `SELECT ` + choice("name") + ` FROM sg.registered_models WHERE is_prompt = 0 ORDER BY updated DESC LIMIT 1000`,
		}},
		Marks: []Mark{stageMark},
		Sections: []Section{
			{Panels: []panel.Panel{
				panel.Number("Models", `SELECT count() AS models FROM sg.registered_models WHERE is_prompt = 0 AND `+ofModels),
				panel.Number("Versions", `SELECT count() AS versions FROM sg.model_versions WHERE is_prompt = 0 AND `+ofModels),
				panel.Number("In production", `SELECT count() AS versions FROM sg.model_versions WHERE stage = 'Production' AND `+ofModels),
				panel.Number("Approvals waiting", `SELECT count() AS approvals FROM sg.approvals WHERE closed = 0 AND `+ofModels).Alarm(1, 10),
				panel.Number("Endpoints serving", `SELECT count() AS endpoints FROM sg.endpoints WHERE until IS NULL AND $__conditionalAll(model IN (${model:sqlstring}), $model)`),
				panel.Number("Lead time", `SELECT avg(dateDiff('second', v.created, t.first_at)) AS seconds FROM sg.model_versions AS v
INNER JOIN (SELECT registered_model_id, version, min(at) AS first_at FROM sg.transitions WHERE to_stage = 'Production' GROUP BY registered_model_id, version) AS t
ON t.registered_model_id = v.registered_model_id AND t.version = v.version WHERE `+ofModels).Unit("s").Describe("From registration to production, the mean of all versions that came there.").Empty("none yet"),
			}},
			{Panels: []panel.Panel{
				toRun(panel.Rows("Versions", `SELECT run_id, name AS model, version, stage, arrayStringConcat(aliases, ', ') AS aliases, user, created, updated, source
FROM sg.model_versions WHERE is_prompt = 0 AND `+ofModels+` ORDER BY updated DESC LIMIT 500`), "version").Size(panel.Columns, 9),
				panel.Bar("Versions by stage", "stage", `SELECT stage, count() AS versions FROM sg.model_versions WHERE is_prompt = 0 AND `+ofModels+` GROUP BY stage ORDER BY versions DESC`),
				panel.Curves("Versions registered", `SELECT $__timeInterval(created) AS time, name AS model, count() AS versions FROM sg.model_versions
WHERE is_prompt = 0 AND $__timeFilter(created) AND `+ofModels+` GROUP BY time, model ORDER BY time`).Bars().Named("model"),
			}},
			{Title: "Changes", Panels: []panel.Panel{
				panel.Rows("Approvals", `SELECT requested, name AS model, version, stage, requested_by, comment, arrayStringConcat(approved_by, ', ') AS approved_by, arrayStringConcat(rejected_by, ', ') AS rejected_by,
    if(closed = 0, 'waiting', if(empty(rejected_by), 'approved', 'rejected')) AS state FROM sg.approvals WHERE `+ofModels+` ORDER BY requested DESC LIMIT 500`).Empty("no approval was asked for").Size(panel.Columns, 7),
				panel.Rows("Transitions", `SELECT at, name AS model, version, from_stage, to_stage, by FROM sg.transitions WHERE `+ofModels+` ORDER BY at DESC LIMIT 500`),
				panel.Rows("Aliases", `SELECT name AS model, alias, version FROM sg.aliases WHERE `+ofModels+` ORDER BY model, alias LIMIT 500`),
				panel.Rows("Endpoints", `SELECT model, version, name AS endpoint, url, since, until, created_by FROM sg.endpoints WHERE $__conditionalAll(model IN (${model:sqlstring}), $model) ORDER BY since DESC LIMIT 500`).
					Empty("no endpoint was recorded").Size(panel.Columns, 6),
			}},
		},
	}
}
