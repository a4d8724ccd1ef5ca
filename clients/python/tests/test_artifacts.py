"""Artifacts through the server's proxy."""

import hashlib
import os
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
