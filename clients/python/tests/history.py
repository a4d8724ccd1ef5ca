"""A history of runs for docs/sql.md through the real clients: the same values at the same times whenever it is made."""

import math
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import requests
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelStatus, Metric, Param, RunStatus
from mlflow.tracking import MlflowClient

HOUR = 3_600_000
DAY = 24 * HOUR
# Monday, 2 November 2026, 08:00 UTC.
BEGIN = 1_793_606_400_000
STEPS = 1_000
DIVERGED_AT = 500
RANKS = 4
RANK_STEPS = 600
LEARNING_RATES = (0.1, 0.03, 0.01, 0.003, 0.001, 0.3)
SOURCES = Path(__file__).resolve().parents[1] / "src"

# One process of a training with four; the last is slow, and says so.
RANK = f"""
import os, sys
import streamgauge
rank = int(os.environ["RANK"])
run = streamgauge.init(project="language", name="gpt")
for step in range({RANK_STEPS}):
    seconds = 0.16 if rank == 3 else 0.1
    run.log({{"step_time": seconds, "throughput": 10 / seconds, "comm_time": 0.02}}, step=step)
if rank == 3:
    print("warning: network is slow", file=sys.stderr)
run.finish()
"""


def val_loss(rate: float, step: int) -> float:
    """The curve of a learning rate: 0.01 is best, and 0.3 diverges."""
    if rate > 0.2 and step >= DIVERGED_AT:
        return math.nan
    return round(abs(math.log10(rate) + 2) / 10 + 1 / (1 + step / 100), 6)


def make(url: str, folder: Path) -> None:
    client = MlflowClient(url, url)
    runs = vision(client)
    language(url, folder)
    sweep(client)
    repeats(client)
    registry(client, url, runs)
    traces(url)


def ended(client: MlflowClient, run: str, status: str, at: int) -> None:
    client.update_run(run, status)
    client.set_terminated(run, status, at)


def vision(client: MlflowClient) -> list[str]:
    """Six trainings on one data set, one of them on another version of it."""
    experiment = client.create_experiment("vision")
    runs = []
    for i, rate in enumerate(LEARNING_RATES):
        begin = BEGIN + i * DAY
        tags = {
            "mlflow.source.git.commit": "3f2a" if i < 3 else "9c41",
            "mlflow.source.name": "train.py",
            "team": "perception",
        }
        tags["mlflow.user"] = "ann" if i % 2 == 0 else "bob"
        run = client.create_run(experiment, begin, tags, f"vision-{i}").info.run_id
        params = {"lr": rate, "depth": 18 if i < 4 else 34, "optimizer": "adam" if i % 3 else "sgd", "seed": 1}
        gpus = 1 if i % 2 == 0 else 2
        metrics = [Metric("val_loss", val_loss(rate, s), begin + s * 1_000, s) for s in range(STEPS)]
        metrics += [Metric("val_accuracy", round(0.9 - i / 100, 2), begin + STEPS * 1_000, STEPS - 1)]
        metrics += [
            Metric(f"system/gpu_{gpu}_utilization_percentage", 80.0 if gpu == 0 else 20.0, begin + m * 60_000, m)
            for gpu in range(gpus)
            for m in range(0, 60 * (i + 1), 10)
        ]
        for at in range(0, len(metrics), 1_000):
            client.log_batch(
                run, metrics[at : at + 1_000], [Param(k, str(v)) for k, v in params.items()] if at == 0 else []
            )
        version = "d2" if i == 3 else "d1"
        client.log_inputs(run, [dataset("cifar", version, "training"), dataset("cifar-test", "t1", "eval")])
        diverged = rate > 0.2
        ended(client, run, "FAILED" if diverged else "FINISHED", begin + (i + 1) * HOUR)
        runs.append(run)
    return runs


def dataset(name: str, digest: str, context: str) -> DatasetInput:
    source = f'{{"uri": "s3://data/{name}"}}'
    return DatasetInput(Dataset(name, digest, "s3", source), [InputTag("mlflow.data.context", context)])


def language(url: str, folder: Path) -> None:
    """One training of four processes, by our own library."""
    run = "c0ffee00c0ffee00c0ffee00c0ffee00"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "STREAMGAUGE_"))}
    env |= {
        "PYTHONPATH": str(SOURCES),
        "STREAMGAUGE_URL": url,
        "STREAMGAUGE_DIR": str(folder),
        "STREAMGAUGE_RUN_ID": run,
    }
    env |= {
        "STREAMGAUGE_SYSTEM": "0",
        "STREAMGAUGE_SOURCE": "0",
        "WORLD_SIZE": str(RANKS),
        "LOCAL_WORLD_SIZE": str(RANKS),
    }
    env |= {"STREAMGAUGE_ATTEMPT": "1793606400", "STREAMGAUGE_QUIET": "1", "LOGNAME": "eve"}
    for rank in range(RANKS):
        subprocess.run(
            [sys.executable, "-c", RANK],
            env=env | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            check=True,
            timeout=120,
        )


def sweep(client: MlflowClient) -> None:
    """A parent with three children."""
    experiment = client.create_experiment("sweep")
    parent = client.create_run(experiment, BEGIN, {"mlflow.user": "bob"}, "search").info.run_id
    for i, width in enumerate((64, 128, 256)):
        tags = {"mlflow.parentRunId": parent, "mlflow.user": "bob"}
        child = client.create_run(experiment, BEGIN + i * HOUR, tags, f"trial-{i}").info.run_id
        client.log_batch(child, [Metric("score", 0.7 + i / 10, BEGIN + i * HOUR, 0)], [Param("width", str(width))])
        ended(client, child, RunStatus.to_string(RunStatus.FINISHED), BEGIN + (i + 1) * HOUR)
    ended(client, parent, "FINISHED", BEGIN + 3 * HOUR)


def repeats(client: MlflowClient) -> None:
    """The same training three times; the last comes out otherwise."""
    experiment = client.create_experiment("repeat")
    for i, loss in enumerate((0.25, 0.25, 0.31)):
        tags = {"mlflow.source.git.commit": "77aa", "mlflow.user": "ann"}
        run = client.create_run(experiment, BEGIN + i * DAY, tags, f"again-{i}").info.run_id
        client.log_batch(run, [Metric("loss", loss, BEGIN + i * DAY, 0)], [Param("lr", "0.01"), Param("seed", "7")])
        client.log_inputs(run, [dataset("cifar", "d1", "training")])
        ended(client, run, "FINISHED", BEGIN + i * DAY + HOUR)


def registry(client: MlflowClient, url: str, runs: list[str]) -> None:
    """Two versions of a classifier: the second took the first one's place and serves."""
    client.create_registered_model("classifier")
    for run in runs[1:3]:
        model = client.create_logged_model(client.get_run(run).info.experiment_id, "net", run, model_type="torch")
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        client.create_model_version("classifier", f"models:/{model.model_id}", run, model_id=model.model_id)
    client.transition_model_version_stage("classifier", "1", "Staging")
    client.transition_model_version_stage("classifier", "1", "Production")
    client.transition_model_version_stage("classifier", "2", "Production", archive_existing_versions=True)
    client.set_registered_model_alias("classifier", "champion", "2")
    body = {
        "name": "shop",
        "url": "https://shop.example/classify",
        "model": "classifier",
        "version": "2",
        "since_ms": BEGIN + 9 * DAY,
    }
    requests.post(f"{url}/v1/endpoints", json=body, timeout=30).raise_for_status()
    requests.put(
        f"{url}/v1/registered-models/classifier/approvals-required", json={"stage": "Staging", "count": 1}, timeout=30
    ).raise_for_status()
    asked = {"model": "classifier", "version": "1", "stage": "Staging", "by": "ann", "comment": "back, please"}
    requests.post(f"{url}/v1/approvals", json=asked, timeout=30).raise_for_status()


def traces(url: str) -> None:
    """Three answers of an application, one of them failed."""
    mlflow.set_tracking_uri(url)
    mlflow.set_experiment("assistant")
    for i in range(3):
        try:
            with mlflow.start_span("answer"), mlflow.start_span("retrieve", "RETRIEVER"):
                if i == 2:
                    raise ValueError("no documents")
        except ValueError:
            pass
    mlflow.flush_trace_async_logging()
