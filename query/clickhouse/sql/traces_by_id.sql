-- The newest documents of a few traces. Skip index by_id finds their granules; the row that a move left behind is
-- always the older one.
SELECT argMax(t.document, t.revision) AS document
FROM streamgauge.traces AS t
WHERE t.trace_id IN {ids:Array(String)}
GROUP BY t.trace_id
