"""`streamgauge export` and `import`: what comes back is what went out, and what is damaged or in the way is said."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import carry
import mlflow
import pyarrow.parquet as pq
import pytest
import requests
from conftest import ROOT, ports_url, running, streamgauge
from mlflow.tracking import MlflowClient

pytestmark = pytest.mark.stricter

SECONDS = 300
PROGRAM = str(ROOT / "bin" / "streamgauge")


def command(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    return subprocess.run([PROGRAM, *args], env=env, capture_output=True, text=True, timeout=SECONDS)


def done(home: Path, *args: str) -> str:
    said = command(home, *args)
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


def exported(home: Path, url: str, name: str, *flags: str) -> dict[str, list[str]]:
    """An export's rows."""
    done(home, "export", "--url", url, "--out", str(home / name), *flags)
    return carry.tables(home / name)


def refused(home: Path, *args: str) -> str:
    said = command(home, *args)
    assert said.returncode == 1, said.stdout
    return said.stderr


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A full server, its export, and an empty server that has imported it."""
    home = tmp_path_factory.mktemp("carried")
    os.environ["MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS"] = "true"  # of all servers of this module
    with streamgauge() as source, streamgauge() as target:
        ids = carry.fill(source)
        done(home, "export", "--url", source, "--out", str(home / "first"), "--artifacts")
        done(home, "import", "--url", target, str(home / "first"))
        yield SimpleNamespace(home=home, source=source, target=target, ids=ids, first=home / "first")
    del os.environ["MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS"]


def test_what_is_imported_and_exported_again_has_the_same_rows(carried: SimpleNamespace) -> None:
    second = carried.home / "second"
    said = done(carried.home, "export", "--url", carried.target, "--out", str(second), "--artifacts")
    assert "not carried" in said
    assert "webhooks" in said
    want, got = carry.tables(carried.first), carry.tables(second)
    assert sorted(got) == sorted(want)
    for name, rows in want.items():
        assert got[name] == rows, name
    counts = {name: len(rows) for name, rows in want.items()}
    assert (counts["metrics"], counts["values"], counts["console"]) == (417, 4, 2)
    assert (counts["runs"], counts["experiments"], counts["model_versions"], counts["spans"]) == (4, 3, 5, 2)
    assert (counts["alerts"], counts["alert_events"]) == (1, 2)


def test_the_manifest_tells_what_is_in_the_files(carried: SimpleNamespace) -> None:
    manifest = json.loads((carried.first / "manifest.json").read_text())
    assert (manifest["format"], manifest["version"]) == ("streamgauge-export", 1)
    for table in manifest["tables"]:
        for file in table["files"]:
            read = pq.read_table(carried.first / file["name"])
            assert (read.num_rows, read.column_names) == (file["rows"], [c["name"] for c in table["columns"]])
    named = {file["name"] for table in manifest["tables"] for file in table["files"]}
    assert {f.name for f in carried.first.glob("*.parquet")} == named
    assert {f.name for f in carried.first.iterdir() if f.suffix != ".parquet"} == {"manifest.json", "artifacts"}


def test_points_are_exact(carried: SimpleNamespace) -> None:
    rows = [row for f in sorted(carried.first.glob("metrics-*")) for row in pq.read_table(f).to_pylist()]
    number = int(carried.ids["run"][:16], 16)
    odd = sorted(
        (r["step"], carry.exact(r["value"])) for r in rows if r["run"] == number and r["key"] == "odd ü/metric"
    )
    assert odd == [(i, carry.exact(v)) for i, v in enumerate(carry.ODD)]
    assert sorted(r["step"] for r in rows if r["key"] == "far") == [carry.STEP_MIN + 1, carry.STEP_MAX]
    seen = {(r["rank"], r["attempt"]) for r in rows if r["key"] == "spread"}
    assert seen == {(rank, attempt) for rank in carry.RANKS for attempt in carry.ATTEMPTS}


def views(url: str, ids: dict[str, str]) -> dict[str, Any]:
    """What MLflow's client reads of everything."""
    client = MlflowClient(url)
    mlflow.set_tracking_uri(url)
    out: dict[str, Any] = {}
    for kind in ("run", "child", "deleted", "of_deleted"):
        run = client.get_run(ids[kind])
        out[kind] = carry.exact(run.to_dictionary())
        for key in run.data.metrics:
            points = [
                (p.step, p.timestamp, p.value, p.dataset_name, p.model_id)
                for p in client.get_metric_history(ids[kind], key)
            ]
            out[kind + " " + key] = carry.exact([list(p) for p in points])
    out["experiments"] = sorted(
        repr(dict(e)) for e in client.search_experiments(view_type=mlflow.entities.ViewType.ALL)
    )
    out["models"] = [repr(dict(m)) for m in client.search_registered_models()]
    out["versions"] = sorted(repr(dict(v)) for v in client.search_model_versions())
    out["champion"] = client.get_model_version_by_alias("after ü", "champion").version
    out["logged"] = repr(client.get_logged_model(ids["model"]).to_dictionary())
    out["trace"] = mlflow.get_trace(ids["trace"]).to_dict()
    out["prompt"] = mlflow.genai.load_prompt("prompts:/greeting/1").template
    out["file"] = mlflow.artifacts.load_text(f"runs:/{ids['run']}/notes/ü file.txt")
    transitions = requests.get(url + "/v1/registered-models/after%20%C3%BC/transitions", timeout=carry.SECONDS).json()
    out["transitions"] = transitions
    edges = requests.get(
        url + "/v1/lineage", params={"node": "run:" + ids["run"], "depth": 3}, timeout=carry.SECONDS
    ).json()["edges"]
    out["lineage"] = sorted(json.dumps(e, sort_keys=True) for e in edges)
    return out


def test_mlflows_client_reads_the_same(carried: SimpleNamespace) -> None:
    want, got = views(carried.source, carried.ids), views(carried.target, carried.ids)
    for name, value in want.items():
        assert got[name] == value, name
    assert len(want["transitions"]["transitions"]) == 4
    assert any("table:predictions" in e for e in want["lineage"])


def test_a_second_import_changes_nothing(carried: SimpleNamespace) -> None:
    count = "SELECT (SELECT count() FROM sg.metrics), (SELECT count() FROM sg.values), (SELECT count() FROM sg.spans)"
    before = done(carried.home, "sql", "--url", carried.target, "--format", "csv", count)
    said = done(carried.home, "import", "--url", carried.target, str(carried.first))
    assert done(carried.home, "sql", "--url", carried.target, "--format", "csv", count) == before
    rows = [line for line in said.splitlines() if " new, " in line]
    assert len(rows) > 15
    assert all(" 0 new, " in line and line.endswith(" 0 refused") for line in rows), said


def test_a_damaged_file_is_named_and_nothing_is_imported(carried: SimpleNamespace) -> None:
    damaged = carried.home / "damaged"
    shutil.copytree(carried.first, damaged)
    content = bytearray((damaged / "metrics-00001.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (damaged / "metrics-00001.parquet").write_bytes(content)
    said = refused(carried.home, "import", "--url", carried.target, str(damaged))
    assert "metrics-00001.parquet is damaged" in said


def test_an_export_that_was_interrupted_is_recognised(carried: SimpleNamespace) -> None:
    broken = carried.home / "broken"
    said = refused(
        carried.home, "export", "--url", carried.source, "--out", str(broken), "--run", "0" * 15 + "1" + "0" * 16
    )
    assert "there is no run" in said
    assert "not whole" in said
    assert "was interrupted" in refused(carried.home, "import", "--url", carried.target, str(broken))
    assert "was interrupted" in refused(carried.home, "export", "--url", carried.source, "--out", str(broken))


def test_a_later_format_is_refused(carried: SimpleNamespace) -> None:
    later = carried.home / "later"
    later.mkdir()
    manifest = json.loads((carried.first / "manifest.json").read_text()) | {"version": 2}
    (later / "manifest.json").write_text(json.dumps(manifest))
    assert "format version 2" in refused(carried.home, "import", "--url", carried.target, str(later))


def test_what_was_changed_since_is_a_conflict(carried: SimpleNamespace) -> None:
    """On a server of its own: an experiment of another id, a run that goes on, a name that is taken."""
    ids = carried.ids
    with streamgauge() as third:
        client = MlflowClient(third)
        other = client.create_experiment("takes the id 1")
        assert other == ids["experiment"]
        client.create_registered_model("after ü")
        said = refused(carried.home, "import", "--url", third, str(carried.first))
        assert "nothing was imported" in said
        assert "after ü" in said
        assert "--skip" in said
        assert "--rename" in said
        assert client.get_experiment_by_name(carry.NAME) is None
        done(carried.home, "import", "--url", third, str(carried.first), "--rename", "after ü=brought")
        run = client.get_run(ids["run"])
        assert (ids["experiment"], other) == ("1", "1")
        assert run.info.experiment_id != other
        assert run.info.artifact_uri == f"mlflow-artifacts:/{run.info.experiment_id}/{ids['run']}/artifacts"
        mlflow.set_tracking_uri(third)
        assert mlflow.artifacts.load_text(f"runs:/{ids['run']}/notes/ü file.txt") == "hello\n"
        assert client.get_model_version_by_alias("brought", "champion").version == "4"
        assert mlflow.get_trace(ids["trace"]).info.experiment_id == run.info.experiment_id
        client.set_tag(ids["child"], "changed", "since")
        client.log_metric(ids["run"], "loss", 1.0, step=9)
        again = ["import", "--url", third, str(carried.first), "--rename", "after ü=brought"]
        said = refused(carried.home, *again)
        assert f"Run {ids['child']} is there already and differs" in said
        assert f"Run {ids['run']} has other metrics here" in said
        skipped = done(carried.home, *again, "--skip")
        assert f"left out: Run {ids['child']}" in skipped
        assert client.get_run(ids["child"]).data.tags["changed"] == "since"
        assert [p.step for p in client.get_metric_history(ids["run"], "loss")] == [9]


def test_an_import_that_was_killed_goes_on(carried: SimpleNamespace, tmp_path: Path) -> None:
    """It is killed again and again, each time when it has told of a later table."""
    with streamgauge() as third:
        args = [PROGRAM, "import", "--url", third, str(carried.first)]
        for table in ("experiments", "runs", "registered_models", "metrics", "console"):
            with subprocess.Popen(
                args, stdout=subprocess.PIPE, text=True, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
            ) as on:
                assert on.stdout
                assert any(line.startswith(table + " ") for line in on.stdout), table
                on.kill()
        done(carried.home, "import", "--url", third, str(carried.first))
        done(carried.home, "export", "--url", third, "--out", str(tmp_path / "out"), "--artifacts")
        assert carry.tables(tmp_path / "out") == carry.tables(carried.first)


def test_an_import_that_goes_on_sends_what_is_missing(carried: SimpleNamespace, tmp_path: Path) -> None:
    """Not what is there: a server that was away for a month does not know it any more."""
    frames, rows = 40, 30_000
    run = MlflowClient(carried.source).create_run("0").info.run_id
    carry.send_many(carried.source, run, frames, rows)
    done(carried.home, "export", "--url", carried.source, "--out", str(tmp_path / "many"), "--run", run)
    with streamgauge() as third:
        first = carry.Between(third, most=6 << 20)  # the second request is under way
        args = [PROGRAM, "import", "--url", first.url, str(tmp_path / "many")]
        with subprocess.Popen(
            args, stdout=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        ) as on:
            assert first.cut.wait(60)
            on.kill()
        first.close()
        second = carry.Between(third, most=1 << 40)
        assert "all is there" in done(carried.home, "import", "--url", second.url, str(tmp_path / "many"))
        second.close()
        assert second.sent < frames * rows * 8  # a value has 8 bytes
        query = "SELECT count(), uniqExact(step) FROM sg.metrics WHERE key = 'many'"
        (row,) = carry.call(third, "POST", "/v1/sql", query=query)["data"]
        assert [int(n) for n in row] == [frames * rows, frames * rows]


def test_a_filter_takes_what_belongs_together(carried: SimpleNamespace) -> None:
    ids = carried.ids
    rows = exported(carried.home, carried.source, "one", "--run", ids["child"])
    assert (len(rows["runs"]), len(rows["experiments"]), len(rows["metrics"]), len(rows["traces"])) == (1, 1, 1, 1)
    assert "model_versions" not in rows
    search = ["--experiment", carry.NAME, "--filter", "metrics.accuracy > 0.5"]
    rows = exported(carried.home, carried.source, "found", *search)
    assert len(rows["runs"]) == 1
    assert ids["run"] in rows["runs"][0]
    assert (len(rows["model_versions"]), len(rows["registered_models"]), len(rows["blobs"])) == (4, 1, 2)
    rows = exported(carried.home, carried.source, "whole", "--experiment", "deleted experiment", "--without", "metrics")
    assert len(rows["runs"]) == 1
    assert "metrics" not in rows
    assert "no experiment" in refused(
        carried.home, "export", "--url", carried.source, "--out", str(carried.home / "none"), "--experiment", "nil"
    )
    assert not (carried.home / "none").exists()


def alerts_are_disabled(url: str, token: str) -> None:
    """An imported alert judges nothing before its channels are whole again."""
    ask = requests.Session()
    ask.headers["Authorization"] = "Bearer " + token
    (alert,) = ask.get(url + "/v1/alerts", timeout=SECONDS).json()["alerts"]
    hook, mail = alert["channels"]
    assert (alert["enabled"], alert["name"], mail["to"]) == (False, "too high ü", ["a@example.org"])
    assert hook["url"] == "https://127.0.0.1/left-out-of-the-export"
    assert "has_secret" not in hook
    one = f"{url}/v1/alerts/{alert['id']}"
    said = ask.patch(one, json={"enabled": True}, timeout=SECONDS)
    assert said.status_code == 400
    assert "what an export has left of it" in said.text
    channels = [{"id": hook["id"], "type": "webhook", "url": carry.HOOK, "secret": "s3cret"}, mail]
    said = ask.patch(one, json={"enabled": True, "channels": channels}, timeout=SECONDS)
    assert said.json()["alert"]["channels"][0]["has_secret"], said.text


def test_no_secret_of_an_alert_is_in_an_export(carried: SimpleNamespace) -> None:
    (row,) = carry.tables(carried.first)["alerts"]
    assert "too high ü" in row
    for file in carried.first.glob("*"):
        if file.is_file():
            assert not any(secret in file.read_bytes() for secret in (b"s3cret", b"of-ann")), file
    (document,) = pq.read_table(next(carried.first.glob("alerts-*"))).column("document").to_pylist()
    rule = json.loads(base64.b64decode(json.loads(document)["alertRules"]["rules"][0]["rule"]))
    assert [c.get("url") for c in rule["channels"]] == ["https://127.0.0.1/left-out-of-the-export", None]
    rows = exported(carried.home, carried.source, "alerts-of-another", "--experiment", "deleted experiment")
    assert "alerts" not in rows


def test_what_alerts_found_is_carried_and_nobody_is_told_again(carried: SimpleNamespace, tmp_path: Path) -> None:
    def shown(url: str) -> list[dict[str, Any]]:
        events = carry.wait_for_events(url, 2)
        return [{k: v for k, v in e.items() if k not in ("deliveries", "experiment_id")} for e in events]

    assert shown(carried.target) == shown(carried.source)
    assert [e["type"] for e in shown(carried.target)] == ["resolved", "fired"]
    for event in carry.wait_for_events(carried.target, 2):
        assert [d["state"] for d in event["deliveries"]] == ["GIVEN_UP", "GIVEN_UP"]
    query = (
        "SELECT event_id, rule_id, metric, value, step, resolved, toString(time), toString(found), run FROM sg.alerts "
        "ORDER BY found, step"
    )
    rows = [carry.call(url, "POST", "/v1/sql", query=query)["data"] for url in (carried.source, carried.target)]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 2
    for url in (carried.target, carried.source):  # where it was imported, and where it was found
        said = done(carried.home, "import", "--url", url, str(carried.first))
        assert re.search(r"alert_events +0 new, 2 there already, 0 refused", said), said
        assert len(carry.wait_for_events(url, 2)) == 2
    metrics = requests.get(carried.target + "/metrics", timeout=SECONDS).text
    assert "streamgauge_alerts_unreadable_total" in metrics
    assert "streamgauge_alerts_sent_total{" not in metrics
    rows_of = exported(carried.home, carried.source, "events-of-a-run", "--run", carried.ids["run"])
    assert len(rows_of["alert_events"]) == 2
    rows_of = exported(carried.home, carried.source, "events-of-another", "--run", carried.ids["child"])
    assert "alert_events" not in rows_of


def test_a_token_sees_what_it_may_and_only_an_administrators_imports(carried: SimpleNamespace, tmp_path: Path) -> None:
    folder = tmp_path / "data"

    def token(*flags: str) -> str:
        return done(carried.home, "token", "create", "--data", str(folder), *flags).strip()

    def with_token(secret: str, *args: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "STREAMGAUGE_TOKEN": secret}
        return subprocess.run([PROGRAM, *args], env=env, capture_output=True, text=True, timeout=SECONDS)

    admin, writer = token("--role", "admin"), token("--role", "write")
    confined = token("--role", "read", "--experiment", "deleted experiment")
    up = [PROGRAM, "up", "--data", str(folder)]
    for flag in ("--listen", "--nats-listen", "--clickhouse-listen", "--clickhouse-http-listen"):
        up += [flag, "127.0.0.1:0"]
    with running("streamgauge", up, lambda: ports_url(folder)) as url:
        said = with_token(writer, "import", "--url", url, str(carried.first))
        assert said.returncode == 1, said.stdout
        assert "admin" in said.stderr
        said = with_token(admin, "import", "--url", url, str(carried.first))
        assert said.returncode == 0, said.stderr
        alerts_are_disabled(url, admin)
        said = with_token(writer, "export", "--url", url, "--out", str(tmp_path / "writers"), "--without", "metrics")
        assert said.returncode == 0, said.stderr
        assert "alerts: they say where the server sends data" in said.stdout
        assert "alerts" not in carry.tables(tmp_path / "writers")
        assert len(carry.tables(tmp_path / "writers")["alert_events"]) == 2  # as SQL has it
        said = with_token(confined, "export", "--url", url, "--out", str(tmp_path / "own"))
        assert said.returncode == 0, said.stderr
        assert "confined to experiments" in said.stdout
        rows = carry.tables(tmp_path / "own")
        assert (len(rows["runs"]), len(rows["experiments"]), len(rows["metrics"])) == (1, 1, 1)
        assert carried.ids["of_deleted"] in rows["runs"][0]
        assert not {"registered_models", "model_versions", "traces", "blobs", "values", "alert_events"} & set(rows)
        # What cannot be seen is not carried by its id either.
        said = with_token(
            confined, "export", "--url", url, "--out", str(tmp_path / "other"), "--run", carried.ids["run"]
        )
        assert said.returncode == 1
        assert "there is no run" in said.stderr
