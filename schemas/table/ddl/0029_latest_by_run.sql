-- The names of one run by themselves: a run may have a million, and an experiment thousands of runs. Parts that are older
-- than the projection are read as before.
ALTER TABLE streamgauge.latest ADD PROJECTION IF NOT EXISTS by_run (SELECT experiment, key, run, value ORDER BY run, key)
