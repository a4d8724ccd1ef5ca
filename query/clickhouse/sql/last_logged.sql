-- When runs of an experiment last logged a metric, by the job's clock: one row a run, however many metrics it has.
SELECT run, max(tupleElement(value, 3)) AS ts
FROM streamgauge.latest
WHERE experiment = {experiment:UInt32} AND run IN {runs:Array(UInt64)}
GROUP BY run
