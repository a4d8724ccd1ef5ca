-- A walk reads a row here and a row there, and of every column the whole compressed block around it: 64 KiB, of which a granule is
-- 4 in columns of numbers. Smaller blocks take a third of a level's processor time away, and 11 % more disk. Parts that are there are rewritten in
-- the background: 2 s for a million edges, to which a start does not wait.
ALTER TABLE streamgauge.lineage (MODIFY SETTING min_compress_block_size = 4096), (REWRITE PARTS) SETTINGS mutations_sync = 0
