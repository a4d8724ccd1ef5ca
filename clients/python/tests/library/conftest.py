"""The library's own tests need no MLflow client; those that need a server start or share a real one."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamgauge
from streamgauge import _init

from .fake import Fake

ROOT = Path(__file__).resolve().parents[4]
SRC = ROOT / "clients" / "python" / "src"
START_SECONDS = 180
# What others of this machine have set for their own trainings.
ENVIRONMENT = (
    "STREAMGAUGE_", "MLFLOW_", "SLURM_", "OMPI_", "PMI_", "PMIX_", "RANK", "WORLD_SIZE", "LOCAL_", "MASTER_",
    "TORCHELASTIC_",
)  # fmt: skip


@pytest.fixture(autouse=True)
def tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In place of the compatibility tests' fixture: an empty environment, and no run left over."""
    for name in list(os.environ):
        if name.startswith(ENVIRONMENT):
            monkeypatch.delenv(name)
    for name, value in plain(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    yield
    if _init.current is not None:
        _init.current.finish(quiet=True)
    _init.current = None


def plain(folder: Path) -> dict[str, str]:
    """Settings of a run that does nothing but log."""
    off = {f"STREAMGAUGE_{name}": "0" for name in ("SYSTEM", "CONSOLE", "SOURCE")}
    return {**off, "STREAMGAUGE_DIR": str(folder / "spool")}


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[streamgauge.Run]:
    with streamgauge.init(project="tests", mode="offline") as run:
        yield run


@pytest.fixture
def fake() -> Iterator[Fake]:
    """A server of frames that remembers what it took, and fails as it is told."""
    with Fake() as server:
        yield server


class Server:
    """A real server with a fixed address, to be stopped, killed and started."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{self.address}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            str(ROOT / "bin" / "streamgauge"),
            "up",
            "--data",
            str(self._folder / "data"),
            "--listen",
            self.address,
        ]
        for flag in ("--nats-listen", "--clickhouse-listen", "--clickhouse-http-listen"):
            command += [flag, "127.0.0.1:0"]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self._well, START_SECONDS, lambda: (self._folder / "server.log").read_text()[-2000:])

    def end(self, number: int = signal.SIGTERM) -> None:
        if self._process:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    def _well(self) -> bool:
        assert self._process
        assert self._process.poll() is None
        try:
            with urllib.request.urlopen(self.url + "/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    one = Server(tmp_path)
    one.start()
    yield one
    one.end()


def wait_for(condition: Callable[[], Any], seconds: float = 60, why: Callable[[], str] = lambda: "") -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"did not come to be within {seconds} s. {why()}"
        time.sleep(0.02)


def get(url: str, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(url + path, timeout=30) as answer:
        return json.load(answer)


def run_of(url: str, run_id: str) -> dict[str, Any]:
    return get(url, f"/api/2.0/mlflow/runs/get?run_id={run_id}")["run"]


def sql(url: str, query: str) -> list[list[Any]]:
    """Rows of a query; numbers of 64 bits come as they come, so ask for texts of those."""
    body = json.dumps({"query": query, "format": "json"}).encode()
    request = urllib.request.Request(url + "/v1/sql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]


def stored(url: str, run_id: str) -> tuple[int, int]:
    """Points of a run, and how many of them are different ones."""
    number = int(run_id[:16], 16)
    query = f"SELECT count(), uniqExact((key, rank, attempt, step, v)) FROM points WHERE run = {number}"
    points, different = sql(url, query)[0]
    return int(points), int(different)


def python(code: str, folder: Path, **env: str) -> subprocess.Popen[str]:
    """A program of its own that has the library and a plain environment."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(ENVIRONMENT)}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**clean, **plain(folder), "PYTHONPATH": str(SRC), **env},
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def sync(folder: Path, url: str) -> str:
    """What `python -m streamgauge sync` prints; it must say that all is well."""
    done = subprocess.run(
        [sys.executable, "-m", "streamgauge", "sync", str(folder), "--url", url, "--wait", "60"],
        env={**os.environ, "PYTHONPATH": str(SRC)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
