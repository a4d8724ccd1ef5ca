"""Artifacts through the server's proxy."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
import requests
from mlflow.artifacts import download_artifacts, list_artifacts
from mlflow.tracking import MlflowClient

LARGE_BYTES = 200 << 20


def test_up_list_and_down(client: MlflowClient, run_id: str, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "plain.txt").write_text("one")
    (folder / "deep" / "er" / "naïve file.txt").write_text("two")
    client.log_artifacts(run_id, str(folder), "out")
    client.log_artifact(run_id, str(folder / "plain.txt"))

    def listed(path: str | None = None) -> list[tuple]:
        return [(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run_id, path)]

    assert listed() == [("out", True, None), ("plain.txt", False, 3)]
    assert listed("out") == [("out/deep", True, None), ("out/plain.txt", False, 3)]
    assert listed("out/deep/er") == [("out/deep/er/naïve file.txt", False, 3)]
    assert listed("nothing/here") == []

    back = Path(client.download_artifacts(run_id, "out", str(tmp_path)))
    assert (back / "deep" / "er" / "naïve file.txt").read_text() == "two"


def test_text_dict_figure_and_table(client: MlflowClient, experiment: SimpleNamespace) -> None:
    with mlflow.start_run() as run:
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": [1, 2]}, "config.json")
        mlflow.log_table({"x": [1, 2], "y": ["a", "b"]}, "table.json")
    uri = run.info.artifact_uri
    assert mlflow.artifacts.load_text(f"{uri}/notes/hello.txt") == "hello"
    assert mlflow.artifacts.load_dict(f"{uri}/config.json") == {"a": [1, 2]}
    assert list(mlflow.load_table("table.json", run_ids=[run.info.run_id])["y"]) == ["a", "b"]
    assert {f.path for f in list_artifacts(run_id=run.info.run_id)} == {"notes", "config.json", "table.json"}


def test_a_file_may_be_replaced_and_may_be_empty(client: MlflowClient, run_id: str, tmp_path: Path) -> None:
    file = tmp_path / "f.txt"
    for text in ("a longer text", "short", ""):
        file.write_text(text)
        client.log_artifact(run_id, str(file))
        assert Path(client.download_artifacts(run_id, "f.txt", str(tmp_path / "back"))).read_text() == text


@pytest.mark.parametrize("pieces", [[], [b"one"], [b"one", b"two" * 100_000]], ids=["none", "one", "two"])
def test_an_upload_whose_length_is_not_told(url: str, experiment: SimpleNamespace, run_id: str, pieces: list) -> None:
    """The client sends empty files so."""
    path = f"{url}/api/2.0/mlflow-artifacts/artifacts/{experiment.id}/{run_id}/artifacts/pieces"
    with requests.Session() as session:
        assert session.put(path, data=iter(pieces), timeout=10).status_code == 200
        assert session.get(path, timeout=10).content == b"".join(pieces)


def test_a_large_file_streams(client: MlflowClient, run_id: str, tmp_path: Path) -> None:
    block = os.urandom(1 << 20)
    file, digest = tmp_path / "large.bin", hashlib.sha256()
    with file.open("wb") as out:
        for n in range(LARGE_BYTES >> 20):
            piece = n.to_bytes(4, "big") + block[4:]
            out.write(piece)
            digest.update(piece)
    client.log_artifact(run_id, str(file))
    file.unlink()
    back = download_artifacts(run_id=run_id, artifact_path="large.bin", dst_path=str(tmp_path))
    got = hashlib.sha256()
    with open(back, "rb") as f:
        while piece := f.read(1 << 20):
            got.update(piece)
    assert got.digest() == digest.digest()


def test_the_page_fetches_a_file(url: str, client: MlflowClient, run_id: str) -> None:
    client.log_text(run_id, "hello", "notes/hello.txt")
    got = requests.get(f"{url}/get-artifact", {"run_id": run_id, "path": "notes/hello.txt"}, timeout=30)
    assert (got.status_code, got.text) == (200, "hello")
    assert got.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "kind", "disposition"),
    [
        ("MLmodel", "text/plain", "attachment; filename=MLmodel"),
        ("a b.json", "text/plain", 'attachment; filename="a b.json"'),
        ("plot.png", "image/png", "attachment; filename=plot.png"),
        ("model.pkl", "application/octet-stream", "attachment; filename=model.pkl"),
        ("logs.tar.gz", "application/x-tar", "attachment; filename=logs.tar.gz"),
        ("naïve.html", "text/html", "attachment; filename=naive.html; filename*=UTF-8''na%C3%AFve.html"),
    ],
)
def test_a_download_says_what_it_is(
    url: str, client: MlflowClient, run_id: str, name: str, kind: str, disposition: str
) -> None:
    client.log_text(run_id, "0123456789", f"d/{name}")
    for ask in ({"run_id": run_id}, {"run_uuid": run_id}):
        got = requests.get(f"{url}/get-artifact", ask | {"path": f"d/{name}"}, timeout=30)
        assert got.headers["Content-Type"].split(";")[0] == kind
        assert got.headers["Content-Disposition"] == disposition
        assert got.headers["X-Content-Type-Options"] == "nosniff"
    part = requests.get(
        f"{url}/get-artifact", {"run_id": run_id, "path": f"d/{name}"}, headers={"Range": "bytes=2-4"}, timeout=30
    )
    assert (part.status_code, part.text, part.headers["Content-Range"]) == (206, "234", "bytes 2-4/10")


def test_the_page_uploads_a_small_file(url: str, client: MlflowClient, run_id: str) -> None:
    where = f"{url}/ajax-api/2.0/mlflow/upload-artifact"
    ask = {"run_uuid": run_id, "path": "notes/n.txt"}
    assert requests.post(where, params=ask, data=b"a note", timeout=30).status_code == 200
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/n.txt") == "a note"
    for wrong, data in ({"path": "x"}, b"x"), ({"run_uuid": run_id}, b"x"), (ask, b""), (ask, b"x" * (10 << 20) + b"x"):
        answer = requests.post(where, params=wrong, data=data, timeout=30)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_a_logged_model_s_files(url: str, client: MlflowClient, experiment: SimpleNamespace) -> None:
    model = client.create_logged_model(experiment.id, name="m")
    where = f"{url}/api/2.0/mlflow-artifacts/artifacts/{model.artifact_location.split(':/', 1)[1]}"
    assert requests.put(f"{where}/deep/MLmodel", data=b"flavors: {}", timeout=30).status_code == 200
    about = f"{url}/ajax-api/2.0/mlflow/logged-models/{model.model_id}/artifacts"
    listed = requests.get(f"{about}/directories", {"artifact_directory_path": "deep"}, timeout=30).json()
    assert listed["files"] == [{"path": "deep/MLmodel", "is_dir": False, "file_size": 11}]
    assert listed["root_uri"] == model.artifact_location
    got = requests.get(f"{about}/files", {"artifact_file_path": "deep/MLmodel"}, timeout=30)
    assert (got.text, got.headers["Content-Type"].split(";")[0]) == ("flavors: {}", "text/plain")
    assert requests.get(f"{about}/files", timeout=30).json()["error_code"] == "BAD_REQUEST"
    client.delete_logged_model(model.model_id)
    gone = requests.get(f"{about}/directories", timeout=30)
    assert (gone.status_code, gone.json()["message"]) == (404, f"Logged model with ID '{model.model_id}' not found.")


@pytest.mark.parametrize(
    ("method", "route", "body", "want", "message"),
    [
        ("POST", "-artifacts/mpu/create/x", {"path": "f", "num_parts": 2}, (501, "NOT_IMPLEMENTED"), "Multipart upload is not supported for the current artifact repository"),
        ("POST", "-artifacts/mpu/complete/x", {"path": "f", "upload_id": "u", "parts": [{"part_number": 1, "etag": "e"}]}, (501, "NOT_IMPLEMENTED"), "Multipart upload is not supported"),
        ("POST", "-artifacts/mpu/abort/x", {"path": "f", "upload_id": "u"}, (501, "NOT_IMPLEMENTED"), "Multipart upload is not supported"),
        ("POST", "-artifacts/mpu/create/x", {}, (400, "INVALID_PARAMETER_VALUE"), "Missing value for required parameter 'path'"),
        ("GET", "-artifacts/presigned/x", None, (501, "NOT_IMPLEMENTED"), "Multipart download is not supported for the current artifact repository"),
        ("POST", "/artifacts/presigned-upload-url", {"run_id": "RUN", "path": "f"}, (400, "INVALID_PARAMETER_VALUE"), "Presigned upload is not supported for proxied artifact storage (artifact URI scheme: mlflow-artifacts)."),
        ("POST", "/artifacts/presigned-download-url", {"run_id": "RUN", "path": "f"}, (400, "INVALID_PARAMETER_VALUE"), "Presigned download is not supported for runs with proxied artifact storage"),
        ("POST", "/artifacts/presigned-upload-url", {"path": "f"}, (400, "INVALID_PARAMETER_VALUE"), "Exactly one of run_id and model_id must be provided."),
        ("POST", "/artifacts/presigned-download-url", {"run_id": "RUN", "path": "f", "expiration": 0}, (400, "INVALID_PARAMETER_VALUE"), "expiration must be between 1 and 604800 seconds (got 0)."),
        ("POST", "/artifacts/presigned-upload-url", {"run_id": "none", "path": "f"}, (404, "RESOURCE_DOES_NOT_EXIST"), "Run with id=none not found"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["api", "ajax-api"])
def test_what_a_folder_cannot(
    url: str, run_id: str, prefix: str, method: str, route: str, body: dict | None, want: tuple, message: str
) -> None:
    body = body and {k: run_id if v == "RUN" else v for k, v in body.items()}
    answer = requests.request(method, f"{url}/{prefix}/2.0/mlflow{route}", json=body, timeout=30)
    said = answer.json()
    assert (answer.status_code, said["error_code"]) == want
    assert said["message"].startswith(message)


def test_clients_are_told_what_the_store_can(url: str) -> None:
    for prefix in ("api", "ajax-api"):
        said = requests.get(f"{url}/{prefix}/3.0/mlflow/server-info", timeout=30).json()
        assert said["multipart_uploads_enabled"] is False
        assert said["multipart_downloads_enabled"] is False
        assert said["presigned_upload_run_id_supported"] is True


def test_a_client_that_insists_on_parts_sends_the_whole(
    client: MlflowClient, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1")
    client.log_text(run_id, "text", "f.txt")
    assert Path(client.download_artifacts(run_id, "f.txt", str(tmp_path))).read_text() == "text"


def test_many_upload_at_once(client: MlflowClient, run_id: str, tmp_path: Path) -> None:
    contents = {f"f{n}": os.urandom(3 << 20) for n in range(12)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: client.log_artifact(run_id, str(tmp_path / name), "many"), contents))
    back = Path(client.download_artifacts(run_id, "many", str(tmp_path)))
    assert {f.name: f.read_bytes() for f in back.iterdir()} == contents


def test_delete(url: str, client: MlflowClient, experiment: SimpleNamespace, run_id: str) -> None:
    client.log_text(run_id, "hello", "hello.txt")
    path = f"{url}/api/2.0/mlflow-artifacts/artifacts/{experiment.id}/{run_id}/artifacts/hello.txt"
    assert requests.delete(path, timeout=30).status_code == 200
    assert client.list_artifacts(run_id) == []
    assert requests.get(path, timeout=30).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "way", ["../" * 16, "a/" + "../" * 16, "%2e%2e/" * 16, "%252e%252e/" * 16, "..%2f" * 16, "%2f"]
)
def test_no_way_out_of_the_root(url: str, tmp_path: Path, method: str, way: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("secret")
    base = f"{url}/api/2.0/mlflow-artifacts/artifacts"
    # Sent as written: requests would tidy the dots away.
    request = requests.Request(method, base, data=b"x" if method == "PUT" else None).prepare()
    request.url = f"{base}/{way}{str(victim).lstrip('/')}"
    answer = requests.Session().send(request, timeout=30)
    assert answer.text != "secret"
    assert answer.status_code < 500
    assert victim.read_text() == "secret"


@pytest.mark.parametrize("path", ["..", "a/../..", "/etc", "%2e%2e", "%252e%252e"])
def test_no_listing_outside_the_root(url: str, path: str) -> None:
    answer = requests.get(f"{url}/api/2.0/mlflow-artifacts/artifacts", {"path": path}, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
