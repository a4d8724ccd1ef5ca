-- A page of the names of a run's metrics with the latest value, by name. Projection by_run has them in this order.
SELECT
    CAST(key AS String) AS name,
    toUInt32(-tupleElement(best, 1)) AS of_rank,
    tupleElement(best, 2) AS step,
    tupleElement(best, 3) AS ts,
    tupleElement(best, 5) AS v
FROM (
    SELECT key, max(value) AS best
    FROM streamgauge.latest
    WHERE run = {run:UInt64}
        AND experiment = {experiment:UInt32}
        AND key > {after:String}
        AND startsWith(key, {prefix:String})
        AND ({contains:String} = '' OR positionCaseInsensitiveUTF8(key, {contains:String}) > 0)
        AND ({like:String} = '' OR key LIKE {like:String})
        AND ({regex:String} = '' OR match(key, {regex:String}))
    GROUP BY key
    -- A page is the first names behind the one before.
    ORDER BY key
    LIMIT {max:UInt64}
)
ORDER BY name
SETTINGS optimize_aggregation_in_order = 1
