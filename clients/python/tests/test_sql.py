"""The worked queries of docs/sql.md, asked of a history that the real clients have made.

`UPDATE_SQL=1 pytest clients/python/tests/test_sql.py` writes the answers into the page; they are reviewed like code.
"""

import io
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import history
import pyarrow.ipc
import pyarrow.parquet
import pytest
import requests
from conftest import ROOT, ports_url, running

pytestmark = pytest.mark.stricter

BINARY = str(ROOT / "bin" / "streamgauge")
PAGE = ROOT / "docs" / "sql.md"
# A heading with a number, a sentence or more, the query, and its answer as CSV.
QUERY = re.compile(r"^### (\d+)\. (.+?)\n(.*?)```sql\n(.*?)```\n\n```csv\n(.*?)```\n", re.MULTILINE | re.DOTALL)
QUERIES_MIN = 30


def worked() -> list[re.Match[str]]:
    return list(QUERY.finditer(PAGE.read_text()))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    where = Path(tempfile.mkdtemp(prefix="streamgauge-sql-"))
    yield where
    shutil.rmtree(where, ignore_errors=True)


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own, so that the answers are all there is."""
    command = [BINARY, "up", "--data", str(folder)]
    for flag in ("--listen", "--nats-listen", "--clickhouse-listen", "--clickhouse-http-listen"):
        command += [flag, "127.0.0.1:0"]
    with running("streamgauge", command, lambda: ports_url(folder)) as answered:
        history.make(answered, tmp_path_factory.mktemp("spool"))
        yield answered


def ask(server: str, query: str, form: str = "csv", **headers: str) -> requests.Response:
    return requests.post(f"{server}/v1/sql", json={"query": query, "format": form}, headers=headers, timeout=60)


def test_the_worked_queries_give_what_the_page_says(server: str) -> None:
    found = worked()
    assert [int(m[1]) for m in found] == list(range(1, len(found) + 1))
    assert len(found) >= QUERIES_MIN
    text, wrong = PAGE.read_text(), []
    for m in found:
        answer = ask(server, m[4])
        assert answer.ok, f"{m[2]}: {answer.text}"
        assert answer.text.count("\n") > 1, f"{m[2]} has no answer"
        if answer.text != m[5]:
            wrong.append(f"{m[1]}. {m[2]}\n{answer.text}")
            text = text.replace(m[0], m[0].removesuffix(m[5] + "```\n") + answer.text + "```\n")
    if os.environ.get("UPDATE_SQL"):
        Path(PAGE).write_text(text)
    elif wrong:
        pytest.fail("the page says otherwise:\n" + "\n".join(wrong))


def rows(server: str, query: str) -> list[list[Any]]:
    answer = ask(server, query, "json")
    assert answer.ok, answer.text
    found: list[list[Any]] = answer.json()["data"]
    return found


def test_series_are_those_that_were_logged(server: str) -> None:
    run = rows(server, "SELECT run_id FROM sg.runs WHERE name = 'vision-2'")[0][0]
    for buckets in (1, 3, 10, 1000):
        got = rows(
            server,
            "SELECT step, step_first, step_last, points, value_min, value_mean, value_max, value_first, value_last"
            f" FROM sg.series(run='{run}', key='val_loss', buckets={buckets})",
        )
        assert len(got) <= buckets
        width = 1
        while width * buckets < history.STEPS:
            width *= 2
        for step, first, last, points, least, mean, most, begin, end in got:
            values = [history.val_loss(0.01, s) for s in range(int(step), min(int(step) + width, history.STEPS))]
            assert (int(first), int(last), int(points)) == (int(step), int(step) + len(values) - 1, len(values))
            assert (least, most, begin, end) == (min(values), max(values), values[0], values[-1])
            assert mean == pytest.approx(sum(values) / len(values))


def test_formats(server: str) -> None:
    """Each is what its name says to a reader of it that is not ours."""
    query = "SELECT run_id, name, started, duration_s FROM sg.runs ORDER BY name"
    table = pyarrow.ipc.open_stream(ask(server, query, "arrow").content).read_all()
    parquet = pyarrow.parquet.read_table(io.BytesIO(ask(server, query, "parquet").content))
    assert table.column_names == ["run_id", "name", "started", "duration_s"]
    assert table.num_rows == 14
    assert parquet.num_rows == 14
    assert table.column("duration_s").to_pylist() == parquet.column("duration_s").to_pylist()
    names = [line.split(",")[1].strip('"') for line in ask(server, query).text.splitlines()[1:]]
    decoded = [n.decode() if isinstance(n, bytes) else n for n in table.column("name").to_pylist()]
    assert names == decoded == [row[1] for row in rows(server, query)]


def test_a_confined_token_sees_its_experiments(server: str, folder: Path) -> None:
    """The last: from the first token on the server wants one of everybody."""
    command = [
        BINARY,
        "token",
        "create",
        "--data",
        str(folder),
        "--role",
        "read",
        "--name",
        "w",
        "--experiment",
        "sweep",
    ]
    secret = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    bearer = {"Authorization": f"Bearer {secret}"}
    got = ask(server, "SELECT DISTINCT experiment_name FROM sg.runs", **bearer)
    assert got.text == '"experiment_name"\n"sweep"\n', got.text
    got = ask(server, "SELECT key, count() FROM sg.metrics GROUP BY key", **bearer)
    assert got.text == '"key","count()"\n"score",3\n', got.text
    got = ask(server, "SELECT * FROM streamgauge.runs", **bearer)
    assert got.status_code == 403
    assert "database sg" in got.json()["message"]
