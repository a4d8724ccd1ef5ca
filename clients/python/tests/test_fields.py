"""Every field that MLflow"s server answers is answered here, too: one story told to both servers, and the shape of
each answer compared."""

from collections.abc import Iterator
from typing import Any

from conftest import unique
from differential import TALLY, Server


def shape(answer: Any) -> Any:
    """The names of an answer and the kinds of its values."""
    if isinstance(answer, dict):
        return {name: shape(value) for name, value in sorted(answer.items())}
    if isinstance(answer, list):
        return [shape(answer[0])] if answer else []
    return "number" if type(answer) in (int, float) else type(answer).__name__


class Story:
    """What was asked of a server, and the shapes of its answers."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.told: list[tuple[str, int, Any]] = []

    def __call__(self, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        status, answer = self.server.ask(method, path, body, query)
        self.told.append((f"{method} {path.rpartition('m-')[0] or path}", status, shape(answer)))
        return answer


def tell(server: Server) -> list[tuple[str, int, Any]]:
    """An experiment, a run, a logged model, a registered one and a trace, from beginning to end."""
    do = Story(server)
    n = unique("fields")
    e = do("POST", "experiments/create", {"name": n, "tags": [{"key": "a", "value": "b"}]})["experiment_id"]
    do("GET", "experiments/get", None, {"experiment_id": e})
    do("GET", "experiments/get-by-name", None, {"experiment_name": n})
    do("POST", "experiments/search", {"max_results": 1})
    do("POST", "experiments/search", {"max_results": 1, "filter": f"name='{n}'"})
    do("POST", "experiments/update", {"experiment_id": e, "new_name": n + "x"})
    r = do("POST", "runs/create", {"experiment_id": e, "start_time": 5, "tags": [{"key": "t", "value": "v"}]})["run"][
        "info"
    ]["run_id"]
    do("POST", "runs/log-metric", {"run_id": r, "key": "m", "value": 1.5, "timestamp": 5})
    m = do(
        "POST",
        "logged-models",
        {
            "experiment_id": e,
            "name": "mm",
            "source_run_id": r,
            "model_type": "x",
            "params": [{"key": "p", "value": "1"}],
            "tags": [{"key": "p", "value": "1"}],
        },
    )["model"]["info"]["model_id"]
    do(
        "POST",
        "runs/log-metric",
        {
            "run_id": r,
            "key": "m2",
            "value": 1.5,
            "timestamp": 5,
            "model_id": m,
            "dataset_name": "d",
            "dataset_digest": "dd",
        },
    )
    do(
        "POST",
        "runs/log-batch",
        {
            "run_id": r,
            "metrics": [{"key": "q", "value": 1, "timestamp": 1, "step": 3}],
            "params": [{"key": "p", "value": "1"}],
            "tags": [],
        },
    )
    do(
        "POST",
        "runs/log-inputs",
        {
            "run_id": r,
            "datasets": [
                {
                    "dataset": {
                        "name": "n",
                        "digest": "d",
                        "source_type": "x",
                        "source": "y",
                        "schema": "s",
                        "profile": "p",
                    },
                    "tags": [{"key": "k", "value": "v"}],
                }
            ],
            "models": [{"model_id": m}],
        },
    )
    do("POST", "runs/outputs", {"run_id": r, "models": [{"model_id": m, "step": 1}]})
    do("GET", "runs/get", None, {"run_id": r})
    do("POST", "runs/search", {"experiment_ids": [e]})
    do("POST", "runs/update", {"run_id": r, "status": "FINISHED", "end_time": 77})
    do("GET", "metrics/get-history", None, {"run_id": r, "metric_key": "m2"})
    do("GET", "metrics/get-history-bulk-interval", None, {"run_ids": r, "metric_key": "m2"})
    do("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", None, {"run_id": r, "metric_key": "m2"})
    do("PATCH", f"logged-models/{m}", {"model_id": m, "status": "LOGGED_MODEL_READY"})
    do("GET", f"logged-models/{m}")
    do("POST", "logged-models/search", {"experiment_ids": [e]})
    do("PATCH", f"logged-models/{m}/tags", {"tags": [{"key": "z", "value": "v"}]})
    do("POST", f"logged-models/{m}/params", {"model_id": m, "params": [{"key": "z", "value": "v"}]})
    do("GET", f"logged-models/{m}/artifacts/directories")
    server.session.put(server.url + f"/api/2.0/mlflow-artifacts/artifacts/{e}/{r}/artifacts/x/a.txt", data=b"hi")
    do("GET", "artifacts/list", None, {"run_id": r})
    do("GET", "artifacts/list", None, {"run_id": r, "path": "x"})
    do("GET", "/api/2.0/mlflow-artifacts/artifacts", None, {"path": f"{e}/{r}/artifacts"})
    do("POST", "registered-models/create", {"name": n, "description": "d", "tags": [{"key": "z", "value": "v"}]})
    do(
        "POST",
        "model-versions/create",
        {
            "name": n,
            "source": f"mlflow-artifacts:/{e}/{r}/artifacts/x",
            "run_id": r,
            "model_id": m,
            "tags": [{"key": "z", "value": "v"}],
            "description": "d",
            "run_link": "http://x",
        },
    )
    do("POST", "registered-models/alias", {"name": n, "alias": "a", "version": "1"})
    do(
        "POST",
        "model-versions/transition-stage",
        {"name": n, "version": "1", "stage": "Staging", "archive_existing_versions": False},
    )
    do("GET", "registered-models/get", None, {"name": n})
    do("GET", "model-versions/get", None, {"name": n, "version": "1"})
    do("GET", "registered-models/search", None, {"filter": f"name='{n}'"})
    do("GET", "model-versions/search", None, {"filter": f"name='{n}'"})
    do("GET", "registered-models/alias", None, {"name": n, "alias": "a"})
    do("POST", "registered-models/get-latest-versions", {"name": n})
    do("PATCH", "registered-models/update", {"name": n, "description": "e"})
    do("PATCH", "model-versions/update", {"name": n, "version": "1", "description": "e"})
    do("GET", "model-versions/get-download-uri", None, {"name": n, "version": "1"})
    do("POST", "registered-models/rename", {"name": n, "new_name": n + "z"})
    do("GET", f"logged-models/{m}")
    do("GET", "/api/2.0/mlflow/traces", None, {"experiment_ids": e})
    t = do(
        "POST",
        "traces",
        {
            "experiment_id": e,
            "timestamp_ms": 5,
            "request_metadata": [{"key": "a", "value": "b"}],
            "tags": [{"key": "c", "value": "d"}],
        },
    )["trace_info"]["request_id"]
    do("PATCH", f"traces/{t}", {"timestamp_ms": 50, "status": "OK", "request_metadata": [], "tags": []})
    do("GET", f"traces/{t}/info")
    do("GET", f"/api/3.0/mlflow/traces/{t}")
    do(
        "POST",
        "/api/3.0/mlflow/traces/search",
        {"locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": e}}]},
    )
    do(
        "POST",
        f"/api/3.0/mlflow/traces/{t}/assessments",
        {
            "assessment": {
                "assessment_name": "n",
                "trace_id": t,
                "source": {"source_type": "HUMAN", "source_id": "x"},
                "feedback": {"value": 1.0},
            }
        },
    )
    do("GET", "/api/3.0/mlflow/server-info")
    do("POST", "experiments/delete", {"experiment_id": e})
    do("GET", "experiments/get", None, {"experiment_id": e})
    do("GET", "runs/get", None, {"run_id": r})
    return do.told


# Ours says more: a run that was just made has (no) outputs, and points of a history name their model and dataset.
MORE = {"POST runs/create", "GET metrics/get-history"}


def pairs(url: str, reference: str) -> Iterator[tuple]:
    return zip(tell(Server(url)), tell(Server(reference)), strict=True)


def test_every_field_is_answered(url: str, reference: str) -> None:
    for ours, theirs in pairs(url, reference):
        TALLY.check(ours[0], ours[1:], theirs[1:], "more-told" if ours[0] in MORE else None)
