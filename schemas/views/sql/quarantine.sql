SELECT fromUnixTimestamp64Milli(time_ms) AS time, lane, seq AS sequence, part, subject, reason, length(bytes) AS size_bytes
FROM streamgauge.quarantine FINAL
WHERE NOT sgConfined()
