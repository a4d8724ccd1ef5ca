-- A dataset is name@digest, a version name/number; runs, logged models and endpoints are their ids, commits their hash.
SELECT 'dataset' AS from_kind, concat(name, '@', digest) AS from_id, 'run' AS to_kind, run_id AS to_id, 'input' AS kind, context AS detail,
    started AS at, experiment_id
FROM sg.datasets INNER JOIN (SELECT run_id, started FROM sg.runs) AS r USING (run_id)
UNION ALL
SELECT 'commit', git_commit, 'run', run_id, 'code', source_name, started, experiment_id FROM sg.runs WHERE git_commit != ''
UNION ALL
SELECT 'run', parent_run_id, 'run', run_id, 'parent', '', started, experiment_id FROM sg.runs WHERE parent_run_id != ''
UNION ALL
SELECT 'run', fork_run_id, 'run', run_id, 'fork', toString(fork_step), started, experiment_id FROM sg.runs WHERE fork_run_id != ''
UNION ALL
SELECT 'model', model, 'run', run_id, 'input', '', fromUnixTimestamp64Milli(start_ms), experiment
FROM streamgauge.live_runs ARRAY JOIN model_inputs AS model WHERE sgSees(experiment)
UNION ALL
SELECT 'run', run_id, 'model', model_id, 'output', name, created, experiment_id FROM sg.models WHERE run_id != ''
UNION ALL
SELECT 'run', run_id, 'model', model, 'output', '', fromUnixTimestamp64Milli(start_ms), experiment
FROM streamgauge.live_runs ARRAY JOIN model_outputs AS model
WHERE sgSees(experiment) AND (run_id, model) NOT IN (SELECT run_id, model_id FROM sg.models)
UNION ALL
SELECT if(model_id != '', 'model', 'run'), if(model_id != '', model_id, run_id), 'version', concat(name, '/', toString(version)),
    'registered', source, created, ifNull(experiment_id, 0)
FROM sg.model_versions WHERE model_id != '' OR run_id != ''
UNION ALL
SELECT 'version', extract(source, '^models:/(.+/[0-9]+)$'), 'version', concat(name, '/', toString(version)), 'copied', source, created, ifNull(experiment_id, 0)
FROM sg.model_versions WHERE match(source, '^models:/.+/[0-9]+$')
UNION ALL
SELECT 'version', concat(model, '/', toString(version)), 'endpoint', endpoint_id, 'serves', name, since, ifNull(experiment_id, 0) FROM sg.endpoints
