SELECT
    experiment AS experiment_id, run, key, rank, attempt, step, fromUnixTimestamp64Milli(ts) AS time, v AS value, model AS model_id,
    splitByChar('\n', dataset)[1] AS dataset_name, if(dataset = '', '', substring(dataset, position(dataset, '\n') + 1)) AS dataset_digest,
    lane, seq AS sequence, writer
FROM streamgauge.points
WHERE run != 0 AND sgSees(experiment) AND sgSeeks(run)
