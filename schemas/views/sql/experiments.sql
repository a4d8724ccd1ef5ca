SELECT
    toUInt32OrZero(id) AS experiment_id, name, artifact_location,
    fromUnixTimestamp64Milli(created_ms) AS created, fromUnixTimestamp64Milli(updated_ms) AS updated, tags
FROM streamgauge.experiments FINAL
WHERE id != '' AND lifecycle = 'active' AND sgSees(toUInt32OrZero(id))
