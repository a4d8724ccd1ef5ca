-- How many bytes the next small values of a run have, in the order of values.sql.
SELECT length(body) + 8 * (length(edges) + length(counts)) AS size
FROM streamgauge.small_values FINAL
WHERE run = {run:UInt64}
    AND ({key:String} = '' OR key = {key:String})
    AND key >= {after_key:String}
    AND rank BETWEEN {rank_from:UInt32} AND {rank_to:UInt32}
    AND step BETWEEN {from:Int64} AND {to:Int64}
    AND (empty({steps:Array(Int64)}) OR has({steps:Array(Int64)}, step))
    AND ({first:UInt8} = 1 OR (key, rank, attempt, step, writer, frame, idx)
        > ({after_key:String}, {after_rank:UInt32}, {after_attempt:UInt32}, {after_step:Int64}, {after_writer:UInt64}, {after_frame:UInt64}, {after_idx:UInt32}))
ORDER BY key, rank, attempt, step, writer, frame, idx
LIMIT {max:UInt64}
