-- Every metric point, as it was logged. One insert is one block, one partition, one part, and carries the
-- marker of its lane: a row of run 0 and key '' (package table, Marker).
CREATE TABLE IF NOT EXISTS points (
    run        UInt64                 COMMENT 'first 16 hex digits of the run id; 0 marks a marker',
    key        LowCardinality(String) COMMENT 'metric key',
    rank       UInt32 CODEC(ZSTD(1))  COMMENT 'process that logged it, 0 if unsaid',
    attempt    UInt32 CODEC(ZSTD(1))  COMMENT 'launch of the run in seconds since the epoch, 0 for plain MLflow',
    step       Int64  CODEC(DoubleDelta, ZSTD(1)) COMMENT 'step',
    ts         Int64  CODEC(Delta, ZSTD(1))       COMMENT 'milliseconds since the epoch, from the job',
    v          Float64 CODEC(Gorilla, ZSTD(1))    COMMENT 'value as sent, NaN and infinities included',
    experiment UInt32 CODEC(ZSTD(1))  COMMENT 'experiment id',
    model      LowCardinality(String) COMMENT 'logged model the value was measured with, or empty',
    dataset    LowCardinality(String) COMMENT 'dataset name, newline, digest; or empty',
    lane       UInt16 CODEC(ZSTD(1))  COMMENT 'lane of the frame',
    batch      UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'first sequence of the batch',
    seq        UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'sequence of the frame on its lane',
    writer     UInt64 CODEC(ZSTD(1))  COMMENT 'writer of the frame',
    frame      UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'number of the frame, per writer from 1',
    month      UInt32 CODEC(ZSTD(1))  COMMENT 'yyyymm of the batch on the bus',
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
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, lightweight_mutation_projection_mode = 'rebuild'
