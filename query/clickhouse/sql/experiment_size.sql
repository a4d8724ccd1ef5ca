-- How large an experiment is: runs up to a limit, and rows of latest values, merged or not.
SELECT
    toUInt64(assumeNotNull((
        SELECT count()
        FROM (SELECT run_id FROM streamgauge.runs WHERE experiment = {experiment:UInt32} AND run_id != '' GROUP BY run_id LIMIT {max:UInt64})
    ))) AS runs,
    toUInt64(assumeNotNull((SELECT count() FROM streamgauge.latest WHERE experiment = {experiment:UInt32}))) AS latest
