SELECT name, free_space AS free_bytes, total_space AS total_bytes
FROM system.disks
WHERE NOT sgConfined()
