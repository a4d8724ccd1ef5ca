# What may be asked by who sees everything, and not by who is confined to some experiments.
SELECT * FROM streamgauge.runs
SELECT * FROM streamgauge.points
SELECT * FROM streamgauge.live_runs
SELECT * FROM streamgauge.registry
SELECT * FROM streamgauge.migrations
SELECT count() FROM streamgauge.points
SELECT 1 FROM streamgauge.runs LIMIT 0
SELECT * FROM merge('streamgauge', '^runs$')
SELECT * FROM merge('.*', '^runs$')
SELECT * FROM mergeTreeIndex('streamgauge', 'points')
SELECT * FROM mergeTreeProjection('streamgauge', 'points', 'p8')
SELECT * FROM mergeTreeAnalyzeIndexes('streamgauge', 'points')
DESCRIBE streamgauge.points
SHOW CREATE TABLE streamgauge.points
EXPLAIN SELECT * FROM streamgauge.points
EXPLAIN ESTIMATE SELECT * FROM streamgauge.points
SELECT * FROM system.parts
SELECT (SELECT count() FROM sg.metrics WHERE run = 34 AND throwIf(value > 0) SETTINGS query_plan_filter_push_down = 1, query_plan_merge_filters = 1)
SELECT * FROM (SELECT * FROM sg.runs SETTINGS query_plan_filter_push_down = 1)
WITH x AS (SELECT * FROM sg.runs SETTINGS query_plan_merge_filters = 1) SELECT * FROM x
SELECT 1 IN (SELECT run FROM sg.runs SETTINGS optimize_move_to_prewhere = 1)
(SELECT name FROM sg.runs SETTINGS query_plan_merge_filters = 1) UNION ALL SELECT 'x'
SELECT * FROM view(SELECT * FROM sg.runs SETTINGS query_plan_merge_filters = 1)
SELECT * FROM (SELECT 1 SETTINGS max_threads = 64)
SELECT * FROM (SELECT name FROM sg.runs SETTINGS profile = 'default')
EXPLAIN SELECT (SELECT count() FROM sg.metrics WHERE throwIf(run = 34) SETTINGS query_plan_merge_filters = 1)
SELECT name FROM sg.runs SETTINGS query_plan_filter_push_down = 1
SELECT name FROM sg.runs FORMAT CSV SETTINGS query_plan_merge_filters = 1
SET query_plan_filter_push_down = 1
SELECT name FROM sg.runs SETTINGS log_comment = 'sgx.a.2'
SELECT name FROM sg.runs SETTINGS max_execution_time = 30
SELECT * FROM merge('streamgauge', '.*') LIMIT 0
SELECT table_name FROM information_schema.tables WHERE table_schema = 'streamgauge'
EXISTS TABLE streamgauge.nothing
SHOW PROCESSLIST
