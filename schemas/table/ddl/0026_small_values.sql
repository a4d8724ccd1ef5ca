-- What is no number at a step: texts, histograms, JSON, references to artifacts. A frame that is written again replaces
-- its rows. Read with FINAL.
CREATE TABLE IF NOT EXISTS small_values (
    run        UInt64                 COMMENT 'first 16 hex digits of the run id',
    key        LowCardinality(String) COMMENT 'key',
    rank       UInt32                 COMMENT 'process that logged it, 0 if unsaid',
    attempt    UInt32                 COMMENT 'launch of the run in seconds since the epoch',
    step       Int64                  COMMENT 'step' CODEC(DoubleDelta, ZSTD(1)),
    ts         Int64                  COMMENT 'milliseconds since the epoch, from the job' CODEC(Delta, ZSTD(1)),
    kind       LowCardinality(String) COMMENT 'text, histogram, json or artifact',
    body       String                 COMMENT 'the text, the JSON, or the path below the run\'s artifacts' CODEC(ZSTD(1)),
    edges      Array(Float64)         COMMENT 'of a histogram: one more than counts' CODEC(ZSTD(1)),
    counts     Array(Float64)         COMMENT 'of a histogram' CODEC(ZSTD(1)),
    sha256     String                 COMMENT 'of an artifact: lower-case hex' CODEC(ZSTD(1)),
    size_bytes Int64                  COMMENT 'of an artifact' CODEC(ZSTD(1)),
    media_type LowCardinality(String) COMMENT 'of an artifact: image/png, ...',
    experiment UInt32                 COMMENT 'experiment id',
    lane       UInt16                 COMMENT 'lane of the frame',
    seq        UInt64                 COMMENT 'sequence of the frame on its lane' CODEC(Delta, ZSTD(1)),
    writer     UInt64                 COMMENT 'writer of the frame',
    frame      UInt64                 COMMENT 'number of the frame, per writer from 1' CODEC(Delta, ZSTD(1)),
    idx        UInt32                 COMMENT 'place among the values of the frame, from 0'
)
ENGINE = ReplacingMergeTree
PRIMARY KEY (run, key, rank, attempt, step)
ORDER BY (run, key, rank, attempt, step, writer, frame, idx)
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
