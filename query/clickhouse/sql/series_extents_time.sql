-- As series_extents, for a range of time since the start of the run: a group of 256 steps is inside if any of it may be.
SELECT
    toUInt8(0) AS kind,
    run,
    name,
    of_rank,
    attempt,
    inside,
    sum(n) AS points,
    min(a) AS step_first,
    max(b) AS step_last,
    min(c) AS ts_first,
    max(d) AS ts_last
FROM (
    SELECT
        run,
        CAST(key AS String) AS name,
        if({each:UInt8} = 1, rank, toUInt32(0)) AS of_rank,
        attempt,
        toUInt64(countIf(isFinite(v)) + countIf(isNaN(v)) + countIf(v = inf) + countIf(v = -inf)) AS n,
        min(step) AS a,
        max(step) AS b,
        min(ts) AS c,
        max(ts) AS d,
        transform(run, {runs:Array(UInt64)}, {starts:Array(Int64)}, toInt64(0)) AS start,
        toUInt8(d - start >= {time_from:Int64} AND c - start <= {time_to:Int64}) AS inside
    FROM streamgauge.points
    WHERE run IN {of_runs:Array(UInt64)}
        AND key IN {keys:Array(String)}
        AND ({crossed:UInt8} = 1 OR (run, key) IN {pairs:Array(Tuple(UInt64, String))})
        AND rank BETWEEN {rank_from:UInt32} AND {rank_to:UInt32}
    GROUP BY run, key, if({each:UInt8} = 1, rank, toUInt32(0)), attempt, bitShiftRight(step, 8)
)
GROUP BY run, name, of_rank, attempt, inside
UNION ALL
SELECT toUInt8(1), toUInt64(0), '', toUInt32(0), attempt, toUInt8(0), toUInt64(max(seq)), toInt64(0), toInt64(0), toInt64(0), toInt64(0)
FROM streamgauge.points
WHERE run = 0 AND key = '' AND rank = 0
GROUP BY attempt
