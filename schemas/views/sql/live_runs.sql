-- Runs that are not deleted, neither by themselves nor with their experiment, each once. Not for users.
SELECT
    r.experiment AS experiment, e.name AS experiment_name, r.run_id AS run_id, r.run AS run, r.name AS name, r.user AS user,
    r.status AS status, r.start_ms AS start_ms, r.end_ms AS end_ms, r.artifact_uri AS artifact_uri, r.params AS params, r.tags AS tags,
    r.dataset_names AS dataset_names, r.dataset_digests AS dataset_digests, r.dataset_contexts AS dataset_contexts,
    r.dataset_source_types AS dataset_source_types, r.dataset_sources AS dataset_sources,
    r.model_inputs AS model_inputs, r.model_outputs AS model_outputs, r.fork_run AS fork_run, r.fork_step AS fork_step, r.ranks AS ranks
FROM streamgauge.runs AS r FINAL
LEFT ANY JOIN (SELECT toUInt32OrZero(id) AS number, name, lifecycle, lifecycle_epoch FROM streamgauge.experiments FINAL WHERE id != '') AS e
    ON e.number = r.experiment
WHERE r.run_id != '' AND if(r.lifecycle_epoch < e.lifecycle_epoch, e.lifecycle, r.lifecycle) = 'active'
