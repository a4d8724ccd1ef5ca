"""A real `streamgauge up` for all tests, on free ports and in a temporary folder.

`pytest -m "not stricter" --tracking-url URL` runs the same tests against another server, say MLflow's own: what
they demand is MLflow's behaviour, not ours.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

# Read by the client when it is imported. A failing answer shall show at once, not after minutes of retries.
os.environ.update(
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
    MLFLOW_HTTP_REQUEST_TIMEOUT="30",
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    GIT_PYTHON_REFRESH="quiet",
)

import mlflow
import pytest
import requests
from differential import TALLY
from mlflow.tracking import MlflowClient

ROOT = Path(__file__).resolve().parents[3]
# A busy machine of two cores takes 90 s to start MLflow's own server.
START_SECONDS = 180
STOP_SECONDS = 15


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--tracking-url", help="test this server instead of starting bin/streamgauge")
    parser.addoption("--reference-url", help="compare with this server of MLflow instead of starting one")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in TALLY.lines():
        terminalreporter.write_line(line)


@contextmanager
def running(name: str, command: list[str], where: Callable[[], str]) -> Iterator[str]:
    """A server process, from healthy to ended; its last lines are shown if it does not come up."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + START_SECONDS
            while not healthy(where):
                if process.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    pytest.exit(f"{name} did not start:\n{log.read()[-4000:]}", 2)
                time.sleep(0.1)
            yield where()
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def healthy(where: Callable[[], str]) -> bool:
    try:
        return requests.get(where() + "/health", timeout=5).status_code == 200
    except (OSError, ValueError):  # requests' errors are both
        return False


@pytest.fixture(scope="session")
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the tested server answers."""
    given = request.config.getoption("--tracking-url")
    if given:
        yield given.rstrip("/")
        return
    with streamgauge() as answered:
        yield answered


@contextmanager
def streamgauge(*flags: str) -> Iterator[str]:
    """A server of ours on a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="streamgauge-compat-"))
    command = [str(ROOT / "bin" / "streamgauge"), "up", "--data", str(folder), *flags]
    for flag in ("--listen", "--nats-listen", "--clickhouse-listen", "--clickhouse-http-listen"):
        command += [flag, "127.0.0.1:0"]
    try:
        with running("streamgauge", command, lambda: ports_url(folder)) as answered:
            yield answered
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ports_url(folder: Path) -> str:
    """Where the server of a data folder listens; an error while it has not said so."""
    return "http://" + json.loads((folder / "ports.json").read_text())["http"]


@pytest.fixture(scope="session")
def reference(request: pytest.FixtureRequest) -> Iterator[str]:
    """MLflow's own server, for comparison."""
    given = request.config.getoption("--reference-url")
    if given:
        yield given.rstrip("/")
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="mlflow-reference-") as folder:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
        command += ["--artifacts-destination", f"{folder}/artifacts"]
        with running("mlflow server", command, lambda: f"http://127.0.0.1:{port}") as answered:
            yield answered


@pytest.fixture(autouse=True)
def tracking(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test begins with the server set, no run active and no experiment chosen."""
    monkeypatch.chdir(tmp_path)
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)  # set_experiment leaves it behind for child processes
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    mlflow.set_tracking_uri(url)
    yield
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.tracking.fluent._active_experiment_id = None
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)  # the fixtures of the next module come before its first test


@pytest.fixture
def client(url: str) -> MlflowClient:
    return MlflowClient(url)


@pytest.fixture
def experiment(client: MlflowClient) -> SimpleNamespace:
    """A fresh experiment, also chosen for the fluent functions."""
    name = unique("experiment")
    mlflow.set_experiment(name)
    return SimpleNamespace(name=name, id=client.get_experiment_by_name(name).experiment_id)


@pytest.fixture
def run_id(client: MlflowClient, experiment: SimpleNamespace) -> str:
    """A fresh running run in a fresh experiment."""
    return client.create_run(experiment.id).info.run_id


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"
