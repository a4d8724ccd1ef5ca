-- The rollup of some series in buckets of 256 << shift steps, and in the same snapshot of parts the greatest marker of
-- each lane (rows of kind 1: attempt is the lane, finite its last sequence), and where each launch begins outside of the
-- range (rows of kind 2).
SELECT
    toUInt8(0) AS kind,
    run,
    CAST(key AS String) AS name,
    if({each:UInt8} = 1, rank, toUInt32(0)) AS of_rank,
    attempt,
    minIf(v, isFinite(v)) AS low,
    maxIf(v, isFinite(v)) AS high,
    sumIf(v, isFinite(v)) AS total,
    toUInt64(countIf(isFinite(v))) AS finite,
    toUInt64(countIf(isNaN(v))) AS nans,
    toUInt64(countIf(v = inf)) AS infs,
    toUInt64(countIf(v = -inf)) AS minus_infs,
    argMin(v, step) AS first,
    argMax(v, step) AS last,
    min(step) AS step_first,
    max(step) AS step_last,
    min(ts) AS ts_first,
    max(ts) AS ts_last
FROM streamgauge.points
WHERE (run, key) IN {pairs:Array(Tuple(UInt64, String))}
    AND rank BETWEEN {rank_from:UInt32} AND {rank_to:UInt32}
    AND bitShiftRight(step, 8) BETWEEN bitShiftRight({from:Int64}, 8) AND bitShiftRight({to:Int64}, 8)
GROUP BY run, key, if({each:UInt8} = 1, rank, toUInt32(0)), attempt, bitShiftRight(bitShiftRight(step, 8), {shift:UInt8})
UNION ALL
SELECT
    toUInt8(1), toUInt64(0), '', toUInt32(0), attempt, toFloat64(0), toFloat64(0), toFloat64(0), toUInt64(max(seq)), toUInt64(0),
    toUInt64(0), toUInt64(0), toFloat64(0), toFloat64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0)
FROM streamgauge.points
WHERE run = 0 AND key = '' AND rank = 0
GROUP BY attempt
UNION ALL
SELECT
    toUInt8(2), run, CAST(key AS String), if({each:UInt8} = 1, rank, toUInt32(0)), attempt, toFloat64(0), toFloat64(0), toFloat64(0), toUInt64(0),
    toUInt64(0), toUInt64(0), toUInt64(0), toFloat64(0), toFloat64(0), min(step), max(step), toInt64(0), toInt64(0)
FROM streamgauge.points
WHERE (run, key) IN {pairs:Array(Tuple(UInt64, String))}
    AND rank BETWEEN {rank_from:UInt32} AND {rank_to:UInt32}
    -- Nothing lies outside of all steps: the engine then does not read for it.
    AND NOT ({from:Int64} = -9223372036854775808 AND {to:Int64} = 9223372036854775807)
    AND bitShiftRight(step, 8) NOT BETWEEN bitShiftRight({from:Int64}, 8) AND bitShiftRight({to:Int64}, 8)
GROUP BY run, key, if({each:UInt8} = 1, rank, toUInt32(0)), attempt
