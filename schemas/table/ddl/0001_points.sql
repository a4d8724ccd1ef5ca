-- Every metric point, as it was logged. One insert is one block, one partition, one part, and carries the
-- marker of its lane: a row of run 0 and key '' (package table, Marker).
CREATE TABLE IF NOT EXISTS points (
    run        UInt64                 COMMENT 'first 16 hex digits of the run id; 0 marks a marker',
    key        LowCardinality(String) COMMENT 'metric key',
    rank       UInt32                 COMMENT 'process that logged it, 0 if unsaid' CODEC(ZSTD(1)),
    attempt    UInt32                 COMMENT 'launch of the run in seconds since the epoch, 0 for plain MLflow' CODEC(ZSTD(1)),
    step       Int64                  COMMENT 'step' CODEC(DoubleDelta, ZSTD(1)),
    ts         Int64                  COMMENT 'milliseconds since the epoch, from the job' CODEC(Delta, ZSTD(1)),
    v          Float64                COMMENT 'value as sent, NaN and infinities included' CODEC(Gorilla, ZSTD(1)),
    experiment UInt32                 COMMENT 'experiment id' CODEC(ZSTD(1)),
    model      LowCardinality(String) COMMENT 'logged model the value was measured with, or empty',
    dataset    LowCardinality(String) COMMENT 'dataset name, newline, digest; or empty',
    lane       UInt16                 COMMENT 'lane of the frame' CODEC(ZSTD(1)),
    batch      UInt64                 COMMENT 'first sequence of the batch' CODEC(Delta, ZSTD(1)),
    seq        UInt64                 COMMENT 'sequence of the frame on its lane' CODEC(Delta, ZSTD(1)),
    writer     UInt64                 COMMENT 'writer of the frame' CODEC(ZSTD(1)),
    frame      UInt64                 COMMENT 'number of the frame, per writer from 1' CODEC(Delta, ZSTD(1)),
    month      UInt32                 COMMENT 'yyyymm of the batch on the bus' CODEC(ZSTD(1)),
    PROJECTION p8 (
        SELECT
            run, key, rank, attempt, bitShiftRight(step, 8), experiment,
            minIf(v, isFinite(v)), maxIf(v, isFinite(v)), sumIf(v, isFinite(v)), countIf(isFinite(v)),
            countIf(isNaN(v)), countIf(v = inf), countIf(v = -inf),
            argMin(v, step), argMax(v, step),
            min(step), max(step), min(ts), max(ts)
        GROUP BY run, key, rank, attempt, bitShiftRight(step, 8), experiment
    )
)
ENGINE = MergeTree
-- Retention drops whole parts by month of the bus.
PARTITION BY month
-- A series is one range; markers (run 0) are the first granule of every part.
ORDER BY (run, key, rank, attempt, step)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, lightweight_mutation_projection_mode = 'rebuild',
    -- A part is on disk before its insert is answered: a power cut must not take one and leave a later marker.
    fsync_after_insert = 1, fsync_part_directory = 1
