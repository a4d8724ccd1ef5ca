-- Projection of the events of alerts; read with FINAL. The row of id '' is the watermark.
CREATE TABLE IF NOT EXISTS alert_events (
    id            String COMMENT 'the same whoever finds the event and however often',
    episode       String COMMENT 'id of the event that began the episode',
    resolved      UInt8  COMMENT '1 if the episode ended, 0 if it began',
    rule          String COMMENT 'id of the rule',
    rule_revision UInt64 COMMENT 'revision of the rule that was judged by',
    rule_name     String COMMENT 'its name then',
    kind          LowCardinality(String) COMMENT 'threshold, nan, plateau, no_heartbeat or state',
    run_id        String COMMENT '32 hex digits',
    experiment    UInt32 COMMENT 'experiment id',
    rank          UInt32 COMMENT 'process that logged the point',
    metric        String COMMENT 'metric, empty if the rule looks at the run',
    value         Float64 COMMENT 'value of the point',
    step          Int64  COMMENT 'step of the point',
    time_ms       Int64  COMMENT 'time of the point, or of what happened to the run',
    found_ms      Int64  COMMENT 'when the server found it',
    state         LowCardinality(String) COMMENT 'state of the run, if the rule looks at it',
    channels      Array(LowCardinality(String)) COMMENT 'channels that were to be told',
    delivered     Array(UInt8)  COMMENT '1 for a channel that was told',
    attempts      Array(UInt32) COMMENT 'attempts to tell each',
    errors        Array(String) COMMENT 'what went wrong at the last attempt, or empty',
    revision      UInt64 COMMENT 'revision of the document'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY id
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
