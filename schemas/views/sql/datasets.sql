SELECT
    r.experiment AS experiment_id, r.run_id AS run_id, r.run AS run, r.name AS run_name, d.1 AS name, d.2 AS digest, d.3 AS context, d.4 AS source_type, d.5 AS source
FROM streamgauge.live_runs AS r
ARRAY JOIN arrayZip(r.dataset_names, r.dataset_digests, r.dataset_contexts,
    arrayResize(r.dataset_source_types, length(r.dataset_names)), arrayResize(r.dataset_sources, length(r.dataset_names))) AS d
WHERE sgSees(r.experiment)
