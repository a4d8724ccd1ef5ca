-- Every remembered change of every document. The row of document '' is the watermark.
CREATE TABLE IF NOT EXISTS history (
    document String COMMENT 'key of the changed document',
    number   UInt64 COMMENT 'from 1, without gaps',
    time_ms  Int64,
    by       String,
    what     LowCardinality(String),
    before   String,
    after    String,
    revision UInt64
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (document, number)
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
