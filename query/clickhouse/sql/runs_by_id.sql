-- The newest documents of a few runs. Skip index by_id finds their granules; without FINAL it is exact.
SELECT
    argMax(document, revision) AS doc,
    max(revision) AS rev
FROM streamgauge.runs
WHERE run_id IN {ids:Array(String)}
GROUP BY run_id
