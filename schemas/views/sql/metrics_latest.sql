-- The greatest value counts, as the table merges them; of tuples that is slow, so they are compared as numbers (sgTurn).
SELECT
    experiment AS experiment_id, run, key, toUInt32(-argMax(latest.1, turn)) AS rank, argMax(latest.2, turn) AS step,
    fromUnixTimestamp64Milli(argMax(latest.3, turn)) AS time, argMax(latest.5, turn) AS value
FROM (SELECT experiment, key, run, value AS latest, sgTurn(latest) AS turn FROM streamgauge.latest WHERE sgSees(experiment))
GROUP BY experiment, key, run
