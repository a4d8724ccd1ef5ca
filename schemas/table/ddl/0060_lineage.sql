-- What came of what: nodes and edges as documents tell of them (package schemas/lineage), read with FINAL. Each edge has
-- two rows, one under each of its ends. The row of node '' is the watermark: all revisions up to its revision are here.
CREATE TABLE IF NOT EXISTS lineage (
    node        String COMMENT 'the node that the row is found by: KIND:NAME',
    way         UInt8 COMMENT '0: the node itself; 1: edge from node to other; 2: edge from other to node',
    other       String COMMENT 'the other end of the edge; empty for a node itself',
    kind        LowCardinality(String) COMMENT 'kind of the edge: input, output, parent, registered, ...; of the node if way is 0',
    owner       String COMMENT 'node whose document tells of it; if that is of a greater revision, the edge has gone',
    name        String COMMENT 'name of the edge or node',
    attributes  Map(LowCardinality(String), String) COMMENT 'step, context, status and the like',
    experiments Array(UInt32) COMMENT 'experiments that the document belongs to',
    since_ms    Int64 COMMENT 'when it was recorded or began',
    until_ms    Int64 COMMENT 'since when it does not hold any more; 0 while it does',
    seen_ms     Int64 COMMENT 'when its document was last written',
    revision    UInt64
)
ENGINE = ReplacingMergeTree(revision)
-- A walk asks for the edges of some nodes in one direction.
ORDER BY (node, way, other, kind, owner)
-- A node has few edges as a rule, and a walk asks for hundreds of nodes that lie anywhere. As points: on disk before the
-- answer.
SETTINGS index_granularity = 512, fsync_after_insert = 1, fsync_part_directory = 1
