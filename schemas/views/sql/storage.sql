SELECT
    table, count() AS parts, sum(rows) AS rows, sum(bytes_on_disk) AS bytes_on_disk, sum(data_uncompressed_bytes) AS bytes_uncompressed
FROM system.parts
WHERE active AND database = 'streamgauge' AND NOT sgConfined()
GROUP BY table
