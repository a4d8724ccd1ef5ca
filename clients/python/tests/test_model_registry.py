"""The model registry: models, versions, aliases, stages and their search, with MLflow's client."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pytest
import requests
import sklearn
from conftest import unique
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sklearn.linear_model import LinearRegression

# Named so that MLflow does not work them out, which takes seconds a model.
REQUIREMENTS = [f"scikit-learn=={sklearn.__version__}"]
UNKNOWN_RUN = "0123456789abcdef" * 2


@pytest.fixture
def name(client: MlflowClient) -> str:
    """A registered model without versions."""
    return client.create_registered_model(unique("model")).name


@pytest.fixture
def versions(client: MlflowClient, name: str) -> str:
    """A registered model with three versions."""
    for n in (1, 2, 3):
        client.create_model_version(name, f"s3://bucket/{n}", tags={"n": str(n)})
        time.sleep(0.002)  # the newest first is by the millisecond
    return name


def fit(slope: float) -> LinearRegression:
    x = np.arange(10.0).reshape(-1, 1)
    return LinearRegression().fit(x, slope * x.ravel())


def log(slope: float, **kwargs: Any):
    return mlflow.sklearn.log_model(fit(slope), name="model", pip_requirements=REQUIREMENTS, **kwargs)


def slope(uri: str) -> float:
    return round(float(mlflow.sklearn.load_model(uri).coef_[0]), 6)


def stages(client: MlflowClient, name: str) -> list[str]:
    found = client.search_model_versions(f"name = '{name}'", order_by=["version_number"])
    return [v.current_stage for v in found]


@pytest.mark.filterwarnings("ignore")
def test_register_and_load_by_version_stage_and_alias(client: MlflowClient, experiment: SimpleNamespace) -> None:
    name = unique("model")
    with mlflow.start_run() as run:
        one = log(1.0)
        registered = mlflow.register_model(one.model_uri, name)
        two = log(2.0, registered_model_name=name)
    assert (registered.name, int(registered.version), registered.status) == (name, 1, "READY")
    assert registered.run_id == run.info.run_id
    assert int(two.registered_model_version) == 2
    assert slope(f"models:/{name}/1") == 1.0
    assert slope(f"models:/{name}/latest") == 2.0
    client.transition_model_version_stage(name, "1", "Production")
    assert slope(f"models:/{name}/Production") == 1.0
    client.set_registered_model_alias(name, "champion", "2")
    assert slope(f"models:/{name}@champion") == 2.0
    client.set_registered_model_alias(name, "champion", "1")
    assert slope(f"models:/{name}@champion") == 1.0
    back = mlflow.pyfunc.load_model(f"models:/{name}/2")
    assert back.predict(np.array([[3.0]]))[0] == pytest.approx(6.0)
    assert client.get_model_version_download_uri(name, "2") == client.get_logged_model(two.model_id).artifact_location


def test_the_logged_model_knows_its_versions(client: MlflowClient, experiment: SimpleNamespace) -> None:
    name = unique("model")
    with mlflow.start_run():
        info = log(1.0)
        mlflow.register_model(info.model_uri, name)
    listed = json.loads(client.get_logged_model(info.model_id).tags["mlflow.modelVersions"])
    assert {(v["name"], int(v["version"])) for v in listed} == {(name, 1)}


def test_register_from_a_run(client: MlflowClient, experiment: SimpleNamespace) -> None:
    name = unique("model")
    with mlflow.start_run() as run:
        log(3.0)
    version = mlflow.register_model(f"runs:/{run.info.run_id}/model", name)
    assert (int(version.version), version.run_id) == (1, run.info.run_id)
    assert slope(f"models:/{name}/1") == 3.0
    copied = client.copy_model_version(f"models:/{name}/1", unique("copy"))
    assert (int(copied.version), copied.run_id) == (1, run.info.run_id)
    assert slope(f"models:/{copied.name}/1") == 3.0


def test_a_model_and_its_fields(client: MlflowClient) -> None:
    name = unique("model")
    made = client.create_registered_model(name, tags={"team": "river"}, description="first")
    assert (made.name, made.tags, made.description, made.latest_versions) == (name, {"team": "river"}, "first", [])
    assert made.creation_timestamp == made.last_updated_timestamp
    time.sleep(0.002)
    updated = client.update_registered_model(name, "second")
    assert updated.description == "second"
    assert updated.last_updated_timestamp > made.creation_timestamp
    client.set_registered_model_tag(name, "team", "lake")
    client.set_registered_model_tag(name, "n", 7)
    client.delete_registered_model_tag(name, "absent")
    assert client.get_registered_model(name).tags == {"team": "lake", "n": "7"}
    client.delete_registered_model_tag(name, "n")
    assert client.get_registered_model(name).tags == {"team": "lake"}


def test_a_version_and_its_fields(client: MlflowClient, name: str, run_id: str) -> None:
    made = client.create_model_version(name, f"runs:/{run_id}/m", run_id, tags={"a": "1"}, run_link="http://x", description="d")
    assert (made.name, int(made.version), made.current_stage, made.status) == (name, 1, "None", "READY")
    assert (made.source, made.run_id, made.run_link) == (f"runs:/{run_id}/m", run_id, "http://x")
    assert (made.tags, made.description, made.aliases) == ({"a": "1"}, "d", [])
    time.sleep(0.002)
    updated = client.update_model_version(name, "1", "e")
    assert updated.description == "e"
    assert updated.last_updated_timestamp > made.creation_timestamp
    client.set_model_version_tag(name, "1", "b", 2)
    client.delete_model_version_tag(name, "1", "a")
    client.delete_model_version_tag(name, "1", "absent")
    got = client.get_model_version(name, "1")
    assert (got.tags, got.description) == ({"b": "2"}, "e")
    assert client.get_model_version_download_uri(name, "1") == f"runs:/{run_id}/m"


def test_a_new_name_takes_everything_along(client: MlflowClient, versions: str) -> None:
    client.set_registered_model_tag(versions, "t", "x")
    client.set_registered_model_alias(versions, "best", "2")
    client.transition_model_version_stage(versions, "3", "Staging")
    before = client.get_model_version(versions, "1")
    time.sleep(0.002)
    new = unique("renamed")
    client.rename_registered_model(versions, new)
    renamed = client.get_registered_model(new)
    assert (renamed.name, renamed.tags) == (new, {"t": "x"})
    assert {a: int(v) for a, v in renamed.aliases.items()} == {"best": 2}
    got = client.get_model_version(new, "1")
    assert (got.name, got.tags, got.source) == (new, {"n": "1"}, "s3://bucket/1")
    assert got.last_updated_timestamp > before.last_updated_timestamp
    assert int(client.get_model_version_by_alias(new, "best").version) == 2
    assert [v.name for v in client.search_model_versions(f"name = '{new}'")] == [new] * 3
    assert client.search_model_versions(f"name = '{versions}'") == []
    with pytest.raises(MlflowException, match=f"Registered Model with name={versions} not found"):
        client.get_registered_model(versions)
    # The old name is free, and who takes it begins anew.
    client.create_registered_model(versions)
    assert int(client.create_model_version(versions, "s3://bucket/x").version) == 1
    assert int(client.create_model_version(new, "s3://bucket/x").version) == 4
    with pytest.raises(MlflowException, match=f"Registered Model \\(name={new}\\) already exists"):
        client.rename_registered_model(versions, new)


@pytest.mark.filterwarnings("ignore")
def test_stages(client: MlflowClient, versions: str) -> None:
    moved = client.transition_model_version_stage(versions, "1", "production")
    assert moved.current_stage == "Production"
    client.transition_model_version_stage(versions, "2", "Production")
    assert stages(client, versions) == ["Production", "Production", "None"]
    client.transition_model_version_stage(versions, "3", "Production", archive_existing_versions=True)
    assert stages(client, versions) == ["Archived", "Archived", "Production"]
    client.transition_model_version_stage(versions, "1", "Staging")
    latest = {v.current_stage: int(v.version) for v in client.get_latest_versions(versions)}
    assert latest == {"Staging": 1, "Archived": 2, "Production": 3}
    assert [int(v.version) for v in client.get_latest_versions(versions, ["Staging"])] == [1]
    assert client.get_latest_versions(versions, ["None"]) == []
    with pytest.raises(MlflowException, match="Invalid Model Version stage: Mars. Value must be one of None, Staging, Production, Archived."):
        client.transition_model_version_stage(versions, "1", "Mars")


def test_aliases(client: MlflowClient, versions: str) -> None:
    client.set_registered_model_alias(versions, "champion", "1")
    client.set_registered_model_alias(versions, "tested", "1")
    client.set_registered_model_alias(versions, "challenger", "2")
    assert sorted(client.get_model_version(versions, "1").aliases) == ["champion", "tested"]
    client.set_registered_model_alias(versions, "champion", "3")
    assert client.get_model_version(versions, "1").aliases == ["tested"]
    assert int(client.get_model_version_by_alias(versions, "champion").version) == 3
    client.delete_registered_model_alias(versions, "champion")
    client.delete_registered_model_alias(versions, "champion")
    with pytest.raises(MlflowException, match="Registered model alias champion not found") as refused:
        client.get_model_version_by_alias(versions, "champion")
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    assert int(client.get_model_version_by_alias(versions, "latest").version) == 3


def test_a_deleted_version_keeps_its_number(client: MlflowClient, versions: str) -> None:
    client.set_registered_model_alias(versions, "last", "3")
    client.delete_model_version(versions, "3")
    for gone in (lambda: client.get_model_version(versions, "3"), lambda: client.delete_model_version(versions, "3")):
        with pytest.raises(MlflowException, match=f"Model Version \\(name={versions}, version=3\\) not found") as refused:
            gone()
        assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert client.get_registered_model(versions).aliases == {}
    assert int(client.create_model_version(versions, "s3://bucket/4").version) == 4
    assert sorted(int(v.version) for v in client.search_model_versions(f"name = '{versions}'")) == [1, 2, 4]


def test_a_deleted_model_takes_its_versions_along(client: MlflowClient, versions: str) -> None:
    client.delete_registered_model(versions)
    with pytest.raises(MlflowException, match=f"Registered Model with name={versions} not found") as refused:
        client.delete_registered_model(versions)
    assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    with pytest.raises(MlflowException, match="not found"):
        client.get_model_version(versions, "1")
    assert client.search_model_versions(f"name = '{versions}'") == []
    client.create_registered_model(versions)
    assert client.get_registered_model(versions).latest_versions == []
    assert int(client.create_model_version(versions, "s3://bucket/x").version) == 1


def test_concurrent_versions_have_no_holes(client: MlflowClient, name: str) -> None:
    def create(n: int) -> ModelVersion:
        return client.create_model_version(name, f"s3://bucket/{n}")

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(create, range(40)))
    assert sorted(int(v.version) for v in made) == list(range(1, 41))
    assert len(client.search_model_versions(f"name = '{name}'")) == 40


def test_search_models(client: MlflowClient) -> None:
    prefix = unique("searched")
    for suffix, tags in (("-b", {"team": "Red"}), ("-a", {"team": "blue"}), ("-C", {})):
        client.create_registered_model(prefix + suffix, tags)
        time.sleep(0.002)

    def found(text: str = "", **kwargs: Any) -> list[str]:
        where = f"name LIKE '{prefix}%'" + (f" AND {text}" if text else "")
        return [m.name.removeprefix(prefix) for m in client.search_registered_models(where, **kwargs)]

    assert found() == ["-C", "-a", "-b"]
    assert found(order_by=["name DESC"]) == ["-b", "-a", "-C"]
    assert found(order_by=["timestamp ASC"]) == ["-b", "-a", "-C"]
    assert found("tags.team = 'Red'") == ["-b"]
    assert found("tags.team != 'Red'") == ["-a"]
    assert found("tags.team ILIKE 'r%'") == ["-b"]
    assert found(f"name IN ('{prefix}-a', '{prefix}-C')") == ["-C", "-a"]
    assert found("name ILIKE '%-c'") == ["-C"]
    first = client.search_registered_models(f"name LIKE '{prefix}%'", max_results=2)
    assert len(first) == 2
    second = client.search_registered_models(f"name LIKE '{prefix}%'", max_results=2, page_token=first.token)
    assert [m.name for m in [*first, *second]] == [prefix + s for s in ("-C", "-a", "-b")]
    assert not second.token


def test_a_searched_model_shows_its_latest_versions(client: MlflowClient, versions: str) -> None:
    client.set_registered_model_alias(versions, "best", "2")
    (model,) = client.search_registered_models(f"name = '{versions}'")
    assert [(int(v.version), v.current_stage) for v in model.latest_versions] == [(3, "None")]
    assert {a: int(v) for a, v in model.aliases.items()} == {"best": 2}


def test_search_versions(client: MlflowClient, versions: str, run_id: str) -> None:
    client.create_model_version(versions, f"runs:/{run_id}/m", run_id)

    def found(text: str, **kwargs: Any) -> list[int]:
        return [int(v.version) for v in client.search_model_versions(f"name = '{versions}' AND {text}", **kwargs)]

    assert found("version_number > 0") == [4, 3, 2, 1]
    assert found("version_number > 0", order_by=["version_number ASC"]) == [1, 2, 3, 4]
    assert found("version_number >= 2", order_by=["creation_timestamp"]) == [2, 3, 4]
    assert found("version_number = 2") == [2]
    assert found(f"run_id = '{run_id}'") == [4]
    assert found(f"run_id IN ('{run_id}', 'x')") == [4]
    assert found("source_path LIKE 's3://bucket/%'") == [3, 2, 1]
    assert found("tags.n = '2'") == [2]
    first = client.search_model_versions(f"name = '{versions}'", max_results=3)
    second = client.search_model_versions(f"name = '{versions}'", max_results=3, page_token=first.token)
    assert [int(v.version) for v in [*first, *second]] == [4, 3, 2, 1]


INVALID = (400, "INVALID_PARAMETER_VALUE")
MISSING = (404, "RESOURCE_DOES_NOT_EXIST")
TAKEN = (400, "RESOURCE_ALREADY_EXISTS")

# method, route, body (NAME stands for a model with versions 1 and 2, RUN for a run), status and code, message
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
]


def ask(url: str, method: str, route: str, fields: dict[str, Any]) -> requests.Response:
    where = f"{url}/api/2.0/mlflow/{route}"
    if method == "GET":
        return requests.get(where, params=fields, timeout=30)
    return requests.request(method, where, json=fields, timeout=30)


def filled(value: Any, name: str, run_id: str) -> Any:
    if isinstance(value, str):
        return value.replace("NAME", name).replace("RUN", run_id)
    return {k: filled(v, name, run_id) for k, v in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(("method", "route", "body", "answer", "text"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_refusals(url: str, versions: str, run_id: str, method: str, route: str, body: dict[str, Any], answer: tuple[int, str], text: str) -> None:
    got = ask(url, method, route, filled(body, versions, run_id))
    assert (got.status_code, got.json()["error_code"]) == answer, got.text
    assert filled(text, versions, run_id) in got.json()["message"]


@pytest.mark.stricter
def test_archiving_from_a_stage_that_is_none_is_no_server_error(url: str, versions: str) -> None:
    body = {"name": versions, "version": "1", "stage": "None", "archive_existing_versions": True}
    got = ask(url, "POST", "model-versions/transition-stage", body)
    assert (got.status_code, got.json()["error_code"]) == INVALID
    assert "cannot archive existing model versions because 'None' is not an Active stage" in got.json()["message"]


@pytest.mark.stricter
def test_a_version_says_which_logged_model_it_is(url: str, client: MlflowClient, experiment: SimpleNamespace) -> None:
    model = mlflow.create_external_model(name="elsewhere", params={"k": "5"})
    with mlflow.start_run():
        mlflow.log_metric("accuracy", 0.75, step=2, model_id=model.model_id)
    name = client.create_registered_model(unique("model")).name
    body = {"name": name, "source": f"models:/{model.model_id}", "model_id": model.model_id}
    assert ask(url, "POST", "model-versions/create", body).status_code == 200
    got = ask(url, "GET", "model-versions/get", {"name": name, "version": "1"}).json()["model_version"]
    assert got["model_id"] == model.model_id
    assert got["model_params"] == [{"name": "k", "value": "5"}]
    assert [(m["key"], m["value"]) for m in got["model_metrics"]] == [("accuracy", 0.75)]
    info = ask(url, "GET", f"logged-models/{model.model_id}", {}).json()["model"]["info"]
    assert info["registrations"] == [{"name": name, "version": "1"}]
