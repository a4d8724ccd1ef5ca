SELECT
    experiment AS experiment_id, run_id, run, name AS run_name, d.1 AS name, d.2 AS digest, d.3 AS context, d.4 AS source_type, d.5 AS source
FROM streamgauge.live_runs
ARRAY JOIN arrayZip(dataset_names, dataset_digests, dataset_contexts,
    arrayResize(dataset_source_types, length(dataset_names)), arrayResize(dataset_sources, length(dataset_names))) AS d
WHERE sgSees(experiment)
