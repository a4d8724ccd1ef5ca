-- Projection of experiment documents; read with FINAL. The row of id '' is the watermark.
CREATE TABLE IF NOT EXISTS experiments (
    id                String,
    name              String,
    artifact_location String,
    lifecycle         LowCardinality(String),
    lifecycle_epoch   UInt64,
    created_ms        Int64,
    updated_ms        Int64,
    tags              Map(LowCardinality(String), String),
    document          String COMMENT 'encoded sgpb.Document' CODEC(ZSTD(1)),
    revision          UInt64
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY id
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
