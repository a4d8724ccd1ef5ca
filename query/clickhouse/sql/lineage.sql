-- One level of a walk: rows of nodes and their newest edges, each edge once whoever tells of it. Of each row the newest
-- revision is taken here: FINAL reads and merges whole parts' ranges, and is twenty times slower for hundreds of nodes.
SELECT node, way, other, kind, owner, name, attributes, experiments, since_ms, until_ms, seen_ms, revision
FROM (
    SELECT node, way, other, kind, owner, name, attributes, experiments, since_ms, until_ms, seen_ms, revision
    FROM (
        SELECT node, way, other, kind, owner, name, attributes, experiments, since_ms, until_ms, seen_ms, revision
        FROM streamgauge.lineage
        PREWHERE node IN {nodes:Array(String)} AND way IN {ways:Array(UInt8)}
        ORDER BY node, way, other, kind, owner, revision DESC
        LIMIT 1 BY node, way, other, kind, owner
    )
    WHERE (way = 0 OR since_ms <= {begun:Int64} AND ({ended:UInt8} OR until_ms = 0 OR until_ms > {end:Int64}))
        AND (way = 0 OR NOT {confined:UInt8} OR notEmpty(experiments) AND hasAll({experiments:Array(UInt32)}, experiments)
            -- Edges of versions and endpoints say no experiment; the walk knows whose these are.
            OR empty(experiments) AND substringIndex(owner, ':', 1) IN ('version', 'endpoint') AND NOT startsWith(if(way = 1, node, other), 'source:'))
    ORDER BY node, way, other, kind, since_ms, owner
    LIMIT 1 BY node, way, other, kind
)
ORDER BY since_ms DESC, other, kind
LIMIT {max:UInt64} BY node, way
SETTINGS optimize_read_in_order = 0
