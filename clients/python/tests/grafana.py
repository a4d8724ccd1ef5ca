"""What Grafana and its data source for ClickHouse do to a statement, as far as our dashboards need it.

Variables are chosen as a fresh page does: what stands as current, all for those that begin so, else the first choice.
Macros are those of grafana-clickhouse-datasource 4.14.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

ALL = "$__all"
Rows = list[dict[str, Any]]
Ask = Callable[[str], Rows]

VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(?!__)(\w+)")


@dataclass
class Range:
    """The chosen time, in seconds since 1970, and the width of a bucket of it."""

    begin: int
    end: int
    interval: int


@dataclass
class Statement:
    board: str
    panel: str
    sql: str
    # What a chart needs of the answer's columns: its kind, and the format of its rows.
    kind: str
    form: int
    may_be_empty: bool


def quoted(value: str) -> str:
    """Grafana's format sqlstring, of one value."""
    return "'" + value.replace("'", "''").replace('"', '\\"') + "'"


class Choices:
    """Values of a dashboard's variables."""

    def __init__(self, board: dict[str, Any], ask: Ask, when: Range, fixed: dict[str, str | list[str]] | None = None):
        self.values: dict[str, list[str]] = {}
        self.all: set[str] = set()
        self.when = when
        for variable in board["templating"]["list"]:
            name = variable["name"]
            if fixed and name in fixed:
                given = fixed[name]
                self.values[name] = given if isinstance(given, list) else [given]
            else:
                self.values[name] = self.chosen(variable, ask)

    def chosen(self, variable: dict[str, Any], ask: Ask) -> list[str]:
        if variable["type"] != "query":
            return [str(variable["current"].get("value") or "")]
        sql = self.fill(variable["query"])
        rows = ask(sql)
        choices = [str(next(iter(row.values()))) for row in rows]
        assert choices, f"variable {variable['name']} has no choice: {sql}"
        if variable["includeAll"] and variable["current"]["value"] == [ALL]:
            self.all.add(variable["name"])
            return choices
        return choices[:1]

    def fill(self, sql: str) -> str:
        sql = self.conditional(sql)
        sql = VARIABLE.sub(self.variable, sql)
        return self.macros(sql)

    def variable(self, found: re.Match[str]) -> str:
        name, form = found[1] or found[3], found[2]
        values = self.values[name]
        if form == "sqlstring":
            return ",".join(map(quoted, values))
        assert form is None, f"format {form}"
        return ",".join(values)

    def conditional(self, sql: str) -> str:
        """$__conditionalAll(condition, $variable) is 1=1 where all are chosen."""
        begin = "$__conditionalAll("
        while (at := sql.rfind(begin)) >= 0:
            condition, name, end = arguments(sql, at + len(begin))
            sql = sql[:at] + ("1=1" if name.strip().lstrip("$") in self.all else condition) + sql[end:]
        return sql

    def macros(self, sql: str) -> str:
        begin, end = f"toDateTime({self.when.begin})", f"toDateTime({self.when.end})"
        sql = re.sub(r"\$__timeFilter\(([^()]+)\)", rf"\1 >= {begin} AND \1 <= {end}", sql)
        sql = re.sub(
            r"\$__timeInterval\(([^()]+)\)",
            rf"toStartOfInterval(toDateTime(\1), INTERVAL {self.when.interval} second)",
            sql,
        )
        sql = sql.replace("$__fromTime", begin).replace("$__toTime", end)
        assert "$__" not in sql, f"an unknown macro: {sql}"
        return sql


def arguments(sql: str, at: int) -> tuple[str, str, int]:
    """The two arguments of a macro whose bracket opened before at, and where it ends."""
    depth, comma = 1, -1
    for i in range(at, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[i], 0)
        if sql[i] == "," and depth == 1:
            comma = i
        if depth == 0:
            return sql[at:comma], sql[comma + 1 : i], i + 1
    raise AssertionError(f"an open bracket: {sql}")


def boards(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.json")):
        yield json.loads(file.read_text())


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels") or []


def statements(board: dict[str, Any]) -> Iterator[Statement]:
    """Every statement of ClickHouse in a dashboard, annotations included."""
    for panel in panels(board):
        for target in panel.get("targets", []):
            if "rawSql" in target:
                empty = "noValue" in panel["fieldConfig"]["defaults"]
                yield Statement(board["uid"], panel["title"], target["rawSql"], panel["type"], target["format"], empty)
    for note in board["annotations"]["list"]:
        yield Statement(board["uid"], f"annotation {note['name']}", note["target"]["rawSql"], "annotation", 1, True)


class Place:
    """A server with data, and what is provisioned of it."""

    def __init__(self, binary: str, data: Path, files: Path):
        self.files = files
        command = [binary, "grafana", "provision", "--data", str(data), "--out", str(files)]
        subprocess.run(command, check=True, capture_output=True)
        (source,) = yaml.safe_load((files / "datasources/streamgauge.yaml").read_text())["datasources"]
        assert source["jsonData"]["username"] == "reader"
        self.password = source["secureJsonData"]["password"].replace("$$", "$")
        ports = json.loads((data / "ports.json").read_text())
        assert f"{source['jsonData']['host']}:{source['jsonData']['port']}" == ports["clickhouse"]
        self.clickhouse = f"http://{ports['clickhouse_http']}/"
        self.dashboards = list(boards(files / "dashboards/streamgauge"))
        self.session = requests.Session()

    def ask(self, sql: str) -> Rows:
        return self.answer(sql)["data"]

    def answer(self, sql: str) -> dict[str, Any]:
        """Rows as data, and the names and types of their columns as meta."""
        # Grafana's data source sets a time limit, so a reader must be able to.
        login = {"user": "reader", "password": self.password, "database": "sg", "max_execution_time": "60"}
        answer = self.session.post(self.clickhouse, params=login, data=f"{sql}\nFORMAT JSON".encode(), timeout=60)
        assert answer.status_code == 200, f"{answer.text[:500]}\n{sql}"
        return answer.json()

    def board(self, uid: str) -> dict[str, Any]:
        return next(b for b in self.dashboards if b["uid"] == uid)
