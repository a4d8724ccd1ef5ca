SELECT
    experiment AS experiment_id, trace_id, name, state, fromUnixTimestamp64Milli(request_ms) AS time, duration_ms, client_request_id,
    metadata['mlflow.trace.session'] AS session, metadata['mlflow.trace.user'] AS user, runs AS run_ids, prompts, tags, metadata,
    arrayFilter((x, ok) -> ok = 1, assessment_names, assessment_valid) AS assessment_names,
    arrayFilter((x, ok) -> ok = 1, arrayMap(x -> toString(x), assessment_kinds), assessment_valid) AS assessment_kinds,
    arrayFilter((x, ok) -> ok = 1, assessment_values, assessment_valid) AS assessment_values,
    base64Encode(document) AS document
FROM (SELECT * EXCEPT (revision) FROM streamgauge.traces FINAL WHERE sgSees(experiment))
