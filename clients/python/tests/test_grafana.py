"""Every statement of the dashboards and alert rules for Grafana, as its reader asks it of a server with data.

The files come from `streamgauge grafana provision`; what Grafana does to a statement is in grafana.py.
"""

import json
import math
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
import yaml
from conftest import ROOT, ports_url, running
from grafana import Choices, Place, Range, Rows, panels, statements
from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

# What a name may hold to break out of a text, or to be taken for one of Grafana's own variables.
STRANGE = """it's "50% off", back\\slash\\"""
METRIC = "grad norm/layer.1"
SYSTEM = [
    "system/gpu_0_utilization_percentage",
    "system/cpu_utilization_percentage",
    "system/system_memory_usage_megabytes",
    "system/network_receive_megabytes",
]
LINES, STEPS, RANKS = 3, 40, 4
BINARY = str(ROOT / "bin" / "streamgauge")


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="streamgauge-grafana-"))
    command = [BINARY, "up", "--data", str(folder / "data")]
    for flag in ("--listen", "--nats-listen", "--clickhouse-listen", "--clickhouse-http-listen"):
        command += [flag, "127.0.0.1:0"]
    try:
        with running("grafana", command, lambda: ports_url(folder / "data")) as url:
            fill(url)
            yield Place(BINARY, folder / "data", folder / "provisioning")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fill(url: str) -> None:
    client = MlflowClient(url)
    experiment = client.create_experiment(f"strange {STRANGE}")
    for n in range(LINES):
        run = client.create_run(experiment, run_name=f"{STRANGE} {n}", tags={"streamgauge.host": "node-1"})
        now = int(time.time() * 1000)
        names = ["loss", METRIC, "step_seconds", *SYSTEM]
        points = [Metric(k, 1 / (s + n + 1), now + s, s) for s in range(STEPS) for k in names]
        client.log_batch(run.info.run_id, points, [Param("lr", str(0.1 * (n + 1))), Param("number of it", str(n))])
        if n < LINES - 1:
            client.set_terminated(run.info.run_id, "FINISHED" if n else "FAILED")
    # The last one goes on, and its loss does not.
    client.log_batch(run.info.run_id, [Metric("loss", math.nan, now + STEPS, STEPS)])
    register(client, url, run.info.run_id)
    of_ranks(url)
    settle(url)


TRAINING = """
import json, os, streamgauge
run = streamgauge.init(project="ranks", name="four ranks", config={"lr": 0.1}, tags=["try"])
for step in range(600):
    run.log({json.loads(os.environ["NAME"]): step + run.rank, "wait_seconds": 0.01 * run.rank}, step=step)
print("a line of the console")
run.finish()
"""


def of_ranks(url: str) -> None:
    """A run of the library's with ranks, its console and two launches."""
    common = os.environ | {
        "STREAMGAUGE_URL": url,
        "STREAMGAUGE_RUN_ID": secrets.token_hex(16),
        "PYTHONPATH": str(ROOT / "clients/python/src"),
        "NAME": json.dumps(METRIC),
        "WORLD_SIZE": str(RANKS),
    }
    for restarts in range(2):
        again = common | {"TORCHELASTIC_RESTART_COUNT": str(restarts)}
        processes = [
            subprocess.Popen([sys.executable, "-c", TRAINING], env=again | {"RANK": str(r), "LOCAL_RANK": str(r)})
            for r in range(RANKS)
        ]
        assert [p.wait(60) for p in processes] == [0] * RANKS


def register(client: MlflowClient, url: str, run: str) -> None:
    client.create_registered_model(STRANGE)
    for stage in ("Staging", "Production"):
        version = client.create_model_version(STRANGE, f"runs:/{run}/model", run)
        client.transition_model_version_stage(STRANGE, version.version, stage)
    client.set_registered_model_alias(STRANGE, "champion", version.version)
    where = f"{url}/v1/registered-models/{quote(STRANGE, safe='')}/approvals-required"
    requests.put(where, json={"stage": "Archived", "count": 1}, timeout=30).raise_for_status()
    about = {"model": STRANGE, "version": int(version.version)}
    for path, body in {
        "endpoints": {"name": "live", "url": "https://live.example.com", **about},
        "approvals": {"stage": "Archived", "by": "ann", "comment": STRANGE, **about},
    }.items():
        answer = requests.post(f"{url}/v1/{path}", json=body, timeout=30)
        assert answer.ok, answer.text


def settle(url: str) -> None:
    """SQL sees what was acknowledged before."""
    requests.post(url + "/v1/sql", json={"query": "SELECT 1"}, timeout=30).raise_for_status()


def choices(place: Place, board: dict[str, Any], **fixed: str | list[str]) -> Choices:
    now = int(time.time())
    return Choices(board, place.ask, Range(now - 3600, now + 60, 15), fixed)


def fixed(place: Place, uid: str) -> dict[str, str | list[str]]:
    """What a reader chooses where the first choice is not enough: the run with ranks, else those with strange names."""
    (ranked,) = place.ask("SELECT run_id FROM sg.runs WHERE name = 'four ranks'")
    (experiment,) = place.ask(
        "SELECT toString(experiment_id) AS id FROM sg.experiments WHERE startsWith(name, 'strange')"
    )
    if uid in ("sg-run", "sg-ranks"):
        return {"run": ranked["run_id"], "metric": [METRIC]}
    if uid == "sg-compare":
        return {"experiment": experiment["id"], "metric": [METRIC], "param": "number of it"}
    return {}


# What a fresh server need not have.
MAY_BE_EMPTY = {
    ("sg-run", "GPU"),
    ("sg-run", "Processor and memory"),
    ("sg-run", "Memory"),
    ("sg-run", "Network"),
    ("sg-run", "annotation Checkpoint"),
    ("sg-ranks", "annotation Checkpoint"),
    ("sg-operations", "Quarantine"),
}


def test_every_statement_has_an_answer(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    asked, slowest = 0, (0.0, "")
    for board in place.dashboards:
        filled = choices(place, board, **fixed(place, board["uid"]))
        for statement in statements(board):
            began = time.monotonic()
            rows = place.ask(filled.fill(statement.sql))
            slowest = max(slowest, (time.monotonic() - began, f"{statement.board} {statement.panel}"))
            asked += 1
            assert rows or (statement.board, statement.panel) in MAY_BE_EMPTY, f"{statement}: {filled.values}"
            check_columns(statement, rows)
    with capsys.disabled():
        print(f"\n{asked} statements of dashboards answered, the slowest in {slowest[0] * 1000:.0f} ms: {slowest[1]}")
    assert asked > 80


def check_columns(statement: Any, rows: Rows) -> None:
    """A chart has the columns that its kind looks for."""
    if not rows:
        return
    row = rows[0]
    if statement.form == 0:
        times = [r["time"] for r in rows]
        assert all(times), statement
        assert times == sorted(times), f"the data source refuses rows that are not in the order of time: {statement}"
        assert any(isinstance(value, int | float) or str(value).isdigit() for value in row.values()), statement
    if statement.kind == "logs":
        assert {"timestamp", "body", "level"} <= set(row), statement
    if statement.kind == "annotation":
        assert {"time", "text"} <= set(row), statement
    if statement.kind == "nodeGraph":
        assert "id" in row, statement


def test_nothing_to_choose_is_no_error(place: Place) -> None:
    """On a fresh server a variable has no choice: Grafana pastes an empty text, or nothing if several may be chosen."""
    for board in place.dashboards:
        nothing: dict[str, str | list[str]] = {
            v["name"]: [] if v.get("multi") else "" for v in board["templating"]["list"] if v["type"] == "query"
        }
        for panel in [*panels(board), *({"targets": [a["target"]]} for a in board["annotations"]["list"])]:
            # A repeated panel is there once then, for an empty text.
            scope = {panel["repeat"]: ""} if panel.get("repeat") else {}
            filled = choices(place, board, **nothing | scope)
            for target in panel.get("targets", []):
                rows = place.ask(filled.fill(target["rawSql"])) if "rawSql" in target else []
                drawn = panel.get("type") in ("trend", "heatmap")
                assert not (rows and drawn), (board["uid"], panel["title"], rows[:3])


def test_charts_find_the_fields_that_they_name(place: Place) -> None:
    """What options and transformations name stands in the answer."""
    for board in place.dashboards:
        filled = choices(place, board, **fixed(place, board["uid"]))
        for panel in panels(board):
            if not panel.get("targets") or "rawSql" not in panel["targets"][0]:
                continue
            rows = place.ask(filled.fill(panel["targets"][0]["rawSql"]))
            columns = set(rows[0]) if rows else None
            for change in panel.get("transformations", []):
                if change["id"] == "groupingToMatrix" and columns:
                    options = change["options"]
                    wanted = {options["rowField"], options["columnField"], options["valueField"]}
                    assert wanted <= columns, panel["title"]
                    # Columns stand in the order in which Grafana meets them, so that the rows of each are together.
                    met = [name for name, _ in groupby(row[options["columnField"]] for row in rows)]
                    assert len(met) == len(set(met)), (panel["title"], met[:9])
                    columns = {f"{options['rowField']}\\{options['columnField']}"}
            x = panel["options"].get("xField")
            assert x is None or columns is None or x in columns, panel["title"]
            for override in panel["fieldConfig"]["overrides"]:
                assert columns is None or override["matcher"]["options"] in columns, (panel["title"], override, columns)


def test_the_graph_leads_from_the_version_back_to_its_run(place: Place) -> None:
    board = place.board("sg-lineage")
    filled = choices(place, board)
    nodes, edges = (place.ask(filled.fill(t["rawSql"])) for t in next(panels(board))["targets"])
    names = {n["id"] for n in nodes}
    assert any(n["title"] == "run" for n in nodes), nodes
    assert any(n["title"] == "endpoint" for n in nodes), nodes
    assert {e["source"] for e in edges} | {e["target"] for e in edges} == names
    assert f"version {STRANGE}/2" in names


def test_alert_rules(place: Place) -> None:
    """Each rule's statement runs, and those fire that should: a run failed, and a loss is not a number."""
    firing = set()
    for group in yaml.safe_load((place.files / "alerting/streamgauge.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            rows = place.ask(rule["data"][0]["model"]["rawSql"])
            if any(value for row in rows for value in row.values() if isinstance(value, int | float) and value > 0):
                firing.add(rule["uid"])
            # One number and the texts that name it: Grafana makes an alert of each row.
            for row in rows:
                assert sum(not isinstance(v, str) or v.isdigit() for v in row.values()) == 1, (rule["uid"], row)
    assert {"sg-run-failed", "sg-loss-nan"} <= firing
    assert "sg-no-heartbeat" not in firing


def test_a_reader_cannot_write(place: Place) -> None:
    login = {"user": "reader", "password": place.password}
    answer = requests.post(place.clickhouse, params=login, data=b"DROP VIEW sg.runs", timeout=30)
    assert answer.status_code != 200
