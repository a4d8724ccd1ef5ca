-- Projection of experiment documents; read with FINAL. The row of id '' is the watermark.
CREATE TABLE IF NOT EXISTS experiments (
    id                String,
    name              String,
    artifact_location String,
    lifecycle         LowCardinality(String),
    created_ms        Int64,
    updated_ms        Int64,
    tags              Map(LowCardinality(String), String),
    document          String CODEC(ZSTD(1)) COMMENT 'encoded sgpb.Document',
    revision          UInt64
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY id
