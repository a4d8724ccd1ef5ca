-- The points of a key's series, up to the watermark of each lane.
SELECT rank, attempt, step, ts, v
FROM streamgauge.points
WHERE run = {run:UInt64}
    AND key = {key:String}
    AND rank BETWEEN {rank_from:UInt32} AND {rank_to:UInt32}
    AND step BETWEEN {from:Int64} AND {to:Int64}
    AND seq <= transform(lane, {lanes:Array(UInt16)}, {marks:Array(UInt64)}, 18446744073709551615)
