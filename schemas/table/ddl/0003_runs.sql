-- Projection of run documents, one row a revision until merged; read with FINAL. The row of experiment 0 and
-- run_id '' is the watermark: all revisions up to its revision are here.
CREATE TABLE IF NOT EXISTS runs (
    experiment   UInt32,
    run_id       String,
    run          UInt64,
    name         String,
    user         String,
    status       LowCardinality(String),
    lifecycle    LowCardinality(String),
    start_ms     Int64,
    end_ms       Int64 COMMENT '0 if unset',
    artifact_uri String,
    params       Map(LowCardinality(String), String),
    tags         Map(LowCardinality(String), String),
    dataset_names    Array(String),
    dataset_digests  Array(String),
    dataset_contexts Array(String) COMMENT 'input tag mlflow.data.context, parallel to the names',
    document     String CODEC(ZSTD(1)) COMMENT 'encoded sgpb.Document',
    revision     UInt64
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (experiment, run_id)
