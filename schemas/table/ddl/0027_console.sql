-- Lines that jobs printed. A frame that is written again replaces its rows. Read with FINAL.
CREATE TABLE IF NOT EXISTS console (
    run        UInt64 COMMENT 'first 16 hex digits of the run id',
    ts         Int64  COMMENT 'milliseconds since the epoch, from the job' CODEC(Delta, ZSTD(1)),
    rank       UInt32 COMMENT 'process that printed it, 0 if unsaid',
    attempt    UInt32 COMMENT 'launch of the run in seconds since the epoch',
    stream     UInt8  COMMENT '1 standard output, 2 standard error',
    number     UInt64 COMMENT 'number of the line within its stream, from 1' CODEC(Delta, ZSTD(1)),
    text       String COMMENT 'the line' CODEC(ZSTD(1)),
    experiment UInt32 COMMENT 'experiment id',
    lane       UInt16 COMMENT 'lane of the frame',
    seq        UInt64 COMMENT 'sequence of the frame on its lane' CODEC(Delta, ZSTD(1)),
    writer     UInt64 COMMENT 'writer of the frame',
    frame      UInt64 COMMENT 'number of the frame, per writer from 1' CODEC(Delta, ZSTD(1)),
    idx        UInt32 COMMENT 'place among the lines of the frame, from 0'
)
ENGINE = ReplacingMergeTree
PRIMARY KEY (run, ts, rank, attempt)
ORDER BY (run, ts, rank, attempt, stream, number, writer, frame, idx)
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
