-- A version belongs to the experiment of its run, or else of its logged model.
SELECT
    v.name AS name, v.version AS version, v.stage AS stage, v.aliases AS aliases, v.description AS description, v.user AS user,
    v.source AS source, v.storage_location AS storage_location, v.run_id AS run_id, sgRun(v.run_id) AS run, v.model_id AS model_id,
    if(r.run_id != '', r.experiment, if(m.id != '', m.experiment, NULL)) AS experiment_id,
    v.created AS created, v.updated AS updated, v.tags AS tags, v.prompt AS is_prompt, v.registered_model_id AS registered_model_id
FROM streamgauge.registry AS v
LEFT ANY JOIN (SELECT run_id, experiment FROM streamgauge.runs WHERE run_id != '') AS r ON r.run_id = v.run_id
LEFT ANY JOIN (SELECT id, experiment FROM streamgauge.logged_models WHERE id != '') AS m ON m.id = v.model_id
WHERE ifNull(sgSees(experiment_id), 0)
