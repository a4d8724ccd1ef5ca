SELECT
    id AS event_id, episode AS episode_id, rule AS rule_id, rule_name, kind, resolved, experiment AS experiment_id, run_id,
    sgRun(run_id) AS run, metric, rank, step, value, state, fromUnixTimestamp64Milli(time_ms) AS time,
    fromUnixTimestamp64Milli(found_ms) AS found, channels, delivered, attempts,
    -- What receivers said, and where they are, is for those who may change alerts; old rows have it.
    arrayMap(e -> if(e = '', '', ifNull(nullIf(extract(e, '^the receiver answered [0-9]+'), ''), 'it could not be told')), errors) AS errors
FROM streamgauge.alert_events FINAL
WHERE id != '' AND sgSees(experiment)
