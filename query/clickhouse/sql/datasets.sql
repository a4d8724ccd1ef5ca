-- What the runs of some experiments used as inputs, but for those runs that are answered from elsewhere.
SELECT DISTINCT
    experiment,
    dataset.1 AS name,
    dataset.2 AS digest,
    dataset.3 AS context
FROM (
    SELECT
        experiment,
        arrayJoin(arrayZip(dataset_names, dataset_digests, dataset_contexts)) AS dataset
    FROM streamgauge.runs FINAL
    WHERE experiment IN {experiments:Array(UInt32)} AND run_id != '' AND run_id NOT IN {except:Array(String)}
)
-- So that the same of too many are shown each time.
ORDER BY experiment, name, digest, context
LIMIT {max:UInt64}
