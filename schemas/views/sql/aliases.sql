SELECT name, alias, version, run_id, experiment_id, registered_model_id
FROM sg.model_versions
ARRAY JOIN aliases AS alias
