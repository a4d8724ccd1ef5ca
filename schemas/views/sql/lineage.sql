-- The edges that GET /v1/lineage shows now (query/walk), and copies of versions, which the registry alone knows. An edge of an
-- older revision than its owner's node has gone. Of those who tell of the same edge the earliest counts.
WITH
    toUnixTimestamp64Milli(now64(3)) AS now_ms,
    ['run', 'model', 'version', 'endpoint', 'job-run'] AS own_kinds,
    models AS (
        SELECT id, name, sgEscaped(name) AS escaped FROM streamgauge.registered_models FINAL WHERE id != '' AND lifecycle = 'active'),
    versions AS (
        SELECT concat('version:', registered_model_id, '/', toString(version)) AS node, source, experiment_id FROM sg.model_versions),
    -- Nodes that belong to experiments and that a confined caller may see; nobody else asks.
    visible AS (
        SELECT node FROM streamgauge.lineage FINAL WHERE sgConfined() AND way = 0 AND notEmpty(experiments) AND sgSeesAll(experiments)
        UNION ALL SELECT node FROM versions WHERE sgConfined()
        UNION ALL SELECT concat('endpoint:', endpoint_id) FROM sg.endpoints WHERE sgConfined()),
    told AS (
        SELECT
            e.node AS a, e.other AS b, e.kind AS how, e.name AS name, e.attributes AS attributes, e.since_ms AS since_ms,
            if(n.revision > e.revision, greatest(e.seen_ms, n.until_ms), e.until_ms) AS end_ms, startsWith(e.owner, 'recorded:') AS by_hand,
            if(notEmpty(e.experiments), e.experiments[1], ifNull(v.experiment_id, 0)) AS experiment,
            multiIf(
                by_hand, e.name,
                how = 'registered', v.source,
                how IN ('output', 'serves'), if(e.owner = e.other, n.name, ''),
                e.attributes[transform(how, ['input', 'code', 'fork', 'holds', 'project'], ['context', 'script', 'step', 'source_type', 'entry_point'], '')]) AS detail,
            -- Time before owner; a fixed number of bytes makes the aggregation several times cheaper.
            bitShiftLeft(toInt128(e.since_ms), 64) + reinterpretAsUInt64(reverse(substring(e.owner, 1, 8))) AS turn
        FROM (SELECT * FROM streamgauge.lineage FINAL WHERE way = 1) AS e
        LEFT ANY JOIN (SELECT node, name, until_ms, revision FROM streamgauge.lineage FINAL WHERE way = 0 AND node != '') AS n ON n.node = e.owner
        LEFT ANY JOIN versions AS v ON v.node = if(startsWith(e.other, 'version:'), e.other, e.node)
        WHERE (e.until_ms = 0 OR e.until_ms > now_ms) AND (n.revision <= e.revision OR greatest(e.seen_ms, n.until_ms) > now_ms)
            AND (NOT sgConfined()
                OR if(notEmpty(e.experiments), sgSeesAll(e.experiments), substringIndex(e.owner, ':', 1) IN ('version', 'endpoint') AND v.node != '')
                AND (NOT has(own_kinds, substringIndex(e.node, ':', 1)) OR e.node IN (SELECT node FROM visible))
                AND (NOT has(own_kinds, substringIndex(e.other, ':', 1)) OR e.other IN (SELECT node FROM visible)))),
    edges AS (
        SELECT
            a, b, how, substringIndex(a, ':', 1) AS a_kind, substringIndex(b, ':', 1) AS b_kind,
            if(a_kind = 'version', substringIndex(substring(a, 9), '/', 1), '') AS a_model, if(b_kind = 'version', substringIndex(substring(b, 9), '/', 1), '') AS b_model,
            min(since_ms) AS since, argMin(detail, turn) AS detail, argMin(experiment, turn) AS experiment_id, argMin(name, turn) AS name,
            argMin(attributes, turn) AS attributes, argMin(end_ms, turn) AS until, argMin(by_hand, turn) AS recorded
        FROM told GROUP BY a, b, how)
SELECT
    x.a_kind AS from_kind,
    multiIf(x.a_model = '', decodeURLComponent(substring(x.a, length(x.a_kind) + 2)), f.id = '', concat(':', substring(x.a, 9)), concat(f.name, '/', substringIndex(x.a, '/', -1))) AS from_id,
    x.b_kind AS to_kind,
    multiIf(x.b_model = '', decodeURLComponent(substring(x.b, length(x.b_kind) + 2)), t.id = '', concat(':', substring(x.b, 9)), concat(t.name, '/', substringIndex(x.b, '/', -1))) AS to_id,
    x.how AS kind,
    x.detail AS detail, fromUnixTimestamp64Milli(x.since) AS at, x.experiment_id AS experiment_id,
    if(x.a_model = '', x.a, concat('version:', if(f.id = '', concat(':', x.a_model), f.escaped), '/', substringIndex(x.a, '/', -1))) AS from_node,
    if(x.b_model = '', x.b, concat('version:', if(t.id = '', concat(':', x.b_model), t.escaped), '/', substringIndex(x.b, '/', -1))) AS to_node,
    x.name AS name, x.attributes AS attributes, if(x.until = 0, NULL, fromUnixTimestamp64Milli(x.until)) AS until, x.recorded AS recorded
FROM edges AS x
LEFT ANY JOIN models AS f ON f.id = x.a_model
LEFT ANY JOIN models AS t ON t.id = x.b_model
UNION ALL
SELECT
    'version', extract(source, '^models:/(.+/[0-9]+)$') AS original, 'version', concat(name, '/', toString(version)), 'copied', source, created, ifNull(experiment_id, 0),
    concat('version:', sgEscaped(extract(original, '^(.+)/')), '/', splitByChar('/', original)[-1]), concat('version:', sgEscaped(name), '/', toString(version)),
    '', map(), NULL, 0
FROM sg.model_versions
WHERE original != ''
