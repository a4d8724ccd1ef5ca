"""Metrics through the client: values of every kind, histories and their pages, which value is the latest."""

import math
import threading
import time
from types import SimpleNamespace

import mlflow
import numpy as np
import requests
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

GREATEST = 1.7976931348623157e308


def history(client: MlflowClient, run_id: str, key: str) -> list[tuple]:
    return [(m.step, m.timestamp, m.value) for m in client.get_metric_history(run_id, key)]


def test_a_logged_value_is_read_at_once(client: MlflowClient, run_id: str) -> None:
    for step in range(20):
        client.log_metric(run_id, "loss", 1 / (step + 1), step=step)
        assert client.get_run(run_id).data.metrics["loss"] == 1 / (step + 1)
    assert [h[2] for h in history(client, run_id, "loss")] == [1 / (step + 1) for step in range(20)]


def test_floats_come_back_as_they_went(client: MlflowClient, run_id: str) -> None:
    values = [0.1, 1 / 3, 1e-300, 5e-324, -0.0, math.pi, 2**53 + 2.0, GREATEST, float(np.float32(0.1))]
    client.log_batch(run_id, metrics=[Metric("v", v, 1, step) for step, v in enumerate(values)])
    assert [h[2] for h in history(client, run_id, "v")] == values


def test_not_a_number_and_the_infinities(client: MlflowClient, run_id: str) -> None:
    for key, value in {"nan": math.nan, "up": math.inf, "down": -math.inf}.items():
        client.log_metric(run_id, key, value)
    metrics = client.get_run(run_id).data.metrics
    assert math.isnan(metrics["nan"])
    # MLflow's own store clamps the infinities to the greatest double; kept as they are is as good.
    assert metrics["up"] in (math.inf, GREATEST)
    assert metrics["down"] in (-math.inf, -GREATEST)
    assert math.isnan(history(client, run_id, "nan")[0][2])


def test_latest_is_the_greatest_step_then_time_then_value(client: MlflowClient, run_id: str) -> None:
    def latest_of(*points: tuple[int, int, float]) -> float:
        key = f"m{points!r}".translate(str.maketrans("(),", "   ")).strip()
        for step, timestamp, value in points:
            client.log_metric(run_id, key, value, timestamp=timestamp, step=step)
        together = key + " together"
        client.log_batch(run_id, metrics=[Metric(together, v, t, s) for s, t, v in points])
        metrics = client.get_run(run_id).data.metrics
        assert metrics[key] == metrics[together]
        return metrics[key]

    assert latest_of((2, 10, 1.0), (1, 99, 9.0)) == 1.0, "step before time"
    assert latest_of((1, 10, 9.0), (1, 20, 1.0), (1, 15, 5.0)) == 1.0, "time before value"
    assert latest_of((1, 10, 9.0), (1, 10, 1.0)) == 9.0, "then the value"
    assert latest_of((-5, 10, 1.0), (-7, 20, 2.0)) == 1.0, "steps may be negative"


def test_a_repeated_point_counts_once(client: MlflowClient, run_id: str) -> None:
    for _ in range(3):
        client.log_metric(run_id, "loss", 0.5, timestamp=7, step=3)
    client.log_batch(run_id, metrics=[Metric("loss", 0.5, 7, 3), Metric("loss", 0.5, 7, 3)])
    assert history(client, run_id, "loss") == [(3, 7, 0.5)]


def test_history_is_ordered_by_time_step_value(client: MlflowClient, run_id: str) -> None:
    points = [(3, 10, 1.0), (1, 30, 2.0), (2, 20, 3.0), (1, 20, 4.0), (1, 20, -4.0)]
    for step, timestamp, value in points:
        client.log_metric(run_id, "m", value, timestamp=timestamp, step=step)
    assert history(client, run_id, "m") == sorted(points, key=lambda p: (p[1], p[0], p[2]))


def test_history_of_what_was_never_logged_is_empty(client: MlflowClient, run_id: str) -> None:
    assert client.get_metric_history(run_id, "never") == []


def test_history_comes_in_pages(url: str, client: MlflowClient, run_id: str) -> None:
    points = [Metric("m", float(step), 1000 + step, step) for step in range(2500)]
    for at in range(0, len(points), 1000):
        client.log_batch(run_id, metrics=points[at : at + 1000])
    values, token, pages = [], None, 0
    while pages == 0 or token:
        query = {"run_id": run_id, "metric_key": "m", "max_results": 1000, "page_token": token}
        answer = requests.get(f"{url}/api/2.0/mlflow/metrics/get-history", query, timeout=30).json()
        values += [m["value"] for m in answer["metrics"]]
        token, pages = answer.get("next_page_token"), pages + 1
    assert values == [float(step) for step in range(2500)]
    assert pages == 3
    assert len(client.get_metric_history(run_id, "m")) == 2500


def test_a_batch_of_a_thousand(client: MlflowClient, run_id: str) -> None:
    client.log_batch(run_id, metrics=[Metric(f"key/{n}", n, 1, 0) for n in range(1000)])
    assert client.get_run(run_id).data.metrics == {f"key/{n}": float(n) for n in range(1000)}


def test_unusual_keys(client: MlflowClient, run_id: str) -> None:
    keys = ["a b", "a.b", "a/b/c", "a-b_c", "a:b", "größe", "k" * 250]
    for key in keys:
        client.log_metric(run_id, key, 1.0)
    assert set(client.get_run(run_id).data.metrics) == set(keys)
    for key in keys:
        assert len(client.get_metric_history(run_id, key)) == 1


def test_log_metrics_of_the_fluent_interface(client: MlflowClient, experiment: SimpleNamespace) -> None:
    with mlflow.start_run() as run:
        mlflow.log_metrics({"a": 1, "b": 2.5}, step=4)
        mlflow.log_metric("a", 3, step=5)
    assert client.get_run(run.info.run_id).data.metrics == {"a": 3.0, "b": 2.5}


def test_asynchronous_logging(client: MlflowClient, experiment: SimpleNamespace) -> None:
    with mlflow.start_run() as run:
        for step in range(200):
            mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False)
        mlflow.log_param("rate", 0.1, synchronous=False)
        mlflow.flush_async_logging()
        assert [h[0] for h in history(client, run.info.run_id, "loss")] == list(range(200))
        assert client.get_run(run.info.run_id).data.params == {"rate": "0.1"}


def test_system_metrics(client: MlflowClient, experiment: SimpleNamespace) -> None:
    mlflow.set_system_metrics_sampling_interval(0.2)
    mlflow.set_system_metrics_samples_before_logging(1)
    try:
        with mlflow.start_run(log_system_metrics=True) as run:
            end = time.monotonic() + 20
            while time.monotonic() < end and not any(
                k.startswith("system/") for k in client.get_run(run.info.run_id).data.metrics
            ):
                time.sleep(0.1)
    finally:
        mlflow.set_system_metrics_sampling_interval(None)
        mlflow.set_system_metrics_samples_before_logging(None)
    metrics = client.get_run(run.info.run_id).data.metrics
    assert metrics["system/cpu_utilization_percentage"] >= 0
    assert metrics["system/system_memory_usage_megabytes"] > 0


def test_everyone_reads_what_he_wrote(client: MlflowClient, experiment: SimpleNamespace) -> None:
    """Eight threads write to runs of their own and to one shared run, and read after every write."""
    shared = client.create_run(experiment.id).info.run_id
    wrong: list[str] = []

    def work(n: int) -> None:
        try:
            mine = client.create_run(experiment.id).info.run_id
            for step in range(15):
                client.log_metric(mine, "m", step, step=step)
                client.log_metric(shared, f"thread_{n}", step, step=step)
                client.set_tag(mine, "step", str(step))
                assert client.get_run(mine).data.metrics["m"] == step
                assert client.get_run(shared).data.metrics[f"thread_{n}"] == step
                found = client.search_runs([experiment.id], f"metrics.m = {step} AND tags.step = '{step}'")
                assert mine in [r.info.run_id for r in found], f"search does not find step {step}"
                assert len(client.get_metric_history(mine, "m")) == step + 1
        except Exception as error:
            wrong.append(f"thread {n}: {error!r}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_history_longer_than_the_clients_page(client: MlflowClient, run_id: str) -> None:
    count = 25_001
    for at in range(0, count, 1000):
        steps = range(at, min(at + 1000, count))
        client.log_batch(run_id, metrics=[Metric("m", float(s), s, s) for s in steps])
    assert [m.step for m in client.get_metric_history(run_id, "m")] == list(range(count))
