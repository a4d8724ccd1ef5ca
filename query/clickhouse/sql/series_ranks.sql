-- The lowest ranks that logged some keys of some runs, out of the table of latest values.
SELECT
    run,
    CAST(key AS String) AS name,
    toUInt32(-tupleElement(max(value), 1)) AS of_rank
FROM streamgauge.latest
WHERE experiment IN {experiments:Array(UInt32)} AND key IN {keys:Array(String)} AND run IN {runs:Array(UInt64)}
GROUP BY run, key
