# What a reader that is confined to experiment 1 asks to learn of experiment 2. Each must be answered, and say nothing.
SELECT * FROM sg.runs WHERE experiment_id = 2
SELECT * FROM sg.runs WHERE 1 OR experiment_id = 2
SELECT * FROM sg.runs WHERE NOT throwIf(name = 'HIDDEN')
SELECT * FROM sg.runs WHERE NOT throwIf(experiment_id = 2)
SELECT * FROM sg.runs WHERE experiment_id = 2 AND throwIf(name != '')
SELECT * FROM sg.runs WHERE run = 34 AND throwIf(1)
SELECT count() FROM sg.runs WHERE run_id LIKE '%22' AND toUInt8(name) = 1
SELECT count() FROM sg.runs WHERE name != 'r' AND CAST(name, 'UInt8') > 0
SELECT count() FROM sg.runs HAVING NOT throwIf(max(name = 'HIDDEN'))
SELECT name, throwIf(name LIKE 'HID' || 'DEN') AS x FROM sg.runs
SELECT sum(throwIf(experiment_id = 2)) FROM sg.runs
SELECT * FROM sg.runs ORDER BY throwIf(experiment_id = 2)
SELECT uniqExact(name) FROM sg.runs QUALIFY NOT throwIf(count() OVER () > 1)
SELECT * FROM sg.runs WHERE name IN (SELECT name FROM sg.runs WHERE throwIf(experiment_id = 2))
SELECT * FROM sg.runs AS a JOIN sg.runs AS b ON a.experiment_id != b.experiment_id
SELECT * FROM sg.runs AS a CROSS JOIN sg.runs AS b WHERE throwIf(b.experiment_id = 2)
SELECT * FROM sg.runs AS a LEFT JOIN sg.params AS p ON p.run = a.run + 17
SELECT * FROM sg.runs AS a ASOF JOIN sg.metrics AS m ON a.run = m.run AND a.run >= toUInt64(m.step) WHERE throwIf(m.run = 34)
SELECT * FROM sg.params WHERE throwIf(key = 'HIDDEN')
SELECT * FROM sg.params WHERE experiment_id = 2 AND throwIf(value != '')
SELECT * FROM sg.params WHERE throwIf(value = 'HIDDEN' OR run_name = 'HIDDEN')
SELECT * FROM sg.tags WHERE throwIf(key = 'HIDDEN')
SELECT count() FROM sg.metrics WHERE run = 34
SELECT count() FROM sg.metrics WHERE run = 34 AND throwIf(value > 0)
SELECT count() FROM sg.metrics WHERE run = 34 AND key = 'HIDDEN' AND throwIf(step >= 0)
SELECT count() FROM sg.metrics WHERE throwIf(run = 34)
SELECT count() FROM sg.metrics WHERE throwIf(value = 666)
SELECT count() FROM sg.metrics WHERE throwIf(dataset_name = 'HIDDEN')
SELECT count() FROM sg.metrics WHERE intDiv(1, 666 - value) > 5
SELECT count() FROM sg.metrics WHERE value > 600 AND throwIf(step < 5)
SELECT max(value) FROM sg.metrics WHERE value > 600 HAVING max(value) > 1 OR 1 LIMIT 0
SELECT DISTINCT key FROM sg.metrics WHERE run IN (34)
SELECT DISTINCT key FROM sg.metrics WHERE run GLOBAL IN (SELECT 34)
SELECT key FROM sg.metrics WHERE run = 34 LIMIT 1 BY key
SELECT key FROM sg.metrics ORDER BY run DESC, key DESC LIMIT 1
SELECT min(key), max(key), min(run), max(step) FROM sg.metrics
SELECT count() FROM sg.metrics WHERE throwIf(key LIKE 'HID%')
SELECT count() FROM sg.metrics_rollup WHERE run = 34
SELECT count() FROM sg.metrics_rollup WHERE run = 34 AND throwIf(value_max > 0)
SELECT count() FROM sg.metrics_rollup WHERE throwIf(run = 34)
SELECT count() FROM sg.metrics_rollup WHERE throwIf(value_max = 666)
SELECT count() FROM sg.metrics_rollup WHERE throwIf(key = 'HIDDEN')
SELECT max(value_max) FROM sg.ranks WHERE throwIf(run = 34)
SELECT max(value_max) FROM sg.ranks WHERE run = 34 AND throwIf(rank = 0)
SELECT * FROM sg.metrics_latest WHERE throwIf(key = 'HIDDEN')
SELECT * FROM sg.metrics_latest WHERE experiment_id = 2 AND throwIf(value > 0)
SELECT * FROM sg.metrics_latest WHERE run = 34
SELECT * FROM sg.system_metrics WHERE throwIf(run = 34)
SELECT * FROM sg.console WHERE throwIf(text = 'HIDDEN')
SELECT * FROM sg.console WHERE run = 34 AND throwIf(1)
SELECT * FROM sg.values WHERE throwIf(body = 'HIDDEN')
SELECT * FROM sg.datasets WHERE throwIf(name = 'HIDDEN')
SELECT * FROM sg.models WHERE throwIf(name = 'HIDDEN')
SELECT * FROM sg.models WHERE experiment_id = 2 AND throwIf(1)
SELECT * FROM sg.model_versions WHERE throwIf(name = 'HIDDEN')
SELECT * FROM sg.model_versions WHERE name = 'HIDDEN' AND throwIf(1)
SELECT * FROM sg.model_versions WHERE experiment_id IS NULL AND throwIf(1)
SELECT * FROM sg.registered_models WHERE throwIf(name = 'HIDDEN')
SELECT * FROM sg.transitions WHERE throwIf(name = 'HIDDEN' OR to_stage = 'HIDDEN')
SELECT * FROM sg.aliases WHERE throwIf(alias = 'HIDDEN')
SELECT * FROM sg.endpoints WHERE throwIf(name = 'HIDDEN')
SELECT * FROM sg.approvals WHERE throwIf(name = 'HIDDEN')
SELECT * FROM sg.lineage WHERE throwIf(from_id LIKE '%HIDDEN%' OR to_id LIKE '%22')
SELECT * FROM sg.lineage WHERE experiment_id = 2 AND throwIf(1)
SELECT * FROM sg.traces WHERE throwIf(name = 'HIDDEN')
SELECT * FROM sg.traces WHERE trace_id = 'HIDDEN' AND throwIf(1)
SELECT * FROM sg.spans WHERE throwIf(name = 'HIDDEN')
SELECT * FROM sg.spans WHERE trace_id = 'HIDDEN' AND throwIf(1)
SELECT * FROM sg.experiments WHERE throwIf(name = 'HIDDEN')
SELECT * FROM sg.experiments WHERE experiment_id = 2 AND throwIf(1)
SELECT * FROM sg.series(run='00000000000000220000000000000022', key='HIDD' || 'EN', buckets=10)
SELECT * FROM sg.series(run='00000000000000220000000000000022', key='HIDD' || 'EN', buckets=10) WHERE throwIf(value_max > 0)
SELECT * FROM sg.series_by_rank(run='00000000000000220000000000000022', key='HIDD' || 'EN', buckets=1)
SELECT count() FROM sg.series_aligned(runs='00000000000000220000000000000022', key='HIDD' || 'EN', buckets=10)
SELECT * FROM sg.at_step(experiment=2, key='HIDD' || 'EN', step=1000)
SELECT * FROM sg.at_step(experiment=2, key='HIDD' || 'EN', step=1000) WHERE throwIf(value > 0)
WITH (SELECT count() FROM sg.metrics WHERE run = 34) AS n SELECT throwIf(n > 0)
WITH (SELECT groupArray(name) FROM sg.runs) AS names SELECT arrayMap(x -> throwIf(x = 'HIDD' || 'EN'), names) AS x
WITH sgx AS (SELECT * FROM sg.runs) SELECT name FROM sgx
WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x WHERE n < 3) SELECT count() FROM x, sg.runs WHERE throwIf(experiment_id = 2)
SELECT name FROM sg.runs UNION ALL SELECT name FROM sg.runs WHERE experiment_id = 2
SELECT name FROM sg.runs EXCEPT SELECT 'r'
SELECT * FROM sg.runs WHERE startsWith(initialQueryID(), 'sgx') OR 1
SELECT name, initialQueryID() != '' AS startsWith FROM sg.runs
SELECT 0 AS sgConfined, 1 AS sgSees, name FROM sg.runs
WITH (x -> 1) AS sgSees SELECT name FROM sg.runs
WITH () -> 0 AS sgConfined SELECT name FROM sg.runs
WITH (x) -> 1 AS has SELECT name FROM sg.runs
SELECT sgSees(2), sgConfined(), name FROM sg.runs
SELECT * FROM (SELECT * FROM sg.runs) WHERE throwIf(experiment_id = 2)
SELECT arrayJoin([name]) AS n FROM sg.runs WHERE throwIf(n = 'HIDDEN')
SELECT n FROM sg.runs ARRAY JOIN [name] AS n WHERE throwIf(n = 'HIDDEN')
SELECT any(name) OVER (ORDER BY experiment_id DESC) FROM sg.runs
SELECT topK(10)(name), groupUniqArray(experiment_id) FROM sg.runs
SELECT name FROM sg.runs GROUP BY name WITH TOTALS
SELECT experiment_id FROM sg.runs GROUP BY ROLLUP(experiment_id) HAVING NOT throwIf(experiment_id = 2)
SELECT * FROM merge('sg', '^runs$') WHERE throwIf(experiment_id = 2)
SELECT name FROM system.tables WHERE database = 'streamgauge'
SELECT name FROM system.columns WHERE database = 'streamgauge'
SELECT name, comment FROM system.tables
SELECT name FROM system.databases WHERE name != 'sg' AND name = 'streamgauge'
SELECT create_table_query FROM system.tables WHERE name LIKE '%HIDDEN%'
SHOW DATABASES
SHOW TABLES FROM streamgauge
SHOW GRANTS
EXPLAIN SELECT * FROM sg.runs WHERE name = 'x'
EXPLAIN ESTIMATE SELECT * FROM sg.params
EXISTS TABLE sg.nothing
