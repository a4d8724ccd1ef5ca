-- The newest documents of an experiment's runs. The row of run_id '' is the watermark.
SELECT
    document AS doc,
    revision AS rev
FROM streamgauge.runs FINAL
WHERE experiment = {experiment:UInt32} AND run_id != ''
