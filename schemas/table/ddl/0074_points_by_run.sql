-- A run's number lies between two marks of every part, whether the part has the run or not: who asked for 100 new runs read a
-- granule of each in all parts of all months. A filter of the numbers in each granule says which have them, in four bytes a
-- granule. One in 10,000 is taken wrongly: for hundreds of runs at once it must be so few.
ALTER TABLE streamgauge.points ADD INDEX IF NOT EXISTS by_run run TYPE bloom_filter(0.0001) GRANULARITY 1
