"""Experiments through the client: names and ids, the two lifecycle stages, tags, search."""

from concurrent.futures import ThreadPoolExecutor

import mlflow
import pytest
from conftest import unique
from mlflow.entities import ViewType
from mlflow.exceptions import RestException
from mlflow.tracking import MlflowClient


def test_the_default_experiment_is_there(client: MlflowClient) -> None:
    default = client.get_experiment("0")
    assert (default.name, default.lifecycle_stage) == ("Default", "active")
    assert client.get_experiment_by_name("Default").experiment_id == "0"


def test_create_gives_small_integer_ids(client: MlflowClient) -> None:
    name = unique("made")
    first = client.create_experiment(name, tags={"team": "river"})
    second = client.create_experiment(unique("made"))
    assert int(first) < int(second) < 2**31
    got = client.get_experiment(first)
    assert (got.name, got.tags, got.lifecycle_stage) == (name, {"team": "river"}, "active")
    assert got.creation_time == got.last_update_time > 0
    assert got.artifact_location == f"mlflow-artifacts:/{first}"
    assert client.get_experiment_by_name(name).experiment_id == first


def test_an_unknown_name_is_none_and_an_unknown_id_an_error(client: MlflowClient) -> None:
    assert client.get_experiment_by_name(unique("nowhere")) is None
    with pytest.raises(RestException, match="No Experiment with id=99999999 exists") as error:
        client.get_experiment("99999999")
    assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_a_name_is_taken_once_even_when_its_holder_is_deleted(client: MlflowClient) -> None:
    name = unique("taken")
    holder = client.create_experiment(name)
    for _ in range(2):
        with pytest.raises(RestException, match="already exists") as error:
            client.create_experiment(name)
        assert error.value.error_code == "RESOURCE_ALREADY_EXISTS"
        if client.get_experiment(holder).lifecycle_stage == "active":
            client.delete_experiment(holder)


def test_of_many_who_create_the_same_name_at_once_one_succeeds(client: MlflowClient) -> None:
    name = unique("race")

    def create(_: int) -> str | None:
        try:
            return client.create_experiment(name)
        except RestException as error:
            assert error.error_code == "RESOURCE_ALREADY_EXISTS"  # noqa: PT017
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [x for x in pool.map(create, range(8)) if x]
    assert made == [client.get_experiment_by_name(name).experiment_id]


def test_rename(client: MlflowClient) -> None:
    old, new = unique("old"), unique("new")
    experiment = client.create_experiment(old)
    client.rename_experiment(experiment, new)
    assert client.get_experiment(experiment).name == new
    assert client.get_experiment_by_name(old) is None
    assert client.create_experiment(old) != experiment, "the old name is free again"
    with pytest.raises(RestException) as error:
        client.rename_experiment(experiment, old)
    assert error.value.get_http_status_code() == 400
    assert client.get_experiment(experiment).name == new


def test_delete_and_restore_take_the_runs_along(client: MlflowClient) -> None:
    experiment = client.create_experiment(unique("moved"))
    run = client.create_run(experiment).info.run_id
    client.delete_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    with pytest.raises(RestException, match="active"):
        client.create_run(experiment)
    client.restore_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "active"
    assert client.get_run(run).info.lifecycle_stage == "active"


def test_tags(client: MlflowClient) -> None:
    experiment = client.create_experiment(unique("tagged"))
    client.set_experiment_tag(experiment, "team", "river")
    client.set_experiment_tag(experiment, "team", "lake")
    client.set_experiment_tag(experiment, "empty", "")
    assert client.get_experiment(experiment).tags == {"team": "lake", "empty": ""}


def test_set_experiment_creates_and_finds(client: MlflowClient) -> None:
    name = unique("chosen")
    made = mlflow.set_experiment(name)
    assert mlflow.set_experiment(name).experiment_id == made.experiment_id
    with mlflow.start_run() as run:
        assert run.info.experiment_id == made.experiment_id
    client.delete_experiment(made.experiment_id)
    with pytest.raises(mlflow.MlflowException, match="deleted"):
        mlflow.set_experiment(name)


def test_search(client: MlflowClient) -> None:
    mark = unique("mark")
    made = [client.create_experiment(f"{mark}-{n}", tags={"mark": mark, "n": str(n)}) for n in range(5)]
    client.delete_experiment(made[4])

    def found(filter_string: str, **more) -> list[str]:
        return [e.name.removeprefix(mark + "-") for e in client.search_experiments(filter_string=filter_string, **more)]

    mine = f"tags.mark = '{mark}'"
    assert found(mine, order_by=["name ASC"]) == ["0", "1", "2", "3"]
    assert found(mine) == ["3", "2", "1", "0"], "newest first"
    assert found(mine, view_type=ViewType.DELETED_ONLY) == ["4"]
    assert found(mine, view_type=ViewType.ALL, order_by=["experiment_id DESC"]) == ["4", "3", "2", "1", "0"]
    assert found(f"name = '{mark}-2'") == ["2"]
    assert found(f"name LIKE '{mark}-%' AND tags.n != '1'", order_by=["name"]) == ["0", "2", "3"]
    assert found(f"name ILIKE '{mark.upper()}-3'") == ["3"]
    page = client.search_experiments(filter_string=mine, order_by=["name"], max_results=3)
    rest = client.search_experiments(filter_string=mine, order_by=["name"], max_results=3, page_token=page.token)
    assert [e.experiment_id for e in [*page, *rest]] == made[:4]
    assert not rest.token
