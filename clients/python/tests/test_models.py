"""Logged models and autologging with scikit-learn."""

import time
from types import SimpleNamespace

import mlflow
import numpy as np
import pytest
import sklearn
from mlflow.entities import LoggedModelStatus, Metric
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

# Named so that MLflow does not work them out, which takes seconds a model.
REQUIREMENTS = [f"scikit-learn=={sklearn.__version__}"]


@pytest.fixture
def fitted() -> SimpleNamespace:
    x, y = load_iris(return_X_y=True)
    return SimpleNamespace(x=x, y=y, model=LogisticRegression(max_iter=500).fit(x, y))


def log(fitted: SimpleNamespace, name: str = "model"):
    signature = infer_signature(fitted.x, fitted.y)
    return mlflow.sklearn.log_model(fitted.model, name=name, signature=signature, pip_requirements=REQUIREMENTS)


def test_log_and_load(client: MlflowClient, experiment: SimpleNamespace, fitted: SimpleNamespace) -> None:
    with mlflow.start_run() as run:
        mlflow.log_params({"max_iter": 500})
        info = log(fitted)
    back = mlflow.sklearn.load_model(info.model_uri)
    assert (back.predict(fitted.x) == fitted.model.predict(fitted.x)).all()
    assert (mlflow.pyfunc.load_model(info.model_uri).predict(fitted.x) == fitted.model.predict(fitted.x)).all()
    model = client.get_logged_model(info.model_id)
    assert (model.name, model.status, model.source_run_id) == ("model", LoggedModelStatus.READY, run.info.run_id)
    assert model.experiment_id == experiment.id
    assert model.params == {"max_iter": "500"}
    (output,) = client.get_run(run.info.run_id).outputs.model_outputs
    assert output.model_id == info.model_id
    assert mlflow.models.get_model_info(info.model_uri).signature == info.signature


def test_a_model_without_a_run(experiment: SimpleNamespace, fitted: SimpleNamespace) -> None:
    info = log(fitted, "alone")
    assert mlflow.get_logged_model(info.model_id).name == "alone"
    assert mlflow.sklearn.load_model(f"models:/{info.model_id}").classes_.tolist() == [0, 1, 2]


def test_metrics_of_a_model(client: MlflowClient, experiment: SimpleNamespace) -> None:
    model = mlflow.create_external_model(name="elsewhere", params={"k": "5"}, tags={"team": "river"})
    with mlflow.start_run() as run:
        mlflow.log_metric("accuracy", 0.5, step=1, model_id=model.model_id)
        mlflow.log_metric("accuracy", 0.75, step=2, model_id=model.model_id)
        client.log_batch(run.info.run_id, metrics=[Metric("f1", 0.9, 1, 0, model_id=model.model_id)])
    got = client.get_logged_model(model.model_id)
    assert {m.key: (m.value, m.step, m.run_id) for m in got.metrics} == {
        "accuracy": (0.75, 2, run.info.run_id),
        "f1": (0.9, 0, run.info.run_id),
    }
    assert (got.params, got.tags["team"]) == ({"k": "5"}, "river")
    assert client.get_run(run.info.run_id).data.metrics == {"accuracy": 0.75, "f1": 0.9}


def test_tags_status_and_deletion(client: MlflowClient, experiment: SimpleNamespace) -> None:
    model = client.create_logged_model(experiment.id, name="draft")
    assert model.status == LoggedModelStatus.PENDING
    client.set_logged_model_tags(model.model_id, {"a": "1", "b": "2"})
    client.delete_logged_model_tag(model.model_id, "a")
    assert client.get_logged_model(model.model_id).tags == {"b": "2"}
    done = client.finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)
    assert done.status == LoggedModelStatus.FAILED
    client.delete_logged_model(model.model_id)
    with pytest.raises(MlflowException, match=model.model_id):
        client.get_logged_model(model.model_id)


def test_search(client: MlflowClient, experiment: SimpleNamespace) -> None:
    for n in range(3):
        mlflow.create_external_model(name=f"m{n}", params={"n": str(n)})
        time.sleep(0.002)  # newest first is by the millisecond
    assert [m.name for m in client.search_logged_models([experiment.id])] == ["m2", "m1", "m0"]
    found = client.search_logged_models([experiment.id], filter_string="name != 'm1'")
    assert [m.name for m in found] == ["m2", "m0"]


def test_autolog(client: MlflowClient, experiment: SimpleNamespace) -> None:
    x, y = load_iris(return_X_y=True)
    mlflow.sklearn.autolog(log_models=False)
    try:
        with mlflow.start_run() as run:
            model = LogisticRegression(C=0.5, max_iter=500).fit(x, y)
            model.score(x, y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    got = client.get_run(run.info.run_id)
    assert got.data.params["C"] == "0.5"
    assert got.data.metrics["training_accuracy_score"] == pytest.approx(np.mean(model.predict(x) == y))
    assert got.data.tags["estimator_name"] == "LogisticRegression"
    assert [d.dataset.name for d in got.inputs.dataset_inputs], "autolog names the training data"
