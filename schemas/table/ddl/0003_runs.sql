-- Projection of run documents, one row a revision until merged; read with FINAL. The row of experiment 0 and
-- run_id '' is the watermark: all revisions up to its revision are here.
CREATE TABLE IF NOT EXISTS runs (
    experiment   UInt32,
    run_id       String,
    run          UInt64,
    name         String,
    user         String,
    status       LowCardinality(String),
    lifecycle    LowCardinality(String) COMMENT 'of the run itself; while its experiment has a greater lifecycle_epoch the experiment\'s counts',
    lifecycle_epoch UInt64,
    start_ms     Int64,
    end_ms       Int64 COMMENT '0 if unset',
    artifact_uri String,
    params       Map(LowCardinality(String), String),
    tags         Map(LowCardinality(String), String),
    dataset_names    Array(String),
    dataset_digests  Array(String),
    dataset_contexts Array(String) COMMENT 'input tag mlflow.data.context, parallel to the names',
    document     String COMMENT 'encoded sgpb.Document' CODEC(ZSTD(1)),
    revision     UInt64,
    -- A run is asked for by its id alone.
    INDEX by_id run_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (experiment, run_id)
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
