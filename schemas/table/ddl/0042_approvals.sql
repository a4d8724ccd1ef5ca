-- Projection of requests to put a version into a stage, the newest of each version and stage; read with FINAL. The row of
-- model '' is the watermark.
CREATE TABLE IF NOT EXISTS approvals (
    model        String COMMENT 'id of the registered model',
    version      UInt64 COMMENT 'version',
    stage        LowCardinality(String) COMMENT 'stage that is asked for',
    id           String COMMENT 'id of the request',
    requested_by String COMMENT 'who asks',
    requested_ms Int64  COMMENT 'when',
    comment      String COMMENT 'what the request says',
    approved_by  Array(String) COMMENT 'who said yes',
    rejected_by  Array(String) COMMENT 'who said no',
    decided_ms   Int64  COMMENT 'time of the last verdict, 0 without one',
    closed       UInt8  COMMENT '1 once the transition was made or the request withdrawn',
    revision     UInt64 COMMENT 'revision of the document'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (model, version, stage)
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
