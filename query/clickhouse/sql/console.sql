-- The next console lines of a run.
SELECT ts, rank, attempt, stream, number, text, writer, frame, idx
FROM streamgauge.console FINAL
WHERE run = {run:UInt64}
    AND ts >= {after_ts:Int64}
    AND rank BETWEEN {rank_from:UInt32} AND {rank_to:UInt32}
    AND stream BETWEEN {stream_from:UInt8} AND {stream_to:UInt8}
    AND ({first:UInt8} = 1 OR (ts, rank, attempt, stream, number, writer, frame, idx)
        > ({after_ts:Int64}, {after_rank:UInt32}, {after_attempt:UInt32}, {after_stream:UInt8}, {after_number:UInt64}, {after_writer:UInt64}, {after_frame:UInt64}, {after_idx:UInt32}))
ORDER BY ts, rank, attempt, stream, number, writer, frame, idx
LIMIT {max:UInt64}
