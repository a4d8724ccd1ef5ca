-- Spans of traces; a span that is sent again replaces itself. Read with FINAL.
CREATE TABLE IF NOT EXISTS spans (
    trace_id  String                 COMMENT 'trace of the span',
    span_id   String                 COMMENT '16 hex digits, unique in the trace',
    parent_id String                 COMMENT 'parent span, empty for the root',
    name      String                 COMMENT 'name',
    type      LowCardinality(String) COMMENT 'LLM, CHAIN, TOOL, ...; UNKNOWN if unsaid',
    status    LowCardinality(String) COMMENT 'OK, ERROR or UNSET',
    start_ns  Int64                  COMMENT 'start in nanoseconds since the epoch' CODEC(Delta, ZSTD(1)),
    end_ns    Int64                  COMMENT 'end in nanoseconds since the epoch, 0 while it runs' CODEC(Delta, ZSTD(1)),
    content   String                 COMMENT 'the span as JSON in MLflow\'s form: attributes are JSON texts' CODEC(ZSTD(1)),
    otlp      String                 COMMENT 'the span as JSON in OpenTelemetry\'s form' CODEC(ZSTD(1)),
    revision  UInt64                 COMMENT 'revision of its trace that brought it'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (trace_id, span_id)
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
