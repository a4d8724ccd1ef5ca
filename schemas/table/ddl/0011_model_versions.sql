-- Projection of versions of registered models; read with FINAL. The row of model '' is the watermark. Names stand
-- in registered_models alone, the view registry joins them.
CREATE TABLE IF NOT EXISTS model_versions (
    model            String COMMENT 'id of the registered model',
    version          UInt64,
    stage            LowCardinality(String),
    status           LowCardinality(String),
    description      String,
    user             String,
    source           String,
    storage_location String COMMENT 'where the files are',
    run_id           String,
    run_link         String,
    model_id         String COMMENT 'the logged model that it was made from',
    created_ms       Int64,
    updated_ms       Int64,
    tags             Map(LowCardinality(String), String),
    deleted          UInt8,
    document         String COMMENT 'encoded sgpb.Document' CODEC(ZSTD(1)),
    revision         UInt64,
    -- Lineage asks for the versions of a run and of a logged model.
    INDEX by_run run_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_model model_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (model, version)
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
