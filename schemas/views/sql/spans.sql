SELECT
    t.experiment AS experiment_id, s.trace_id AS trace_id, s.span_id AS span_id, s.parent_id AS parent_id, s.name AS name, s.type AS type,
    s.status AS status, fromUnixTimestamp64Nano(s.start_ns) AS started, if(s.end_ns = 0, NULL, fromUnixTimestamp64Nano(s.end_ns)) AS ended,
    if(s.end_ns = 0, NULL, (s.end_ns - s.start_ns) / 1e6) AS duration_ms, s.content AS content, s.otlp AS otlp
FROM streamgauge.spans AS s FINAL
INNER JOIN (SELECT trace_id, experiment FROM streamgauge.traces FINAL WHERE sgSees(experiment)) AS t ON t.trace_id = s.trace_id
