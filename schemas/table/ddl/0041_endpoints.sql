-- Projection of the records that a version serves somewhere; read with FINAL. The row of id '' is the watermark.
CREATE TABLE IF NOT EXISTS endpoints (
    id         String COMMENT '32 hex digits',
    name       String COMMENT 'name of the endpoint',
    url        String COMMENT 'where it answers',
    model      String COMMENT 'id of the registered model',
    version    UInt64 COMMENT 'version that serves',
    since_ms   Int64  COMMENT 'since when it serves',
    until_ms   Int64  COMMENT 'until when it did; 0 while it serves',
    created_by String COMMENT 'who recorded it',
    created_ms Int64  COMMENT 'when it was recorded',
    revision   UInt64 COMMENT 'revision of the document'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY id
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
