-- The rollup of some series in buckets of 256 << shift steps, and in the same snapshot of parts the greatest marker of
-- each lane (rows of kind 1: attempt is the lane, finite its last sequence). For a range, series_begins follows.
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
WHERE run IN {of_runs:Array(UInt64)}
    AND key IN {keys:Array(String)}
    AND ({crossed:UInt8} = 1 OR (run, key) IN {pairs:Array(Tuple(UInt64, String))})
    AND rank BETWEEN {rank_from:UInt32} AND {rank_to:UInt32}
    -- Everything is a constant to the engine, which then compares no row.
    AND ({from:Int64} = -9223372036854775808 AND {to:Int64} = 9223372036854775807 OR bitShiftRight(step, 8) BETWEEN bitShiftRight({from:Int64}, 8) AND bitShiftRight({to:Int64}, 8))
GROUP BY run, key, if({each:UInt8} = 1, rank, toUInt32(0)), attempt, bitShiftRight(bitShiftRight(step, 8), {shift:UInt8})
UNION ALL
SELECT
    toUInt8(1), toUInt64(0), '', toUInt32(0), attempt, toFloat64(0), toFloat64(0), toFloat64(0), toUInt64(max(seq)), toUInt64(0),
    toUInt64(0), toUInt64(0), toFloat64(0), toFloat64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0)
FROM streamgauge.points
WHERE run = 0 AND key = '' AND rank = 0
GROUP BY attempt
