SELECT
    experiment AS experiment_id, run, key, replaceRegexpOne(CAST(key, 'String'), '^system/(gpu_[0-9]+_)?', '') AS name,
    toInt32OrDefault(extract(CAST(key, 'String'), '^system/gpu_([0-9]+)_'), toInt32(-1)) AS gpu,
    rank, attempt, step, fromUnixTimestamp64Milli(ts) AS time, v AS value
FROM streamgauge.points
WHERE run != 0 AND startsWith(key, 'system/') AND sgSees(experiment) AND sgSeeks(run)
