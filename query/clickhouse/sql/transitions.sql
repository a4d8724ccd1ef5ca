-- Changes of stages of one registered model's versions, and of what its aliases point to, the newest first. A comment is the
-- entry after its change.
SELECT
    toUInt64OrZero(splitByChar('.', document)[3]) AS version,
    if(what = 'stage', '', substring(what, length('alias ') + 1)) AS alias,
    before,
    after,
    time_ms,
    by,
    comment
FROM (
    SELECT
        *,
        leadInFrame(what) OVER w = 'comment' AS commented,
        if(commented, leadInFrame(after) OVER w, '') AS comment
    FROM streamgauge.history FINAL
    WHERE startsWith(document, {versions:String}) OR document = {model:String}
    WINDOW w AS (PARTITION BY document ORDER BY number ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)
)
WHERE if(document = {model:String}, startsWith(what, 'alias '), what = 'stage')
ORDER BY time_ms DESC, version, number DESC
LIMIT {max:UInt64}
