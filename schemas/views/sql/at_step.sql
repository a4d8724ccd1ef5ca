-- The last value at or before a step, of the newest launch that reached it.
SELECT run, last.4 AS value, last.2 AS step, fromUnixTimestamp64Milli(last.3, 'UTC') AS time
FROM (
    SELECT run, max((attempt, step, ts, v)) AS last
    FROM streamgauge.points
    WHERE run IN (SELECT run FROM streamgauge.live_runs WHERE experiment = {experiment:UInt32})
        AND key = {key:String} AND step <= {step:Int64} AND rank = 0 AND sgSees(experiment)
    GROUP BY run
)
