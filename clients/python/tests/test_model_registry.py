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


def test_a_versions_files_are_shown(url: str, client: MlflowClient, experiment: SimpleNamespace) -> None:
    name = client.create_registered_model(unique("model")).name
    with mlflow.start_run() as run:
        client.log_text(run.info.run_id, "deep", "folder/water.txt")
    client.create_model_version(name, f"{run.info.artifact_uri}/folder", run.info.run_id)
    fields = {"name": name, "version": "1", "path": "water.txt"}
    got = requests.get(f"{url}/model-versions/get-artifact", params=fields, timeout=30)
    assert (got.status_code, got.text) == (200, "deep")


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
    made = client.create_model_version(
        name, f"runs:/{run_id}/m", run_id, tags={"a": "1"}, run_link="http://x", description="d"
    )
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
    with pytest.raises(
        MlflowException,
        match="Invalid Model Version stage: Mars",
    ):
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
        with pytest.raises(
            MlflowException, match=f"Model Version \\(name={versions}, version=3\\) not found"
        ) as refused:
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


def post(url: str, route: str, body: dict[str, Any]) -> requests.Response:
    return requests.post(f"{url}/api/2.0/mlflow/{route}", json=body, timeout=30)


def get(url: str, route: str, fields: dict[str, str]) -> dict[str, Any]:
    return requests.get(f"{url}/api/2.0/mlflow/{route}", params=fields, timeout=30).json()


@pytest.mark.stricter
def test_archiving_from_a_stage_that_is_none_is_no_server_error(url: str, versions: str) -> None:
    body = {"name": versions, "version": "1", "stage": "None", "archive_existing_versions": True}
    got = post(url, "model-versions/transition-stage", body)
    assert (got.status_code, got.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "cannot archive existing model versions because 'None' is not an Active stage" in got.json()["message"]


@pytest.mark.stricter
def test_a_version_says_which_logged_model_it_is(url: str, client: MlflowClient, experiment: SimpleNamespace) -> None:
    model = mlflow.create_external_model(name="elsewhere", params={"k": "5"})
    with mlflow.start_run():
        mlflow.log_metric("accuracy", 0.75, step=2, model_id=model.model_id)
    name = client.create_registered_model(unique("model")).name
    body = {"name": name, "source": f"models:/{model.model_id}", "model_id": model.model_id}
    assert post(url, "model-versions/create", body).status_code == 200
    got = get(url, "model-versions/get", {"name": name, "version": "1"})["model_version"]
    assert got["model_id"] == model.model_id
    assert got["model_params"] == [{"name": "k", "value": "5"}]
    assert [(m["key"], m["value"]) for m in got["model_metrics"]] == [("accuracy", 0.75)]
    info = get(url, f"logged-models/{model.model_id}", {})["model"]["info"]
    assert info["registrations"] == [{"name": name, "version": "1"}]
