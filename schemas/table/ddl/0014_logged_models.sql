-- Projection of logged models' documents, one row a revision until merged; read with FINAL. The row of experiment 0
-- and id '' is the watermark: all revisions up to its revision are here. A model's metrics are points.
CREATE TABLE IF NOT EXISTS logged_models (
    experiment     UInt32,
    id             String COMMENT 'm- and 32 hex digits',
    name           String,
    model_type     String,
    source_run     String COMMENT 'run id, or empty',
    status         LowCardinality(String) COMMENT 'PENDING, READY, UPLOAD_FAILED',
    status_message String,
    lifecycle      LowCardinality(String),
    artifact_uri   String,
    created_ms     Int64,
    updated_ms     Int64,
    params         Map(LowCardinality(String), String),
    tags           Map(LowCardinality(String), String),
    document       String COMMENT 'encoded sgpb.Document' CODEC(ZSTD(1)),
    revision       UInt64,
    -- A model is asked for by its id alone.
    INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (experiment, id)
