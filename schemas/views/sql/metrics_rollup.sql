-- The expressions are those of projection p8, so that it answers.
SELECT
    experiment AS experiment_id, run, key, rank, attempt, bitShiftRight(step, 8) AS bucket,
    countIf(isFinite(v)) + countIf(isNaN(v)) + countIf(v = inf) + countIf(v = -inf) AS points,
    minIf(v, isFinite(v)) AS value_min, sumIf(v, isFinite(v)) / countIf(isFinite(v)) AS value_mean, maxIf(v, isFinite(v)) AS value_max,
    sumIf(v, isFinite(v)) AS value_sum, argMin(v, step) AS value_first, argMax(v, step) AS value_last,
    countIf(isFinite(v)) AS finite, countIf(isNaN(v)) AS nans, countIf(v = inf) AS infs, countIf(v = -inf) AS negative_infs,
    min(step) AS step_first, max(step) AS step_last, fromUnixTimestamp64Milli(min(ts)) AS time_first, fromUnixTimestamp64Milli(max(ts)) AS time_last
FROM streamgauge.points
WHERE run != 0 AND sgSees(experiment) AND sgSeeks(run)
GROUP BY run, key, rank, attempt, bitShiftRight(step, 8), experiment
