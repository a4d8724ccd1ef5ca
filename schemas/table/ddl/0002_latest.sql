-- MLflow's latest value of every metric of every run; written before the points of its batch, idempotent.
CREATE TABLE IF NOT EXISTS latest (
    experiment UInt32                 COMMENT 'experiment id',
    key        LowCardinality(String) COMMENT 'metric key',
    run        UInt64                 COMMENT 'first 16 hex digits of the run id',
    value      SimpleAggregateFunction(max, Tuple(Int64, Int64, Int64, Float64, Float64))
               COMMENT '(-rank, step, ts, value with NaN as 0, value): the greatest is shown',
    INDEX by_run run TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
-- A search reads one key of an experiment over its runs.
ORDER BY (experiment, key, run)
-- As points: on disk before the answer.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
