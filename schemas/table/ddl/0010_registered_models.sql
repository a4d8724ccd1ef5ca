-- Projection of registered models; read with FINAL. The row of id '' is the watermark.
CREATE TABLE IF NOT EXISTS registered_models (
    id           String COMMENT 'drawn at creation; stays when the name changes',
    name         String,
    description  String,
    user         String,
    lifecycle    LowCardinality(String) COMMENT 'deleted models stay, their names are free',
    created_ms   Int64,
    updated_ms   Int64,
    renamed_ms   Int64 COMMENT '0 if never',
    tags         Map(LowCardinality(String), String),
    aliases      Map(LowCardinality(String), UInt64) COMMENT 'alias to version',
    last_version UInt64 COMMENT 'greatest number ever given',
    prompt       UInt8 COMMENT '1 if the model is a prompt',
    document     String COMMENT 'encoded sgpb.Document' CODEC(ZSTD(1)),
    revision     UInt64
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY id
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
