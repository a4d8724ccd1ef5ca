"""What a client of the registry gets for a mistake: MLflow's status and code, and its message."""

from typing import Any

import pytest
import requests
from conftest import unique
from mlflow.tracking import MlflowClient

UNKNOWN_RUN = "ab5e9a7e" * 4


@pytest.fixture
def versions(client: MlflowClient) -> str:
    """A registered model with a version."""
    name = client.create_registered_model(unique("model")).name
    client.create_model_version(name, "s3://bucket/1")
    return name


INVALID = (400, "INVALID_PARAMETER_VALUE")
MISSING = (404, "RESOURCE_DOES_NOT_EXIST")
TAKEN = (400, "RESOURCE_ALREADY_EXISTS")

# method, route, body (NAME stands for a model with a version, RUN for a run), status and code, message
CASES: list[tuple[str, str, str, dict[str, Any], tuple[int, str], str]] = [
    ("name taken", "POST", "registered-models/create", {"name": "NAME"}, TAKEN, "Registered Model (name=NAME) already exists."),
    ("name missing", "POST", "registered-models/create", {}, INVALID, "Missing value for required parameter 'name'"),
    ("name empty", "POST", "registered-models/create", {"name": " "}, INVALID, "Missing value for required parameter 'name'."),
    ("name with a slash", "POST", "registered-models/create", {"name": "a/b"}, INVALID, "Invalid model name 'a/b'. Names cannot contain '/' or ':'."),
    ("name that is a path", "POST", "registered-models/create", {"name": ".."}, INVALID, "This name would resolve to '..'"),
    ("name of another type", "POST", "registered-models/create", {"name": 5}, INVALID, "Invalid value 5 for parameter 'name' supplied"),
    ("tag key", "POST", "registered-models/create", {"name": "new", "tags": [{"key": "a?", "value": "b"}]}, INVALID, "Names may only contain"),
    ("tag value too long", "POST", "registered-models/set-tag", {"name": "NAME", "key": "k", "value": "v" * 100_001}, INVALID, "'value' exceeds the maximum length of 100000 characters"),
    ("prompt text too long", "POST", "model-versions/set-tag", {"name": "NAME", "version": "1", "key": "mlflow.prompt.text", "value": "v" * 100_001}, INVALID, "Prompt text exceeds max length of 100000 characters."),
    ("unknown model", "GET", "registered-models/get", {"name": "absent"}, MISSING, "Registered Model with name=absent not found"),
    ("unknown model, update", "PATCH", "registered-models/update", {"name": "absent", "description": ""}, MISSING, "Registered Model with name=absent not found"),
    ("unknown model, rename", "POST", "registered-models/rename", {"name": "absent", "new_name": "b"}, MISSING, "Registered Model with name=absent not found"),
    ("unknown model, tag", "POST", "registered-models/set-tag", {"name": "absent", "key": "a"}, MISSING, "Registered Model with name=absent not found"),
    ("unknown model, versions", "POST", "registered-models/get-latest-versions", {"name": "absent"}, MISSING, "Registered Model with name=absent not found"),
    ("unknown model, create version", "POST", "model-versions/create", {"name": "absent", "source": "s3://a/b"}, MISSING, "Registered Model with name=absent not found"),
    ("rename to a bad name", "POST", "registered-models/rename", {"name": "NAME", "new_name": "a:b"}, INVALID, "Invalid model name 'a:b'"),
    ("unknown version", "GET", "model-versions/get", {"name": "NAME", "version": "9"}, MISSING, "Model Version (name=NAME, version=9) not found"),
    ("unknown model's version", "GET", "model-versions/get", {"name": "absent", "version": "1"}, MISSING, "Model Version (name=absent, version=1) not found"),
    ("version is no number", "GET", "model-versions/get", {"name": "NAME", "version": "abc"}, INVALID, "Parameter 'version' must be an integer, got 'abc'."),
    ("unknown version, tag", "POST", "model-versions/set-tag", {"name": "NAME", "version": "9", "key": "a"}, MISSING, "Model Version (name=NAME, version=9) not found"),
    ("unknown version, stage", "POST", "model-versions/transition-stage", {"name": "NAME", "version": "9", "stage": "Staging"}, MISSING, "Model Version (name=NAME, version=9) not found"),
    ("unknown version, alias", "POST", "registered-models/alias", {"name": "NAME", "alias": "a", "version": "9"}, MISSING, "Model Version (name=NAME, version=9) not found"),
    ("unknown version, uri", "GET", "model-versions/get-download-uri", {"name": "NAME", "version": "9"}, MISSING, "Model Version (name=NAME, version=9) not found"),
    ("stage", "POST", "model-versions/transition-stage", {"name": "NAME", "version": "1", "stage": "Deleted_Internal"}, INVALID, "Invalid Model Version stage: Deleted_Internal. Value must be one of None, Staging, Production, Archived."),
    ("alias latest", "POST", "registered-models/alias", {"name": "NAME", "alias": "Latest", "version": "1"}, INVALID, "'latest' alias name (case insensitive) is reserved."),
    ("alias of a number", "POST", "registered-models/alias", {"name": "NAME", "alias": "v3", "version": "1"}, INVALID, "Version alias name 'v3' is reserved."),
    ("alias with a space", "POST", "registered-models/alias", {"name": "NAME", "alias": "a b", "version": "1"}, INVALID, "Invalid alias name: 'a b'."),
    ("alias too long", "POST", "registered-models/alias", {"name": "NAME", "alias": "a" * 256, "version": "1"}, INVALID, "'Registered model alias name' exceeds the maximum length of 255 characters"),
    ("unknown alias", "GET", "registered-models/alias", {"name": "NAME", "alias": "nobody"}, INVALID, "Registered model alias nobody not found."),
    ("no source", "POST", "model-versions/create", {"name": "NAME"}, INVALID, "Missing value for required parameter 'source'"),
    ("local source", "POST", "model-versions/create", {"name": "NAME", "source": "/etc/passwd"}, INVALID, "Invalid model version source: '/etc/passwd'. To use a local path as a model version source, the run_id request parameter has to be specified"),
    ("local source beside the run's", "POST", "model-versions/create", {"name": "NAME", "source": "file:///etc/passwd", "run_id": "RUN"}, INVALID, "contained within the artifact directory of the run specified by the run_id"),
    ("source that climbs", "POST", "model-versions/create", {"name": "NAME", "source": "s3://bucket/../x"}, INVALID, "without relative path references present"),
    ("source that climbs, encoded twice", "POST", "model-versions/create", {"name": "NAME", "source": "s3://bucket/a/%252e%252e/x"}, INVALID, "without relative path references present"),
    ("source with a zero", "POST", "model-versions/create", {"name": "NAME", "source": "s3://bucket/a%00"}, INVALID, "without relative path references present"),
    ("source of no run", "POST", "model-versions/create", {"name": "NAME", "source": "mlflow-artifacts:/0/x/artifacts/m"}, INVALID, "The run_id request parameter must identify the resource that contains the source."),
    ("source of another run", "POST", "model-versions/create", {"name": "NAME", "source": "mlflow-artifacts:/0/x/artifacts/m", "run_id": "RUN"}, INVALID, "The run_id request parameter must identify the resource"),
    ("source of an unknown run", "POST", "model-versions/create", {"name": "NAME", "source": f"mlflow-artifacts:/0/{UNKNOWN_RUN}/artifacts/m", "run_id": UNKNOWN_RUN}, INVALID, "The run_id request parameter must identify the resource"),
    ("runs source without the run", "POST", "model-versions/create", {"name": "NAME", "source": f"runs:/{UNKNOWN_RUN}/m"}, INVALID, "The run_id request parameter must identify the resource"),
    ("model source without the model", "POST", "model-versions/create", {"name": "NAME", "source": f"models:/m-{UNKNOWN_RUN}"}, INVALID, "The model_id request parameter must identify the resource"),
    ("source on another host", "POST", "model-versions/create", {"name": "NAME", "source": "ftp://host/m"}, INVALID, "'source' cannot use the 'ftp' scheme"),
    ("unknown logged model", "POST", "model-versions/create", {"name": "NAME", "source": "s3://a/b", "model_id": f"m-{UNKNOWN_RUN}"}, MISSING, f"Logged model with ID 'm-{UNKNOWN_RUN}' not found."),
    ("source of an unknown version", "POST", "model-versions/create", {"name": "NAME", "source": "models:/NAME/9"}, MISSING, "Model Version (name=NAME, version=9) not found"),
    ("source of an unknown model", "POST", "model-versions/create", {"name": "NAME", "source": "models:/absent/1"}, MISSING, "Registered Model with name=absent not found"),
    ("source of another run than said", "POST", "model-versions/create", {"name": "NAME", "source": "models:/NAME/1", "run_id": "x"}, INVALID, "must match the referenced model version"),
    ("prompt with a source", "POST", "model-versions/create", {"name": "NAME", "source": "s3://a/b", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]}, INVALID, "Prompt sources must use an MLflow placeholder."),
    ("search of too many", "GET", "registered-models/search", {"max_results": "1001"}, INVALID, "Invalid value \"1001\" for parameter 'max_results' supplied"),
    ("search of none", "GET", "model-versions/search", {"max_results": "0"}, INVALID, "Invalid value for max_results. It must be a positive integer, but got 0"),
    ("search filter", "GET", "registered-models/search", {"filter": "run_id = 'x'"}, INVALID, "Invalid attribute key 'run_id' specified. Valid keys are '{'name'}'"),
    ("search order", "GET", "registered-models/search", {"order_by": "river"}, INVALID, "Invalid order by key 'river' specified"),
    ("search token", "GET", "model-versions/search", {"page_token": "abc"}, INVALID, "Invalid page token, could not base64-decode"),
]  # fmt: skip


def ask(url: str, method: str, route: str, fields: dict[str, Any]) -> requests.Response:
    where = f"{url}/api/2.0/mlflow/{route}"
    if method == "GET":
        return requests.get(where, params=fields, timeout=30)
    return requests.request(method, where, json=fields, timeout=30)


def filled(value: Any, name: str, run_id: str) -> Any:
    if isinstance(value, str):
        return value.replace("NAME", name).replace("RUN", run_id)
    return {k: filled(v, name, run_id) for k, v in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("method", "route", "body", "answer", "text"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_refusals(
    url: str,
    versions: str,
    run_id: str,
    method: str,
    route: str,
    body: dict[str, Any],
    answer: tuple[int, str],
    text: str,
) -> None:
    got = ask(url, method, route, filled(body, versions, run_id))
    assert (got.status_code, got.json()["error_code"]) == answer, got.text
    assert filled(text, versions, run_id) in got.json()["message"]
