"""The program's agent and `sync` with spools of the library: who ships what, and what is left when one is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamgauge
from streamgauge import _agent
from streamgauge._link import Link

from . import wire
from .conftest import ROOT, python, run_of, stored, wait_for
from .fake import Fake, Trouble

BINARY = ROOT / "bin" / "streamgauge"

LOGGING = """
import os, signal, time, streamgauge

def wait():
    while not os.path.exists("go"):
        time.sleep(0.01)

run = streamgauge.init(project="agent", finish_seconds=60, max_spool_bytes="64M")
print(run.id, flush=True)
for step in range(COUNT):
    run.log({"loss": float(step), "acc": 1.0}, step=step)
    if step % 100 == 99:
        END
run.finish()
print(run.stats()["acknowledged"], flush=True)
"""


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are found in /proc")


def agents(folder: Path) -> list[int]:
    """Processes of agents for a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if b"agent" in words and str(folder).encode() in words:
                found.append(int(path.parent.name))
    return found


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Path]:
    """A folder of spools, whose agents are ended."""
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    yield folder
    for pid in agents(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


@pytest.fixture
def agent(spool: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts an agent by hand."""
    started = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [str(BINARY), "agent", "--spool", str(spool), *arguments]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stderr
        assert "agent ships" in process.stderr.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait(status: int, seconds: str) -> Trouble:
    trouble = Trouble(status)
    trouble.headers["Retry-After"] = seconds
    return trouble


def gone(spool: Path) -> bool:
    return not list(spool.glob("*/spool.json"))


def steps(fake: Fake) -> list[int]:
    return sorted(p.step for p in fake.points() if p.key == "loss")


def test_an_agent_ships_a_run_and_ends_it(fake: Fake, spool: Path) -> None:
    run = streamgauge.init(project="agent", url=fake.url, agent=str(BINARY))
    for step in range(5000):
        run.log({"loss": float(step)}, step=step)
    run.log({"text": "a word"}, step=1)
    assert run.flush(30)
    run._append_artifact("deep/file é.txt", b"content", "text/plain")
    run.finish()
    assert run.stats()["acknowledged"] == run.stats()["accepted"] == 5000
    assert steps(fake) == list(range(5000))
    wait_for(lambda: gone(spool))
    assert list(fake.files.values()) == [b"content"]
    assert [f.close for f in fake.frames].count(True) == 1
    # What a run in a new process logs goes with the agent that is there.
    assert len(agents(spool)) == 1
    again = streamgauge.init(project="agent", url=fake.url, agent=str(BINARY))
    again.log({"loss": 1.0})
    again.finish()
    assert len(agents(spool)) == 1


def test_a_killed_agent_is_replaced_without_loss_or_doubles(url: str, tmp_path: Path, spool: Path) -> None:
    # Half of it, and the rest when three agents were killed.
    code = LOGGING.replace("COUNT", "60_000").replace("END", "step == 29_999 and wait()")
    process = python(code, tmp_path, STREAMGAUGE_URL=url, STREAMGAUGE_AGENT=str(BINARY))
    assert process.stdout
    run_id = process.stdout.readline().strip()
    killed: set[int] = set()
    while len(killed) < 3:
        assert process.poll() is None
        for pid in agents(spool):
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        time.sleep(0.02)
    (tmp_path / "go").touch()
    out, errors = process.communicate()
    assert out.strip() == "120000", errors
    assert stored(url, run_id) == (120_000, 120_000)
    wait_for(lambda: run_of(url, run_id)["info"]["status"] == "FINISHED")


def test_what_a_killed_training_logged_is_shipped_by_the_agent(fake: Fake, tmp_path: Path, spool: Path) -> None:
    end = "step == 7_999 and wait() or step > 8000 and os.kill(os.getpid(), signal.SIGKILL)"
    process = python(
        LOGGING.replace("COUNT", "10_000").replace("END", end),
        tmp_path,
        STREAMGAUGE_URL=fake.url,
        STREAMGAUGE_AGENT=str(BINARY),
    )
    # A training that is killed before it has started an agent leaves its spool to the next one.
    wait_for(lambda: agents(spool))
    (tmp_path / "go").touch()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    wait_for(lambda: gone(spool))
    assert steps(fake) == list(range(8100))


def test_a_server_that_asks_to_wait_is_waited_for(fake: Fake, spool: Path) -> None:
    asked: list[float] = []

    def trouble(number: int, frames: list[wire.Frame]) -> Trouble | None:
        asked.append(time.monotonic())
        return wait(429, "2") if number == 1 else None

    fake.trouble = trouble
    run = streamgauge.init(project="agent", url=fake.url, agent=str(BINARY), quiet=True)
    run.log({"loss": 0.0}, step=0)
    run.finish()
    assert asked[1] - asked[0] >= 2.0
    assert steps(fake) == [0]


def test_an_agent_leaves_processes_alone_that_ship_themselves(
    fake: Fake, spool: Path, agent: Callable[..., subprocess.Popen[str]]
) -> None:
    beside = agent("--url", fake.url)
    run = streamgauge.init(project="agent", url=fake.url)
    for step in range(2000):
        run.log({"loss": float(step)}, step=step)
    time.sleep(0.5)  # the agent has looked at the spool by then
    run.finish()
    assert steps(fake) == list(range(2000))
    assert fake.repeats == 0
    beside.terminate()
    assert beside.wait(20) == 0


def test_an_agent_ships_what_is_meant_for_its_server_and_is_online(
    fake: Fake, spool: Path, agent: Callable[..., subprocess.Popen[str]]
) -> None:
    for where, mode in ((fake.url, "offline"), ("http://127.0.0.1:9", "online"), (fake.url, "online")):
        fake.trouble = lambda n, frames: wait(503, "1")
        run = streamgauge.init(project="agent", url=where, mode=mode, finish_seconds=0.1, quiet=True)
        run.log({"loss": float(mode == "online")}, step=len(where))
        run.finish()
    fake.trouble = lambda n, frames: None
    process = agent("--url", fake.url, "--idle", "1s")
    assert process.wait(30) == 0
    assert len(list(spool.glob("*/spool.json"))) == 2
    assert [p.value for p in fake.points() if p.key == "loss"] == [1.0]
    assert agent("--url", fake.url, "--for", "any", "--idle", "1s").wait(30) == 0
    assert len(list(spool.glob("*/spool.json"))) == 1, "an offline run waits for sync"


def test_sigterm_sends_what_is_there(fake: Fake, spool: Path, agent: Callable[..., subprocess.Popen[str]]) -> None:
    process = agent("--url", fake.url)
    run = streamgauge.init(project="agent", url=fake.url, agent=str(BINARY))
    assert run.flush(30)
    fake.trouble = lambda n, frames: Trouble(503) if n < 8 else None
    for step in range(100):
        run.log({"loss": float(step)}, step=step)
    assert run._spool
    run._spool.publish(run._spool.place())
    process.terminate()
    assert process.wait(20) == 0
    assert steps(fake) == list(range(100))
    run.finish()


def test_without_a_program_the_process_ships(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    run = streamgauge.init(project="agent", url=fake.url, agent="1")
    run.log({"loss": 0.0}, step=0)
    run.finish()
    assert steps(fake) == [0]


def test_an_agent_that_does_not_stay_alive_is_not_needed(fake: Fake, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"#!/bin/sh\necho no >&2\nexit 3\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    run = streamgauge.init(project="agent", url=fake.url, agent=str(broken), finish_seconds=30, quiet=True)
    run.log({"loss": 0.0}, step=0)
    wait_for(lambda: steps(fake) == [0])
    run.log({"loss": 1.0}, step=1)
    run.finish()
    assert steps(fake) == [0, 1]


@pytest.mark.parametrize("address", ["nats://127.0.0.1:4222", "kafka://127.0.0.1:9092/sg.points"])
def test_a_bus_without_a_program_is_refused_with_the_remedy(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ValueError, match=r"make wheel.*STREAMGAUGE_AGENT"):
        streamgauge.init(project="agent", url=address)
    with pytest.raises(ValueError, match="switches it off"):
        streamgauge.init(project="agent", url=address, agent="0")
    with pytest.raises(ValueError, match="HTTP"):
        Link(address, None)


@pytest.mark.parametrize("address", ["nats://", "kafka://h:1/a/b", "nats://a/b", "kafka://h:1?lanes=x", "tcp://h:1"])
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(ValueError, match="must be like"):
        streamgauge.init(project="agent", url=address, agent=str(BINARY))


def test_resume_cannot_ask_a_bus() -> None:
    with pytest.raises(ValueError, match="only takes frames"):
        streamgauge.init(url="nats://127.0.0.1:9", resume="must", id="0" * 31 + "1", agent=str(BINARY))


def test_passwords_do_not_stand_in_spools(spool: Path) -> None:
    run = streamgauge.init(url="nats://user:secret@127.0.0.1:9", mode="offline", quiet=True)
    run.finish()
    (about,) = spool.glob("*/spool.json")
    assert "secret" not in about.read_text()
    assert '"nats://127.0.0.1:9"' in about.read_text()


def test_sync_of_the_program_sends_offline_runs_and_files(url: str, spool: Path) -> None:
    runs = []
    for number in range(3):
        with streamgauge.init(project="sync", mode="offline", config={"n": number}, quiet=True) as run:
            for step in range(1000):
                run.log({"loss": float(step)}, step=step)
            run._append_artifact(f"folder/file {number}.txt", b"content", "text/plain")
        runs.append(run.id)
    done = subprocess.run([str(BINARY), "sync", str(spool), "--url", url], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "3 of 3 spools sent" in done.stdout
    assert "3 runs, 6 frames, 3,000 points, 3 files, 0 refused" in done.stdout
    for number, run_id in enumerate(runs):
        assert stored(url, run_id) == (1000, 1000)
        data = run_of(url, run_id)["data"]
        assert [p["value"] for p in data["params"]] == [str(number)]
    again = subprocess.run([str(BINARY), "sync", str(spool), "--url", url], capture_output=True, text=True)
    assert (again.returncode, again.stdout) == (0, f"nothing to send in {spool}\n")


def test_sync_says_what_is_left(spool: Path) -> None:
    with streamgauge.init(project="sync", mode="offline", quiet=True) as run:
        run.log({"loss": 1.0})
    command = [str(BINARY), "sync", str(spool), "--url", "http://127.0.0.1:9", "--wait", "1s"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "takes nothing for 1s" in done.stderr
    assert "refused" in done.stderr
    assert "0 of 1 spools sent" in done.stdout


def test_the_program_is_not_mistaken_for_the_command_of_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = tmp_path / "streamgauge"
    command.write_bytes(b"#!/usr/bin/python3\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(_agent.NoProgram):
        _agent.program("1")
    with pytest.raises(_agent.NoProgram, match="must be 1, 0 or the path"):
        _agent.program(str(tmp_path / "none"))
    assert _agent.program("0") is None
    assert _agent.program(str(BINARY)) == BINARY
