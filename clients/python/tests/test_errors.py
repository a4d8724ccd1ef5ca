"""What a client gets for a mistake: MLflow's status and code, and a message that names the field."""

from types import SimpleNamespace
from typing import Any

import pytest
import requests
from conftest import unique
from mlflow.tracking import MlflowClient

INVALID = (400, "INVALID_PARAMETER_VALUE")
MISSING = (404, "RESOURCE_DOES_NOT_EXIST")
UNKNOWN_RUN = "ab5e9a7e" * 4

# route, body ("RUN" stands for a running run, "GONE" for a deleted one), status and code, piece of the message
CASES: list[tuple[str, str, Any, tuple[int, str], str]] = [
    ("unknown run", "runs/log-metric", {"run_id": UNKNOWN_RUN, "key": "k", "value": 1, "timestamp": 1}, MISSING, f"Run with id={UNKNOWN_RUN} not found"),
    ("unknown run, param", "runs/log-parameter", {"run_id": UNKNOWN_RUN, "key": "k", "value": "1"}, MISSING, "not found"),
    ("unknown run, batch", "runs/log-batch", {"run_id": UNKNOWN_RUN, "metrics": []}, MISSING, "not found"),
    ("unknown run, update", "runs/update", {"run_id": UNKNOWN_RUN, "status": "FINISHED"}, MISSING, "not found"),
    ("deleted run, metric", "runs/log-metric", {"run_id": "GONE", "key": "k", "value": 1, "timestamp": 1}, INVALID, "must be in the 'active' state"),
    ("deleted run, batch", "runs/log-batch", {"run_id": "GONE", "params": [{"key": "a", "value": "1"}]}, INVALID, "must be in the 'active' state"),
    ("deleted run, tag", "runs/set-tag", {"run_id": "GONE", "key": "k", "value": "1"}, INVALID, "must be in the 'active' state"),
    ("no run id", "runs/log-metric", {"key": "k", "value": 1, "timestamp": 1}, INVALID, "run_id"),
    ("no key", "runs/log-metric", {"run_id": "RUN", "value": 1, "timestamp": 1}, INVALID, "Missing value for required parameter 'key'"),
    ("no value", "runs/log-metric", {"run_id": "RUN", "key": "k", "timestamp": 1}, INVALID, "Missing value for required parameter 'value'"),
    ("no timestamp", "runs/log-metric", {"run_id": "RUN", "key": "k", "value": 1}, INVALID, "Missing value for required parameter 'timestamp'"),
    ("value is a text", "runs/log-metric", {"run_id": "RUN", "key": "k", "value": "much", "timestamp": 1}, INVALID, "for parameter 'value'"),
    ("timestamp is a text", "runs/log-metric", {"run_id": "RUN", "key": "k", "value": 1, "timestamp": "now"}, INVALID, "for parameter 'timestamp'"),
    ("step is a text", "runs/log-metric", {"run_id": "RUN", "key": "k", "value": 1, "timestamp": 1, "step": "last"}, INVALID, "for parameter 'step'"),
    ("key is a number", "runs/log-metric", {"run_id": "RUN", "key": 7, "value": 1, "timestamp": 1}, INVALID, "for parameter 'key'"),
    ("metric key too long", "runs/log-metric", {"run_id": "RUN", "key": "k" * 251, "value": 1, "timestamp": 1}, INVALID, "exceeds the maximum length of 250 characters"),
    ("metric key with a bad sign", "runs/log-metric", {"run_id": "RUN", "key": "a,b", "value": 1, "timestamp": 1}, INVALID, "Invalid value \"a,b\" for parameter 'name'"),
    ("metric key out of its folder", "runs/log-metric", {"run_id": "RUN", "key": "../k", "value": 1, "timestamp": 1}, INVALID, "../k"),
    ("param key too long", "runs/log-parameter", {"run_id": "RUN", "key": "k" * 251, "value": "1"}, INVALID, "exceeds the maximum length of 250 characters"),
    ("param changed", "runs/log-parameter", {"run_id": "RUN", "key": "rate", "value": "2"}, INVALID, "Changing param values is not allowed. Param with key='rate' was already logged with value='1'"),
    ("param changed in a batch", "runs/log-batch", {"run_id": "RUN", "params": [{"key": "rate", "value": "2"}]}, INVALID, "'old_value': '1', 'new_value': '2'"),
    ("tag key missing", "runs/set-tag", {"run_id": "RUN", "value": "v"}, INVALID, "Missing value for required parameter 'key'"),
    ("no such tag", "runs/delete-tag", {"run_id": "RUN", "key": "absent"}, MISSING, "No tag with name: absent"),
    ("1,001 metrics", "runs/log-batch", {"run_id": "RUN", "metrics": [{"key": f"k{n}", "value": 1, "timestamp": 1, "step": 0} for n in range(1001)]}, INVALID, "A batch logging request can contain at most 1000 metrics. Got 1001 metrics."),
    ("101 params", "runs/log-batch", {"run_id": "RUN", "params": [{"key": f"k{n}", "value": "1"} for n in range(101)]}, INVALID, "at most 100 params. Got 101 params."),
    ("101 tags", "runs/log-batch", {"run_id": "RUN", "tags": [{"key": f"k{n}", "value": "1"} for n in range(101)]}, INVALID, "at most 100 tags. Got 101 tags."),
    ("1,000 in all and one", "runs/log-batch", {"run_id": "RUN", "metrics": [{"key": f"k{n}", "value": 1, "timestamp": 1, "step": 0} for n in range(1000)], "tags": [{"key": "t", "value": "1"}]}, INVALID, "at most 1000"),
    ("a batch's metric without a key", "runs/log-batch", {"run_id": "RUN", "metrics": [{"value": 1, "timestamp": 1, "step": 0}]}, INVALID, "metrics[0].key"),
    ("a batch's second key is bad", "runs/log-batch", {"run_id": "RUN", "metrics": [{"key": "a", "value": 1, "timestamp": 1, "step": 0}, {"key": "b,c", "value": 1, "timestamp": 1, "step": 0}]}, INVALID, "b,c"),
    ("a param twice in a batch", "runs/log-batch", {"run_id": "RUN", "params": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}, INVALID, "Duplicate parameter keys have been submitted: ['a']"),
    ("metrics are no list", "runs/log-batch", {"run_id": "RUN", "metrics": 5}, INVALID, "for parameter 'metrics'"),
    ("run of an unknown experiment", "runs/create", {"experiment_id": "987654321"}, MISSING, "No Experiment with id=987654321 exists"),
    ("experiment without a name", "experiments/create", {}, INVALID, "Missing value for required parameter 'name'"),
    ("experiment with an empty name", "experiments/create", {"name": ""}, INVALID, "name"),
    ("experiment with a long name", "experiments/create", {"name": "n" * 501}, INVALID, "exceeds the maximum length of 500 characters"),
    ("experiment name taken", "experiments/create", {"name": "Default"}, (400, "RESOURCE_ALREADY_EXISTS"), "Experiment(name=Default) already exists"),
    ("unknown experiment, update", "experiments/update", {"experiment_id": "987654321", "new_name": "x"}, MISSING, "No Experiment with id=987654321 exists"),
    ("unknown experiment, delete", "experiments/delete", {"experiment_id": "987654321"}, MISSING, "No Experiment with id=987654321 exists"),
    ("run search, too many", "runs/search", {"experiment_ids": ["0"], "max_results": 50001}, INVALID, "max_results"),
    ("run search, none", "runs/search", {"experiment_ids": ["0"], "max_results": -1}, INVALID, "max_results"),
    ("experiment search, unset page size", "experiments/search", {}, INVALID, "max_results"),
    ("filter of nonsense", "runs/search", {"experiment_ids": ["0"], "filter": "what is this"}, INVALID, "filter"),
    ("filter with an unknown entity", "runs/search", {"experiment_ids": ["0"], "filter": "river.a > 1"}, INVALID, "river"),
    ("filter with an unknown attribute", "runs/search", {"experiment_ids": ["0"], "filter": "attributes.color = 'red'"}, INVALID, "color"),
    ("metric compared with a text", "runs/search", {"experiment_ids": ["0"], "filter": "metrics.a > 'x'"}, INVALID, "metric"),
    ("param compared with a number", "runs/search", {"experiment_ids": ["0"], "filter": "params.a = 1"}, INVALID, "param"),
    ("order by nonsense", "runs/search", {"experiment_ids": ["0"], "order_by": ["river.a"]}, INVALID, "river"),
    ("order both ways at once", "runs/search", {"experiment_ids": ["0"], "order_by": ["metrics.a ACS"]}, INVALID, "order_by"),
    ("page token of nonsense", "runs/search", {"experiment_ids": ["0"], "page_token": "nonsense"}, INVALID, "page token"),
]  # fmt: skip

# Here MLflow's own server answers 500 or keeps a half of the batch and says nothing.
STRICTER: list[tuple[str, str, Any, tuple[int, str], str]] = [
    ("a batch's metric with a text for a value", "runs/log-batch", {"run_id": "RUN", "metrics": [{"key": "k", "value": "much", "timestamp": 1, "step": 0}]}, INVALID, "metrics[0].value"),
    ("order by one key twice", "runs/search", {"experiment_ids": ["0"], "order_by": ["metrics.a", "metrics.a DESC"]}, INVALID, "order_by"),
]  # fmt: skip


@pytest.fixture(scope="module")
def runs(url: str) -> SimpleNamespace:
    client = MlflowClient(url)
    experiment = client.create_experiment(unique("errors"))
    alive, gone = (client.create_run(experiment).info.run_id for _ in range(2))
    client.log_param(alive, "rate", "1")
    client.delete_run(gone)
    return SimpleNamespace(alive=alive, gone=gone)


@pytest.mark.parametrize("prefix", ["api", "ajax-api"])
@pytest.mark.parametrize(("route", "body", "want", "piece"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_mistake_is_named(
    url: str, runs: SimpleNamespace, prefix: str, route: str, body: dict, want: tuple[int, str], piece: str
) -> None:
    if prefix == "ajax-api" and not route.startswith("runs/log"):
        prefix = "api"  # once is enough where nothing differs
    before = MlflowClient(url).get_run(runs.alive).to_dictionary()
    ids = {"RUN": runs.alive, "GONE": runs.gone}
    body = {k: ids.get(v, v) if isinstance(v, str) else v for k, v in body.items()}
    answer = requests.post(f"{url}/{prefix}/2.0/mlflow/{route}", json=body, timeout=30)
    said = answer.json()
    assert (answer.status_code, said["error_code"]) == want, said
    assert piece.lower() in said["message"].lower()
    assert MlflowClient(url).get_run(runs.alive).to_dictionary() == before, "a refused request leaves nothing behind"


@pytest.mark.stricter
@pytest.mark.parametrize(("route", "body", "want", "piece"), [c[1:] for c in STRICTER], ids=[c[0] for c in STRICTER])
def test_a_mistake_that_mlflow_lets_pass(
    url: str, runs: SimpleNamespace, route: str, body: dict, want: tuple[int, str], piece: str
) -> None:
    test_a_mistake_is_named(url, runs, "api", route, body, want, piece)


@pytest.mark.stricter
@pytest.mark.parametrize("body", ["{", "not json", "[1, 2]", '{"run_id": ', "\x00\xff"])
def test_a_body_that_is_no_json_object(url: str, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(
        f"{url}/api/2.0/mlflow/runs/log-batch", data=body.encode("latin-1"), headers=headers, timeout=30
    )
    assert answer.status_code == 400


def test_an_unknown_route(url: str) -> None:
    assert requests.post(f"{url}/api/2.0/mlflow/runs/fly", json={}, timeout=30).status_code == 404


def test_the_server_says_its_level(url: str) -> None:
    assert requests.get(f"{url}/version", timeout=30).text == "3.17.2"
    assert requests.get(f"{url}/health", timeout=30).status_code == 200


def test_numbers_may_come_as_texts(url: str, client: MlflowClient, run_id: str) -> None:
    """Proto's JSON allows 64-bit integers as texts, and clients in other languages send them so."""
    body = {"run_id": run_id, "metrics": [{"key": "m", "value": 1.5, "timestamp": 7, "step": 3}]}
    assert requests.post(f"{url}/api/2.0/mlflow/runs/log-batch", json=body, timeout=30).json() == {}
    (point,) = client.get_metric_history(run_id, "m")
    assert (point.value, point.timestamp, point.step) == (1.5, 7, 3)


def test_run_uuid_stands_for_run_id(url: str, client: MlflowClient, run_id: str) -> None:
    body = {"run_uuid": run_id, "key": "m", "value": 2, "timestamp": 1}
    assert requests.post(f"{url}/api/2.0/mlflow/runs/log-metric", json=body, timeout=30).status_code == 200
    got = requests.get(f"{url}/api/2.0/mlflow/runs/get", {"run_uuid": run_id}, timeout=30).json()["run"]
    assert got["info"]["run_id"] == got["info"]["run_uuid"] == run_id
    assert got["data"]["metrics"][0]["value"] == 2


def test_long_values_are_cut(url: str, client: MlflowClient, run_id: str) -> None:
    """As MLflow's server does unless MLFLOW_TRUNCATE_LONG_VALUES says otherwise."""
    for route, body in (
        ("log-parameter", {"key": "param", "value": "v" * 6001}),
        ("set-tag", {"key": "tag", "value": "v" * 8001}),
        ("log-batch", {"params": [{"key": "in batch", "value": "v" * 7000}]}),
    ):
        answer = requests.post(f"{url}/api/2.0/mlflow/runs/{route}", json={"run_id": run_id, **body}, timeout=30)
        assert answer.status_code == 200, answer.text
    data = client.get_run(run_id).data
    assert (len(data.params["param"]), len(data.params["in batch"]), len(data.tags["tag"])) == (6000, 6000, 8000)
