SELECT
    e.id AS endpoint_id, e.name AS name, e.url AS url, v.name AS model, e.version AS version,
    fromUnixTimestamp64Milli(e.since_ms) AS since, if(e.until_ms = 0, NULL, fromUnixTimestamp64Milli(e.until_ms)) AS until,
    e.created_by AS created_by, v.run_id AS run_id, v.experiment_id AS experiment_id, e.model AS registered_model_id
FROM (SELECT * FROM streamgauge.endpoints FINAL WHERE id != '') AS e
INNER JOIN sg.model_versions AS v ON v.registered_model_id = e.model AND v.version = e.version
