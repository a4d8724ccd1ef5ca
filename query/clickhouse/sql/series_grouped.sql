-- The points of some series in buckets of 1 << shift steps, up to the watermark of each lane.
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
    AND step BETWEEN {from:Int64} AND {to:Int64}
    AND seq <= transform(lane, {lanes:Array(UInt16)}, {marks:Array(UInt64)}, 18446744073709551615)
GROUP BY run, key, of_rank, attempt, bitShiftRight(step, {shift:UInt8})
-- A million points are little to the engine, which would read them by one thread.
SETTINGS merge_tree_min_rows_for_concurrent_read = 65536, merge_tree_min_bytes_for_concurrent_read = 1048576
