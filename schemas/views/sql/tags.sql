SELECT experiment AS experiment_id, run_id, run, name AS run_name, tag.1 AS key, tag.2 AS value
FROM streamgauge.live_runs
ARRAY JOIN CAST(tags, 'Array(Tuple(String, String))') AS tag
WHERE sgSees(experiment)
