"""MLflow's client with the plugin: the same numbers, answers and errors as without it."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
import requests
from mlflow import MlflowException
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

if sys.version_info < (3, 11):
    pytest.skip("tomllib reads pyproject.toml", allow_module_level=True)
import tomllib

ROOT = Path(__file__).resolve().parents[4]
PACKAGE = ROOT / "clients" / "python"
TRAINING = ROOT / "examples" / "torch_like" / "train.py"


@pytest.fixture(autouse=True)
def tracking(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow's client set to the server, no run active, and a spool of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STREAMGAUGE_DIR", str(tmp_path / "spool"))
    for name in ("STREAMGAUGE_SOURCE", "STREAMGAUGE_MLFLOW", "MLFLOW_EXPERIMENT_ID", "RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    mlflow.set_tracking_uri(url)
    yield
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.tracking.fluent._active_experiment_id = None


def entry_points() -> dict[str, dict[str, str]]:
    """What the package tells MLflow, as pyproject.toml has it."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    return {group: names for group, names in project["entry-points"].items() if group.startswith("mlflow.")}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PYTHONPATH on which the package looks installed: its sources, and the entry points that pip would write."""
    folder = tmp_path_factory.mktemp("site")
    about = folder / "streamgauge-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: streamgauge\nVersion: 0\n")
    lines = []
    for group, names in entry_points().items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in names.items())]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return os.pathsep.join((str(PACKAGE / "src"), str(folder)))


@pytest.fixture
def python(installed: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python with the package installed."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": installed, **environment}
        return subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture
def spooled(url: str) -> Iterator[SimpleNamespace]:
    """Clients with the plugin (`fast`) and without (`plain`), and a run in a fresh experiment."""
    from streamgauge.mlflow.tracking import SpooledStore

    fast_url = url.replace("http", "streamgauge", 1)
    register()
    fast, plain = MlflowClient(fast_url), MlflowClient(url)
    run = plain.create_run(plain.create_experiment(f"plugin-{os.urandom(6).hex()}"))
    yield SimpleNamespace(fast=fast, plain=plain, run=run.info.run_id, experiment=run.info.experiment_id, url=fast_url)
    store = fast._tracking_client.store
    assert isinstance(store, SpooledStore)
    for run_id in list(store._logs):
        store._close(run_id)


def register() -> None:
    """Does what MLflow does when it finds the package's entry points."""
    from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
    from mlflow.tracking._model_registry.utils import _get_store_registry
    from mlflow.tracking._tracking_service.utils import _tracking_store_registry
    from streamgauge.mlflow import stores

    for scheme in ("streamgauge", "streamgauge+http"):
        _tracking_store_registry.register(scheme, stores.tracking_store)
        _get_store_registry().register(scheme, stores.registry_store)
    _artifact_repository_registry.register("mlflow-artifacts", stores.artifact_repository)


def histories(client: MlflowClient, run_id: str) -> dict[str, list[tuple[int, float]]]:
    run = client.get_run(run_id)
    return {
        key: sorted((point.step, point.value) for point in client.get_metric_history(run_id, key))
        for key in run.data.metrics
    }


# The same training.


def test_a_training_shows_the_same_numbers_with_and_without_the_plugin(
    python: Callable[..., subprocess.CompletedProcess[str]], client: MlflowClient
) -> None:
    runs = []
    for environment in ({}, {"STREAMGAUGE_MLFLOW": "1"}):
        done = python(str(TRAINING), "--epochs", "4", **environment)
        assert done.returncode == 0, done.stderr[-2_000:]
        runs.append(client.get_run(done.stdout.split()[-1]))
    plain, fast = runs
    assert fast.data.params == plain.data.params
    assert fast.data.metrics == plain.data.metrics
    assert (fast.info.status, plain.info.status) == ("FINISHED", "FINISHED")
    theirs = histories(client, plain.info.run_id)
    assert histories(client, fast.info.run_id) == theirs
    assert {len(points) for key, points in theirs.items() if key.startswith(("train", "grad"))} == {84}


def test_what_was_logged_before_kill_9_arrives(
    python: Callable[..., subprocess.CompletedProcess[str]], spooled: SimpleNamespace
) -> None:
    job = f"""
import os, signal, mlflow
client = mlflow.MlflowClient()
for step in range(5000):
    client.log_metric({spooled.run!r}, "loss", step / 7, step=step)
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = python("-c", job, STREAMGAUGE_MLFLOW="1")
    assert killed.returncode == -9, killed.stderr[-2_000:]
    done = python("-m", "streamgauge", "sync", STREAMGAUGE_URL=os.environ["MLFLOW_TRACKING_URI"])
    assert done.returncode == 0, done.stderr[-2_000:]
    points = spooled.plain.get_metric_history(spooled.run, "loss")
    assert [(point.step, point.value) for point in points] == [(step, step / 7) for step in range(5_000)]


def test_children_of_a_fork_log_to_the_same_run(
    python: Callable[..., subprocess.CompletedProcess[str]], spooled: SimpleNamespace
) -> None:
    job = f"""
import os, mlflow
client = mlflow.MlflowClient()
client.log_metric({spooled.run!r}, "parent", 1.0)
children = []
for child in range(3):
    pid = os.fork()
    if pid == 0:
        own = mlflow.MlflowClient()
        own.log_metric({spooled.run!r}, f"child{{child}}", float(child))
        assert own.get_run({spooled.run!r}).data.metrics[f"child{{child}}"] == child
        os._exit(0)
    children.append(pid)
statuses = [os.waitpid(pid, 0)[1] for pid in children]
assert statuses == [0, 0, 0], statuses
client.log_metric({spooled.run!r}, "parent", 2.0, step=1)
client.set_terminated({spooled.run!r})
"""
    done = python("-c", job, STREAMGAUGE_MLFLOW="1")
    assert done.returncode == 0, done.stderr[-2_000:]
    expected = {"parent": 2.0, "child0": 0.0, "child1": 1.0, "child2": 2.0}
    assert spooled.plain.get_run(spooled.run).data.metrics == expected


# Reads see writes.


def test_every_read_sees_what_was_logged(spooled: SimpleNamespace) -> None:
    for step in range(20):
        spooled.fast.log_metric(spooled.run, "loss", step * 0.5, step=step)
        assert spooled.fast.get_run(spooled.run).data.metrics == {"loss": step * 0.5}
    spooled.fast.log_batch(spooled.run, [Metric("loss", 77.0, 5, 99), Metric("other", 1.0, 5, 99)])
    points = spooled.fast.get_metric_history(spooled.run, "loss")
    assert sorted((p.step, p.value) for p in points) == [*((s, s * 0.5) for s in range(20)), (99, 77.0)]
    spooled.fast.log_metric(spooled.run, "loss", 78.0, step=100)
    (found,) = spooled.fast.search_runs([spooled.experiment], "metrics.loss = 78")
    assert found.info.run_id == spooled.run


def test_when_a_run_has_ended_others_see_everything(spooled: SimpleNamespace) -> None:
    for step in range(3_000):
        spooled.fast.log_metric(spooled.run, "loss", float(step), step=step)
    spooled.fast.set_terminated(spooled.run)
    run = spooled.plain.get_run(spooled.run)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"loss": 2_999.0})
    assert len(spooled.plain.get_metric_history(spooled.run, "loss")) == 3_000


def test_a_run_that_has_ended_takes_metrics_as_before(spooled: SimpleNamespace) -> None:
    spooled.fast.log_metric(spooled.run, "loss", 1.0)
    spooled.fast.set_terminated(spooled.run)
    spooled.fast.log_metric(spooled.run, "loss", 2.0, step=1)
    assert spooled.fast.get_run(spooled.run).data.metrics == {"loss": 2.0}


def test_more_runs_than_logs_are_held_open(spooled: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    from streamgauge.mlflow import tracking

    monkeypatch.setattr(tracking, "RUNS_MAX", 2)
    runs = [spooled.plain.create_run(spooled.experiment).info.run_id for _ in range(4)]
    for step in range(3):
        for run_id in runs:
            spooled.fast.log_metric(run_id, "loss", float(step), step=step)
    assert len(spooled.fast._tracking_client.store._logs) == 2
    for run_id in runs:
        assert len(spooled.fast.get_metric_history(run_id, "loss")) == 3


def test_threads_log_while_the_log_is_closed_again_and_again(spooled: SimpleNamespace) -> None:
    store = spooled.fast._tracking_client.store

    def log(thread: int) -> None:
        for step in range(200):
            spooled.fast.log_metric(spooled.run, f"thread{thread}", float(step), step=step)

    threads = [threading.Thread(target=log, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        store._close(spooled.run)
    for i in range(3):
        assert len(spooled.fast.get_metric_history(spooled.run, f"thread{i}")) == 200


# The same values and contexts.


def test_values_times_and_steps_are_those_of_plain_mlflow(spooled: SimpleNamespace) -> None:
    points = [
        Metric("m", 0.1, 1_700_000_000_000, 0),
        Metric("m", float("inf"), 1_700_000_000_001, 1),
        Metric("m", float("nan"), 1_700_000_000_002, -5),
        Metric("m", -0.0, 0, 2**62),
        Metric("a/b c.d-e:f", 5e-324, 1, 1),
    ]
    other = spooled.plain.create_run(spooled.experiment).info.run_id
    spooled.fast.log_batch(spooled.run, points)
    spooled.plain.log_batch(other, points)
    for key in ("m", "a/b c.d-e:f"):
        ours, theirs = (
            [(p.step, p.timestamp, repr(p.value)) for p in spooled.fast.get_metric_history(run, key)]
            for run in (spooled.run, other)
        )
        assert ours == theirs


def test_models_and_datasets_of_a_metric_are_kept(spooled: SimpleNamespace) -> None:
    model = spooled.plain.create_logged_model(spooled.experiment, name="m", source_run_id=spooled.run)
    spooled.fast.log_metric(
        spooled.run, "acc", 0.9, step=3, model_id=model.model_id, dataset_name="d", dataset_digest="x1"
    )
    (metric,) = spooled.fast.get_logged_model(model.model_id).metrics
    assert (metric.key, metric.value, metric.step) == ("acc", 0.9, 3)
    assert (metric.dataset_name, metric.dataset_digest, metric.run_id) == ("d", "x1", spooled.run)


def test_contexts_of_many_metrics_do_not_mix(spooled: SimpleNamespace) -> None:
    models = [spooled.plain.create_logged_model(spooled.experiment, source_run_id=spooled.run) for _ in range(2)]
    for step in range(700):
        about = {"model_id": models[step % 2].model_id, "dataset_name": f"d{step % 3}", "dataset_digest": "x"}
        points = [Metric(f"k{i}", step + i / 4, 1_000 + step, step, **about) for i in range(3)]
        spooled.fast.log_batch(spooled.run, [*points, Metric("plain", step / 2, 1_000 + step, step)])
    assert spooled.fast.get_run(spooled.run).data.metrics == {"k0": 699, "k1": 699.25, "k2": 699.5, "plain": 349.5}
    for i in range(3):
        points = spooled.plain.get_metric_history(spooled.run, f"k{i}")
        assert [(p.step, p.timestamp, p.value) for p in points] == [(s, 1_000 + s, s + i / 4) for s in range(700)]
    assert len(spooled.plain.get_metric_history(spooled.run, "plain")) == 700
    for at, model in enumerate(models):
        metrics = spooled.plain.get_logged_model(model.model_id).metrics
        assert {m.key for m in metrics} == {"k0", "k1", "k2"}
        assert {(m.dataset_name, m.step % 2) for m in metrics} == {(f"d{i}", at) for i in range(3)}


def test_points_carry_the_rank_that_the_launcher_gave(
    python: Callable[..., subprocess.CompletedProcess[str]], spooled: SimpleNamespace
) -> None:
    job = f"import mlflow; mlflow.MlflowClient().log_metric({spooled.run!r}, 'loss', 1.0)"
    done = python("-c", job, STREAMGAUGE_MLFLOW="1", RANK="3", WORLD_SIZE="4", LOCAL_RANK="3", LOCAL_WORLD_SIZE="4")
    assert done.returncode == 0, done.stderr[-2_000:]
    number = int(spooled.run[:16], 16)
    query = {"query": f"SELECT DISTINCT rank, attempt FROM points WHERE run = {number}", "format": "json"}
    answer = requests.post(os.environ["MLFLOW_TRACKING_URI"] + "/v1/sql", json=query, timeout=60)
    assert answer.json()["data"] == [[3, 0]]


# The same errors.


def deleted(plain: MlflowClient, run_id: str) -> str:
    plain.delete_run(run_id)
    return run_id


REFUSED: dict[str, Callable[[MlflowClient, SimpleNamespace], Any]] = {
    "a name with a forbidden sign": lambda c, s: c.log_metric(s.run, "a@b", 1.0),
    "a name that is a path upwards": lambda c, s: c.log_metric(s.run, "../a", 1.0),
    "a name too long": lambda c, s: c.log_metric(s.run, "x" * 251, 1.0),
    "a value that is no number": lambda c, s: c.log_metric(s.run, "a", "high"),
    "an unknown run": lambda c, s: c.log_metric("0" * 32, "a", 1.0),
    "a deleted run": lambda c, s: c.log_metric(deleted(s.plain, s.run), "a", 1.0),
    "a batch with a bad name": lambda c, s: c.log_batch(s.run, [Metric("a", 1.0, 0, 0), Metric("a@b", 1.0, 0, 0)]),
    "a batch with a bad tag": lambda c, s: c.log_batch(s.run, [Metric("a", 1.0, 0, 0)], [], [RunTag("a@b", "x")]),
    "a batch for an unknown run": lambda c, s: c.log_batch("0" * 32, [Metric("a", 1.0, 0, 0)]),
    "a param that changes": lambda c, s: [
        c.log_batch(s.run, [Metric("a", 1.0, 0, 0)], [Param("p", value)]) for value in ("1", "2")
    ],
}


@pytest.mark.parametrize("what", REFUSED)
def test_errors_are_those_of_plain_mlflow(spooled: SimpleNamespace, what: str) -> None:
    said: list[Any] = []
    for client in (spooled.fast, spooled.plain):
        run = spooled.plain.create_run(spooled.experiment).info.run_id
        try:
            REFUSED[what](client, SimpleNamespace(plain=spooled.plain, run=run))
            said.append(None)
        except (MlflowException, TypeError) as problem:
            said.append((type(problem), str(problem).replace(run, "RUN")))
    assert said[0] == said[1]
    assert said[0] is not None


def test_a_refused_batch_leaves_no_metric(spooled: SimpleNamespace) -> None:
    spooled.fast.log_param(spooled.run, "p", "1")
    with pytest.raises(MlflowException, match="p"):
        spooled.fast.log_batch(spooled.run, [Metric("a", 1.0, 0, 0)], [Param("p", "2")])
    with pytest.raises(MlflowException, match="a@b"):
        spooled.fast.log_batch(spooled.run, [Metric("a", 1.0, 0, 0), Metric("a@b", 1.0, 0, 0)])
    assert spooled.fast.get_run(spooled.run).data.metrics == {}


# The rest of the client.


def test_everything_else_works_under_the_scheme(spooled: SimpleNamespace, tmp_path: Path) -> None:
    mlflow.set_tracking_uri(spooled.url)
    mlflow.set_experiment(experiment_id=spooled.experiment)
    with mlflow.start_run() as run:
        mlflow.log_metric("loss", 1.0)
        mlflow.log_text("hello", "notes/a.txt")
        mlflow.set_tag("t", "x")
    run_id = run.info.run_id
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a.txt") == "hello"
    client = MlflowClient()
    assert [file.path for file in client.list_artifacts(run_id, "notes")] == ["notes/a.txt"]
    name = f"model-{run_id}"
    client.create_registered_model(name)
    assert client.create_model_version(name, f"runs:/{run_id}/notes", run_id).version in (1, "1")
    assert spooled.plain.get_run(run_id).data.metrics == {"loss": 1.0}


def test_a_server_of_another_kind_gets_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, Any]] = []

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, json.loads(body)))
            self.answer(200, {})

        def answer(self, status: int, body: dict[str, Any]) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            pass

    from streamgauge.mlflow import stores

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("STREAMGAUGE_MLFLOW", "1")
    try:
        store = stores.http_tracking_store(f"http://127.0.0.1:{server.server_port}")
        store.log_metric("0" * 32, Metric("loss", 1.0, 5, 3))
        store.log_batch("0" * 32, [Metric("loss", 1.0, 5, 3)], [], [])
    finally:
        server.shutdown()
        server.server_close()
    assert [path.rsplit("/", 1)[1] for path, _ in seen] == ["log-metric", "log-batch"]
    assert seen[0][1]["step"] in (3, "3")


# Where a run comes from.


def test_plain_runs_get_branch_changes_and_data(
    python: Callable[..., subprocess.CompletedProcess[str]], client: MlflowClient, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    script = tree / "train.py"
    script.write_text("import mlflow\nwith mlflow.start_run() as run:\n    print(run.info.run_id)\n")
    for arguments in (["init", "-q", "-b", "work"], ["add", "."], ["commit", "-q", "-m", "first"]):
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tree), *identity, *arguments], check=True)
    script.write_text(script.read_text() + "# changed\n")
    (tree / "data.csv.dvc").write_text("outs:\n- md5: 22a1a2931c8370d3aeedd7183606fd7f\n  path: data.csv\n")
    done = python(str(script))
    assert done.returncode == 0, done.stderr[-2_000:]
    run = client.get_run(done.stdout.split()[0])
    assert run.data.tags["mlflow.source.git.branch"] == "work"
    assert run.data.tags["mlflow.source.git.dirty"] == "true"
    assert "+# changed" in run.data.tags["mlflow.source.git.diff"]
    assert run.data.tags["streamgauge.dvc.data.csv"] == "22a1a2931c8370d3aeedd7183606fd7f"
    (found,) = run.inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest) == ("data.csv", "22a1a2931c8370d3aeedd7183606fd7f")
    assert found.dataset.source_type == "dvc"

    off = python(str(script), STREAMGAUGE_SOURCE="0")
    run = client.get_run(off.stdout.split()[0])
    assert "mlflow.source.git.diff" not in run.data.tags
    assert run.inputs.dataset_inputs == []
