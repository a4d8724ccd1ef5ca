"""Routes that MLflow's client does not call and its web page does, and what both servers say to odd requests: asked
of ours and of MLflow's own."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import unique
from differential import KNOWN, ROOT_DOC, TALLY, Server, refusal

POINTS = 40
AJAX = "/ajax-api/2.0/mlflow"


def fill(server: Server) -> SimpleNamespace:
    """An experiment with two runs: steps, times and values that meet, NaN among them, and datasets."""
    name = unique("routes")
    experiment = server.must("POST", "experiments/create", {"name": name, "tags": [{"key": "t", "value": "v"}]})[
        "experiment_id"
    ]
    # Answers of many runs are in the order of their ids.
    body = {"experiment_id": experiment, "user_id": "ann"}
    runs = sorted(server.must("POST", "runs/create", body)["run"]["info"]["run_id"] for _ in range(2))
    for n, run in enumerate(runs):
        metrics = [
            {
                "key": "loss",
                "value": "NaN" if i % 13 == 5 else (i * 7 % 10) / 10,
                "timestamp": 1000 + i // 4,
                "step": i // (1 + n),
            }
            for i in range(POINTS)
        ]
        server.must("POST", "runs/update", {"run_id": run, "run_name": f"run {n}"})
        params = [{"key": "lr", "value": "0.1"}]
        server.must("POST", "runs/log-batch", {"run_id": run, "metrics": metrics, "params": params})
        dataset = {"name": "wine", "digest": f"d{n}", "source_type": "local", "source": "{}"}
        tags = [{"key": "mlflow.data.context", "value": "train"}] if n else []
        server.must("POST", "runs/log-inputs", {"run_id": run, "datasets": [{"dataset": dataset, "tags": tags}]})
    server.must("POST", "runs/update", {"run_id": runs[1], "status": "FINISHED", "end_time": 1_700_000_001_000})
    return SimpleNamespace(server=server, experiment=experiment, name=name, runs=runs)


@pytest.fixture(scope="module")
def both(url: str, reference: str) -> list[SimpleNamespace]:
    return [fill(Server(where)) for where in (url, reference)]


def named(answer: Any, where: SimpleNamespace) -> Any:
    """An answer with names in the place of ids, and numbers as numbers: 1 is 1.0 in JSON."""
    if isinstance(answer, dict):
        plain = {k: named(v, where) for k, v in answer.items()}
        return plain | dict.fromkeys(plain.keys() & {"experiment_id", "experimentId"}, "EXPERIMENT")
    if isinstance(answer, list):
        return [named(v, where) for v in answer]
    if isinstance(answer, float) and math.isnan(answer):
        return "NaN"
    if isinstance(answer, str):
        for n, run in enumerate(where.runs):
            answer = answer.replace(run, f"RUN{n}")
        return answer.replace(where.name, "NAME").replace(f"mlflow-artifacts:/{where.experiment}", "ARTIFACTS")
    return answer


def asked(where: SimpleNamespace, method: str, path: str, body: Any = None, query: Any = None) -> Any:
    def own(value: Any) -> Any:
        if isinstance(value, str):
            return (
                value.replace("RUN0", where.runs[0])
                .replace("RUN1", where.runs[1])
                .replace("EXPERIMENT", where.experiment)
            )
        if isinstance(value, dict):
            return {k: own(v) for k, v in value.items()}
        return [own(v) for v in value] if isinstance(value, list) else value

    status, answer = where.server.ask(method, path, own(body), own(query))
    if status >= 400:
        return named(list(refusal(status, answer)), where)
    return [status, named(answer, where)]


def compare(both: list[SimpleNamespace], *request: Any, known: str | None = None) -> None:
    TALLY.check(str(request), *(asked(where, *request) for where in both), known)


LOSS = {"metric_key": "loss"}

HISTORIES: list[tuple[str, dict[str, Any]]] = [
    ("metrics/get-history", LOSS | {"run_id": "RUN0"}),
    ("metrics/get-history", LOSS | {"run_uuid": "RUN1"}),
    ("metrics/get-history", {"run_id": "RUN0"}),
    ("metrics/get-history", {"run_id": "RUN0", "metric_key": "none"}),
    (f"{AJAX}/metrics/get-history-bulk", LOSS | {"run_id": ["RUN0", "RUN1"]}),
    (f"{AJAX}/metrics/get-history-bulk", LOSS | {"run_id": "RUN0", "max_results": "7"}),
    (f"{AJAX}/metrics/get-history-bulk", {"run_id": "RUN0"}),
    (f"{AJAX}/metrics/get-history-bulk", LOSS),
    (f"{AJAX}/metrics/get-history-bulk", LOSS | {"run_id": ["RUN0"] * 101}),
    *(
        (f"{prefix}/metrics/get-history-bulk-interval", LOSS | {"run_ids": ["RUN0", "RUN1"], "max_results": str(n)})
        for prefix in ("/api/2.0/mlflow", AJAX)
        for n in (1, 2, 3, 7, 39, 40, 2500)
    ),
    (
        "metrics/get-history-bulk-interval",
        LOSS | {"run_ids": "RUN1", "start_step": "3", "end_step": "11", "max_results": "4"},
    ),
    ("metrics/get-history-bulk-interval", LOSS | {"run_ids": "RUN1", "start_step": "3", "end_step": "3"}),
    ("metrics/get-history-bulk-interval", LOSS | {"run_ids": "RUN1", "start_step": "5", "end_step": "3"}),
    ("metrics/get-history-bulk-interval", LOSS | {"run_ids": "RUN1", "start_step": "5"}),
    ("metrics/get-history-bulk-interval", LOSS | {"run_ids": "RUN1", "max_results": "0"}),
    ("metrics/get-history-bulk-interval", LOSS | {"run_ids": "RUN1", "max_results": "2501"}),
    ("metrics/get-history-bulk-interval", LOSS | {"run_ids": ["RUN1"] * 101}),
    ("metrics/get-history-bulk-interval", {"run_ids": "RUN1"}),
    ("metrics/get-history-bulk-interval", LOSS),
]


@pytest.mark.parametrize(("path", "query"), HISTORIES)
def test_histories(both: list[SimpleNamespace], path: str, query: dict) -> None:
    compare(both, "GET", path, None, query)


@pytest.mark.parametrize("size", [1, 7, 40, 100])
def test_histories_in_pages(both: list[SimpleNamespace], size: int) -> None:
    def pages(where: SimpleNamespace) -> list:
        out: list = []
        token = None
        while not out or token:
            query = (
                LOSS | {"run_id": where.runs[0], "max_results": str(size)} | ({"page_token": token} if token else {})
            )
            answer = where.server.must("GET", "metrics/get-history", None, query)
            out.append(named(answer.get("metrics"), where))
            token = answer.get("next_page_token")
        return out

    TALLY.check(f"pages of {size}", *(pages(where) for where in both))


def test_datasets_of_experiments(both: list[SimpleNamespace]) -> None:
    path = f"{AJAX}/experiments/search-datasets"
    bodies: list[dict[str, list[str]]] = [
        {"experiment_ids": ["EXPERIMENT"]},
        {"experiment_ids": ["987654"]},
        {"experiment_ids": []},
        {"experiment_ids": ["1"] * 21},
    ]
    for body in bodies:
        answers = [asked(where, "POST", path, body) for where in both]
        for answer in answers:
            if answer[0] == 200:
                answer[1].get("dataset_summaries", []).sort(key=str)  # MLflow gives them in any order
        TALLY.check(str(body), *answers)


RUN = """query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetRun(input: $data) {
    apiError { helpUrl code message }
    run {
      info { runName status runUuid experimentId artifactUri endTime lifecycleStage startTime userId }
      experiment { experimentId name tags { key value } artifactLocation lifecycleStage }
      data { metrics { key value step timestamp } params { key value } }
      inputs { datasetInputs { dataset { digest name profile schema source sourceType } tags { key value } } modelInputs { modelId } }
      outputs { modelOutputs { modelId step } }
    }
  }
}"""
EXPERIMENT = """query MlflowGetExperimentQuery($input: MlflowGetExperimentInput!) @component(name: "x") {
  mlflowGetExperiment(input: $input) {
    apiError { code message }
    experiment { artifactLocation effectiveTraceArchivalRetention experimentId lifecycleStage name tags { key value } }
  }
}"""
INTERVAL = """query GetMetricHistoryBulkInterval($data: MlflowGetMetricHistoryBulkIntervalInput!) @component(name: "x") {
  mlflowGetMetricHistoryBulkInterval(input: $data) { __typename metrics { timestamp step runId key } apiError { code message } }
}"""
SEARCH = """query SearchRuns($data: MlflowSearchRunsInput!) {
  mlflowSearchRuns(input: $data) {
    apiError { helpUrl code message }
    runs { info { runName status runUuid endTime } experiment { name } data { params { key value } } }
  }
}"""
QUERIES: list[tuple[str, dict[str, Any], str | None]] = [
    (RUN, {"data": {"runId": "RUN0"}}, None),
    (RUN, {"data": {"runId": "RUN1"}}, None),
    (RUN, {"data": {"runId": "ab" * 16}}, None),
    (EXPERIMENT, {"input": {"experimentId": "EXPERIMENT"}}, None),
    (EXPERIMENT, {"input": {"experimentId": "987654"}}, None),
    (INTERVAL, {"data": {"runIds": ["RUN0", "RUN1"], "metricKey": "loss"}}, None),
    (SEARCH, {"data": {"experimentIds": ["EXPERIMENT"], "orderBy": ["run_name"]}}, None),
    (SEARCH, {"data": {"experimentIds": ["EXPERIMENT"], "filter": "params.lr = '9'"}}, None),
    ('{ test(inputString: "x") { output } }', {}, None),
    ('{ a: test(inputString: "x") { output } b: test(inputString: "y") { output __typename } }', {}, None),
    ("{ nothing }", {}, "own-words"),
    ("{", {}, "graphql-refusals"),
]


@pytest.mark.parametrize(("query", "variables", "known"), QUERIES)
def test_graphql(both: list[SimpleNamespace], query: str, variables: dict, known: str | None) -> None:
    compare(both, "POST", "/graphql", {"query": query, "variables": variables}, known=known)


@pytest.mark.parametrize(
    ("method", "path", "body", "known"),
    [
        ("GET", "/ajax-api/3.0/mlflow/ui-telemetry", None, None),
        ("POST", "/ajax-api/3.0/mlflow/ui-telemetry", {"records": []}, None),
        ("GET", "/api/3.0/mlflow/server-info", None, "features"),
        ("GET", "/ajax-api/3.0/mlflow/server-info", None, "features"),
        ("POST", "runs/search", {}, None),
        ("POST", "runs/create", {}, "experiment-of-a-run"),
        ("POST", "logged-models/search", {}, None),
        ("GET", "experiments/get", None, None),
        ("GET", "runs/get", None, None),
    ],
)
def test_odd_requests(both: list[SimpleNamespace], method: str, path: str, body: Any, known: str | None) -> None:
    compare(both, method, path, body, known=known)


@pytest.mark.parametrize(
    "path", ["/api/2.0/mlflow/nothing", "/api/2.0/preview/mlflow/runs/get", "/api/4.0/mlflow/runs/get", "/nothing"]
)
def test_unknown_routes(both: list[SimpleNamespace], path: str) -> None:
    TALLY.check(path, *(where.server.ask("GET", path)[0] for where in both))


def test_every_known_difference_has_its_reason() -> None:
    text = ROOT_DOC.read_text()
    assert [name for name in KNOWN if f"`{name}`" not in text] == []
