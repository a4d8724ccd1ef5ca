SELECT
    experiment AS experiment_id, id AS model_id, name, model_type, source_run AS run_id, sgRun(source_run) AS run, status,
    fromUnixTimestamp64Milli(created_ms) AS created, fromUnixTimestamp64Milli(updated_ms) AS updated, artifact_uri, params, tags
FROM streamgauge.logged_models FINAL
WHERE id != '' AND lifecycle = 'active' AND sgSees(experiment)
