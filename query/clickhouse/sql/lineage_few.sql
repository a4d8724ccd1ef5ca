-- One level of a walk for nodes that have few rows, as nearly all have: what there is of them, for package walk to pick from. A node
-- that has as many rows as are taken may have more. What is picked in a statement (lineage) takes longer to plan than this
-- to carry out. The way is looked at first: a walk ends with the rows of nodes themselves, and where datasets lie
-- are none, so that the nodes' names are not read. A level is a few hundred granules: more threads spare less than they cost.
SELECT node, way, other, kind, owner, name, attributes, experiments, since_ms, until_ms, seen_ms, revision
FROM streamgauge.lineage
PREWHERE way IN {ways:Array(UInt8)} AND node IN {nodes:Array(String)}
LIMIT {most:UInt64} BY node
SETTINGS max_threads = 1
