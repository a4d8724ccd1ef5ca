"""What MLflow does on the client's side, with our server behind it: projects, predictions of registered models, and a
training that is killed and resumed.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
import requests
import sklearn
from conftest import ROOT, running, unique
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

TRAINING = Path(__file__).with_name("training.py")
MLFLOW = [sys.executable, "-m", "mlflow"]
COMMAND_SECONDS = 300  # a bound for the busiest machine
ANSWER_SECONDS = 30


@pytest.fixture(autouse=True)
def python_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What MLflow starts by name, `python` and `uvicorn`, is that of the tests."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs MLflow's command line."""
    return subprocess.run([*MLFLOW, *arguments], capture_output=True, text=True, timeout=COMMAND_SECONDS)


def run_project(client: MlflowClient, experiment: SimpleNamespace, alpha: str) -> tuple[int, Run]:
    """The status of `mlflow run`, and the only run that came of it."""
    folder = str(ROOT / "examples" / "project")
    flags = ["--env-manager", "local", "--experiment-id", experiment.id, "-P", f"alpha={alpha}"]
    done = command("run", folder, *flags)
    runs = client.search_runs([experiment.id])
    assert len(runs) == 1, done.stdout + done.stderr
    return done.returncode, runs[0]


def test_a_project_is_tracked(client: MlflowClient, experiment: SimpleNamespace) -> None:
    status, run = run_project(client, experiment, "0.5")
    assert (status, run.info.status) == (0, "FINISHED")
    assert run.data.params == {"alpha": "0.5"}
    assert 0.3 < run.data.metrics["r2"] < 0.7
    tags = {key: run.data.tags[f"mlflow.{key}"] for key in ("source.type", "project.entryPoint", "project.backend")}
    assert tags == {"source.type": "PROJECT", "project.entryPoint": "main", "project.backend": "local"}
    coefficients = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/coefficients.json")
    assert len(coefficients["coefficients"]) == 10


def test_a_project_that_breaks_is_a_failed_run(client: MlflowClient, experiment: SimpleNamespace) -> None:
    status, run = run_project(client, experiment, "-1")
    assert (status, run.info.status) == (1, "FAILED")
    assert (run.data.params, run.data.metrics) == ({"alpha": "-1"}, {})


@pytest.fixture
def champion(client: MlflowClient, experiment: SimpleNamespace) -> SimpleNamespace:
    """A registered model whose second version, better than the first, has the alias `champion`."""
    name = unique("iris")
    x, y = load_iris(return_X_y=True, as_frame=True)
    for strength in (1e-6, 1.0):
        model = LogisticRegression(C=strength, max_iter=500).fit(x, y)
        requirements = [f"scikit-learn=={sklearn.__version__}"]
        mlflow.sklearn.log_model(model, name="model", registered_model_name=name, pip_requirements=requirements)
    client.set_registered_model_alias(name, "champion", "2")
    return SimpleNamespace(name=name, model=model, x=x)


def test_predictions_of_a_registered_model(champion: SimpleNamespace, tmp_path: Path) -> None:
    champion.x.to_csv(tmp_path / "in.csv", index=False)
    flags = ["--env-manager", "local", "-t", "csv", "-i", str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.json")]
    done = command("models", "predict", "-m", f"models:/{champion.name}@champion", *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    predicted = json.loads((tmp_path / "out.json").read_text())["predictions"]
    assert predicted == champion.model.predict(champion.x).tolist()
    assert set(predicted) == {0, 1, 2}, "the first version knows one class only"


def test_a_registered_model_is_served(champion: SimpleNamespace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = f"http://127.0.0.1:{port}"
    flags = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    serve = [*MLFLOW, "models", "serve", "-m", f"models:/{champion.name}@champion", *flags]
    with running("mlflow models serve", serve, lambda: where):
        body = {"dataframe_split": champion.x.to_dict(orient="split")}
        answer = requests.post(f"{where}/invocations", json=body, timeout=ANSWER_SECONDS)
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"] == champion.model.predict(champion.x).tolist()


def train(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(TRAINING), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_killed_training_goes_on(client: MlflowClient, experiment: SimpleNamespace) -> None:
    with train("1") as killed:
        assert killed.stdout
        next(killed.stdout)
        run_id = next(killed.stdout).split()[-1]
        killed.kill()
    assert killed.returncode == -signal.SIGKILL
    before = client.get_run(run_id)
    assert (before.info.status, before.info.end_time) == ("RUNNING", None)
    assert [p.step for p in client.get_metric_history(run_id, "accuracy")] == [0, 1]

    with train("-1", run_id) as resumed:
        said, _ = resumed.communicate(timeout=COMMAND_SECONDS)
    assert [line for line in said.splitlines() if line.startswith("epoch")] == [
        f"epoch 2 of {run_id}",
        f"epoch 3 of {run_id}",
    ]
    (after,) = client.search_runs([experiment.id])
    assert (after.info.run_id, after.info.status) == (run_id, "FINISHED")
    assert after.info.start_time == before.info.start_time
    assert [p.step for p in client.get_metric_history(run_id, "accuracy")] == [0, 1, 2, 3]
    assert after.data.params == before.data.params, "autologging logs what stands there already"
    assert after.data.params["C"] == "0.5"
    assert after.data.metrics["training_accuracy_score"] > 0.8
    assert len(client.get_metric_history(run_id, "training_accuracy_score")) == 4
