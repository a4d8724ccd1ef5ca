SELECT
    experiment AS experiment_id, experiment_name, run_id, run, name, user, status,
    fromUnixTimestamp64Milli(start_ms) AS started, if(end_ms = 0, NULL, fromUnixTimestamp64Milli(end_ms)) AS ended,
    if(end_ms = 0, NULL, (end_ms - start_ms) / 1000) AS duration_s,
    tags['mlflow.parentRunId'] AS parent_run_id, fork_run AS fork_run_id, fork_step, ranks,
    tags['mlflow.source.name'] AS source_name, tags['mlflow.source.git.commit'] AS git_commit, artifact_uri, params, tags
FROM streamgauge.live_runs
WHERE sgSees(experiment)
