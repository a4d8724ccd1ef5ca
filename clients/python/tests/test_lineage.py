"""What came of what: from what MLflow's client logs, from what is recorded by hand, and from OpenLineage's events."""

import json
import subprocess
import time
import uuid
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import mlflow
import numpy as np
import pytest
import requests
from conftest import ROOT, unique
from mlflow.entities import Dataset, DatasetInput, LoggedModelInput, LoggedModelOutput, LoggedModelStatus
from mlflow.tracking import MlflowClient

pytestmark = [pytest.mark.stricter, pytest.mark.usefixtures("tracking")]


def ask(url: str, node: str, **more: Any) -> requests.Response:
    return requests.get(f"{url}/v1/lineage", params={"node": node, **more}, timeout=30)


def edges(url: str, node: str, **more: Any) -> set[tuple[str, str, str]]:
    answer = ask(url, node, **more)
    assert answer.status_code == 200, answer.text
    return {(e["from"], e["kind"], e["to"]) for e in answer.json()["edges"]}


def command(url: str, *args: str) -> str:
    done = subprocess.run(
        [ROOT / "bin" / "streamgauge", "lineage", *args, "--url", url], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# As the client of OpenLineage for Python, 1.54, writes it.
EVENT = """{"eventTime": "%(time)s", "producer": "https://github.com/apache/airflow", "run": {"runId":
 "%(run)s", "facets": {"parent": {"_producer": "https://x",
 "_schemaURL": "https://openlineage.io/spec/facets/1-1-0/ParentRunFacet.json",
 "run": {"runId": "%(parent)s"}, "job": {"namespace": "air/flow", "name": "dag"},
 "root": null}}},
 "job": {"namespace": "air/flow", "name": "dag.task",
 "facets": {"jobType": {"processingType": "BATCH", "integration": "AIRFLOW", "jobType": "TASK"}}},
 "eventType": "%(type)s", "inputs": [{"namespace": "postgres://h:5432", "name": "db.public.raw", "facets": {},
 "inputFacets": {}}],
 "outputs": [{"namespace": "s3://lake", "name": "%(output)s", "facets": {}, "outputFacets": {}}],
 "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}"""


def test_from_the_data_to_the_endpoint(url: str, client: MlflowClient, experiment: SimpleNamespace) -> None:
    name = unique("lineage")
    mlflow.set_experiment(experiment_id=experiment.id)
    data = mlflow.data.from_numpy(np.arange(6.0), name=name)
    began = int(time.time() * 1000)
    with (
        mlflow.start_run() as parent,
        mlflow.start_run(nested=True, tags={"mlflow.source.git.commit": "c0ffee"}) as run,
    ):
        mlflow.log_input(data, context="training", tags={"it's": 'a "tag"'})
        model = mlflow.initialize_logged_model("forest")
        mlflow.finalize_logged_model(model.model_id, "READY")
    client.create_registered_model(name)
    client.create_model_version(name, f"models:/{model.model_id}", run.info.run_id, model_id=model.model_id)
    client.set_registered_model_alias(name, "champion", "1")
    client.transition_model_version_stage(name, "1", "Production")
    where = {"name": "eu", "url": "https://wine.example.com", "model": name, "version": "1"}
    endpoint = requests.post(f"{url}/v1/endpoints", json=where, timeout=30).json()["endpoint"]["id"]

    me, logged, version = f"run:{run.info.run_id}", f"model:{model.model_id}", f"version:{name}/1"
    above = {
        (f"dataset:{name}@{data.digest}", "input", me),
        (f"run:{parent.info.run_id}", "parent", me),
        ("commit:c0ffee", "code", me),
        (me, "output", logged),
        (me, "registered", version),
        (logged, "registered", version),
    }
    # Each of them at once after its write: nothing waits for ClickHouse.
    for node in (version, f"version:{name}/production", f"version:{name}@champion"):
        assert edges(url, node, direction="up") == above, node
    assert (version, "serves", f"endpoint:{endpoint}") in edges(url, f"dataset:{name}@{data.digest}", direction="down")
    assert edges(url, version, as_of=began - 1) == set()

    def at(ms: int | None, node: str = version) -> tuple[str, str | None] | int:
        answer = ask(url, node, direction="up", depth=1, **({} if ms is None else {"as_of": ms}))
        if answer.status_code != 200:
            return answer.status_code
        found = next(n for n in answer.json()["nodes"] if n["node"] == version)["attributes"]
        return found["stage"], found.get("aliases")

    then = int(time.time() * 1000)
    time.sleep(0.01)
    client.transition_model_version_stage(name, "1", "Archived")
    client.delete_registered_model_alias(name, "champion")
    assert at(None) == ("Archived", None)
    assert at(then) == ("Production", "champion")
    assert at(began - 1) == ("None", None)
    for node in (f"version:{name}/Production", f"version:{name}@champion"):
        assert at(None, node) == 404
        assert at(then, node) == ("Production", "champion")
    client.set_registered_model_alias(name, "champion", "1")

    client.rename_registered_model(name, name + "-2")
    renamed = f"version:{name}-2/1"
    assert (logged, "registered", renamed) in edges(url, renamed)
    assert ask(url, version).status_code == 404

    tree = command(url, f"version:{name}-2@champion")
    for line in (
        "came from",
        "what came of it",
        "registered: model forest",
        f"input: dataset {name}@",
        "commit c0ffee",
        "serves: endpoint eu",
    ):
        assert line in tree, tree
    assert f'"{logged}" -> "{renamed}"' in command(url, renamed, "--dot")
    assert json.loads(command(url, renamed, "--json"))["root"] == renamed
    events = [json.loads(line) for line in command(url, run.info.run_id, "--openlineage").splitlines()]
    mine = next(e for e in events if e["run"]["runId"].replace("-", "") == run.info.run_id)
    assert mine["eventType"] == "COMPLETE"
    assert {"namespace": "streamgauge", "name": logged} in mine["outputs"]
    answer = requests.post(f"{url}/api/v1/lineage", json=mine, timeout=30)
    assert answer.status_code == 201, "what goes out comes in"

    requests.patch(f"{url}/v1/endpoints/{endpoint}", json={}, timeout=30)
    assert (renamed, "serves", f"endpoint:{endpoint}") not in edges(url, renamed)
    assert (renamed, "serves", f"endpoint:{endpoint}") in edges(url, renamed, ended="true")


def test_what_is_recorded_by_hand(url: str, run_id: str) -> None:
    table = "table:" + unique('odd "name" \' ; DROP TABLE x; {x:String} 100% ')
    written = table.replace("%", "%25")
    body = {
        "edges": [
            {"from": f"run:{run_id}", "to": table, "kind": "wrote", "name": "nightly", "attributes": {"rows": "7"}}
        ],
        "nodes": [{"node": table, "name": "Predictions", "attributes": {"owner": "ann"}}],
    }
    for _ in range(2):  # again changes nothing
        answer = requests.post(f"{url}/v1/lineage", json=body, timeout=30)
        assert answer.json() == {"edges": 1, "nodes": 1}
        got = ask(url, table).json()
        assert [(e["from"], e["to"], e["recorded"], e["attributes"]) for e in got["edges"]] == [
            (f"run:{run_id}", written, True, {"rows": "7"})
        ]
        assert {n["node"]: n.get("name") for n in got["nodes"]}[written] == "Predictions"
    body["edges"][0]["until_ms"] = int(time.time() * 1000)
    requests.post(f"{url}/v1/lineage", json=body, timeout=30)
    assert edges(url, table) == set()

    for bad, status, part in (
        ({}, 400, "'edges'"),
        ({"edges": [{"from": "x", "to": "a:b"}]}, 400, "'edges[0].from'"),
        ({"edges": [{"to": "a:b"}]}, 400, "'edges[0].from'"),
        ({"edges": [{"from": f"run:{'0' * 32}", "to": "a:b"}]}, 404, "not found"),
        ({"edges": [{"from": "a:b", "to": "c:d", "attributes": {"a": 1}}]}, 400, "attributes"),
    ):
        answer = requests.post(f"{url}/v1/lineage", json=bad, timeout=30)
        assert answer.status_code == status, answer.text
        assert part in answer.json()["message"]
    for query, status in (
        ({}, 400),
        ({"node": "x"}, 400),
        ({"node": "table:nobody"}, 404),
        ({"node": "version:nobody/1"}, 404),
        ({"node": table, "depth": "21"}, 400),
        ({"node": table, "direction": "left"}, 400),
        ({"node": table, "as_of": "yesterday"}, 400),
        ({"node": "run:\x00'"}, 404),
    ):
        assert requests.get(f"{url}/v1/lineage", params=query, timeout=30).status_code == status, query


def test_jobs_outside_join_our_runs(url: str, client: MlflowClient, run_id: str) -> None:
    key = unique("train")
    run, parent = (f"0190d0a2-7f3e-7cc2-8ffe-{i}{abs(hash(key)) % 10**11:011d}" for i in (1, 2))
    for kind, at in (("COMPLETE", "2026-03-01T12:05:00.000Z"), ("START", "2026-03-01T13:00:00.123456+01:00")):
        event = EVENT % {"run": run, "parent": parent, "time": at, "type": kind, "output": key}
        answer = requests.post(
            f"{url}/api/v1/lineage", data=event, headers={"Content-Type": "application/json"}, timeout=30
        )
        assert answer.status_code == 201, answer.text
    data = mlflow.data.from_numpy(
        np.arange(3.0), source=mlflow.data.http_dataset_source.HTTPDatasetSource(f"s3://lake/{key}"), name=key
    )
    dataset = mlflow.entities.DatasetInput(data._to_mlflow_entity(), [])
    client.log_inputs(run_id, [dataset])
    want = {
        ("source:postgres://h:5432/db.public.raw", "input", f"job-run:{run}"),
        ("job:air%2Fflow/dag.task", "run", f"job-run:{run}"),
        (f"job-run:{parent}", "parent", f"job-run:{run}"),
        (f"job-run:{run}", "output", f"source:s3://lake/{key}"),
        (f"source:s3://lake/{key}", "holds", f"dataset:{key}@{data.digest}"),
        (f"dataset:{key}@{data.digest}", "input", f"run:{run_id}"),
    }
    assert edges(url, f"run:{run_id}", direction="up") == want
    node = next(n for n in ask(url, f"job-run:{run}").json()["nodes"] if n["node"] == f"job-run:{run}")
    assert node["attributes"]["state"] == "COMPLETE"
    assert node["since_ms"] == 1772366400123
    for bad, part in (
        ("{", "no OpenLineage event"),
        ('{"job":{}}', "JobEvent"),
        (event.replace("START", "BEGIN"), "'eventType'"),
    ):
        answer = requests.post(f"{url}/api/v1/lineage", data=bad, timeout=30)
        assert answer.status_code == 400
        assert part in answer.json()["message"]


def every_kind_of_edge(url: str, client: MlflowClient, experiment: str) -> str:
    """A small history with each kind of edge, and with edges that have gone. Answers one of its nodes."""
    name = unique("100% / graph")
    place = f"s3://lake/{name}"
    job, before = str(uuid.uuid4()), str(uuid.uuid4())
    event = json.loads(
        EVENT % {"run": job, "parent": before, "time": "2026-03-01T12:05:00Z", "type": "COMPLETE", "output": name}
    )
    event["job"]["name"] = event["inputs"][0]["name"] = name
    event["run"]["facets"]["sourceCodeVersion"] = {"type": "git", "version": name, "repoUrl": "https://h/r"}
    requests.post(f"{url}/api/v1/lineage", json=event, timeout=30).raise_for_status()

    def run(**tags: str) -> str:
        found: str = client.create_run(experiment, tags={k.replace("__", "."): v for k, v in tags.items()}).info.run_id
        return found

    def logged(made_by: str) -> str:
        model = client.create_logged_model(experiment, "net", made_by)
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        found: str = model.model_id
        return found

    parent, other, deleted = run(), run(), run()
    code = {
        "mlflow__source__git__commit": name,
        "mlflow__source__name": f"git@h:{name}",
        "mlflow__source__type": "PROJECT",
    }
    fork = {"streamgauge__fork__parent": parent, "streamgauge__fork__step": "7"}
    me = run(**code, **fork, mlflow__parentRunId=other, streamgauge__dvc__raw=name)
    client.set_tag(me, "mlflow.parentRunId", parent)  # the edge from the other has gone
    data = Dataset(name, "d@1", "s3", json.dumps({"uri": place}))
    used, model = logged(parent), logged(me)
    for who in (me, other, deleted):
        client.log_inputs(who, [DatasetInput(data, [])], [LoggedModelInput(used)])
    client.log_outputs(me, [LoggedModelOutput(logged(other), 3)])
    client.set_tag(deleted, "mlflow.source.git.commit", name)
    client.delete_run(deleted)

    registered = name.replace("/", "-")
    client.create_registered_model(registered)
    client.create_model_version(registered, f"models:/{model}", me, model_id=model)
    client.create_model_version(registered, place)
    client.create_model_version(registered, place + "/deleted")
    client.delete_model_version(registered, "3")
    client.copy_model_version(f"models:/{registered}/1", registered + " copy")
    for version in ("1", "2"):
        body = {"name": "eu", "url": "https://x.example", "model": registered, "version": version}
        where = requests.post(f"{url}/v1/endpoints", json=body, timeout=30).json()["endpoint"]["id"]
    requests.patch(f"{url}/v1/endpoints/{where}", json={}, timeout=30).raise_for_status()  # serves no longer
    table, soon, over = "table:" + name.replace("%", "%25"), int(time.time() * 1000) + 3_600_000, 1_000
    recorded: list[dict[str, Any]] = [
        {"from": f"run:{me}", "to": table, "kind": "wrote", "name": "nightly", "attributes": {"rows": "7"}},
        {"from": table, "to": f"version:{registered}/1", "until_ms": soon},
        {"from": table, "to": f"run:{other}", "since_ms": 1, "until_ms": over},
        {"from": f"run:{me}", "to": f"model:{model}", "kind": "output", "name": "told already"},
    ]
    requests.post(f"{url}/v1/lineage", json={"edges": recorded}, timeout=30).raise_for_status()
    client.rename_registered_model(registered, registered + " renamed")
    return f"run:{me}"


def test_the_view_has_the_edges_that_are_shown(url: str, client: MlflowClient, experiment: SimpleNamespace) -> None:
    """Whatever is connected to a run: sg.lineage and GET /v1/lineage have the same edges and say the same of them."""
    begin = every_kind_of_edge(url, client, experiment.id)
    shown: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    nodes, waiting = {begin}, [begin]
    while waiting:
        for e in ask(url, waiting.pop(), depth=1, edges_max=1000).json()["edges"]:
            told = (
                e.get("name", ""),
                e.get("attributes", {}),
                e["since_ms"],
                e.get("until_ms", 0),
                e.get("recorded", False),
            )
            shown[e["from"], e["kind"], e["to"]] = told
            waiting += {e["from"], e["to"]} - nodes
            nodes |= {e["from"], e["to"]}
    query = """SELECT from_node, kind, to_node, name, attributes, toUnixTimestamp64Milli(at) AS since,
        ifNull(toUnixTimestamp64Milli(until), 0) AS until, recorded, from_kind, from_id, to_kind, to_id, detail
        FROM sg.lineage"""
    answer = requests.post(f"{url}/v1/sql", json={"query": query, "format": "json"}, timeout=60)
    assert answer.ok, answer.text
    rows = [r for r in answer.json()["data"] if nodes & {r[0], r[2]}]
    view = {tuple(r[:3]): (r[3], r[4], int(r[5]), int(r[6]), bool(r[7])) for r in rows if r[1] != "copied"}
    assert view == shown
    assert len(view) == sum(r[1] != "copied" for r in rows), "an edge stands there twice"
    told_by_documents = "code derived fork holds input output parent project registered run serves"
    assert sorted({kind for _, kind, _ in shown}) == [*told_by_documents.split(), "wrote"]
    (copied,) = (r for r in rows if r[1] == "copied")
    assert (copied[8], copied[10], copied[11]) == ("version", "version", copied[9].removesuffix("/1") + " copy/1")
    for r in rows:
        for node, kind, name in ((r[0], r[8], r[9]), (r[2], r[10], r[11])):
            assert node.startswith(kind + ":")
            assert unquote(node.removeprefix(kind + ":")) == name
    details = {(r[8], r[10], r[1]): r[12] for r in rows}
    assert details["run", "run", "fork"] == "7"
    assert details["version", "endpoint", "serves"] == "eu"
    assert details["run", "table", "wrote"] == "nightly"
    assert details["source", "dataset", "holds"] == "s3"
    assert details["commit", "run", "code"].startswith("git@h:100% / graph")
    assert {r[12] for r in rows if r[1] == "output" and r[10] == "model"} == {"net", ""}
