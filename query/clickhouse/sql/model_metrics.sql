-- The latest values measured for a logged model, per run, metric and dataset. No order serves this: the column
-- of models is read whole, which is short, since most values have none.
SELECT
    run,
    key,
    dataset,
    tupleElement(best, 1) AS at_step,
    tupleElement(best, 2) AS at,
    tupleElement(best, 4) AS value
FROM (
    SELECT
        run,
        key,
        dataset,
        max(tuple(step, ts, if(isNaN(v), 0, v), v)) AS best
    FROM streamgauge.points
    WHERE model = {model:String} AND experiment = {experiment:UInt32}
    GROUP BY run, key, dataset
)
