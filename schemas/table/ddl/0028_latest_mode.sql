-- A merge that joins rows makes the projection anew, as 0029 needs it.
ALTER TABLE streamgauge.latest MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild'
