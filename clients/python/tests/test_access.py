"""A server that wants tokens, and MLflow's own client that brings them."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import requests
from conftest import ROOT, ports_url, running, unique
from mlflow.exceptions import MlflowException, RestException
from mlflow.tracking import MlflowClient

pytestmark = pytest.mark.stricter

BINARY = str(ROOT / "bin" / "streamgauge")
CREDENTIALS = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


def token(folder: Path, *flags: str) -> str:
    """Makes a token; it works with a server on the folder and without one."""
    command = [BINARY, "token", "create", "--data", str(folder), *flags]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The data folder of a server that was started with a token."""
    where = Path(tempfile.mkdtemp(prefix="streamgauge-access-"))
    token(where, "--role", "read", "--name", "first")
    command = [BINARY, "up", "--data", str(where)]
    for flag in ("--listen", "--nats-listen", "--clickhouse-listen", "--clickhouse-http-listen"):
        command += [flag, "127.0.0.1:0"]
    try:
        with running("streamgauge", command, lambda: ports_url(where)):
            yield where
    finally:
        shutil.rmtree(where, ignore_errors=True)


@pytest.fixture(scope="module")
def url(folder: Path) -> str:
    return ports_url(folder)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)


def bearer(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", secret)


def test_without_a_token_the_remedy_is_named(client: MlflowClient) -> None:
    with pytest.raises(MlflowException, match="MLFLOW_TRACKING_TOKEN") as refused:
        client.search_experiments()
    assert "UNAUTHENTICATED" in str(refused.value)


def test_health_and_version_need_none(url: str) -> None:
    assert requests.get(url + "/health", timeout=5).text == "OK"
    assert requests.get(url + "/version", timeout=5).status_code == 200


@pytest.mark.parametrize("form", ["token", "password"])
def test_a_whole_training(
    form: str, folder: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = token(folder, "--role", "write", "--name", unique(form))
    if form == "token":
        bearer(monkeypatch, secret)
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "anybody")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", secret)
    mlflow.set_experiment(unique("access"))
    with mlflow.start_run() as run:
        mlflow.log_param("lr", 0.1)
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.set_tag("stage", "done")
        mlflow.log_text("hello", "notes/a.txt")
    found = client.get_run(run.info.run_id)
    assert found.data.metrics == {"loss": 0.5}
    assert [m.value for m in client.get_metric_history(run.info.run_id, "loss")] == [0.5]
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/a.txt") == "hello"
    assert [r.info.run_id for r in client.search_runs([run.info.experiment_id])] == [run.info.run_id]


def test_a_reader_reads(folder: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    bearer(monkeypatch, token(folder, "--role", "read"))
    assert client.get_experiment("0").name == "Default"
    with pytest.raises(RestException, match="has the role read; this needs write") as refused:
        client.create_run("0")
    assert refused.value.error_code == "PERMISSION_DENIED"
    assert refused.value.get_http_status_code() == 403


def test_a_confined_training(
    folder: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine, theirs = unique("mine"), unique("theirs")
    bearer(monkeypatch, token(folder, "--role", "write"))
    other = client.create_run(client.create_experiment(theirs))
    client.log_text(other.info.run_id, "secret", "a.txt")
    sent = client.log_metric(other.info.run_id, "loss", 1.0, synchronous=True)
    assert sent is None

    bearer(monkeypatch, token(folder, "--role", "write", "--experiment", mine))
    mlflow.set_experiment(mine)  # makes it
    with mlflow.start_run() as run:
        mlflow.log_metric("loss", 0.5)
        mlflow.log_text("hello", "a.txt")
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/a.txt") == "hello"
    assert [e.name for e in client.search_experiments()] == [mine]
    everywhere = client.search_runs([run.info.experiment_id, other.info.experiment_id])
    assert [r.info.run_id for r in everywhere] == [run.info.run_id]
    for refused in (
        lambda: client.get_run(other.info.run_id),
        lambda: client.get_experiment_by_name(theirs),
        lambda: client.get_metric_history(other.info.run_id, "loss"),
        lambda: client.log_metric(other.info.run_id, "loss", 2.0),
        lambda: client.log_batch(other.info.run_id, params=[mlflow.entities.Param("a", "b")]),
        lambda: client.set_tag(other.info.run_id, "a", "b"),
        lambda: client.delete_run(other.info.run_id),
        lambda: client.create_run("0"),
        lambda: client.create_experiment(unique("another")),
        lambda: client.delete_experiment(other.info.experiment_id),
        lambda: client.list_artifacts(other.info.run_id),
        lambda: client.create_logged_model(other.info.experiment_id),
    ):
        with pytest.raises(MlflowException, match="confined to other experiments"):
            refused()
    path = f"/api/2.0/mlflow-artifacts/artifacts/{other.info.experiment_id}/{other.info.run_id}/artifacts/a.txt"
    headers = {"Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}"}
    url = mlflow.get_tracking_uri()
    assert requests.get(url + path, headers=headers, timeout=5).status_code == 403
    assert requests.put(url + path, data=b"x", headers=headers, timeout=5).status_code == 403
    for table, status in (("sg.runs", 200), ("streamgauge.runs", 403)):  # the views show it what it may see
        query = {"query": f"SELECT count() FROM {table}"}
        assert requests.post(url + "/v1/sql", json=query, headers=headers, timeout=30).status_code == status


def test_lineage_ends_at_the_experiments_of_a_token(
    folder: Path, url: str, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs, name = unique("mine"), unique("theirs"), unique("shared")
    bearer(monkeypatch, token(folder, "--role", "write"))
    data = mlflow.data.from_numpy(np.arange(3.0), name=name)
    inputs = [mlflow.entities.DatasetInput(data._to_mlflow_entity(), [])]
    other = client.create_run(client.create_experiment(theirs)).info.run_id
    run = client.create_run(client.create_experiment(mine), tags={"mlflow.parentRunId": other}).info.run_id
    secret = client.create_run(client.get_experiment_by_name(theirs).experiment_id).info.run_id
    for one in (other, run, secret):
        client.log_inputs(one, inputs)
    open_dataset, hidden = f"dataset:{name}@{data.digest}", unique("hidden")
    client.log_inputs(secret, [mlflow.entities.DatasetInput(mlflow.entities.Dataset(hidden, "d", "code", "{}"), [])])

    def walk(credential: str, *node: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {credential}"}
        return requests.get(url + "/v1/lineage", params={"node": node}, headers=headers, timeout=10)

    def nodes(node: str, credential: str) -> set[str] | int:
        answer = walk(credential, node)
        return {n["node"] for n in answer.json()["nodes"]} if answer.ok else answer.status_code

    everyone, confined = token(folder, "--role", "read"), token(folder, "--role", "write", "--experiment", mine)
    runs = {f"run:{one}" for one in (other, run, secret)}
    assert nodes(open_dataset, everyone) == runs | {open_dataset}
    assert nodes(open_dataset, confined) == {open_dataset, f"run:{run}"}
    assert nodes(f"run:{run}", confined) == {open_dataset, f"run:{run}"}, "not the parent, which is another's"
    for unseen in (f"run:{other}", f"dataset:{hidden}@d"):
        assert nodes(unseen, confined) == 404, "as if it were not there"
    model = unique("model")
    client.create_registered_model(model)
    client.create_model_version(model, "s3://bucket/model", secret)
    client.set_registered_model_alias(model, "champion", "1")
    assert walk(everyone, f"version:{model}@champion").json()["root"] == f"version:{model}/1"
    alone, beside = [], []
    for unseen in (f"version:{model}@champion", f"version:{unique('nothing')}@champion"):
        answer = walk(confined, unseen)
        assert answer.status_code == 404
        alone.append(answer.text.replace(unseen, ""))
        beside.append(walk(confined, unseen, f"run:{run}").json())
    assert alone[0] == alone[1]
    assert beside[0] == beside[1], "what is hidden looks like what is not there"
    assert beside[0]["root"] == f"run:{run}"
    headers = {"Authorization": f"Bearer {confined}"}
    for path in ("/v1/lineage", "/api/v1/lineage"):
        assert requests.post(url + path, json={}, headers=headers, timeout=5).status_code == 403


def test_lineage_of_a_token_is_what_sql_shows_it(
    folder: Path, url: str, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, model = unique("mine"), unique("shared")
    bearer(monkeypatch, token(folder, "--role", "write"))

    def ask(credential: str, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {credential}"}
        answer = requests.request(method, url + path, headers=headers, timeout=30, **more)
        if answer.status_code == 404:
            return {"edges": [], "nodes": []}
        answer.raise_for_status()
        return answer.json()

    everyone, confined = token(folder, "--role", "write"), token(folder, "--role", "read", "--experiment", mine)
    client.create_registered_model(model)
    versions: dict[str, str] = {}
    for name in (mine, unique("theirs")):
        experiment = client.create_experiment(name)
        run = client.create_run(experiment).info.run_id
        logged = client.create_logged_model(experiment, name="net", source_run_id=run)
        of_run = client.create_model_version(model, f"runs:/{run}/net", run)
        of_model = client.create_model_version(model, f"models:/{logged.model_id}", model_id=logged.model_id)
        client.copy_model_version(f"models:/{model}/{of_run.version}", model)
        versions[name] = of_run.version
        where = {"name": name, "url": "https://x.example", "model": model, "version": of_model.version}
        endpoint = ask(everyone, "POST", "/v1/endpoints", json=where)["endpoint"]["id"]
        version = f"version:{model}/{of_run.version}"
        by_hand = [(f"run:{run}", to) for to in (f"endpoint:{endpoint}", f"table:{name}", version)]
        edges = [{"from": a, "to": b} for a, b in [*by_hand, (version, f"table:of-{name}")]]
        assert ask(everyone, "POST", "/v1/lineage", json={"edges": edges})["edges"] == len(edges)
    client.create_model_version(model, f"s3://bucket/{model}")
    gone = client.create_model_version(model, f"runs:/{run}/net", run)
    client.delete_model_version(model, gone.version)

    def in_sql(credential: str) -> set[tuple[str, str, str]]:
        query = "SELECT from_node, kind, to_node FROM sg.lineage WHERE kind != 'copied'"
        rows = ask(credential, "POST", "/v1/sql", json={"query": query, "format": "json"})["data"]
        return {(a, kind, b) for a, kind, b in rows}

    all_edges = in_sql(everyone)
    roots = {node for a, _, b in all_edges for node in (a, b)}
    for credential in (everyone, confined):
        walked: set[tuple[str, str, str]] = set()
        for root in roots:
            found = ask(credential, "GET", "/v1/lineage", params={"node": root, "depth": 20, "edges_max": 1000})
            walked |= {(e["from"], e["kind"], e["to"]) for e in found["edges"]}
        assert walked == in_sql(credential)
    seen = {node for a, _, b in in_sql(confined) for node in (a, b)}
    assert {node.split(":")[0] for node in seen} == {"run", "model", "version", "endpoint", "table"}
    assert f"version:{model}/{versions[mine]}" in seen
    assert len({node for node in seen if node.startswith("version:")}) == 3  # its run's, its model's, and the copy
    for root in roots - seen:
        assert ask(confined, "GET", "/v1/lineage", params={"node": root})["nodes"] == [], root


def test_a_revoked_token_ends_at_once(folder: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    name = unique("gone")
    bearer(monkeypatch, token(folder, "--role", "write", "--name", name))
    client.create_run("0")
    subprocess.run([BINARY, "token", "revoke", name, "--data", str(folder)], check=True, capture_output=True)
    with pytest.raises(MlflowException, match="was revoked"):
        client.create_run("0")


def test_tokens_are_listed_without_secrets(folder: Path) -> None:
    name = unique("listed")
    secret = token(folder, "--role", "read", "--name", name, "--expires", "30d", "--experiment", "later")
    command = [BINARY, "token", "list", "--json", "--data", str(folder)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    shown = next(t for t in json.loads(out) if t["name"] == name)
    assert shown["experiments"] == ["later"]
    assert shown["expires_ms"] > shown["created_ms"]
    assert secret not in out


def test_names_of_the_server_and_pages_of_others(folder: Path, url: str) -> None:
    headers = {"Authorization": f"Bearer {token(folder, '--role', 'write')}"}
    for host, status in {"evil.example": 403, url.removeprefix("http://"): 200}.items():
        answer = requests.get(url + "/v1/version", headers={**headers, "Host": host}, timeout=5)
        assert answer.status_code == status, answer.text
    create = {"experiment_id": "0"}
    for origin, status in {"http://evil.example": 403, url: 200}.items():
        path = url + "/ajax-api/2.0/mlflow/runs/create"
        answer = requests.post(path, json=create, headers={**headers, "Origin": origin}, timeout=5)
        assert answer.status_code == status, answer.text


def test_another_address_needs_a_token(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [BINARY, "up", "--data", str(tmp_path), "--listen", f"0.0.0.0:{port}"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert refused.returncode != 0
    assert len(refused.stderr.strip().splitlines()) == 1
    for part in ("--listen", "token create", "--allow-anonymous"):
        assert part in refused.stderr
