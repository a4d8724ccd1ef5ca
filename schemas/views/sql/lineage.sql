-- A dataset is name@digest, a version name/number; runs, logged models and endpoints are their ids, commits their hash.
SELECT
    edge.1 AS from_kind, edge.2 AS from_id, edge.3 AS to_kind, edge.4 AS to_id, edge.5 AS kind, edge.6 AS detail,
    fromUnixTimestamp64Milli(start_ms) AS at, experiment AS experiment_id
FROM streamgauge.live_runs
ARRAY JOIN arrayConcat(
    arrayMap((n, d, c) -> ('dataset', concat(n, '@', d), 'run', run_id, 'input', c), dataset_names, dataset_digests, dataset_contexts),
    arrayMap(m -> ('model', m, 'run', run_id, 'input', ''), model_inputs),
    arrayFilter(e -> e.2 != '', [
        ('commit', tags['mlflow.source.git.commit'], 'run', run_id, 'code', tags['mlflow.source.name']),
        ('run', tags['mlflow.parentRunId'], 'run', run_id, 'parent', ''),
        ('run', fork_run, 'run', run_id, 'fork', toString(fork_step))])) AS edge
WHERE sgSees(experiment)
UNION ALL
-- A run's outputs, but for those of which the model itself says so.
SELECT 'run', run_id, 'model', model, 'output', '', fromUnixTimestamp64Milli(start_ms), experiment
FROM streamgauge.live_runs
ARRAY JOIN model_outputs AS model
WHERE sgSees(experiment) AND (run_id, model) NOT IN (
    SELECT source_run, id FROM streamgauge.logged_models FINAL WHERE source_run != '' AND lifecycle = 'active')
UNION ALL
SELECT 'run', source_run, 'model', id, 'output', name, fromUnixTimestamp64Milli(created_ms), experiment
FROM streamgauge.logged_models FINAL
WHERE source_run != '' AND lifecycle = 'active' AND sgSees(experiment)
UNION ALL
SELECT edge.1, edge.2, edge.3, edge.4, edge.5, edge.6, created, ifNull(experiment_id, 0)
FROM sg.model_versions
ARRAY JOIN arrayFilter(e -> e.2 != '', [
    if(model_id != '', ('model', model_id, 'version', concat(name, '/', toString(version)), 'registered', source),
        ('run', run_id, 'version', concat(name, '/', toString(version)), 'registered', source)),
    ('version', extract(source, '^models:/(.+/[0-9]+)$'), 'version', concat(name, '/', toString(version)), 'copied', source)]) AS edge
UNION ALL
SELECT 'version', concat(model, '/', toString(version)), 'endpoint', endpoint_id, 'serves', name, since, ifNull(experiment_id, 0)
FROM sg.endpoints
