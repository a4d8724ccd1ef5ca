SELECT
    id AS event_id, episode AS episode_id, rule AS rule_id, rule_name, kind, resolved, experiment AS experiment_id, run_id,
    sgRun(run_id) AS run, metric, rank, step, value, state, fromUnixTimestamp64Milli(time_ms) AS time,
    fromUnixTimestamp64Milli(found_ms) AS found, channels, delivered, attempts, errors
FROM streamgauge.alert_events FINAL
WHERE id != '' AND sgSees(experiment)
