"""Starts a server on a fresh data folder, runs two real trainings against it, and shows what came of it.

It is `make demo` in a checkout and `streamgauge demo` of an installed package. On a terminal the server stays up until
Ctrl-C; elsewhere it is stopped and the status is 0. Whatever fails ends the demo with the server's last words and
another status.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
BINARY = ROOT / "bin" / "streamgauge"
LIBRARY = ROOT / "clients" / "python" / "src"
# An installed package has program and examples side by side as a checkout has them, and nothing else of it.
CHECKOUT = LIBRARY.is_dir()
PROGRAM = "bin/streamgauge" if CHECKOUT else "streamgauge"
START_SECONDS, STOP_SECONDS, CALL_SECONDS = 60, 20, 60
LOG_LINES_SHOWN = 25


class Failed(Exception):
    """Something that ends the demo; the text says what."""


class Server:
    """A running `streamgauge up` on free ports."""

    def __init__(self, folder: Path):
        self.data = folder / "data"
        self.log = folder / "server.log"
        free = ["--listen", "--nats-listen", "--clickhouse-listen", "--clickhouse-http-listen"]
        command = [str(BINARY), "up", "--data", str(self.data)]
        for flag in free:
            command += [flag, "127.0.0.1:0"]
        with self.log.open("w") as log:
            # A session of its own: Ctrl-C is for the demo, which then stops the server in order.
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.ports = self.wait()
        self.url = "http://" + self.ports["http"]

    def wait(self) -> dict:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            self.check()
            try:
                ports = json.loads((self.data / "ports.json").read_text())
                with urllib.request.urlopen(f"http://{ports['http']}/health", timeout=5):
                    return ports
            except (OSError, ValueError):
                time.sleep(0.05)
        raise Failed(f"the server was not healthy within {START_SECONDS} s")

    def check(self) -> None:
        if self.process.poll() is not None:
            raise Failed(f"the server ended with status {self.process.returncode}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise Failed(f"the server did not stop within {STOP_SECONDS} s") from None
        if self.process.returncode != 0:
            raise Failed(f"the server stopped with status {self.process.returncode}")

    def call(self, path: str, body: dict | None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
            return json.load(answer)

    def command(self, *arguments: str) -> None:
        """Runs `streamgauge ...` against this server, as a user would."""
        sys.stdout.flush()
        environment = {**os.environ, "STREAMGAUGE_URL": self.url}
        if subprocess.run([BINARY, *arguments], env=environment, timeout=CALL_SECONDS).returncode != 0:
            raise Failed(f"streamgauge {' '.join(arguments)} failed")

    def provision(self, folder: Path) -> None:
        """Writes what a Grafana at hand reads when it starts: data source, dashboards and alert rules."""
        command = [str(BINARY), "grafana", "provision", "--data", str(self.data), "--out", str(folder)]
        print(flush=True)
        if subprocess.run(command).returncode != 0:
            raise Failed("grafana provision failed")


def stage(title: str, began: float) -> None:
    print(f"- {title}: {time.monotonic() - began:.1f} s", flush=True)


def train(server: Server, example: str) -> float:
    """Runs one example as its own process; gives the seconds that it took."""
    print(f"\n- examples/{example}/train.py ...", flush=True)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(LIBRARY) if CHECKOUT else None, os.environ.get("PYTHONPATH")])),
        "STREAMGAUGE_URL": server.url,
        "STREAMGAUGE_DIR": str(server.data / "spool"),
        "MLFLOW_TRACKING_URI": server.url,
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    began = time.monotonic()
    status = subprocess.run([sys.executable, ROOT / "examples" / example / "train.py"], env=environment).returncode
    server.check()
    if status != 0:
        raise Failed(f"examples/{example}/train.py ended with status {status}")
    stage(f"examples/{example}/train.py", began)
    return time.monotonic() - began


def find_run(server: Server, experiment: str) -> dict:
    path = "/api/2.0/mlflow/"
    found = server.call(path + "experiments/search", {"max_results": 1, "filter": f"name = '{experiment}'"})[
        "experiments"
    ][0]
    return server.call(path + "runs/search", {"experiment_ids": [found["experiment_id"]], "max_results": 1})["runs"][0]


def in_production(server: Server) -> str:
    body = {"name": "wine", "stages": ["Production"]}
    return server.call("/api/2.0/mlflow/registered-models/get-latest-versions", body)["model_versions"][0]["version"]


def check_lineage(server: Server, version: str) -> None:
    """The whole way from the data to the version must be there."""
    graph = server.call(f"/v1/lineage?direction=up&node={urllib.parse.quote(version)}", None)
    kinds = {(edge["from"].split(":")[0], edge["kind"], edge["to"].split(":")[0]) for edge in graph["edges"]}
    missing = {("dataset", "input", "run"), ("run", "output", "model"), ("model", "registered", "version")} - kinds
    if missing:
        raise Failed(f"the lineage of {version} lacks {sorted(missing)}")


def count_points(server: Server) -> list[int]:
    """What ClickHouse holds, asked after the server has written everything it has taken in."""
    columns = "count() AS points, uniqExact(run) AS runs, uniqExact(run, key, rank) AS series"
    text = f"SELECT {columns} FROM points WHERE run != 0"
    return [int(n) for n in server.call("/v1/sql", {"query": text, "format": "json"})["data"][0]]


def show(server: Server, seconds: float) -> None:
    print("\nThe wine runs, best first:\n")
    server.command("runs", "--experiment", "wine", "-o", "metrics.val_accuracy DESC", "-o", "metrics.val_loss ASC")
    print(f"\nThe registry's model wine, of which version {in_production(server)} is in production, asked with SQL:\n")
    server.command("sql", "SELECT name, version, stage, aliases, description FROM registry")
    version = f"version:wine/{in_production(server)}"
    print(f"\nWhat that version came from (streamgauge lineage {version}):\n")
    server.command("lineage", version)
    check_lineage(server, version)
    digits = find_run(server, "digits")
    test = next(m["value"] for m in digits["data"]["metrics"] if m["key"] == "test_accuracy")
    print(f"\nThe averaged loss of the four ranks, whose accuracy on unseen digits is {test:.1%}:\n")
    server.command("metrics", digits["info"]["run_id"], "mean_loss")
    points, runs, series = count_points(server)
    if points < 1_000_000:
        raise Failed(f"only {points:,} points are there, and the trainings log over a million")
    print(f"\n{points:,} points of {runs} runs in {series:,} series went in; the distributed training logged", end=" ")
    print(f"{round(points / seconds):,} a second, its own work included.")


def where_next(server: Server) -> None:
    ports = server.ports
    print(f"""
Where to look next:

  web page    {server.url}
  MLflow      export MLFLOW_TRACKING_URI={server.url}
  NATS        nats://{ports["nats"]}
  ClickHouse  {ports["clickhouse"]} (native), http://{ports["clickhouse_http"]}
  SQL         {PROGRAM} sql --url {server.url} \\
                "SELECT key, count(), min(v), max(v) FROM points WHERE key LIKE '%loss' GROUP BY key"
  runs        {PROGRAM} runs --url {server.url} --experiment wine
  data        {server.data}
""", flush=True)  # fmt: skip


def whole_time(began: float) -> str:
    """How long the demo took, and how long with what `make demo` did before."""
    text = f"- demo: {time.monotonic() - began:.1f} s"
    make_began = os.environ.get("DEMO_BEGAN")
    return f"{text}, {time.time() - float(make_began):.0f} s with all set-up" if make_began else text


def run(server: Server, began: float) -> None:
    train(server, "wine")
    show(server, train(server, "distributed"))
    if folder := os.environ.get("GRAFANA"):
        # The one command of the demo that writes outside its own folder, and only where it was told to.
        server.provision(Path(folder).absolute())
    where_next(server)
    print(whole_time(began), flush=True)
    if sys.stdin.isatty() and sys.stdout.isatty():
        print("The server stays up; Ctrl-C stops it.", flush=True)
        try:
            server.process.wait()
            server.check()
        except KeyboardInterrupt:
            print()
    else:
        stays = "`make build engine` and `bin/streamgauge up` start" if CHECKOUT else "`streamgauge up` starts"
        print(
            f"Without a terminal the demo ends here, and these addresses with it; {stays} a server that stays.",
            flush=True,
        )


def interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    argparse.ArgumentParser(prog="make demo" if CHECKOUT else "streamgauge demo", description=__doc__).parse_args()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, interrupted)  # as Ctrl-C does: the server must not outlive the demo
    folder = Path(tempfile.mkdtemp(prefix="streamgauge-demo-"))
    began, server = time.monotonic(), None
    try:
        server = Server(folder)
        stage(f"streamgauge up, healthy at {server.url}", began)
        run(server, began)
        server.stop()
    except KeyboardInterrupt:
        return stopped(server, folder, "interrupted", 130)
    except (Failed, OSError, subprocess.TimeoutExpired) as error:
        return stopped(server, folder, str(error), 1)
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def stopped(server: Server | None, folder: Path, why: str, status: int) -> int:
    """Ends what still runs and shows the server's last words; the data folder stays for whoever looks into it."""
    if server and server.process.poll() is None:
        os.killpg(server.process.pid, signal.SIGKILL)
    print(f"\ndemo: {why}", file=sys.stderr)
    log = folder / "server.log"
    if log.exists():
        lines = log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        print(f"the server's last lines ({log}):\n  " + "\n  ".join(lines), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
