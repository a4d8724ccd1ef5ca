"""Artifacts in a bucket of a real S3 server, with and without going past our server."""

import hashlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
import requests
from conftest import ROOT, START_SECONDS, STOP_SECONDS, streamgauge, unique
from mlflow.artifacts import download_artifacts
from mlflow.tracking import MlflowClient

pytestmark = pytest.mark.stricter  # its servers are its own

BUCKET = "artifacts"
MEBIBYTE = 1 << 20
KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "a secret of tests"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The S3 server: where it answers, and the folder that its objects are files of."""
    built = subprocess.run(["sh", str(ROOT / "build" / "s3server.sh")], capture_output=True, text=True)
    if built.returncode != 0:
        pytest.skip(f"the S3 server that this test needs cannot be built: {built.stderr[-500:]}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    root, notes = tmp_path_factory.mktemp("s3"), tmp_path_factory.mktemp("s3-notes")
    (root / BUCKET).mkdir()
    command = [str(ROOT / ".build" / "s3server"), "--port", f"127.0.0.1:{port}", "--quiet", "--keep-alive"]
    command += ["posix", "--sidecar", str(notes), str(root)]
    keys = {"ROOT_ACCESS_KEY": KEYS["AWS_ACCESS_KEY_ID"], "ROOT_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"]}
    process = subprocess.Popen(command, env=os.environ | keys, stdout=subprocess.DEVNULL)
    try:
        await_port(port)
        yield SimpleNamespace(url=f"http://127.0.0.1:{port}", objects=root / BUCKET)
    finally:
        process.kill()
        process.wait(STOP_SECONDS)


def await_port(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end, "the S3 server does not answer"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def environment(gateway: SimpleNamespace) -> Iterator[None]:
    """What the server finds the bucket with; it is no part of the data folder."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (KEYS | {"AWS_ENDPOINT_URL": gateway.url, "AWS_EC2_METADATA_DISABLED": "true"}).items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def server(environment: None) -> Iterator[str]:
    with streamgauge("--artifacts", f"s3://{BUCKET}/mlflow") as url:
        yield url


@pytest.fixture
def on_bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    mlflow.set_tracking_uri(server)
    mlflow.set_experiment(unique("bucket"))
    return MlflowClient(server)


@pytest.fixture
def run(on_bucket: MlflowClient) -> mlflow.entities.Run:
    return on_bucket.create_run(mlflow.get_experiment_by_name(mlflow.set_experiment(unique("e")).name).experiment_id)


@pytest.fixture
def requested(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The method and address of every request that this process sends."""
    seen: list[tuple[str, str]] = []
    send = requests.Session.send

    def sending(session: requests.Session, request: requests.PreparedRequest, **settings: object) -> requests.Response:
        seen.append((request.method or "", request.url or ""))
        return send(session, request, **settings)

    monkeypatch.setattr(requests.Session, "send", sending)
    return seen


def test_up_list_and_down(
    on_bucket: MlflowClient, run: mlflow.entities.Run, gateway: SimpleNamespace, tmp_path: Path
) -> None:
    run_id, folder = run.info.run_id, tmp_path / "made"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "plain.txt").write_text("one")
    (folder / "deep" / "er" / "naïve file.txt").write_text("two")
    on_bucket.log_artifacts(run_id, str(folder), "out")
    on_bucket.log_text(run_id, "", "empty.txt")

    def listed(path: str | None = None) -> list[tuple]:
        return [(f.path, f.is_dir, f.file_size) for f in on_bucket.list_artifacts(run_id, path)]

    assert listed() == [("empty.txt", False, 0), ("out", True, None)]
    assert listed("out") == [("out/deep", True, None), ("out/plain.txt", False, 3)]
    assert listed("nothing/here") == []
    where = gateway.objects / "mlflow" / run.info.experiment_id / run_id / "artifacts"
    assert (where / "out" / "plain.txt").read_text() == "one"  # as MLflow's own server would have it

    back = Path(on_bucket.download_artifacts(run_id, "", str(tmp_path)))
    assert (back / "out" / "deep" / "er" / "naïve file.txt").read_text() == "two"
    assert (back / "empty.txt").read_text() == ""


def test_large_files_go_past_the_server(
    on_bucket: MlflowClient,
    run: mlflow.entities.Run,
    gateway: SimpleNamespace,
    requested: list[tuple[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client's way with more than 500 MB, here from a smaller size on."""
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(20 * MEBIBYTE))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 * MEBIBYTE))
    monkeypatch.setenv("MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE", str(8 * MEBIBYTE))
    content = os.urandom(22 * MEBIBYTE + 17)
    (tmp_path / "large.bin").write_bytes(content)
    on_bucket.log_artifact(run.info.run_id, str(tmp_path / "large.bin"), "weights")
    parts = [url for method, url in requested if method == "PUT"]
    assert len(parts) == 5
    assert all(url.startswith(gateway.url) for url in parts)
    assert on_bucket.list_artifacts(run.info.run_id, "weights")[0].file_size == len(content)

    requested.clear()
    back = download_artifacts(run_id=run.info.run_id, artifact_path="weights/large.bin", dst_path=str(tmp_path / "b"))
    assert hashlib.sha256(Path(back).read_bytes()).digest() == hashlib.sha256(content).digest()
    assert len([url for _, url in requested if url.startswith(gateway.url)]) == 3


def test_a_failing_part_aborts_the_upload(
    on_bucket: MlflowClient, run: mlflow.entities.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(MEBIBYTE))
    repository = "mlflow.store.artifact.http_artifact_repo.HttpArtifactRepository._upload_part"

    def failing(*_: object, **__: object) -> None:
        raise OSError("the cable is out")

    monkeypatch.setattr(repository, staticmethod(failing))
    (tmp_path / "f").write_bytes(b"x" * 2 * MEBIBYTE)
    with pytest.raises(mlflow.MlflowException, match="the cable is out"):
        on_bucket.log_artifact(run.info.run_id, str(tmp_path / "f"))
    assert on_bucket.list_artifacts(run.info.run_id) == []


def test_models_are_logged_and_loaded(on_bucket: MlflowClient) -> None:
    sklearn_linear = pytest.importorskip("sklearn.linear_model")
    model = sklearn_linear.LinearRegression().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(model, name="line")
    assert mlflow.sklearn.load_model(logged.model_uri).predict([[3.0]])[0] == pytest.approx(7)


def test_a_run_s_file_is_signed(server: str, on_bucket: MlflowClient, run: mlflow.entities.Run) -> None:
    signing = f"{server}/api/2.0/mlflow/artifacts/presigned"
    wanted = {"run_id": run.info.run_id, "path": "notes/a.json", "expiration": 60}
    up = requests.post(f"{signing}-upload-url", json=wanted, timeout=30).json()
    assert requests.put(up["presigned_url"], b"{}", headers=up["headers"], timeout=30).status_code == 200
    down = requests.post(f"{signing}-download-url", json=wanted, timeout=30).json()
    assert down["file_size"] == 2
    got = requests.get(down["presigned_url"], timeout=30)
    assert (got.content, got.headers["Content-Disposition"]) == (b"{}", "attachment; filename=a.json")
    assert on_bucket.list_artifacts(run.info.run_id, "notes")[0].path == "notes/a.json"


def test_delete_of_a_folder(server: str, on_bucket: MlflowClient, run: mlflow.entities.Run) -> None:
    for n in range(20):
        on_bucket.log_text(run.info.run_id, "x", f"d/{n % 3}/{n}.txt")
    on_bucket.log_text(run.info.run_id, "x", "d.txt")
    path = f"{run.info.experiment_id}/{run.info.run_id}/artifacts/d"
    url = f"{server}/api/2.0/mlflow-artifacts/artifacts/{path}"
    assert requests.delete(url, timeout=30).status_code == 200
    assert [f.path for f in on_bucket.list_artifacts(run.info.run_id)] == ["d.txt"]


def test_a_bucket_that_clients_cannot_reach(
    environment: None, gateway: SimpleNamespace, requested: list[tuple[str, str]], tmp_path: Path
) -> None:
    with streamgauge("--artifacts", f"s3://{BUCKET}/other", "--artifacts-proxy-only") as url:
        client = MlflowClient(url)
        run_id = client.create_run("0").info.run_id
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", url)
            patch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1")
            mlflow.set_tracking_uri(url)
            client.log_text(run_id, "text", "f.txt")
            assert Path(client.download_artifacts(run_id, "f.txt", str(tmp_path))).read_text() == "text"
    assert not [url for _, url in requested if url.startswith(gateway.url)]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://no-such-bucket/x", "there is no bucket 'no-such-bucket'"),
        (f"s3://{BUCKET}?endpoint=http://127.0.0.1:1", "connection refused"),
        ("ftp://host/x", "s3://, gs:// or azblob://"),
        ("s3://key:secret@bucket", "credentials do not belong in the URL"),
    ],
)
def test_a_wrong_store_is_said_in_a_line(environment: None, tmp_path: Path, address: str, said: str) -> None:
    command = [str(ROOT / "bin" / "streamgauge"), "up", "--data", str(tmp_path), "--artifacts", address]
    for flag in ("--listen", "--nats-listen", "--clickhouse-listen", "--clickhouse-http-listen"):
        command += [flag, "127.0.0.1:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS)
    assert done.returncode == 1
    assert done.stderr.startswith("streamgauge: --artifacts ")
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1
