"""How long every statement of Grafana's dashboards takes on a server with a history, as JSON: `make bench` asks this.

    python panel_times.py BINARY DATA REPEATS

A page is opened with what a fresh one chooses, and those of a run also with the runs that are named here. The
statements of variables count, too: a page waits for them.
"""

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grafana import Choices, Place, Range, Rows, statements

# Runs that History makes beside the many, by name (cmd/bench/analysts/history.go).
CHOSEN: dict[str, list[str | None]] = {"sg-run": [None, "long run", "run with ranks"], "sg-ranks": ["run with ranks"]}
SECONDS = {"m": 60, "h": 3600, "d": 86400}
# A panel is about so many points wide, which makes the width of a bucket of time.
WIDE = 1000


def when(board: dict[str, Any]) -> Range:
    """The range that the dashboard begins with."""
    begin = board["time"]["from"].removeprefix("now-")
    seconds = int(begin[:-1]) * SECONDS[begin[-1]]
    now = int(time.time())
    return Range(now - seconds, now, max(15, seconds // WIDE))


class Timed:
    """Asks, and keeps the times of what it asked."""

    def __init__(self, place: Place):
        self.place = place
        self.times: dict[str, list[float]] = defaultdict(list)
        self.rows: dict[str, int] = {}
        self.about = ""

    def ask(self, sql: str) -> Rows:
        began = time.monotonic()
        rows = self.place.ask(sql)
        self.times[self.about].append((time.monotonic() - began) * 1000)
        self.rows[self.about] = len(rows)
        return rows


def pages(place: Place) -> Iterator[tuple[dict[str, Any], dict[str, str | list[str]], str]]:
    """Dashboards with what is chosen on them, and how that is called. Of experiments it is the newest run's, for one
    without runs shows nothing."""
    (newest,) = place.ask("SELECT toString(experiment_id) AS id FROM sg.runs ORDER BY started DESC LIMIT 1")
    for board in place.dashboards:
        first: dict[str, str | list[str]] = {"experiment": newest["id"]} if board["uid"] == "sg-compare" else {}
        for name in CHOSEN.get(board["uid"]) or [None]:
            if name is None:
                yield board, first, ""
                continue
            (run,) = place.ask(f"SELECT run_id FROM sg.runs WHERE name = '{name}'")
            yield board, {"run": run["run_id"]}, f", {name}"


def main(binary: str, data: str, repeats: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(binary, Path(data), Path(folder))
        for board, fixed, chosen in pages(place):
            timed = Timed(place)
            for _ in range(repeats):
                timed.about = "variables"
                filled = Choices(board, timed.ask, when(board), fixed)
                for number, statement in enumerate(statements(board)):
                    timed.about = f"{number:02} {statement.panel}"
                    timed.ask(filled.fill(statement.sql))
            for about, times in timed.times.items():
                line = {"board": board["uid"], "panel": about + chosen, "ms": times, "rows": timed.rows[about]}
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
