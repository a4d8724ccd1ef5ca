"""The wheels of `make wheel`, installed from their files where there is Python and nothing else on the PATH."""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamgauge import _command

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ROOT / "clients" / "python"
WHEELS = ROOT / ".build" / "wheels"
START_SECONDS, STOP_SECONDS = 180, 15
# The longest of them, the demo, takes 40 s where nothing else runs.
COMMAND_SECONDS = 600
# The MLflow and scikit-learn of the tests, lent to the demo: nothing can be installed from elsewhere.
LENT = sysconfig.get_path("purelib")
PORTS = [f"--{name}=127.0.0.1:0" for name in ("listen", "nats-listen", "clickhouse-listen", "clickhouse-http-listen")]

TRAINING = """
import streamgauge
with streamgauge.init(project="wheels", name="first") as run:
    for step in range(100):
        run.log({"loss": 1 / (step + 1)}, step=step)
"""
READING = """
import streamgauge
[run] = streamgauge.Api().runs("wheels")
print(run.status, [row["loss"] for row in run.history("loss")][-1], len(run.history("loss")))
"""
ENTRY_POINTS = """
import json
from importlib.metadata import distribution
found = [(e.group, e.name, e.value) for e in distribution("streamgauge").entry_points]
print(json.dumps(found))
"""


@pytest.fixture(autouse=True)
def tracking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In place of the compatibility tests' fixture: nothing here speaks to their server."""
    monkeypatch.chdir(tmp_path)


class Environment:
    """A virtual environment of its own; commands see its folder of programs, a home, and nothing of this machine."""

    def __init__(self, folder: Path):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        self.programs = folder / "venv" / "bin"
        self.home = folder / "home"
        self.home.mkdir()

    def install(self, *what: str) -> None:
        pip = [sys.executable, "-m", "pip", "--python", str(self.programs / "python"), "--disable-pip-version-check"]
        command = [*pip, "install", "--quiet", "--no-index", "--no-compile", "--find-links", str(WHEELS), *what]
        subprocess.run(command, check=True, timeout=COMMAND_SECONDS)

    def start(self, *command: str, **more: str) -> subprocess.Popen[str]:
        environment = {"PATH": str(self.programs), "HOME": str(self.home), **more}
        program = str(self.programs / command[0])
        return subprocess.Popen(
            [program, *command[1:]],
            env=environment,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str, **more: str) -> tuple[int, str]:
        process = self.start(*command, **more)
        try:
            said, _ = process.communicate(timeout=COMMAND_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return process.returncode, said

    def says(self, *command: str, **more: str) -> str:
        status, said = self.run(*command, **more)
        assert status == 0, said
        return said


@pytest.fixture(scope="module")
def wheels() -> dict[str, Path]:
    found = {path.name.split("-")[0]: path for path in WHEELS.glob("*.whl")}
    if set(found) != {"streamgauge", "streamgauge_engine"}:
        pytest.skip("make wheel")
    return found


@pytest.fixture(scope="module")
def installed(wheels: dict[str, Path]) -> Iterator[Environment]:
    # Not pytest's folders, which stay for three runs: this one is large.
    with tempfile.TemporaryDirectory(prefix="streamgauge-wheels-") as folder:
        environment = Environment(Path(folder))
        environment.install("streamgauge[server]")
        yield environment


@pytest.fixture(scope="module")
def without_engine(wheels: dict[str, Path]) -> Iterator[Environment]:
    with tempfile.TemporaryDirectory(prefix="streamgauge-wheels-") as folder:
        environment = Environment(Path(folder))
        environment.install("streamgauge")
        yield environment


@pytest.fixture(scope="module")
def pure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what hatchling makes of the library's folder by itself."""
    folder = tmp_path_factory.mktemp("pure")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMGAUGE_WHEEL_")}
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=LIBRARY, env=environment, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def server(installed: Environment) -> Iterator[tuple[subprocess.Popen[str], str]]:
    data = installed.home / "data"
    process = installed.start("streamgauge", "up", "--data", str(data), *PORTS)
    try:
        yield process, address(process, data)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def address(process: subprocess.Popen[str], data: Path) -> str:
    """Where the server listens, once it is healthy."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            url = "http://" + json.loads((data / "ports.json").read_text())["http"]
            with urllib.request.urlopen(url + "/health", timeout=5):
                return url
        except (OSError, ValueError):
            time.sleep(0.1)
    process.kill()
    raise AssertionError(f"the server did not start:\n{process.communicate()[0]}")


def test_a_training_is_logged_and_read_back(installed: Environment, server: tuple) -> None:
    _, url = server
    installed.says("python", "-c", TRAINING, STREAMGAUGE_URL=url)
    assert installed.says("python", "-c", READING, STREAMGAUGE_URL=url).split() == ["FINISHED", "0.01", "100"]
    assert "first" in installed.says("streamgauge", "runs", "--url", url)


def test_the_web_page_is_in_the_program(server: tuple) -> None:
    _, url = server
    with urllib.request.urlopen(url + "/", timeout=30) as answer:
        page = answer.read().decode()
    [script] = re.findall(r'<script type="module"[^>]* src="\./([^"]+)"', page)
    with urllib.request.urlopen(f"{url}/{script}", timeout=30) as answer:
        assert len(answer.read()) > 10_000


def test_sigterm_ends_the_server_in_order(server: tuple) -> None:
    process, _ = server
    # There is no Python in between: what was started is the program.
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 0, said


def test_one_version_everywhere(installed: Environment, wheels: dict[str, Path]) -> None:
    program = json.loads(installed.says("streamgauge", "version", "--json"))
    library = installed.says("python", "-c", "import streamgauge; print(streamgauge.__version__)").strip()
    assert wheels["streamgauge"].name.split("-")[1] == program["version"] == library
    # The engine's extra asks for the ClickHouse that the program is made for.
    needs = metadata(wheels["streamgauge"]).get_all("Requires-Dist")
    assert f"streamgauge-engine=={program['clickhouse']}.*; extra == 'server'" in needs


def test_status_and_broken_pipe_are_the_programs(installed: Environment) -> None:
    status, said = installed.run("streamgauge", "nonsense")
    assert (status, said.count("\n")) == (1, 1), said
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [str(installed.programs / "streamgauge"), "--help"]
        done = subprocess.run(command, stdout=writing, env={"HOME": str(installed.home)}, timeout=COMMAND_SECONDS)
    finally:
        os.close(writing)
    assert done.returncode == -signal.SIGPIPE


def test_mlflow_finds_the_plugin(installed: Environment) -> None:
    found = {tuple(entry) for entry in json.loads(installed.says("python", "-c", ENTRY_POINTS))}
    assert ("console_scripts", "streamgauge", "streamgauge._command:main") in found
    assert ("mlflow.tracking_store", "streamgauge", "streamgauge.mlflow.stores:tracking_store") in found
    assert ("mlflow.run_context_provider", "streamgauge", "streamgauge.mlflow.context:CodeAndData") in found
    assert {"mlflow.model_registry_store", "mlflow.artifact_repository"} <= {group for group, _, _ in found}


def test_licences_are_in_the_wheels(wheels: dict[str, Path]) -> None:
    inside = {
        "streamgauge": ("streamgauge/_bundle/LICENSES.txt", ("nats-server", "svelte", "Go")),
        "streamgauge_engine": ("streamgauge_engine/LICENSES.txt", ("ClickHouse and chDB", "abseil-cpp", "NuRaft")),
    }
    for name, (file, whose) in inside.items():
        with zipfile.ZipFile(wheels[name]) as wheel:
            [own] = [entry for entry in wheel.namelist() if entry.endswith(".dist-info/licenses/LICENSE")]
            assert wheel.read(own) == (ROOT / "LICENSE").read_bytes()
            said = wheel.read(file).decode()
            assert all(re.search(rf"^\S*{re.escape(one)}\b", said, re.MULTILINE) for one in whose)


def test_without_the_engine_one_line_says_the_remedy(without_engine: Environment) -> None:
    status, said = without_engine.run("streamgauge", "up", "--data", str(without_engine.home / "data"), *PORTS)
    assert status == 1
    assert said.startswith("streamgauge: the ClickHouse engine is not installed")
    assert said.endswith("; run `pip install 'streamgauge[server]'`\n")
    assert said.count("\n") == 1


def test_the_demo_names_what_it_needs(installed: Environment) -> None:
    if sys.version_info < _command.DEMO_PYTHON:
        pytest.skip("MLflow needs a newer Python")
    assert installed.run("streamgauge", "demo") == (
        1,
        "streamgauge: the demo needs mlflow, numpy, scikit-learn: run `pip install 'streamgauge[server,demo]'`\n",
    )


def test_the_demo_runs(installed: Environment) -> None:
    status, said = installed.run("streamgauge", "demo", PYTHONPATH=LENT)
    assert status == 0, said
    assert "models:/wine/Production, version 1" in said
    assert re.search(r"boosting-12 +wine +FINISHED", said)


def test_the_folder_alone_makes_the_library_for_every_platform(pure: Path, tmp_path: Path) -> None:
    [wheel] = pure.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with tarfile.open(next(iter(pure.glob("*.tar.gz")))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "hatch_build.py", "pyproject.toml", "src/streamgauge/py.typed"} <= names
    environment = Environment(tmp_path)
    environment.install(str(wheel))
    status, said = environment.run("streamgauge", "up")
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith("streamgauge: this installation has the library alone")
    assert "nothing to send" in environment.says("streamgauge", "sync", str(tmp_path))


@pytest.mark.parametrize(
    ("system", "machine", "libc", "named"),
    [
        ("linux", "riscv64", "glibc", "Linux riscv64"),
        ("linux", "x86_64", "", "Linux x86_64 without glibc"),
        ("freebsd14", "amd64", "", "FreeBSD amd64"),
    ],
)
def test_systems_without_a_server_are_named(
    system: str, machine: str, libc: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "system", lambda: named.split()[0])
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    assert _command._why_no_program().startswith(f"there is no server for {named}; it runs on Linux with glibc")


def metadata(wheel: Path):
    from email.parser import BytesParser

    with zipfile.ZipFile(wheel) as opened:
        [name] = [entry for entry in opened.namelist() if entry.endswith(".dist-info/METADATA")]
        return BytesParser().parsebytes(opened.read(name))
