-- Most points have no model: a search for models passes over their granules. Parts that are older than the index
-- are read whole.
ALTER TABLE streamgauge.points ADD INDEX IF NOT EXISTS by_model model TYPE minmax GRANULARITY 1
