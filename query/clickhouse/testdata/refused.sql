# What nobody who only reads may do. Each must be refused with the engine's code and a sentence of ours.
# Writing.
INSERT INTO streamgauge.runs (run_id) VALUES ('x')
INSERT INTO streamgauge.points SELECT * FROM streamgauge.points
INSERT INTO sg.runs SELECT * FROM sg.runs
INSERT INTO FUNCTION file('/tmp/made.csv') SELECT 1
INSERT INTO FUNCTION url('http://127.0.0.1:1/', CSV, 'x Int8') SELECT 1
INSERT INTO FUNCTION remote('127.0.0.1', streamgauge.runs) SELECT 1
INSERT INTO FUNCTION s3('http://127.0.0.1:1/b/k', 'CSV', 'x Int8') SELECT 1
INSERT INTO system.numbers SELECT 1
DELETE FROM streamgauge.points WHERE 1
DELETE FROM sg.runs WHERE 1
UPDATE streamgauge.runs SET name = 'x' WHERE 1
ALTER TABLE streamgauge.points DELETE WHERE 1
ALTER TABLE streamgauge.points UPDATE v = 0 WHERE 1
ALTER TABLE streamgauge.points DROP PROJECTION p8
ALTER TABLE streamgauge.points ADD COLUMN x Int8
ALTER TABLE streamgauge.points DROP COLUMN v
ALTER TABLE streamgauge.points DROP PARTITION 202611
ALTER TABLE streamgauge.points FREEZE
ALTER TABLE streamgauge.points MODIFY TTL toDateTime(0)
ALTER TABLE streamgauge.points MOVE PARTITION 202611 TO VOLUME 'x'
ALTER TABLE sg.runs MODIFY QUERY SELECT 1
ALTER TABLE sg.runs COMMENT COLUMN name 'x'
ALTER DATABASE sg MODIFY COMMENT 'x'
TRUNCATE TABLE streamgauge.points
TRUNCATE DATABASE streamgauge
TRUNCATE ALL TABLES FROM streamgauge
DROP TABLE streamgauge.points
DROP TABLE IF EXISTS streamgauge.points SYNC
DROP VIEW sg.runs
DROP DATABASE sg
DROP DATABASE streamgauge
DETACH TABLE streamgauge.points
DETACH DATABASE streamgauge
ATTACH TABLE made (x Int8) ENGINE = Memory
RENAME TABLE streamgauge.points TO streamgauge.made
EXCHANGE TABLES streamgauge.points AND streamgauge.latest
OPTIMIZE TABLE streamgauge.points FINAL
CHECK TABLE streamgauge.points
UNDROP TABLE streamgauge.points
BACKUP DATABASE streamgauge TO File('/tmp/made.zip')
BACKUP TABLE streamgauge.points TO Disk('default', 'made')
RESTORE DATABASE streamgauge FROM File('/tmp/made.zip')
BEGIN TRANSACTION
# Making.
CREATE TABLE sg.made (x Int8) ENGINE = Memory
CREATE TABLE streamgauge.made (x Int8) ENGINE = MergeTree ORDER BY x
CREATE TABLE made ENGINE = Memory AS SELECT 1
CREATE TEMPORARY TABLE made (x Int8)
CREATE TEMPORARY TABLE made AS SELECT * FROM sg.runs
CREATE TABLE streamgauge.made (x String) ENGINE = File(CSV)
CREATE TABLE streamgauge.made (x String) ENGINE = URL('http://127.0.0.1:1/', CSV)
CREATE TABLE streamgauge.made (x String) ENGINE = Executable('x', CSV)
CREATE TABLE streamgauge.made (x String) ENGINE = MySQL('127.0.0.1:1', 'a', 'b', 'c', 'd')
CREATE TABLE streamgauge.made (x String) ENGINE = Distributed('default', 'system', 'one')
CREATE TABLE streamgauge.made (x String) ENGINE = S3('http://127.0.0.1:1/b/k', 'CSV')
CREATE TABLE streamgauge.made (x String) ENGINE = Merge('streamgauge', '.*')
CREATE TABLE streamgauge.made (x String) ENGINE = Buffer('streamgauge', 'runs', 1, 1, 1, 1, 1, 1, 1)
CREATE VIEW sg.made AS SELECT 1
CREATE VIEW sg.made DEFINER = app SQL SECURITY DEFINER AS SELECT * FROM streamgauge.runs
CREATE VIEW sg.made SQL SECURITY NONE AS SELECT * FROM streamgauge.runs
CREATE OR REPLACE VIEW sg.runs AS SELECT 1
CREATE MATERIALIZED VIEW sg.made ENGINE = Memory AS SELECT 1
CREATE LIVE VIEW sg.made AS SELECT 1
CREATE WINDOW VIEW sg.made AS SELECT count() FROM sg.runs GROUP BY tumble(now(), toIntervalSecond(1))
CREATE DATABASE made
CREATE DATABASE made ENGINE = Filesystem('/etc')
CREATE DATABASE made ENGINE = MySQL('127.0.0.1:1', 'a', 'b', 'c')
CREATE DICTIONARY sg.made (k UInt64, v String) PRIMARY KEY k SOURCE(FILE(PATH '/etc/passwd' FORMAT 'CSV')) LAYOUT(FLAT()) LIFETIME(0)
CREATE DICTIONARY sg.made (k UInt64, v String) PRIMARY KEY k SOURCE(CLICKHOUSE(USER 'app' TABLE 'runs' DB 'streamgauge')) LAYOUT(FLAT()) LIFETIME(0)
CREATE FUNCTION made AS x -> x
CREATE OR REPLACE FUNCTION sgSees AS x -> 1
CREATE OR REPLACE FUNCTION sgConfined AS () -> 0
DROP FUNCTION sgSees
DROP FUNCTION file
CREATE INDEX made ON streamgauge.points (v) TYPE minmax
CREATE NAMED COLLECTION made AS x = 1
CREATE WORKLOAD made
CREATE RESOURCE made (READ DISK default)
# Rights.
CREATE USER made
CREATE USER made IDENTIFIED WITH no_password
CREATE ROLE made
CREATE ROW POLICY made ON streamgauge.runs USING 1 TO ALL
CREATE QUOTA made
CREATE SETTINGS PROFILE made
ALTER USER reader IDENTIFIED BY 'x'
ALTER USER app IDENTIFIED WITH no_password
ALTER QUOTA reader FOR INTERVAL 1 hour NO LIMITS
DROP USER app
GRANT ALL ON *.* TO reader
GRANT SELECT ON streamgauge.* TO confined
REVOKE SELECT ON streamgauge.* FROM app
SET DEFAULT ROLE ALL TO reader
EXECUTE AS app SELECT 1
EXECUTE AS app
SHOW CREATE USER app
SHOW CREATE USER default
SHOW USERS
SHOW ROLES
SHOW CREATE QUOTA reader
SHOW CREATE SETTINGS PROFILE reader
SHOW GRANTS FOR app
SHOW ACCESS
# Files.
SELECT * FROM file('/etc/passwd', LineAsString)
SELECT * FROM file('/etc/passwd', 'CSV', 'x String')
SELECT * FROM file('users.xml', LineAsString)
SELECT * FROM file('../credentials.json', JSONAsString)
SELECT * FROM file('fd://0', LineAsString)
SELECT * FROM file('/dev/stdin', LineAsString)
SELECT * FROM fileCluster('default', '/etc/passwd', LineAsString)
SELECT file('/etc/passwd')
SELECT file('/etc/passwd', '')
SELECT `file`('/etc/passwd')
SELECT arrayMap(x -> file(x), ['/etc/passwd'])
SELECT arrayMap(file, ['/etc/passwd'])
SELECT arrayFirst(file, ['/etc/passwd'])
SELECT arraySort(x -> file(x), ['/etc/passwd'])
SELECT mapApply((k, v) -> (k, file(v)), map('a', '/etc/passwd'))
SELECT * APPLY(file) FROM (SELECT '/etc/passwd' AS p)
SELECT * APPLY(x -> file(x)) FROM (SELECT '/etc/passwd' AS p)
SELECT COLUMNS('p') APPLY file FROM (SELECT '/etc/passwd' AS p)
SELECT * REPLACE(file(p) AS p) FROM (SELECT '/etc/passwd' AS p)
SELECT materialize(file('/etc/passwd'))
SELECT if(1, file('/etc/passwd'), '')
SELECT identity(file('../../../../../../../../etc/passwd'))
WITH (SELECT file('/etc/passwd')) AS x SELECT x
WITH f AS (SELECT file('/etc/passwd') AS x) SELECT x FROM f
SELECT 1 IN (SELECT file('/etc/passwd'))
SELECT * FROM (SELECT file('/etc/passwd') AS x) WHERE x != ''
SELECT * FROM view(SELECT file('/etc/passwd'))
SELECT * FROM (SELECT '/etc/passwd' AS p) ARRAY JOIN [file(p)] AS z
SELECT catboostEvaluate('/etc/passwd', 1)
SELECT * FROM sqlite('/etc/passwd', 't')
SELECT * FROM filesystem('/etc')
SELECT 1 INTO OUTFILE '/tmp/made'
SELECT 1 INTO OUTFILE '/tmp/made' APPEND FORMAT CSV
SELECT * FROM sg.runs FORMAT Template SETTINGS format_template_row = '/etc/passwd'
SELECT * FROM sg.runs FORMAT Protobuf SETTINGS format_schema = '/etc/passwd:x'
SELECT * FROM iceberg('/etc')
SELECT * FROM icebergLocal('/etc')
SELECT * FROM deltaLakeLocal('/etc')
SELECT * FROM executable('cat', CSV, 'x String')
SELECT * FROM dictionary('x')
SELECT dictGet('made', 'v', 1)
# The network.
SELECT * FROM url('http://127.0.0.1:1/', CSV, 'x String')
SELECT * FROM url('file:///etc/passwd', CSV, 'x String')
SELECT * FROM urlCluster('default', 'http://127.0.0.1:1/', CSV, 'x String')
SELECT * FROM remote('127.0.0.1', streamgauge.runs)
SELECT * FROM remote('127.0.0.1', 'streamgauge', 'runs', 'app', '')
SELECT * FROM remoteSecure('127.0.0.1', streamgauge.runs)
SELECT * FROM remote('127.0.0.1', view(SELECT 1))
SELECT * FROM cluster('default', streamgauge.runs)
SELECT * FROM clusterAllReplicas('default', system.one)
SELECT * FROM s3('http://127.0.0.1:1/b/k', 'CSV', 'x String')
SELECT * FROM s3Cluster('default', 'http://127.0.0.1:1/b/k', 'CSV', 'x String')
SELECT * FROM gcs('http://127.0.0.1:1/b/k', 'CSV', 'x String')
SELECT * FROM azureBlobStorage('http://127.0.0.1:1', 'c', 'p', 'a', 'a', 'CSV', 'auto', 'x String')
SELECT * FROM hdfs('hdfs://127.0.0.1:1/x', 'CSV', 'x String')
SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')
SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')
SELECT * FROM mongodb('127.0.0.1:1', 'a', 'b', 'c', 'd', 'x String')
SELECT * FROM redis('127.0.0.1:1', 'k', 'k String, v String')
SELECT * FROM odbc('DSN=x', 'a', 'b')
SELECT * FROM jdbc('x', 'a', 'b')
SELECT * FROM iceberg('http://127.0.0.1:1/b/k')
SELECT * FROM deltaLake('http://127.0.0.1:1/b/k')
SELECT * FROM hudi('http://127.0.0.1:1/b/k')
SELECT * FROM arrowFlight('127.0.0.1:1', 'x')
SELECT * FROM prometheusQuery('x', 'y', 0)
# Settings.
SET max_threads = 64
SET readonly = 0
SET readonly = 2
SET max_execution_time = 100000
SET dialect = 'kusto'
SET param_x = 1, readonly = 0
SELECT 1 SETTINGS readonly = 0
SELECT 1 SETTINGS max_threads = 64
SELECT 1 SETTINGS max_memory_usage = 0
SELECT 1 SETTINGS max_execution_time = 0
SELECT 1 SETTINGS max_execution_time = 61
SELECT 1 SETTINGS max_result_rows = 0
SELECT 1 SETTINGS max_result_bytes = 0
SELECT 1 SETTINGS max_rows_to_read = 0
SELECT 1 SETTINGS result_overflow_mode = 'break'
SELECT 1 SETTINGS os_threads_nice_value_query = -10
SELECT 1 SETTINGS cancel_http_readonly_queries_on_client_close = 0
SELECT 1 SETTINGS enable_analyzer = 0
SELECT 1 SETTINGS query_plan_filter_push_down = 2
SELECT 1 SETTINGS optimize_move_to_prewhere = 2
SELECT 1 SETTINGS allow_introspection_functions = 0
SELECT 1 SETTINGS additional_table_filters = {'streamgauge.runs': '1'}
SELECT 1 SETTINGS initial_query_id = 'x'
# The engine itself.
SYSTEM SHUTDOWN
SYSTEM KILL
SYSTEM FLUSH LOGS
SYSTEM STOP MERGES streamgauge.points
SYSTEM DROP MARK CACHE
SYSTEM RELOAD CONFIG
SYSTEM RELOAD USERS
SYSTEM STOP LISTEN HTTP
SYSTEM ENABLE FAILPOINT x
KILL QUERY WHERE 1
KILL MUTATION WHERE 1
SELECT * FROM system.processes
SELECT query FROM system.processes
SELECT * FROM system.query_log
SELECT * FROM system.users
SELECT * FROM system.grants
SELECT * FROM system.quotas
SELECT * FROM system.roles
SELECT * FROM system.row_policies
SELECT * FROM system.settings_profiles
SELECT * FROM system.session_log
SELECT * FROM system.named_collections
SELECT * FROM system.disks
SELECT * FROM system.mutations
SELECT * FROM system.merges
SELECT * FROM system.stack_trace
SELECT * FROM system.server_settings
SELECT * FROM system.numbers
SELECT * FROM system.zookeeper
SELECT * FROM system.crash_log
SELECT * FROM system.text_log
SELECT * FROM system.asynchronous_inserts
SELECT demangle('x')
SELECT addressToLine(1)
SELECT addressToSymbol(1)
SELECT joinGet('streamgauge.points', 'v', 1)
SELECT * FROM loop(sg.runs)
SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))
SELECT * FROM input('x String')
SELECT sleep(10)
# More than one statement, or too much.
SELECT 1; DROP TABLE streamgauge.points
SELECT 1 PARALLEL WITH SELECT 2
SELECT count() FROM numbers(100000000000)
