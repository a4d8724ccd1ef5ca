-- As series, for several runs on one grid of steps.
-- The runs are a subquery, for of a list that is computed the primary key knows nothing.
WITH
    -- The width of buckets, and all launches but each run's oldest, which takes nobody's place: of projection p8 in one go.
    (
        SELECT (sgShift(min(first), max(last), {buckets:UInt32}), groupArrayIf((run, attempt, first), attempt > oldest)) FROM (
            SELECT run, attempt, first, last, min(attempt) OVER (PARTITION BY run) AS oldest FROM (
                SELECT run, attempt, min(step) AS first, max(step) AS last FROM streamgauge.points
                WHERE run IN (SELECT sgRun(arrayJoin(splitByChar(',', {runs:String})))) AND key = {key:String} AND sgSees(experiment)
                GROUP BY run, attempt))
    ) AS extent,
    assumeNotNull(extent.1) AS shift,
    extent.2 AS launches,
    -- Subqueries, too, so that they are computed once: as expressions they were, anew, for each row. Who joins by run, not by run_id, needs none.
    (SELECT groupArray(id) FROM (SELECT arrayJoin(splitByChar(',', {runs:String})) AS id)) AS ids,
    (SELECT groupArray(sgRun(id)) FROM (SELECT arrayJoin(splitByChar(',', {runs:String})) AS id)) AS numbers
SELECT
    transform(run, numbers, ids, '') AS run_id, run, bitShiftLeft(b, shift) AS step, min(s1) AS step_first, max(s2) AS step_last,
    fromUnixTimestamp64Milli(min(t1), 'UTC') AS time_first, fromUnixTimestamp64Milli(max(t2), 'UTC') AS time_last, sum(n + undefined + above + below) AS points,
    minIf(lo, n > 0) AS value_min, sum(total) / sum(n) AS value_mean, maxIf(hi, n > 0) AS value_max,
    argMin(v1, s1) AS value_first, argMax(v2, s2) AS value_last, sum(undefined) AS nans
FROM (
    SELECT
        run, bitShiftRight(bitShiftRight(step, 8), greatest(shift, 8) - 8) AS b, minIf(v, isFinite(v)) AS lo, maxIf(v, isFinite(v)) AS hi,
        sumIf(v, isFinite(v)) AS total, countIf(isFinite(v)) AS n, countIf(isNaN(v)) AS undefined, countIf(v = inf) AS above, countIf(v = -inf) AS below,
        argMin(v, step) AS v1, argMax(v, step) AS v2, min(step) AS s1, max(step) AS s2, min(ts) AS t1, max(ts) AS t2
    FROM streamgauge.points
    WHERE shift >= 8 AND run IN (SELECT sgRun(arrayJoin(splitByChar(',', {runs:String})))) AND key = {key:String} AND sgSees(experiment)
        AND (empty(launches) OR NOT arrayExists(l -> l.1 = run AND l.2 > attempt AND l.3 <= bitShiftLeft(bitShiftRight(step, 8), 8), launches))
    GROUP BY run, b
    UNION ALL
    SELECT
        run, bitShiftRight(step, shift) AS b, minIf(v, isFinite(v)), maxIf(v, isFinite(v)), sumIf(v, isFinite(v)), countIf(isFinite(v)), countIf(isNaN(v)),
        countIf(v = inf), countIf(v = -inf), argMin(v, step), argMax(v, step), min(step), max(step), min(ts), max(ts)
    FROM streamgauge.points
    WHERE shift < 8 AND run IN (SELECT sgRun(arrayJoin(splitByChar(',', {runs:String})))) AND key = {key:String} AND sgSees(experiment)
        AND (empty(launches) OR NOT arrayExists(l -> l.1 = run AND l.2 > attempt AND l.3 <= step, launches))
    GROUP BY run, b
)
GROUP BY run, b
ORDER BY step, run
