-- The lowest rank that logged a key, up to the watermark of each lane.
SELECT rank
FROM streamgauge.points
WHERE run = {run:UInt64}
    AND key = {key:String}
    AND seq <= transform(lane, {lanes:Array(UInt16)}, {marks:Array(UInt64)}, 18446744073709551615)
-- The table's order: the first row of the first part that has the key.
ORDER BY run, key, rank
LIMIT 1
