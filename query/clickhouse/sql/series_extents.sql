-- How large the launches of some series are, apart for what lies in a range of steps (to 256 steps) and what does not; and
-- in the same snapshot of parts the greatest marker of each lane (rows of kind 1: attempt is the lane, points its last
-- sequence). Answered by projection p8, whose key the expressions repeat.
SELECT
    toUInt8(0) AS kind,
    run,
    CAST(key AS String) AS name,
    if({each:UInt8} = 1, rank, toUInt32(0)) AS of_rank,
    attempt,
    toUInt8({from:Int64} = -9223372036854775808 AND {to:Int64} = 9223372036854775807 OR bitShiftRight(step, 8) BETWEEN bitShiftRight({from:Int64}, 8) AND bitShiftRight({to:Int64}, 8)) AS inside,
    toUInt64(countIf(isFinite(v)) + countIf(isNaN(v)) + countIf(v = inf) + countIf(v = -inf)) AS points,
    min(step) AS step_first,
    max(step) AS step_last,
    min(ts) AS ts_first,
    max(ts) AS ts_last
FROM streamgauge.points
WHERE run IN {of_runs:Array(UInt64)}
    AND key IN {keys:Array(String)}
    AND ({crossed:UInt8} = 1 OR (run, key) IN {pairs:Array(Tuple(UInt64, String))})
    AND rank BETWEEN {rank_from:UInt32} AND {rank_to:UInt32}
GROUP BY run, key, if({each:UInt8} = 1, rank, toUInt32(0)), attempt, toUInt8({from:Int64} = -9223372036854775808 AND {to:Int64} = 9223372036854775807 OR bitShiftRight(step, 8) BETWEEN bitShiftRight({from:Int64}, 8) AND bitShiftRight({to:Int64}, 8))
UNION ALL
SELECT toUInt8(1), toUInt64(0), '', toUInt32(0), attempt, toUInt8(0), toUInt64(max(seq)), toInt64(0), toInt64(0), toInt64(0), toInt64(0)
FROM streamgauge.points
WHERE run = 0 AND key = '' AND rank = 0
GROUP BY attempt
