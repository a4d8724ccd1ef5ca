"""Webhooks with MLflow's client and MLflow's own signature, against receivers on this machine.

The server under test runs with MLflow's settings that let webhooks go there. So must MLflow's own server that these
tests are held against, and with MLFLOW_WEBHOOK_CACHE_TTL=0: it forgets for a minute that there are new webhooks.
"""

import base64
import hashlib
import hmac
import http.server
import json
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from conftest import ROOT, ports_url, running
from mlflow.entities.webhook import VALID_ENTITY_ACTIONS, Webhook, WebhookEvent, WebhookStatus
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.webhooks.delivery import _generate_hmac_signature
from mlflow.webhooks.types import get_example_payload_for_event

SECRET = "a secret of these tests"
DELIVERY_SECONDS = 20
PROMPT_TAG = "mlflow.prompt.is_prompt"


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what is posted to it, and answers as the list says, then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"

    def next(self) -> tuple[dict[str, str], dict]:
        headers, body = self.got.get(timeout=DELIVERY_SECONDS)
        return headers, json.loads(body)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self.server
        assert isinstance(receiver, Receiver)
        receiver.got.put((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
        self.end_headers()
        self.wfile.write(b"thanks")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that lets webhooks go to this machine."""
    given = request.config.getoption("--tracking-url")
    if given:
        yield given.rstrip("/")
        return
    folder = Path(tempfile.mkdtemp(prefix="streamgauge-webhooks-"))
    command = [str(ROOT / "bin" / "streamgauge"), "up", "--data", str(folder)]
    for flag in ("--listen", "--nats-listen", "--clickhouse-listen", "--clickhouse-http-listen"):
        command += [flag, "127.0.0.1:0"]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http,https")
            patch.setenv("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
            with running("streamgauge", command, lambda: ports_url(folder)) as answered:
                yield answered
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def client(url: str) -> MlflowClient:
    return MlflowClient(url, url)


@pytest.fixture
def hook(client: MlflowClient, receiver: Receiver) -> Iterator[Webhook]:
    """A webhook of everything that MLflow has events of, but budgets."""
    names = ["registered_model.created", "model_version.created"]
    names += ["prompt.created", "prompt_version.created"]
    names += [
        f"{of}.{what}"
        for of in ("model_version_tag", "prompt_tag", "prompt_version_tag")
        for what in ("set", "deleted")
    ]
    names += [f"{of}.{what}" for of in ("model_version_alias", "prompt_alias") for what in ("created", "deleted")]
    made = client.create_webhook("all", receiver.url, names, secret=SECRET)
    yield made
    client.delete_webhook(made.webhook_id)


def test_life_of_a_webhook(client: MlflowClient) -> None:
    made = client.create_webhook(
        "first", "https://example.com/a", ["model_version.created"], description="d", secret="s"
    )
    assert (made.name, made.url, made.description, made.status) == (
        "first",
        "https://example.com/a",
        "d",
        WebhookStatus.ACTIVE,
    )
    assert [str(e) for e in made.events] == ["model_version.created"]
    assert client.get_webhook(made.webhook_id).webhook_id == made.webhook_id
    second = client.create_webhook("second", "https://example.com/b", ["prompt.created"], status="DISABLED")
    listed = client.list_webhooks()
    assert [w.name for w in listed][:2] == ["second", "first"], "the newest is first"
    page = client.list_webhooks(max_results=1)
    assert [w.name for w in page] == ["second"]
    assert [w.name for w in client.list_webhooks(max_results=1, page_token=page.token)] == ["first"]
    changed = client.update_webhook(
        made.webhook_id, name="third", events=["prompt_tag.set", "prompt_tag.deleted"], status="DISABLED"
    )
    assert (changed.name, changed.url, changed.description, changed.status) == (
        "third",
        "https://example.com/a",
        "d",
        WebhookStatus.DISABLED,
    )
    assert {str(e) for e in changed.events} == {"prompt_tag.set", "prompt_tag.deleted"}
    for webhook in (made, second):
        client.delete_webhook(webhook.webhook_id)
        with pytest.raises(MlflowException, match=f"Webhook with ID {webhook.webhook_id} not found.") as refused:
            client.get_webhook(webhook.webhook_id)
        assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize(
    ("name", "address", "message"),
    [
        ("-bad", "https://example.com", "Webhook name '-bad' is invalid. It must start and end with a letter or digit"),
        ("x" * 64, "https://example.com", "is invalid"),
        ("good", "ftp://example.com", "Invalid webhook URL scheme: 'ftp'. Allowed schemes are: http, https."),
        ("good", "https://", "Webhook URL must include a hostname: 'https://'"),
        ("good", "   ", "Webhook URL cannot be empty or just whitespace: '   '"),
    ],
)
def test_refused(client: MlflowClient, name: str, address: str, message: str) -> None:
    with pytest.raises(MlflowException) as refused:
        client.create_webhook(name, address, ["model_version.created"])
    assert message in str(refused.value)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"


def test_events_of_a_model(client: MlflowClient, hook: Webhook, receiver: Receiver) -> None:
    client.create_registered_model("hooked", {"t": "1"}, "what it is")
    client.create_model_version("hooked", "s3://bucket/m", tags={"k": "v"})
    client.set_model_version_tag("hooked", "1", "stage", "ümlaut <&>")
    client.delete_model_version_tag("hooked", "1", "stage")
    client.set_registered_model_alias("hooked", "champion", "1")
    client.delete_registered_model_alias("hooked", "champion")
    client.set_registered_model_tag("hooked", "silent", "1")  # MLflow has no such event of models
    want = [
        ("registered_model", "created", {"name": "hooked", "tags": {"t": "1"}, "description": "what it is"}),
        (
            "model_version",
            "created",
            {
                "name": "hooked",
                "version": "1",
                "source": "s3://bucket/m",
                "run_id": None,
                "tags": {"k": "v"},
                "description": None,
            },
        ),
        ("model_version_tag", "set", {"name": "hooked", "version": "1", "key": "stage", "value": "ümlaut <&>"}),
        ("model_version_tag", "deleted", {"name": "hooked", "version": "1", "key": "stage"}),
        ("model_version_alias", "created", {"name": "hooked", "alias": "champion", "version": "1"}),
        ("model_version_alias", "deleted", {"name": "hooked", "alias": "champion"}),
    ]
    for entity, action, data in want:
        _, body = receiver.next()
        assert (body["entity"], body["action"], body["data"]) == (entity, action, data)
        assert body["timestamp"].endswith("+00:00")


def test_events_of_a_prompt(client: MlflowClient, hook: Webhook, receiver: Receiver) -> None:
    # Raw: the client's own functions add tags of their own.
    ask(client, "registered-models/create", name="asked", tags=tags({PROMPT_TAG: "true", "a": "b"}))
    ask(client, "registered-models/set-tag", name="asked", key="t", value="1")
    text = {PROMPT_TAG: "true", "mlflow.prompt.text": "Hello {{name}}!", "x": "y"}
    ask(client, "model-versions/create", name="asked", source="prompt-template", tags=tags(text))
    ask(client, "model-versions/set-tag", name="asked", version="1", key="k", value="v")
    ask(client, "registered-models/alias", name="asked", alias="best", version="1")
    want = [
        ("prompt", "created", {"name": "asked", "tags": {"a": "b"}, "description": ""}),
        ("prompt_tag", "set", {"name": "asked", "key": "t", "value": "1"}),
        (
            "prompt_version",
            "created",
            {"name": "asked", "version": "1", "template": "Hello {{name}}!", "tags": {"x": "y"}, "description": None},
        ),
        ("prompt_version_tag", "set", {"name": "asked", "version": "1", "key": "k", "value": "v"}),
        ("prompt_alias", "created", {"name": "asked", "alias": "best", "version": "1"}),
    ]
    for entity, action, data in want:
        _, body = receiver.next()
        assert (body["entity"], body["action"], body["data"]) == (entity, action, data)


def ask(client: MlflowClient, path: str, **body: object) -> None:
    answer = requests.post(f"{client.tracking_uri}/api/2.0/mlflow/{path}", json=body, timeout=30)
    assert answer.ok, answer.text


def tags(of: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": k, "value": v} for k, v in of.items()]


def test_signature_is_mlflows(client: MlflowClient, hook: Webhook, receiver: Receiver) -> None:
    client.create_registered_model("signed")
    headers, body = receiver.got.get(timeout=DELIVERY_SECONDS)
    delivery, timestamp = headers["X-MLflow-Delivery-Id"], headers["X-MLflow-Timestamp"]
    assert headers["Content-Type"] == "application/json"
    assert headers["X-MLflow-Signature"] == _generate_hmac_signature(SECRET, delivery, timestamp, body.decode())
    assert abs(time.time() - int(timestamp)) < DELIVERY_SECONDS
    # As MLflow's documentation tells receivers to do it.
    digest = hmac.new(SECRET.encode(), f"{delivery}.{timestamp}.{body.decode()}".encode(), hashlib.sha256).digest()
    assert headers["X-MLflow-Signature"].removeprefix("v1,") == base64.b64encode(digest).decode()


def test_a_secret_is_taken_away(client: MlflowClient, hook: Webhook, receiver: Receiver) -> None:
    client.update_webhook(hook.webhook_id, secret="another")
    client.create_registered_model("resigned")
    headers, body = receiver.got.get(timeout=DELIVERY_SECONDS)
    want = _generate_hmac_signature(
        "another", headers["X-MLflow-Delivery-Id"], headers["X-MLflow-Timestamp"], body.decode()
    )
    assert headers["X-MLflow-Signature"] == want
    assert requests.patch(
        f"{client.tracking_uri}/api/2.0/mlflow/webhooks/{hook.webhook_id}", json={"secret": ""}, timeout=30
    ).ok
    client.create_registered_model("unsigned")
    headers, _ = receiver.got.get(timeout=DELIVERY_SECONDS)
    assert "X-MLflow-Signature" not in headers


def test_only_what_was_asked_for(client: MlflowClient, receiver: Receiver) -> None:
    client.create_registered_model("before")
    made = client.create_webhook("few", receiver.url, ["registered_model.created"])
    client.create_model_version("before", "s3://bucket/m")
    client.update_webhook(made.webhook_id, status="DISABLED")
    client.create_registered_model("while-disabled")
    client.update_webhook(made.webhook_id, status="ACTIVE")
    client.create_registered_model("after")
    _, body = receiver.next()
    assert body["data"]["name"] == "after"
    client.delete_webhook(made.webhook_id)


@pytest.mark.stricter
def test_tried_again_after_an_error(client: MlflowClient, url: str, hook: Webhook, receiver: Receiver) -> None:
    receiver.answers = [500, 429]
    client.create_registered_model("again")
    first, second, third = (receiver.got.get(timeout=DELIVERY_SECONDS) for _ in range(3))
    assert first[1] == second[1] == third[1]
    assert first[0]["X-MLflow-Delivery-Id"] == third[0]["X-MLflow-Delivery-Id"], "a receiver can tell a repeat"
    log = deliveries(url, hook.webhook_id, "DELIVERED")
    assert (log["event"], log["attempts"], log["response_status"]) == ("registered_model.created", 3, 200)


@pytest.mark.stricter
def test_a_refusal_is_final(client: MlflowClient, url: str, hook: Webhook, receiver: Receiver) -> None:
    receiver.answers = [404]
    client.create_registered_model("unwanted")
    client.create_registered_model("wanted")
    assert [receiver.next()[1]["data"]["name"] for _ in range(2)] == ["unwanted", "wanted"]
    log = deliveries(url, hook.webhook_id, "GIVEN_UP")
    assert (log["attempts"], log["response_status"], log["error_message"]) == (
        1,
        404,
        "the receiver answered 404: thanks",
    )


def deliveries(url: str, webhook_id: str, state: str) -> dict:
    """The newest delivery in that state, once there is one: the log is written after the receiver has answered."""
    end = time.monotonic() + DELIVERY_SECONDS
    while True:
        answer = requests.get(f"{url}/v1/webhooks/{webhook_id}/deliveries", timeout=30).json()
        found = [d for d in answer["deliveries"] if d["state"] == state]
        if found:
            return found[0]
        assert time.monotonic() < end, f"no delivery is {state}: {answer}"
        time.sleep(0.05)


def test_tests(client: MlflowClient, receiver: Receiver) -> None:
    made = client.create_webhook("tested", receiver.url, ["model_version.created"], secret=SECRET)
    result = client.test_webhook(made.webhook_id)
    assert (result.success, result.response_status, result.response_body, result.error_message) == (
        True,
        200,
        "thanks",
        None,
    )
    headers, body = receiver.got.get(timeout=DELIVERY_SECONDS)
    assert headers["X-MLflow-Signature"].startswith("v1,")
    assert json.loads(body)["data"]["source"] == "models:/123"
    receiver.answers = [404]
    result = client.test_webhook(made.webhook_id, event=WebhookEvent.from_str("prompt.created"))
    assert (result.success, result.response_status) == (False, 404)
    assert receiver.next()[1]["entity"] == "prompt"
    client.delete_webhook(made.webhook_id)


def test_examples_are_mlflows(client: MlflowClient, receiver: Receiver) -> None:
    made = client.create_webhook("examples", receiver.url, ["model_version.created"])
    for entity, actions in VALID_ENTITY_ACTIONS.items():
        for action in actions:
            event = WebhookEvent(entity, action)
            assert client.test_webhook(made.webhook_id, event=event).success
            _, body = receiver.next()
            assert (body["entity"], body["action"], body["data"]) == (
                entity.value,
                action.value,
                get_example_payload_for_event(event),
            )
    client.delete_webhook(made.webhook_id)
