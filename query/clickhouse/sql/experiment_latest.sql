-- Latest values of all runs of an experiment, merged or not: the reader joins them, the greatest is the latest.
SELECT
    run,
    key,
    toInt64(tupleElement(value, 1)) AS rank,
    tupleElement(value, 2) AS step,
    tupleElement(value, 3) AS ts,
    tupleElement(value, 5) AS v
FROM streamgauge.latest
WHERE experiment = {experiment:UInt32}
