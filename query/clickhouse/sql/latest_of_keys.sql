-- Latest values of some metrics of a few runs of an experiment, run by run.
SELECT
    run,
    key,
    toInt64(tupleElement(value, 1)) AS rank,
    tupleElement(value, 2) AS step,
    tupleElement(value, 3) AS ts,
    tupleElement(value, 5) AS v
FROM (
    SELECT run, key, max(value) AS value
    FROM streamgauge.latest
    WHERE experiment = {experiment:UInt32} AND run IN {runs:Array(UInt64)} AND key IN {keys:Array(String)}
    GROUP BY run, key
)
ORDER BY run
