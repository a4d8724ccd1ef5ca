-- Latest values of some metrics of a few runs of an experiment, run by run, and of each run some others, up to 201: one more than a
-- table of runs may ask for (runtable.OthersMax). Which ones is first read without their values, so that a run of a million is
-- never held.
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
    WHERE experiment = {experiment:UInt32} AND run IN {runs:Array(UInt64)}
        AND (key IN {keys:Array(String)} OR (run, key) IN (
            SELECT run, arrayJoin(arraySlice(groupUniqArrayIf(201)(key, key NOT IN {keys:Array(String)}), 1, {others:UInt64}))
            FROM streamgauge.latest
            WHERE experiment = {experiment:UInt32} AND run IN {runs:Array(UInt64)}
            GROUP BY run
        ))
    GROUP BY run, key
)
ORDER BY run
