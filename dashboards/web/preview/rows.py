"""What the panels of the Grafana dashboards show of the demo's data, as JSON that main.ts draws.

    rows.py OUT [--data FOLDER]

Starts the demo's server and trainings (examples/demo.py), or takes the running server whose folder is named. Variables
and macros are filled as Grafana and its data source do (clients/python/tests/grafana.py), and the reader asks.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "clients/python/tests"), str(ROOT / "examples")]

from demo import BINARY, Server, find_run, in_production, train  # noqa: E402
from grafana import Choices, Place, Range  # noqa: E402

BUCKETS = 180
SECONDS_AROUND = 20
# These are about weeks.
OF_A_WEEK = {"sg-fleet", "sg-models", "sg-sql"}
WEEK_SECONDS = 7 * 86400
Chosen = dict[str, str | list[str]]


def fill(server: Server) -> None:
    """The demo's trainings; an approval that waits, an endpoint, a run that failed and one that goes on."""
    train(server, "wine")
    train(server, "distributed")
    version = int(in_production(server))
    put(server, "/v1/registered-models/wine/approvals-required", {"stage": "Archived", "count": 1})
    about = {"model": "wine", "version": version}
    server.call("/v1/approvals", {"stage": "Archived", "by": "ann", "comment": "a better one is there", **about})
    server.call("/v1/endpoints", {"name": "live", "url": "https://wine.example.com", **about})
    experiment = find_run(server, "wine")["info"]["experiment_id"]
    failed, now = start(server, experiment, "network-13"), int(time.time() * 1000)
    server.call("/api/2.0/mlflow/runs/update", {"run_id": failed, "status": "FAILED", "end_time": now + 4000})
    going = start(server, experiment, "network-14")
    points = [{"key": "loss", "value": 1 / (s + 1), "timestamp": now + s, "step": s} for s in range(40)]
    server.call("/api/2.0/mlflow/runs/log-batch", {"run_id": going, "metrics": points})
    server.call("/v1/sql", {"query": "SELECT 1"})


def start(server: Server, experiment: str, name: str) -> str:
    body = {"experiment_id": experiment, "run_name": name, "start_time": int(time.time() * 1000), "user_id": "ann"}
    return server.call("/api/2.0/mlflow/runs/create", body)["run"]["info"]["run_id"]


def put(server: Server, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), method="PUT")
    request.add_header("Content-Type", "application/json")
    urllib.request.urlopen(request, timeout=30).close()


def chosen(place: Place, uid: str) -> Chosen:
    """What a reader would choose of the demo's data."""
    (digits,) = place.ask("SELECT run_id FROM sg.runs WHERE experiment_name = 'digits'")
    (wine,) = place.ask("SELECT toString(experiment_id) AS id FROM sg.experiments WHERE name = 'wine'")
    if uid == "sg-run":
        return {"run": digits["run_id"], "metric": ["mean_loss", "loss", "learning_rate"]}
    if uid == "sg-ranks":
        return {"run": digits["run_id"], "metric": "loss"}
    if uid == "sg-compare":
        best = place.ask("SELECT run_id FROM sg.runs WHERE startsWith(name, 'network-0') ORDER BY name LIMIT 6")
        runs = [row["run_id"] for row in best]
        return {"experiment": wine["id"], "run": runs, "metric": ["val_loss"], "param": "learning_rate"}
    return {}


def when(place: Place, uid: str) -> Range:
    """From the first run's start to the last one's."""
    first_and_last = "toUnixTimestamp(min(started)) AS begin, toUnixTimestamp(max(started)) AS end"
    (row,) = place.ask(f"SELECT {first_and_last} FROM sg.runs")
    end = int(row["end"]) + SECONDS_AROUND
    begin = end - WEEK_SECONDS if uid in OF_A_WEEK else int(row["begin"]) - SECONDS_AROUND
    return Range(begin, end, max(1, (end - begin) // BUCKETS))


def drawn(place: Place, board: dict[str, Any]) -> dict[str, Any]:
    """A dashboard with the rows of each panel, and a panel for each value of what it is repeated for."""
    filled = Choices(board, place.ask, when(place, board["uid"]), chosen(place, board["uid"]))
    out = []
    for panel in board["panels"]:
        name = panel.get("repeat")
        for n, scope in enumerate([{name: [v]} for v in filled.values[name]] if name else [{}]):
            out.append(one(place, panel, filled, scope, n))
    said = [[v["label"], shown(place, filled, v)] for v in board["templating"]["list"] if v.get("label")]
    return {
        "uid": board["uid"],
        "title": board["title"],
        "choices": said,
        "from": filled.when.begin,
        "to": filled.when.end,
        "panels": out,
    }


def one(place: Place, panel: dict[str, Any], filled: Choices, scope: dict[str, list[str]], n: int) -> dict[str, Any]:
    kept = filled.values
    filled.values = kept | scope
    text = json.dumps(panel)
    for name, values in filled.values.items():
        text = text.replace(f"${{{name}:text}}", json.dumps(" + ".join(values))[1:-1])
    frames = [
        place.answer(filled.fill(target["rawSql"])) | {"format": target["format"]}
        for target in panel.get("targets", [])
        if "rawSql" in target
    ]
    grid = dict(panel["gridPos"])
    if scope:
        beside = min(panel["maxPerRow"], len(kept[panel["repeat"]]))
        grid["w"] = 24 // beside
        grid["x"] = n % beside * grid["w"]
    filled.values = kept
    return json.loads(text) | {"gridPos": grid, "frames": frames}


def shown(place: Place, filled: Choices, variable: dict[str, Any]) -> str:
    """The texts that stand for what is chosen."""
    name = variable["name"]
    if name in filled.all:
        return "All"
    if variable["type"] != "query":
        return " + ".join(filled.values[name])
    texts = {str(next(iter(r.values()))): str(list(r.values())[-1]) for r in place.ask(filled.fill(variable["query"]))}
    return " + ".join(texts.get(v, v) for v in filled.values[name])


def boards(data: Path) -> Iterator[dict[str, Any]]:
    files = Path(tempfile.mkdtemp(prefix="streamgauge-preview-"))
    try:
        place = Place(str(BINARY), data, files)
        for board in place.dashboards:
            yield drawn(place, board)
    finally:
        shutil.rmtree(files)


def written(data: Path) -> str:
    """The dashboards as JSON. Where this checkout lies is nobody's business."""
    return json.dumps(list(boards(data))).replace(str(ROOT), "/home/ann/streamgauge")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    if arguments.data:
        arguments.out.write_text(written(arguments.data))
        return
    folder = Path(tempfile.mkdtemp(prefix="streamgauge-preview-"))
    server = Server(folder)
    try:
        fill(server)
        arguments.out.write_text(written(server.data))
    finally:
        server.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
