-- As series, and a row for each rank.
WITH
    (SELECT tuple(min(step), max(step)) FROM streamgauge.points WHERE run = sgRun({run:String}) AND key = {key:String} AND sgSees(experiment)) AS extent,
    (
        -- All launches but the oldest, which takes nobody's place: of most runs that is none, and costs nothing below.
        SELECT groupArray((attempt, first)) FROM (
            SELECT attempt, first, min(attempt) OVER () AS oldest FROM (
                SELECT attempt, min(step) AS first FROM streamgauge.points
                WHERE run = sgRun({run:String}) AND key = {key:String} AND sgSees(experiment) GROUP BY attempt))
        WHERE attempt > oldest
    ) AS launches,
    sgShift(extent.1, extent.2, {buckets:UInt32}) AS shift
SELECT
    rank, bitShiftLeft(b, shift) AS step, min(s1) AS step_first, max(s2) AS step_last,
    fromUnixTimestamp64Milli(min(t1), 'UTC') AS time_first, fromUnixTimestamp64Milli(max(t2), 'UTC') AS time_last, sum(n + undefined + above + below) AS points,
    minIf(lo, n > 0) AS value_min, sum(total) / sum(n) AS value_mean, maxIf(hi, n > 0) AS value_max,
    argMin(v1, s1) AS value_first, argMax(v2, s2) AS value_last, sum(undefined) AS nans
FROM (
    SELECT
        rank, bitShiftRight(bitShiftRight(step, 8), greatest(shift, 8) - 8) AS b, minIf(v, isFinite(v)) AS lo, maxIf(v, isFinite(v)) AS hi,
        sumIf(v, isFinite(v)) AS total, countIf(isFinite(v)) AS n, countIf(isNaN(v)) AS undefined, countIf(v = inf) AS above, countIf(v = -inf) AS below,
        argMin(v, step) AS v1, argMax(v, step) AS v2, min(step) AS s1, max(step) AS s2, min(ts) AS t1, max(ts) AS t2
    FROM streamgauge.points
    WHERE shift >= 8 AND run = sgRun({run:String}) AND key = {key:String} AND sgSees(experiment)
        AND NOT arrayExists(l -> l.1 > attempt AND l.2 <= bitShiftLeft(bitShiftRight(step, 8), 8), launches)
    GROUP BY rank, b
    UNION ALL
    SELECT
        rank, bitShiftRight(step, shift) AS b, minIf(v, isFinite(v)), maxIf(v, isFinite(v)), sumIf(v, isFinite(v)), countIf(isFinite(v)), countIf(isNaN(v)),
        countIf(v = inf), countIf(v = -inf), argMin(v, step), argMax(v, step), min(step), max(step), min(ts), max(ts)
    FROM streamgauge.points
    WHERE shift < 8 AND run = sgRun({run:String}) AND key = {key:String} AND sgSees(experiment)
        AND NOT arrayExists(l -> l.1 > attempt AND l.2 <= step, launches)
    GROUP BY rank, b
)
GROUP BY rank, b
ORDER BY rank, step
