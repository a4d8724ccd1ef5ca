-- What could not be read or was refused, with its reason and bytes; one row a (lane, seq, part).
CREATE TABLE IF NOT EXISTS quarantine (
    lane    UInt16,
    seq     UInt64,
    part    UInt32 COMMENT '0 the whole message, else 1 + index of the refused section',
    time_ms Int64  COMMENT 'when the bus took the message',
    subject String,
    reason  String,
    bytes   String CODEC(ZSTD(1)),
    revision UInt64 DEFAULT 0
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (lane, seq, part)
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
