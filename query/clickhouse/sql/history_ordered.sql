-- All points of a key of the lowest rank that logged it, in MLflow's order, up to the watermark of each lane. {rank}
-- is the lowest that the caller knows of. {by_step} makes it the order of a chart.
SELECT step, ts, v, model, dataset
FROM streamgauge.points
WHERE run = {run:UInt64}
    AND key = {key:String}
    AND rank = least({rank:UInt32}, ifNull((
        SELECT rank
        FROM streamgauge.points
        WHERE run = {run:UInt64} AND key = {key:String} AND seq <= transform(lane, {lanes:Array(UInt16)}, {marks:Array(UInt64)}, 18446744073709551615)
        -- The table's order: the first row of the first part that has the key.
        ORDER BY run, key, rank
        LIMIT 1
    ), 4294967295))
    AND step BETWEEN {from:Int64} AND {to:Int64}
    AND seq <= transform(lane, {lanes:Array(UInt16)}, {marks:Array(UInt64)}, 18446744073709551615)
-- MLflow's order of a history, made total.
ORDER BY if({by_step:UInt8} = 1, step, ts), if({by_step:UInt8} = 1, ts, step), if(isNaN(v), 0, v), isNaN(v), toString(model), toString(dataset)
