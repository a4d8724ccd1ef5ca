-- The spans of a few traces: root spans first, then by their start.
SELECT trace_id AS trace, content AS span
FROM streamgauge.spans FINAL
WHERE trace_id IN {ids:Array(String)}
ORDER BY trace_id, parent_id != '', start_ns, span_id
