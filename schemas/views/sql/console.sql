SELECT
    experiment AS experiment_id, run, fromUnixTimestamp64Milli(ts) AS time, rank, attempt, if(stream = 2, 'stderr', 'stdout') AS stream,
    number, text, lane, seq AS sequence, writer
FROM streamgauge.console FINAL
WHERE sgSees(experiment) AND sgSeeks(run)
