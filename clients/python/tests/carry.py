"""What the tests of `streamgauge export` and `import` put into a server, and how they read the files of an export."""

from __future__ import annotations

import contextlib
import hashlib
import math
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

import mlflow
import pyarrow.parquet as pq
import requests
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric
from mlflow.tracking import MlflowClient

SECONDS = 60
STEP_MAX, STEP_MIN = 2**63 - 1, -(2**63)
HOOK = "https://127.0.0.1/hook/of-ann"
NAME = "wein/ü 📈 'quoted'"
RANKS, ATTEMPTS = (0, 1), (1_700_000_000, 1_700_000_100)
ODD = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1]


def varint(n: int) -> bytes:
    n &= 2**64 - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def field(number: int, content: bytes | str | int) -> bytes:
    """A field of protobuf: an integer as a varint, anything else with its length."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    raw = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def section(run_id: str, rank: int, attempt: int, rest: bytes) -> bytes:
    return field(5, field(1, run_id) + field(2, rank) + field(3, attempt) + rest)


def points(key: str, steps: list[int], values: list[float]) -> bytes:
    """Points as fixed-width columns."""
    content = field(1, key) + field(8, struct.pack(f"<{len(steps)}I", *[0] * len(steps)))
    content += field(9, struct.pack(f"<{len(steps)}q", *steps)) + field(
        10, struct.pack(f"<{len(steps)}q", *range(len(steps)))
    )
    return field(4, content + field(5, struct.pack(f"<{len(values)}d", *values)))


def small(key: str, step: int, kind: int, value: bytes | str) -> bytes:
    return field(6, field(1, key) + field(2, step) + field(3, 1_700_000_000_000 + step) + field(kind, value))


def send_frames(url: str, run_id: str) -> None:
    """Points of two ranks and two launches, values of every kind, and lines."""
    doubles = lambda *v: struct.pack(f"<{len(v)}d", *v)  # noqa: E731
    histogram = field(1, doubles(-math.inf, 0.5, math.inf)) + field(2, doubles(3, 4))
    image = field(1, "plots/a.png") + field(2, hashlib.sha256(b"").hexdigest()) + field(3, 7) + field(4, "image/png")
    beside = (
        small("note", 1, 4, "line\n'two' ü")
        + small("weights", 2, 5, histogram)
        + small("table", 3, 6, '{"a": [1, null]}')
    )
    beside += small("image", 4, 7, image)
    for n in (1, 2):
        beside += field(7, field(1, 1_700_000_000_000 + n) + field(2, n) + field(3, n) + field(4, f"line {n}\t\\n ü"))
    sections = b"".join(
        section(run_id, rank, attempt, points("spread", list(range(-50, 50)), [rank + i / 7 for i in range(100)]))
        for rank in RANKS
        for attempt in ATTEMPTS
    )
    frame = (
        field(1, 1)
        + varint(2 << 3 | 1)
        + struct.pack("<Q", 77)
        + field(3, 1)
        + sections
        + section(run_id, 1, ATTEMPTS[0], beside)
    )
    head = {"Content-Type": "application/x-protobuf"}
    answer = requests.post(url + "/v1/frames", data=varint(len(frame)) + frame, headers=head, timeout=SECONDS)
    assert answer.json() == {"accepted": 1, "bytes": len(frame) + len(varint(len(frame)))}, answer.text


def send_many(url: str, run_id: str, frames: int, rows: int) -> None:
    """Frames of points of one metric."""
    for n in range(frames):
        steps = list(range(n * rows, (n + 1) * rows))
        frame = field(1, 1) + varint(2 << 3 | 1) + struct.pack("<Q", 78) + field(3, n + 1)
        frame += section(run_id, 0, 1, points("many", steps, [i / 3 for i in steps]))
        head = {"Content-Type": "application/x-protobuf"}
        answer = requests.post(url + "/v1/frames", data=varint(len(frame)) + frame, headers=head, timeout=SECONDS)
        assert answer.status_code == 200, answer.text


class Between:
    """Who stands between a client and a server, counts what is sent, and cuts all off beyond so many bytes."""

    def __init__(self, url: str, most: int) -> None:
        host, port = url.removeprefix("http://").split(":")
        self.to, self.most, self.sent = (host, int(port)), most, 0
        self.cut = threading.Event()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.door.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                one = self.door.accept()[0]
                if self.cut.is_set():
                    one.close()
                    continue
                other = socket.create_connection(self.to)
                threading.Thread(target=self.pass_on, args=(one, other, True), daemon=True).start()
                threading.Thread(target=self.pass_on, args=(other, one, False), daemon=True).start()

    def pass_on(self, source: socket.socket, to: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError), source, to:
            while got := source.recv(1 << 16):
                if counted:
                    self.sent += len(got)
                if self.sent > self.most:
                    self.cut.set()
                if self.cut.is_set():
                    return
                to.sendall(got)

    def close(self) -> None:
        self.door.close()


def call(server: str, method: str, path: str, **body: Any) -> Any:
    answer = requests.request(method, server + path, json=body, timeout=SECONDS)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fill(url: str) -> dict[str, str]:
    """Everything that a server can hold, in small; answers ids by what they are."""
    mlflow.set_tracking_uri(url)
    client = MlflowClient(url)
    ids = {"experiment": client.create_experiment(NAME, tags={"mlflow.note.content": "a\nb\t'c'", "ü": "📈"})}
    run = client.create_run(
        ids["experiment"], run_name="odd 'values'", tags={"lines": "one\ntwo\r\n", "quotes": "\"'`\\"}
    )
    ids["run"] = run.info.run_id
    client.log_param(ids["run"], "lr/ü", "0.1\n")
    odd = [Metric("odd ü/metric", v, 1_000 + i, i) for i, v in enumerate(ODD)]
    odd += [
        Metric("far", 1.0, 5, STEP_MAX),
        Metric("far", 2.0, 6, STEP_MIN + 1),
        Metric("twice", 1.0, 7, 1),
        Metric("twice", 2.0, 7, 1),
    ]
    client.log_batch(ids["run"], metrics=odd)
    data = Dataset("wine ü", "d1", "local", '{"uri": "x"}', schema="s" * 70_000, profile="p" * 80_000)
    client.log_inputs(ids["run"], [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
    client.log_text(ids["run"], "hello\n", "notes/ü file.txt")
    client.update_run(ids["run"], name="renamed")
    send_frames(url, ids["run"])
    client.set_terminated(ids["run"], "FAILED")
    ids["child"] = client.create_run(ids["experiment"], tags={"mlflow.parentRunId": ids["run"]}).info.run_id
    client.log_metric(ids["child"], "loss", 0.5, step=3)
    ids["deleted"] = client.create_run(ids["experiment"]).info.run_id
    client.log_metric(ids["deleted"], "loss", 0.25, step=1)
    client.delete_run(ids["deleted"])
    gone = client.create_experiment("deleted experiment")
    ids["of_deleted"] = client.create_run(gone).info.run_id
    client.log_metric(ids["of_deleted"], "loss", 0.125, step=1)
    client.delete_experiment(gone)
    fill_models(url, client, ids)
    fill_rest(url, client, ids)
    return ids


def fill_models(url: str, client: MlflowClient, ids: dict[str, str]) -> None:
    model = client.create_logged_model(
        ids["experiment"], name="net", source_run_id=ids["run"], params={"depth": "3"}, tags={"t": "u"}
    )
    ids["model"] = model.model_id
    client.log_metric(
        ids["run"], "accuracy", 0.75, step=1, dataset_name="wine ü", dataset_digest="d1", model_id=model.model_id
    )
    client.create_registered_model("before", tags={"team": "ü"}, description="first\nsecond")
    for n in range(4):
        client.create_model_version(
            "before", f"runs:/{ids['run']}/net", ids["run"], tags={"n": str(n)}, description=f"number {n}"
        )
    stages = [("1", "Staging"), ("1", "Production"), ("2", "Production"), ("2", "Archived")]
    for version, stage in stages:
        client.transition_model_version_stage("before", version, stage)
    client.delete_model_version("before", "3")
    client.set_registered_model_alias("before", "champion", "4")
    client.rename_registered_model("before", "after ü")
    client.create_registered_model("removed")
    client.delete_registered_model("removed")
    call(url, "PUT", "/v1/registered-models/after%20%C3%BC/approvals-required", stage="Production", count=1)
    asked = call(url, "POST", "/v1/approvals", model="after ü", version="4", stage="Production", comment="please")
    call(url, "POST", f"/v1/approvals/{asked['approval']['id']}/reject", comment="no", by="ann")
    call(url, "POST", "/v1/endpoints", name="live", url="https://models.example.org/x", model="after ü", version="4")
    mlflow.genai.register_prompt("greeting", "Hello {{name}} ü", tags={"lang": "en"})


def fill_rest(url: str, client: MlflowClient, ids: dict[str, str]) -> None:
    mlflow.set_experiment(experiment_id=ids["experiment"])
    with mlflow.start_run(run_id=ids["child"]), mlflow.start_span("ask ü") as root:
        root.set_inputs({"question": "why\n?"})
        with mlflow.start_span("retrieve") as inner:
            inner.set_attribute("score", 0.5)
    mlflow.flush_trace_async_logging()
    ids["trace"] = mlflow.get_last_active_trace_id()
    mlflow.log_feedback(trace_id=ids["trace"], name="quality", value=0.75)
    mlflow.set_trace_tag(ids["trace"], "kind", "a\nb")
    call(
        url,
        "POST",
        "/v1/lineage",
        edges=[{"from": "run:" + ids["run"], "to": "table:predictions"}],
        nodes=[{"node": "table:predictions", "name": "P"}],
    )
    event: dict[str, Any] = {
        "eventTime": "2026-01-01T00:00:00Z",
        "eventType": "COMPLETE",
        "producer": "p",
        "job": {"namespace": "airflow", "name": "daily"},
    }
    event |= {
        "run": {"runId": "11111111-2222-3333-4444-555555555555"},
        "inputs": [{"namespace": "s3", "name": "raw"}],
        "outputs": [],
    }
    assert requests.post(url + "/api/v1/lineage", json=event, timeout=SECONDS).status_code == 201
    made = call(url, "POST", "/api/3.0/mlflow/datasets/create", name="questions", experiment_ids=[ids["experiment"]])
    dataset = made["dataset"]["dataset_id"]
    call(
        url,
        "POST",
        f"/api/3.0/mlflow/datasets/{dataset}/records",
        records='[{"inputs": {"q": "1"}, "expectations": {"a": "2"}}]',
    )
    alert: dict[str, Any] = {"name": "too high ü", "kind": "threshold", "metric": "too high"}
    alert |= {"experiment_ids": [ids["experiment"]], "threshold": {"op": ">", "value": 10}}
    hook = {"type": "webhook", "url": HOOK, "secret": "s3cret"}
    channels = [hook, {"type": "email", "to": ["a@example.org"]}]
    made = call(url, "POST", "/v1/alerts", **alert, channels=channels)["alert"]
    for step, value in enumerate((11.0, 1.0)):  # it fires and is resolved
        client.log_metric(ids["run"], "too high", value, step=step)
        wait_for_events(url, step + 1)
    call(url, "PATCH", "/v1/alerts/" + made["id"], enabled=False)
    scorer = {"experiment_id": ids["experiment"], "name": "short", "serialized_scorer": '{"name": "short"}'}
    call(url, "POST", "/api/3.0/mlflow/scorers/register", **scorer)


def wait_for_events(url: str, count: int) -> list[dict[str, Any]]:
    """What alerts found, once it is so much."""
    end = time.monotonic() + SECONDS
    while True:
        events: list[dict[str, Any]] = call(url, "GET", "/v1/alerts/history")["events"]
        if len(events) == count:
            return events
        assert time.monotonic() < end, events
        time.sleep(0.1)


def tables(folder: Path) -> dict[str, list[str]]:
    """The rows of every table, sorted, each as a text that tells -0.0 from 0.0."""
    found: dict[str, list[str]] = {}
    for file in sorted(folder.glob("*.parquet")):
        name = file.name.rsplit("-", 1)[0]
        found.setdefault(name, []).extend(repr(exact(row)) for row in pq.read_table(file).to_pylist())
    return {name: sorted(rows) for name, rows in found.items()}


def exact(value: Any) -> Any:
    if isinstance(value, float):
        return value.hex() if not math.isnan(value) else "nan"
    if isinstance(value, list):
        return [exact(v) for v in value]
    if isinstance(value, dict):
        return {k: exact(v) for k, v in value.items()}
    return value
