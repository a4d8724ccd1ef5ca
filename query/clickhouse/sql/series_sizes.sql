-- How many points each series of a key has; answered by projection p8, whose key the expressions repeat.
SELECT
    rank,
    attempt,
    toUInt64(countIf(isFinite(v)) + countIf(isNaN(v)) + countIf(v = inf) + countIf(v = -inf)) AS points,
    min(step) AS least,
    max(step) AS greatest
FROM streamgauge.points
WHERE run = {run:UInt64}
    AND key = {key:String}
    AND bitShiftRight(step, 8) BETWEEN bitShiftRight({from:Int64}, 8) AND bitShiftRight({to:Int64}, 8)
GROUP BY rank, attempt
-- Lowest rank first; attempts in the order of their launch.
ORDER BY rank, attempt
