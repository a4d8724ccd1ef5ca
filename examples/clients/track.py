"""One run from beginning to end with MLflow's client for Python, against the server that MLFLOW_TRACKING_URI names."""

import sys

from mlflow.tracking import MlflowClient

LOSSES = (1.0, 0.5, 0.25)


def main(name: str = "clients-python") -> None:
    client = MlflowClient()
    experiment = client.create_experiment(name)
    run = client.create_run(experiment).info.run_id
    log(client, run)
    show(client, run)
    for found in client.search_runs([experiment], "metrics.loss < 0.3"):
        print("found", found.info.run_id)


def log(client: MlflowClient, run: str) -> None:
    client.log_param(run, "lr", "0.01")
    for step, loss in enumerate(LOSSES):
        client.log_metric(run, "loss", loss, step=step)
    client.set_tag(run, "client", "python")
    client.set_terminated(run)


def show(client: MlflowClient, run: str) -> None:
    back = client.get_run(run)
    print("run", run, back.info.status)
    for key, value in back.data.params.items():
        print("param", key, value)
    for key, value in back.data.metrics.items():
        print("metric", key, value)
    print("tag client", back.data.tags["client"])
    for point in client.get_metric_history(run, "loss"):
        print("history", point.step, point.value)


if __name__ == "__main__":
    main(*sys.argv[1:])
