SELECT
    experiment AS experiment_id, run, key, rank, attempt, step, fromUnixTimestamp64Milli(ts) AS time, kind, body, edges, counts, sha256,
    size_bytes, media_type, lane, seq AS sequence, writer
FROM streamgauge.small_values FINAL
WHERE sgSees(experiment) AND sgSeeks(run)
