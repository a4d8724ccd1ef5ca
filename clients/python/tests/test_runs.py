"""Runs through the client: lifecycle, names, params that never change, tags that do."""

from types import SimpleNamespace

import mlflow
import pytest
from conftest import unique
from mlflow.entities import Param, RunStatus, RunTag, ViewType
from mlflow.exceptions import MlflowException, RestException
from mlflow.tracking import MlflowClient


def test_create_answers_the_whole_run(client: MlflowClient, experiment: SimpleNamespace) -> None:
    made = client.create_run(experiment.id, start_time=1234, tags={"a": "1"}, run_name="first")
    got = client.get_run(made.info.run_id)
    assert got.to_dictionary() == made.to_dictionary()
    assert len(got.info.run_id) == 32
    assert (got.info.run_name, got.info.start_time, got.info.end_time) == ("first", 1234, None)
    assert (got.info.status, got.info.lifecycle_stage) == ("RUNNING", "active")
    assert got.info.artifact_uri == f"mlflow-artifacts:/{experiment.id}/{got.info.run_id}/artifacts"
    assert got.data.tags == {"a": "1", "mlflow.runName": "first"}


def test_a_run_without_a_name_gets_one(client: MlflowClient, experiment: SimpleNamespace) -> None:
    run = client.create_run(experiment.id)
    assert run.info.run_name
    assert run.data.tags["mlflow.runName"] == run.info.run_name


def test_rename_by_update_and_by_tag(client: MlflowClient, run_id: str) -> None:
    client.update_run(run_id, name="by update")
    assert client.get_run(run_id).data.tags["mlflow.runName"] == "by update"
    client.set_tag(run_id, "mlflow.runName", "by tag")
    assert client.get_run(run_id).info.run_name == "by tag"


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED", "SCHEDULED"])
def test_status(client: MlflowClient, run_id: str, status: str) -> None:
    client.set_terminated(run_id, status, end_time=99) if status != "SCHEDULED" else client.update_run(run_id, status)
    info = client.get_run(run_id).info
    assert info.status == status
    assert info.end_time == (None if status == "SCHEDULED" else 99)


def test_an_exception_fails_the_run(client: MlflowClient, experiment: SimpleNamespace) -> None:
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        _ = 1 / 0
    assert client.get_run(run.info.run_id).info.status == RunStatus.to_string(RunStatus.FAILED)


def test_a_finished_run_goes_on(client: MlflowClient, run_id: str) -> None:
    client.set_terminated(run_id)
    with mlflow.start_run(run_id=run_id):
        mlflow.log_metric("late", 1)
        assert client.get_run(run_id).info.status == "RUNNING"
    got = client.get_run(run_id)
    assert (got.info.status, got.data.metrics) == ("FINISHED", {"late": 1})


def test_nested_runs(client: MlflowClient, experiment: SimpleNamespace) -> None:
    with mlflow.start_run() as parent:
        children = []
        for _ in range(2):
            with mlflow.start_run(nested=True) as child:
                children.append(child.info.run_id)
    assert client.get_parent_run(children[0]).info.run_id == parent.info.run_id
    found = client.search_runs([experiment.id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert {r.info.run_id for r in found} == set(children)


def test_delete_and_restore(client: MlflowClient, experiment: SimpleNamespace, run_id: str) -> None:
    client.log_metric(run_id, "loss", 1)
    for _ in range(2):  # both may be repeated
        client.delete_run(run_id)
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    assert client.search_runs([experiment.id]) == []
    assert len(client.search_runs([experiment.id], run_view_type=ViewType.DELETED_ONLY)) == 1
    with pytest.raises(RestException, match="must be in the 'active' state"):
        client.log_metric(run_id, "loss", 2)
    for _ in range(2):
        client.restore_run(run_id)
    assert client.get_run(run_id).data.metrics == {"loss": 1}


def test_params_never_change(client: MlflowClient, run_id: str) -> None:
    client.log_param(run_id, "rate", 0.1)
    client.log_param(run_id, "rate", 0.1)  # the same again is no change
    with pytest.raises(MlflowException, match=r"Changing param values is not allowed"):
        client.log_param(run_id, "rate", 0.2)
    with pytest.raises(MlflowException, match=r"Changing param values is not allowed"):
        client.log_batch(run_id, params=[Param("new", "1"), Param("rate", "0.2")], tags=[RunTag("t", "1")])
    got = client.get_run(run_id).data
    assert got.params == {"rate": "0.1"}, "a refused batch leaves nothing behind"
    assert "t" not in got.tags


def test_params_of_every_kind(client: MlflowClient, run_id: str) -> None:
    values = {"text": "über", "none": None, "list": [1, 2], "empty": "", "a/b.c d-e_f": 1, "long": "x" * 6000}
    for key, value in values.items():
        client.log_param(run_id, key, value)
    assert client.get_run(run_id).data.params == {k: str(v) for k, v in values.items()}


def test_tags_change_and_go(client: MlflowClient, run_id: str) -> None:
    client.set_tag(run_id, "stage", "one")
    client.log_batch(run_id, tags=[RunTag("stage", "two"), RunTag("long", "y" * 8000)])
    tags = client.get_run(run_id).data.tags
    assert (tags["stage"], len(tags["long"])) == ("two", 8000)
    client.delete_tag(run_id, "stage")
    assert "stage" not in client.get_run(run_id).data.tags
    with pytest.raises(RestException, match="No tag with name: stage"):
        client.delete_tag(run_id, "stage")


def test_an_unknown_run(client: MlflowClient) -> None:
    missing = "ab5e9a7e" * 4
    with pytest.raises(RestException, match=f"Run with id={missing} not found") as error:
        client.get_run(missing)
    assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_many_params_at_once(client: MlflowClient, experiment: SimpleNamespace) -> None:
    params = {unique(f"p{n}"): n for n in range(250)}
    with mlflow.start_run() as run:
        mlflow.log_params(params)  # the client cuts them into batches of 100
    assert len(client.get_run(run.info.run_id).data.params) == 250


def test_datasets(client: MlflowClient, experiment: SimpleNamespace) -> None:
    import numpy as np

    dataset = mlflow.data.from_numpy(np.arange(12.0).reshape(4, 3), name="grid", targets=np.arange(4))
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="training")
        mlflow.log_input(dataset, context="training")
    (logged,) = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert (logged.dataset.name, logged.dataset.digest) == ("grid", dataset.digest)
    assert logged.dataset.profile == dataset.to_dict()["profile"]
    assert {t.key: t.value for t in logged.tags} == {"mlflow.data.context": "training"}
    assert len(client.search_runs([experiment.id], "datasets.name = 'grid'")) == 1
    assert client.search_runs([experiment.id], "datasets.name = 'other'") == []
