SELECT
    a.id AS approval_id, v.name AS name, a.version AS version, a.stage AS stage, a.requested_by AS requested_by,
    fromUnixTimestamp64Milli(a.requested_ms) AS requested, a.comment AS comment, a.approved_by AS approved_by, a.rejected_by AS rejected_by,
    if(a.decided_ms = 0, NULL, fromUnixTimestamp64Milli(a.decided_ms)) AS decided, a.closed AS closed,
    v.experiment_id AS experiment_id, a.model AS registered_model_id
FROM (SELECT * FROM streamgauge.approvals FINAL WHERE model != '') AS a
INNER JOIN sg.model_versions AS v ON v.registered_model_id = a.model AND v.version = a.version
