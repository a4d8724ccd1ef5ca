-- What is stored: all rows of points but the bookkeeping of run 0, and active runs by their newest document. A
-- run whose epoch is lower than its experiment's shares the experiment's lifecycle.
SELECT
    toUInt64(assumeNotNull((SELECT count() FROM streamgauge.points) - (SELECT count() FROM streamgauge.points WHERE run = 0 AND key = ''))) AS points,
    toUInt64(assumeNotNull((
        SELECT count()
        FROM streamgauge.runs FINAL
        WHERE run_id != ''
            AND run_id NOT IN {except:Array(String)}
            AND NOT if(
                lifecycle_epoch < transform(experiment, {moved:Array(UInt32)}, {epochs:Array(UInt64)}, toUInt64(0)),
                has({deleted:Array(UInt32)}, experiment),
                lifecycle = 'deleted'
            )
    ))) AS runs
