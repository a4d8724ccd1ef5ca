-- The newest points measured for some logged models, per metric, dataset and run. Skip index by_model passes over
-- what has no model.
SELECT DISTINCT
    model,
    run,
    experiment,
    key,
    dataset,
    step,
    ts,
    v
FROM streamgauge.points
WHERE model IN {models:Array(String)}
ORDER BY ts DESC, step DESC
LIMIT {max:UInt64} BY model, run, key, dataset
