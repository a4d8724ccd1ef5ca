-- The ids of runs by number.
SELECT
    run,
    any(run_id) AS id
FROM streamgauge.runs
WHERE experiment IN {experiments:Array(UInt32)} AND run IN {runs:Array(UInt64)} AND run_id != ''
GROUP BY run
