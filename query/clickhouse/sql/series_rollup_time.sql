-- As series_rollup, for a range of time since the start of the run: buckets of 256 << shift steps of which any point may
-- be in it.
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
GROUP BY run, key, if({each:UInt8} = 1, rank, toUInt32(0)), attempt, bitShiftRight(bitShiftRight(step, 8), {shift:UInt8})
HAVING max(ts) - transform(run, {runs:Array(UInt64)}, {starts:Array(Int64)}, toInt64(0)) >= {time_from:Int64}
    AND min(ts) - transform(run, {runs:Array(UInt64)}, {starts:Array(Int64)}, toInt64(0)) <= {time_to:Int64}
UNION ALL
SELECT
    toUInt8(1), toUInt64(0), '', toUInt32(0), attempt, toFloat64(0), toFloat64(0), toFloat64(0), toUInt64(max(seq)), toUInt64(0),
    toUInt64(0), toUInt64(0), toFloat64(0), toFloat64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0)
FROM streamgauge.points
WHERE run = 0 AND key = '' AND rank = 0
GROUP BY attempt
