SELECT
    experiment AS experiment_id, run, key, toUInt32(-latest.1) AS rank, latest.2 AS step, fromUnixTimestamp64Milli(latest.3) AS time,
    latest.5 AS value
FROM (SELECT experiment, key, run, max(value) AS latest FROM streamgauge.latest WHERE sgSees(experiment) GROUP BY experiment, key, run)
