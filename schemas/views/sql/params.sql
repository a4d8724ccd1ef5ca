SELECT
    experiment AS experiment_id, run_id, run, name AS run_name, param.1 AS key, param.2 AS value, toFloat64OrNull(param.2) AS value_number
FROM streamgauge.live_runs
ARRAY JOIN CAST(params, 'Array(Tuple(String, String))') AS param
WHERE sgSees(experiment)
