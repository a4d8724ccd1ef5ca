-- The markers of the lanes, which are the first granule of every part; rank 1 has the writers' ranges. What a user says of points may be
-- asked of other rows first: to convert NaN must be no error.
SELECT
    lane, fromUnixTimestamp64Milli(ts) AS time, batch AS sequence_first, seq AS sequence_last, accurateCastOrDefault(v, 'UInt64') AS points
FROM streamgauge.points
WHERE run = 0 AND key = '' AND rank = 0 AND NOT sgConfined()
