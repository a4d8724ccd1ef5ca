"""Approvals before a stage, as MLflow's client meets them; what is ours alone is asked over HTTP."""

import pytest
import requests
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

pytestmark = pytest.mark.stricter


def ask(server: str, method: str, path: str, **body: object) -> requests.Response:
    return requests.request(method, f"{server}/v1/{path}", json=body, timeout=30)


@pytest.fixture
def client(url: str) -> MlflowClient:
    return MlflowClient(url, url)


def version(client: MlflowClient, name: str) -> str:
    client.create_registered_model(name)
    return client.create_model_version(name, "s3://bucket/m").version


def test_a_transition_waits_for_approval(client: MlflowClient, url: str) -> None:
    number = version(client, "guarded")
    client.transition_model_version_stage("guarded", number, "Production")  # nothing is required yet
    client.transition_model_version_stage("guarded", number, "None")
    answer = ask(url, "PUT", "registered-models/guarded/approvals-required", stage="Production", count=2)
    assert answer.json() == {"approvals_required": {"Production": 2}}
    with pytest.raises(MlflowException, match="needs 2 approvals before it goes to stage 'Production'") as refused:
        client.transition_model_version_stage("guarded", number, "Production", archive_existing_versions=True)
    assert refused.value.error_code == "PERMISSION_DENIED"
    assert refused.value.get_http_status_code() == 403
    assert "streamgauge registry request guarded 1 Production" in str(refused.value)
    client.transition_model_version_stage("guarded", number, "Staging")

    request = ask(url, "POST", "approvals", model="guarded", version=number, stage="Production", by="ann").json()[
        "approval"
    ]
    assert (request["status"], request["requested_by"], request["required"]) == ("PENDING", "ann", 2)
    path = f"approvals/{request['id']}"
    for by, approvals in (("bob", 1), ("bob", 1), ("eve", 2)):
        judged = ask(url, "POST", f"{path}/approve", by=by, comment="good").json()["approval"]
        assert judged["approvals"] == approvals, "one verdict of a person counts"
    assert judged["status"] == "APPROVED"
    rejected = ask(url, "POST", f"{path}/reject", by="tom", comment="wait").json()["approval"]
    assert rejected["status"] == "REJECTED"
    with pytest.raises(MlflowException, match="was rejected"):
        client.transition_model_version_stage("guarded", number, "Production")
    ask(url, "POST", f"{path}/approve", by="tom")

    moved = client.transition_model_version_stage("guarded", number, "Production")
    assert moved.current_stage == "Production"
    listed = requests.get(f"{url}/v1/approvals", params={"model": "guarded"}, timeout=30).json()["approvals"]
    assert [(a["status"], [v["by"] for v in a["verdicts"]]) for a in listed] == [("CLOSED", ["bob", "eve", "tom"])]
    assert requests.get(f"{url}/v1/approvals?status=pending&model=guarded", timeout=30).json() == {"approvals": []}

    query = f"SELECT by, what, after FROM history FINAL WHERE document = 'approval.{request['id']}' ORDER BY number"
    rows = ask(url, "POST", "sql", query=query, format="csv").text.replace('"', "").splitlines()
    assert rows[1:] == [
        ",requested,ann",
        ",approved,bob: good",
        ",approved,bob: good",
        ",approved,eve: good",
        ",rejected,tom: wait",
        ",approved,tom",
        ",closed,Production",
    ]


def test_an_alias_and_another_stage_need_none(client: MlflowClient, url: str) -> None:
    number = version(client, "half-guarded")
    assert ask(url, "PUT", "registered-models/half-guarded/approvals-required", stage="Production", count=1).ok
    client.set_registered_model_alias("half-guarded", "champion", number)
    assert client.transition_model_version_stage("half-guarded", number, "Archived").current_stage == "Archived"
    assert ask(url, "PUT", "registered-models/half-guarded/approvals-required", stage="Production", count=0).ok
    assert client.transition_model_version_stage("half-guarded", number, "Production").current_stage == "Production"


def test_endpoints(client: MlflowClient, url: str) -> None:
    number = version(client, "served")
    made = ask(
        url, "POST", "endpoints", name="eu", url="https://eu.example.com", model="served", version=number
    ).json()["endpoint"]
    assert (made["name"], made["model"], made["version"]) == ("eu", "served", number)
    assert "until_ms" not in made
    client.rename_registered_model("served", "renamed")
    ended = ask(url, "PATCH", f"endpoints/{made['id']}", until_ms=made["since_ms"] + 1).json()["endpoint"]
    assert (ended["model"], ended["until_ms"]) == ("renamed", made["since_ms"] + 1)
    client.delete_registered_model("renamed")
    listed = requests.get(f"{url}/v1/endpoints", params={"model": "renamed"}, timeout=30).json()["endpoints"]
    assert [e["id"] for e in listed] == [made["id"]], "nothing is lost with the model"
    assert (
        ask(
            url, "POST", "endpoints", name="eu", url="https://eu.example.com", model="renamed", version=number
        ).status_code
        == 404
    )
