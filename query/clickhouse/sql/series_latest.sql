-- The lowest ranks that logged some keys of some runs and their greatest steps, out of the table of latest values.
SELECT
    run,
    CAST(key AS String) AS name,
    toUInt32(-tupleElement(max(value), 1)) AS of_rank,
    tupleElement(max(value), 2) AS step
FROM streamgauge.latest
WHERE experiment IN {experiments:Array(UInt32)} AND key IN {keys:Array(String)} AND run IN {runs:Array(UInt64)}
GROUP BY run, key
