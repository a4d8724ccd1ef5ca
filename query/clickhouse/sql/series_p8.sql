-- The rollup of a key's series in buckets of 256 * 2^level steps, and in the same snapshot of parts the
-- greatest marker of each lane (rows of kind 1: attempt is the lane, points its last sequence).
SELECT
    toUInt8(0) AS kind,
    rank,
    attempt,
    bitShiftRight(bitShiftRight(step, 8), {level:UInt8}) AS bucket,
    minIf(v, isFinite(v)) AS low,
    maxIf(v, isFinite(v)) AS high,
    sumIf(v, isFinite(v)) AS total,
    toUInt64(countIf(isFinite(v))) AS points,
    toUInt64(countIf(isNaN(v))) AS nans,
    toUInt64(countIf(v = inf)) AS infs,
    toUInt64(countIf(v = -inf)) AS minus_infs,
    argMin(v, step) AS first,
    argMax(v, step) AS last,
    min(step) AS step_first,
    max(step) AS step_last,
    max(ts) AS ts_last
FROM streamgauge.points
WHERE run = {run:UInt64}
    AND key = {key:String}
    AND rank BETWEEN {rank_from:UInt32} AND {rank_to:UInt32}
    AND bitShiftRight(step, 8) BETWEEN bitShiftRight({from:Int64}, 8) AND bitShiftRight({to:Int64}, 8)
GROUP BY rank, attempt, bitShiftRight(bitShiftRight(step, 8), {level:UInt8})
UNION ALL
SELECT
    toUInt8(1), toUInt32(0), attempt, toInt64(0), toFloat64(0), toFloat64(0), toFloat64(0), toUInt64(max(seq)), toUInt64(0),
    toUInt64(0), toUInt64(0), toFloat64(0), toFloat64(0), toInt64(0), toInt64(0), toInt64(0)
FROM streamgauge.points
WHERE run = 0 AND key = '' AND rank = 0
GROUP BY attempt
