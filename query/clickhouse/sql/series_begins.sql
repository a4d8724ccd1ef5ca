-- Where the launches of some series begin (rows of kind 2), whatever the range: the last part of series_rollup.
SELECT
    toUInt8(2), run, CAST(key AS String), if({each:UInt8} = 1, rank, toUInt32(0)), attempt, toFloat64(0), toFloat64(0), toFloat64(0), toUInt64(0),
    toUInt64(0), toUInt64(0), toUInt64(0), toFloat64(0), toFloat64(0), min(step), max(step), toInt64(0), toInt64(0)
FROM streamgauge.points
WHERE run IN {of_runs:Array(UInt64)}
    AND key IN {keys:Array(String)}
    AND ({crossed:UInt8} = 1 OR (run, key) IN {pairs:Array(Tuple(UInt64, String))})
    AND rank BETWEEN {rank_from:UInt32} AND {rank_to:UInt32}
GROUP BY run, key, if({each:UInt8} = 1, rank, toUInt32(0)), attempt
