-- Traces: one row a revision until merged; read with FINAL, which also hides rows that are deleted.
CREATE TABLE IF NOT EXISTS traces (
    experiment          UInt32                 COMMENT 'experiment id',
    trace_id            String                 COMMENT 'tr- and 32 hex digits, or what the client chose',
    client_request_id   Nullable(String)       COMMENT 'id that the application gave the request',
    name                String                 COMMENT 'name of the trace, tag mlflow.traceName',
    state               LowCardinality(String) COMMENT 'OK, ERROR, IN_PROGRESS or STATE_UNSPECIFIED',
    request_ms          Int64                  COMMENT 'start in milliseconds since the epoch' CODEC(Delta, ZSTD(1)),
    duration_ms         Nullable(Int64)        COMMENT 'duration in milliseconds; NULL while unknown',
    tags                Map(LowCardinality(String), String) COMMENT 'tags',
    metadata            Map(LowCardinality(String), String) COMMENT 'metadata: token usage, session, user, source run',
    runs                Array(String)          COMMENT 'runs that it was made in or linked to',
    prompts             Array(String)          COMMENT 'prompt versions that were linked to it, as name/version',
    assessment_kinds    Array(LowCardinality(String)) COMMENT 'feedback, expectation or issue; the arrays are parallel',
    assessment_names    Array(String)          COMMENT 'names of assessments',
    assessment_values   Array(String)          COMMENT 'values of assessments as JSON',
    assessment_valid    Array(UInt8)           COMMENT '0 where another assessment took its place',
    document            String                 COMMENT 'encoded sgpb.Trace' CODEC(ZSTD(1)),
    deleted             UInt8                  COMMENT '1 where the trace has moved to another experiment',
    revision            UInt64                 COMMENT 'rises with every change; microseconds since the epoch or more',
    -- A trace is asked for by its id alone.
    INDEX by_id trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision, deleted)
ORDER BY (experiment, trace_id)
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
