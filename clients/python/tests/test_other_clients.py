"""The same small job by MLflow's clients for Python and Java, and by curl: examples/clients."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT, unique
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

FOLDER = ROOT / "examples" / "clients"
LOSSES = {0: 1.0, 1: 0.5, 2: 0.25}
RUN_SECONDS = 60
SET_UP_SECONDS = 300
RESET_OF_MAVEN = "\x1b[0m"  # it resets the terminal's colours also where there is none
MAVEN = ["mvn", "-q", "-B", "-o", f"-Dmaven.repo.local={ROOT / '.build' / 'm2'}"]


@pytest.fixture(scope="module")
def maven() -> None:
    """Maven, with all that the Java example needs already there."""
    made = subprocess.run(
        ["sh", str(ROOT / "build" / "maven.sh")], capture_output=True, text=True, timeout=SET_UP_SECONDS
    )
    if made.returncode != 0:
        pytest.skip(f"the Java client cannot be built: {(made.stdout + made.stderr)[-500:]}")


def said(command: list[str]) -> list[str]:
    """The lines that a program of the example prints; one that fails fails the test, with its words."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def only_run(client: MlflowClient, experiment: str) -> Run:
    """What came out, as MLflow's Python client sees it."""
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return run


def check(client: MlflowClient, run: Run, by: str) -> None:
    assert run.info.status == "FINISHED"
    assert run.info.end_time >= run.info.start_time > 0
    assert (run.data.params, run.data.metrics) == ({"lr": "0.01"}, {"loss": 0.25})
    assert run.data.tags["client"] == by
    assert {p.step: p.value for p in client.get_metric_history(run.info.run_id, "loss")} == LOSSES


def lines_of(run: Run, by: str) -> list[str]:
    """What the programs in Python and Java print of a run that is as it should be."""
    history = [f"history {step} {value}" for step, value in LOSSES.items()]
    head = [f"run {run.info.run_id} FINISHED", "param lr 0.01", "metric loss 0.25", f"tag client {by}"]
    return [*head, *history, f"found {run.info.run_id}"]


def test_python(client: MlflowClient) -> None:
    name = unique("python")
    lines = said([sys.executable, str(FOLDER / "track.py"), name])
    run = only_run(client, name)
    check(client, run, "python")
    assert [line for line in lines if line.isascii()] == lines_of(run, "python")  # MLflow's own links have emojis


def test_java(client: MlflowClient, maven: None) -> None:
    name = unique("java")
    lines = said([*MAVEN, "-f", str(FOLDER / "pom.xml"), "exec:java", f"-Dexec.args={name}"])
    run = only_run(client, name)
    check(client, run, "java")
    plain = [line.replace(RESET_OF_MAVEN, "") for line in lines]
    assert [line for line in plain if line] == lines_of(run, "java")


def test_curl(client: MlflowClient) -> None:
    name = unique("curl")
    # MLflow's own server writes its JSON on many lines, so the answers are told apart by decoding.
    text, answers = "\n".join(said(["sh", str(FOLDER / "track.sh"), name])), []
    while text:
        answer, end = json.JSONDecoder().raw_decode(text)
        answers.append(answer)
        text = text[end:].lstrip()
    run = only_run(client, name)
    check(client, run, "curl")
    back, history, found = answers
    assert back["run"]["info"]["run_id"] == run.info.run_id
    assert back["run"]["data"]["params"] == [{"key": "lr", "value": "0.01"}]
    assert {p["step"]: p["value"] for p in history["metrics"]} == LOSSES
    assert [r["info"]["run_id"] for r in found["runs"]] == [run.info.run_id]
