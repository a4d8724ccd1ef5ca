-- The newest documents of a few logged models. Skip index by_id finds their granules; without FINAL it is exact.
SELECT
    argMax(document, revision) AS doc,
    max(revision) AS rev
FROM streamgauge.logged_models
WHERE id IN {ids:Array(String)}
GROUP BY id
