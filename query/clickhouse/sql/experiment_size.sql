-- About how many runs an experiment has.
SELECT toUInt64(uniq(run)) AS n
FROM streamgauge.runs
WHERE experiment = {experiment:UInt32} AND run_id != ''
