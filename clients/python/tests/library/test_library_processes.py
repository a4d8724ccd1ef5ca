"""Real processes against a real server: killed, forked, many at once; everything that log took is there, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import streamgauge

from .conftest import SRC, Server, get, python, run_of, sql, stored, sync, wait_for

TALKATIVE = """
import os, streamgauge
run = streamgauge.init(project="killed", finish_seconds=60)
print(run.id, flush=True)
data = {f"layer/{i}": float(i) for i in range(20)}
for step in range(10**9):
    run.log({"loss": float(step)}, step=step)
    if step % 7 == 0:
        run.log(data, step=step)
    os.pwrite(PROGRESS, b"%020d" % step, 0)
"""


def logged(step: int) -> int:
    """Points of the talkative program when step was its last."""
    return step + 1 + 20 * (step // 7 + 1)


@pytest.mark.parametrize("online", [True, False], ids=["sending", "server away"])
def test_fault_01_kill_9_loses_nothing_that_log_took(url: str, tmp_path: Path, online: bool) -> None:
    with (tmp_path / "progress").open("w+b") as progress:
        os.set_inheritable(progress.fileno(), True)
        clean = {**os.environ, "STREAMGAUGE_URL": url if online else "http://127.0.0.1:9", "PYTHONPATH": str(SRC)}
        code = TALKATIVE.replace("PROGRESS", str(progress.fileno()))
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=clean, cwd=tmp_path, pass_fds=[progress.fileno()],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout
        run_id = process.stdout.readline().strip()
        wait_for(lambda: int(os.pread(progress.fileno(), 20, 0) or b"0") > 20_000)
        process.kill()
        process.wait()
        process.stdout.close()
        step = int(os.pread(progress.fileno(), 20, 0))
    sync(tmp_path / "spool", url)
    points, different = stored(url, run_id)
    # The step whose number was not written yet may have been taken, in part or whole.
    assert logged(step) <= points <= logged(step + 1)
    assert points == different
    assert run_of(url, run_id)["info"]["status"] == "RUNNING"


def test_fault_01_a_server_that_is_killed_and_stopped_loses_nothing(server: Server) -> None:
    run = streamgauge.init(project="faults", url=server.url, finish_seconds=120)
    data = {f"k{i}": 1.0 for i in range(10)}
    step = 0

    def work(seconds: float) -> None:
        nonlocal step
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(50):
                run.log({"loss": float(step)}, step=step)
                run.log(data, step=step)
                step += 1
            time.sleep(0.002)

    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        work(1.0)
        server.end(number)
        work(0.5)
        server.start()
    work(0.5)
    assert run.flush(120)
    run.finish()
    assert run.stats()["accepted"] == 11 * step
    assert stored(server.url, run.id) == (11 * step, 11 * step)
    wait_for(lambda: run_of(server.url, run.id)["info"]["status"] == "FINISHED")


ENDINGS = {
    "normal": ("", "FINISHED"),
    "exception": ("raise ValueError('lr')", "FAILED"),
    "exit status": ("import sys; sys.exit(3)", "FAILED"),
    "exit status 0": ("import sys; sys.exit(0)", "FINISHED"),
    # Where a program is started in the background of a script, Ctrl-C is switched off for it.
    "Ctrl-C": (
        "import os, signal; signal.signal(2, signal.default_int_handler)\n"
        "os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(60)",
        "KILLED",
    ),
    "SIGTERM": ("import os, signal; os.kill(os.getpid(), signal.SIGTERM); import time; time.sleep(60)", "KILLED"),
    "exception within with": ("with run: raise ValueError('lr')", "FAILED"),
    "SIGTERM within with": ("with run: import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "KILLED"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_how_a_process_ends_is_the_status(url: str, tmp_path: Path, ending: str) -> None:
    code, status = ENDINGS[ending]
    program = f"""
import streamgauge
run = streamgauge.init(project="ends", finish_seconds=60)
print(run.id, flush=True)
run.log({{"loss": 1.0}}, step=1)
{code}
"""
    out, err = python(program, tmp_path, STREAMGAUGE_URL=url).communicate(timeout=120)
    run_id = out.split()[0]
    sync(tmp_path / "spool", url)  # a busy machine may not have sent it within a killed process's seconds
    assert run_of(url, run_id)["info"]["status"] == status, err
    assert stored(url, run_id) == (1, 1)


def test_forked_children_write_for_themselves(url: str, tmp_path: Path) -> None:
    program = """
import multiprocessing, os, streamgauge
run = streamgauge.init(project="forks", finish_seconds=60)
print(run.id, flush=True)
context = multiprocessing.get_context("fork")

def work(number):
    for step in range(500):
        run.log({f"worker/{number}": float(step)}, step=step)

def idle(number):
    pass

run.log({"loss": 1.0})
children = [context.Process(target=t, args=(n,)) for n in range(3) for t in (work, idle)]
for c in children: c.start()
for step in range(500):
    run.log({"parent": float(step)}, step=step)
for c in children: c.join()
if os.fork() == 0:
    streamgauge.log({"plain": 1.0}, step=1)
    os._exit(0)  # nothing is tidied up: the parent or the next run finds it
os.wait()
run.log({"last": 1.0})
print([c.exitcode for c in children])
"""
    out, err = python(program, tmp_path, STREAMGAUGE_URL=url).communicate(timeout=120)
    run_id, codes = out.splitlines()
    assert codes == "[0, 0, 0, 0, 0, 0]", err
    sync(tmp_path / "spool", url)
    assert stored(url, run_id) == (4 * 500 + 3, 4 * 500 + 3)
    assert run_of(url, run_id)["info"]["status"] == "FINISHED"


LAUNCHER = """
import os, subprocess, sys
code = sys.argv[1]
env = {**os.environ, "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "4", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29501",
       "TORCHELASTIC_RUN_ID": "none"}
for restart in range(2):
    ranks = [subprocess.Popen([sys.executable, "-c", code], env={**env, "RANK": str(r), "LOCAL_RANK": str(r),
             "TORCHELASTIC_RESTART_COUNT": str(restart)}) for r in range(4)]
    print([r.wait() for r in ranks], file=sys.stderr)
"""


def test_ranks_of_a_launch_and_its_restart_write_one_run(url: str, tmp_path: Path) -> None:
    rank = textwrap.dedent("""
        import os, streamgauge
        with streamgauge.init(project="ranks", config={"lr": 0.1}, finish_seconds=60) as run:
            for step in range(200):
                run.log({"loss": float(step), "norm": 1.0}, step=step)
            os.write(1, f"{run.id} {run.attempt}\\n".encode())
    """)
    program = f"import sys; sys.argv[1:] = [{rank!r}]\n" + LAUNCHER
    out, err = python(program, tmp_path, STREAMGAUGE_URL=url).communicate(timeout=240)
    said = [line.split() for line in out.splitlines()]
    assert len(said) == 8, err
    ((run_id,), attempts) = sorted({s[0] for s in said}), sorted({int(s[1]) for s in said})
    assert attempts[1] - attempts[0] == 1
    sync(tmp_path / "spool", url)
    assert stored(url, run_id) == (8 * 400, 8 * 400)
    number = int(run_id[:16], 16)
    rows = sql(url, f"SELECT rank, attempt, count() FROM points WHERE run = {number} GROUP BY 1, 2 ORDER BY 1, 2")
    assert [(int(r), int(a), int(n)) for r, a, n in rows] == [(r, a, 400) for r in range(4) for a in attempts]
    run = run_of(url, run_id)
    assert run["info"]["status"] == "FINISHED"
    assert run["data"]["params"] == [{"key": "lr", "value": "0.1"}]


def test_files_come_to_the_artifacts(url: str, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights" * 1000)
    with streamgauge.init(project="files", url=url, finish_seconds=60) as run:
        run._append_artifact("models/model.bin", tmp_path / "model.bin", "application/octet-stream")
    (file,) = get(url, f"/api/2.0/mlflow/artifacts/list?run_id={run.id}&path=models")["files"]
    assert (file["path"], int(file["file_size"])) == ("models/model.bin", 7000)


def test_resume_asks_the_server(url: str) -> None:
    with streamgauge.init(project="resume", id="first", url=url, finish_seconds=60) as run:
        run.log({"loss": 1.0}, step=1)
    with pytest.raises(ValueError, match=r"has run .* already"):
        streamgauge.init(project="resume", id="first", resume="never", url=url)
    with pytest.raises(ValueError, match="has no run"):
        streamgauge.init(project="resume", id="second", resume="must", url=url)
    with streamgauge.init(project="resume", id="first", resume="must", url=url, finish_seconds=60) as again:
        again.log({"loss": 2.0}, step=2)
        assert again.flush(60)
        wait_for(lambda: run_of(url, run.id)["info"]["status"] == "RUNNING")
    assert again.id == run.id
    wait_for(lambda: run_of(url, run.id)["info"]["status"] == "FINISHED")
    assert stored(url, run.id) == (2, 2)
