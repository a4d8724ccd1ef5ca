-- The points of some series, up to the watermark of each lane.
SELECT
    run,
    CAST(key AS String) AS name,
    if({each:UInt8} = 1, rank, toUInt32(0)) AS of_rank,
    attempt,
    step,
    ts,
    v
FROM streamgauge.points
WHERE run IN {of_runs:Array(UInt64)}
    AND key IN {keys:Array(String)}
    AND ({crossed:UInt8} = 1 OR (run, key) IN {pairs:Array(Tuple(UInt64, String))})
    AND rank BETWEEN {rank_from:UInt32} AND {rank_to:UInt32}
    AND step BETWEEN {from:Int64} AND {to:Int64}
    AND seq <= transform(lane, {lanes:Array(UInt16)}, {marks:Array(UInt64)}, 18446744073709551615)
