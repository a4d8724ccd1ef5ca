SELECT
    v.name AS name, h.number_of_version AS version, h.before AS from_stage, h.after AS to_stage,
    fromUnixTimestamp64Milli(h.time_ms) AS at, h.by AS by, v.experiment_id AS experiment_id, v.registered_model_id AS registered_model_id
FROM (
    SELECT splitByChar('.', document)[2] AS model, toUInt64OrZero(splitByChar('.', document)[3]) AS number_of_version, before, after, time_ms, by
    FROM streamgauge.history FINAL
    WHERE startsWith(document, 'version.') AND what = 'stage'
) AS h
INNER JOIN sg.model_versions AS v ON v.registered_model_id = h.model AND v.version = h.number_of_version
