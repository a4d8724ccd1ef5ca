"""The OpenAPI document against the server that it describes: real answers, and what schemathesis makes up."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import history
import jsonschema
import openapi_spec_validator
import pytest
import requests
from conftest import ROOT, ports_url, running
from mlflow.tracking import MlflowClient

pytestmark = pytest.mark.stricter

# What makes the same requests each time, and ends.
SEED = 7
EXAMPLES = 15
# It ends by itself before, within a minute.
PATIENCE = 300
# A stream of events has no end, and its client is none of a description.
ENDLESS = "/v1/live"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A server of its own with a history, for what is made up may write anything."""
    folder = tmp_path_factory.mktemp("openapi")
    command = [str(ROOT / "bin" / "streamgauge"), "up", "--data", str(folder)]
    for flag in ("--listen", "--nats-listen", "--clickhouse-listen", "--clickhouse-http-listen"):
        command += [flag, "127.0.0.1:0"]
    with running("streamgauge", command, lambda: ports_url(folder)) as url:
        history.make(url, tmp_path_factory.mktemp("spool"))
        client = MlflowClient(url, url)
        runs = client.search_runs(
            [client.get_experiment_by_name(name).experiment_id for name in ("vision", "language")]
        )
        named = {str(run.info.run_name): run.info.run_id for run in runs}
        document = requests.get(f"{url}/v1/openapi.json", timeout=30).json()
        owner = {"Authorization": "Bearer " + (folder / "owner-token").read_text().strip()}
        yield SimpleNamespace(url=url, document=document, vision=named["vision-0"], gpt=named["gpt"], owner=owner)


def strict(schema: Any) -> Any:
    """Closes all objects: an answer has no field that is not described."""
    if isinstance(schema, dict):
        out = {key: strict(value) for key, value in schema.items()}
        if "properties" in out and "additionalProperties" not in out:
            out["additionalProperties"] = False
        return out
    return [strict(value) for value in schema] if isinstance(schema, list) else schema


def resolved(schema: Any, document: dict[str, Any]) -> Any:
    """Carries the document's components along, where a schema's references find them."""
    return {**schema, "components": strict(document["components"])}


def mistakes(made: SimpleNamespace, method: str, path: str, answer: requests.Response, status: int = 200) -> list[str]:
    """What an answer has that its description does not."""
    where = f"{method} {path}: "
    if answer.status_code != status:
        return [f"{where}{answer.status_code} {answer.text}"]
    described = made.document["paths"][path][method]["responses"][str(status)]["content"]
    kind = answer.headers["Content-Type"].split(";")[0]
    if kind not in described:
        return [f"{where}{kind}"]
    if kind != "application/json":
        return []
    schema = resolved(strict(described[kind]["schema"]), made.document)
    return [
        f"{where}{e.json_path} {e.message}" for e in jsonschema.Draft202012Validator(schema).iter_errors(answer.json())
    ]


def test_the_document_is_one_of_openapi(made: SimpleNamespace) -> None:
    openapi_spec_validator.OpenAPIV31SpecValidator(made.document).validate()
    assert len(made.document["paths"]) > 25


def test_real_answers_are_as_described(made: SimpleNamespace) -> None:
    run, gpt = made.vision, made.gpt
    wrong: list[str] = []
    get: list[tuple[str, dict[str, Any]]] = [
        ("/v1/version", {}),
        ("/v1/status", {}),
        ("/v1/sql/schema", {}),
        ("/v1/lanes", {"run_id": run, "ranks": 4}),
        ("/v1/series", {"run_id": run, "key": ["val_loss", "val_accuracy"], "buckets": 10}),
        ("/v1/series", {"run_id": gpt, "key": "step_time", "rank": "merged", "columns": "step,mean"}),
        ("/v1/series", {"run_id": run, "key": "val_loss", "buckets": "raw", "from": 0, "to": 9}),
        ("/v1/runs/{run_id}/series", {"run_id": gpt, "key": "step_time", "points": 20, "rank": "all"}),
        ("/v1/runs/{run_id}/ranks", {"run_id": gpt, "key": "step_time"}),
        ("/v1/runs/{run_id}/metrics", {"run_id": run, "contains": "loss"}),
        ("/v1/runs/{run_id}/metrics", {"run_id": run, "max_results": 1}),
        ("/v1/runs/{run_id}/values", {"run_id": run}),
        ("/v1/runs/{run_id}/console", {"run_id": gpt, "stream": "stderr"}),
        ("/v1/lineage", {"node": f"run:{run}"}),
        ("/v1/registered-models/{name}/transitions", {"name": "classifier"}),
        ("/v1/approvals", {}),
        ("/v1/endpoints", {"active": "true"}),
        ("/v1/tokens", {}),
        ("/health", {}),
        ("/metrics", {}),
    ]
    for path, args in get:
        wrong += mistakes(
            made, "get", path, requests.get(made.url + path.format(**args), params=args, headers=made.owner, timeout=30)
        )
    experiment = MlflowClient(made.url, made.url).get_run(run).info.experiment_id
    post: list[tuple[str, dict[str, Any]]] = [
        ("/v1/sql", {"query": "SELECT run_id, status FROM sg.runs LIMIT 3", "format": "json"}),
        ("/v1/sql", {"query": "SELECT 1 AS one", "format": "csv"}),
        ("/v1/sql", {"query": "SELECT 1 AS one", "format": "tsv"}),
        ("/v1/sql", {"query": "SELECT 1 AS one", "format": "arrow"}),
        ("/v1/sql", {"query": "SELECT 1 AS one", "format": "parquet"}),
        ("/v1/series", {"run_ids": [run, gpt], "keys": ["val_loss", "step_time"], "buckets": 5, "rank": "each"}),
        ("/v1/importance", {"experiment_ids": [experiment], "metric": "val_loss"}),
        ("/v1/lineage", {"edges": [{"from": f"run:{run}", "to": "table:predictions", "attributes": {"rows": "7"}}]}),
        ("/v1/tokens", {"role": "admin", "name": "of the test"}),
        ("/v1/metrics", {"resourceMetrics": []}),
    ]
    token = ""
    for path, body in post:
        answer = requests.post(made.url + path, json=body, headers=made.owner, timeout=30)
        wrong += mistakes(made, "post", path, answer)
        token = answer.json().get("id", "") if path == "/v1/tokens" else token  # from now on everybody needs one
    wrong += mistakes(made, "get", "/v1/status", requests.get(made.url + "/v1/status", timeout=30), 401)
    answer = requests.delete(f"{made.url}/v1/tokens/{token}", headers=made.owner, timeout=30)
    wrong += mistakes(made, "delete", "/v1/tokens/{id}", answer)
    assert not wrong, "\n".join(wrong)


def with_examples(made: SimpleNamespace) -> dict[str, Any]:
    """The document whose examples are of this server, so that what is made up from them finds something."""
    document = copy.deepcopy(made.document)
    examples = {"run_id": made.gpt, "run_ids": [made.gpt, made.vision], "keys": ["step_time"], "key": ["step_time"]}

    def put(schemas: dict[str, Any]) -> None:
        for name, schema in schemas.items():
            if isinstance(schema, dict) and name in examples and "type" in schema:
                value = examples[name]
                schema["examples"] = [value[0] if name == "key" and schema["type"] == "string" else value]

    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                parameter.pop("example", None)
                put({parameter["name"]: parameter["schema"]})
    for schema in document["components"]["schemas"].values():
        put(schema.get("properties", {}))
    return document


def test_what_schemathesis_makes_up_is_answered_as_described(made: SimpleNamespace, tmp_path: Path) -> None:
    """No 5xx, no status, type or field that the document does not have, whatever is asked."""
    document = with_examples(made)
    for methods in document["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for body in answer.get("content", {}).values():
                    body["schema"] = strict(body["schema"])
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document))
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(file), "--url", made.url]
    command += ["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--exclude-path", ENDLESS]
    command += ["--seed", str(SEED), "--generation-deterministic", "--generation-with-security-parameters", "false"]
    command += ["--max-examples", str(EXAMPLES), "--request-timeout", "30", "--no-color"]
    command += ["--header", f"Authorization: {made.owner['Authorization']}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "No test cases" not in done.stdout
