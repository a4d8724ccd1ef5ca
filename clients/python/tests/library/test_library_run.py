"""A run as a training sees it: what it takes, what it makes of odd input, and that nothing is raised."""

from __future__ import annotations

import errno
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamgauge
from streamgauge import Run, _spool
from streamgauge._frame import Head
from streamgauge._names import name_of

from . import wire
from .conftest import python, sync, wait_for
from .fake import Fake


@pytest.fixture
def run(fake: Fake) -> Iterator[Run]:
    with streamgauge.init(project="tests", url=fake.url, finish_seconds=20) as one:
        yield one


def arrived(run: Run, fake: Fake) -> list[wire.Point]:
    assert run.flush(20)
    return sorted(fake.points(), key=lambda p: (p.step, p.key))


def events(fake: Fake, kind: int) -> list[wire.Fields]:
    """The contents of all run events of a kind, by its field in RunEvent."""
    said = [wire.fields(e) for f in fake.frames for s in f.sections for e in s.events]
    return [wire.fields(content) for e in said for content in wire.many(e, kind)]


def entries(contents: list[wire.Fields], field: int = 1) -> dict[str, str]:
    pairs = [wire.fields(m) for c in contents for m in wire.many(c, field)]
    return {wire.text(p, 1): wire.text(p, 2) for p in pairs}


def test_numbers_of_all_kinds_are_points(run: Run, fake: Fake) -> None:
    numpy = pytest.importorskip("numpy")
    run.log({"a": 1, "b": True, "c": numpy.float32(0.5), "d": numpy.int64(7), "e": numpy.array(2.5), "f": 10**400})
    got = {p.key: p.value for p in arrived(run, fake)}
    assert got == {"a": 1.0, "b": 1.0, "c": 0.5, "d": 7.0, "e": 2.5, "f": math.inf}


def test_what_is_not_finite_is_kept(run: Run, fake: Fake) -> None:
    run.log({"a": math.nan, "b": math.inf, "c": -math.inf})
    a, b, c = (p.value for p in arrived(run, fake))
    assert math.isnan(a)
    assert (b, c) == (math.inf, -math.inf)


def test_nested_entries_get_names_with_points(run: Run, fake: Fake) -> None:
    run.log({"train": {"loss": 1.0, "acc": {"top1": 2.0}}, 5: 3.0})
    assert {p.key for p in arrived(run, fake)} == {"train.loss", "train.acc.top1", "5"}


def test_steps_count_up_jump_and_go_back(run: Run, fake: Fake) -> None:
    numpy = pytest.importorskip("numpy")
    for step in (None, None, 10, None, 3, None, 12.0, numpy.int64(20), None):
        run.log({"x": 1.0}, step=step)
    run.log({"x": 1.0}, commit=False)
    run.log({"y": 1.0})
    assert Counter(p.step for p in arrived(run, fake)) == Counter([0, 1, 10, 10, 3, 11, 12, 20, 20, 21, 21])
    assert run.step == 22


@pytest.mark.parametrize("step", ["three", 1.5, 2**63, math.nan, object()])
def test_a_step_that_cannot_be_is_the_next_one(run: Run, fake: Fake, step: Any) -> None:
    run.log({"x": 1.0}, step=5)
    run.log({"x": 2.0}, step=step)
    assert [(p.step, p.value) for p in arrived(run, fake)] == [(5, 1.0), (5, 2.0)]
    assert run.stats()["bad_steps"] == 1


def test_bad_input_raises_nothing_and_is_counted(run: Run, fake: Fake, caplog: pytest.LogCaptureFixture) -> None:
    class Angry:
        def __float__(self) -> float:
            raise RuntimeError("no")

    for _ in range(3):
        run.log({"none": None, "object": object(), "angry": Angry(), "": 1.0, "k" * 251: 2.0, "ok": 3.0})
        run.log("text")
        run.log(None)
    assert {p.key for p in arrived(run, fake)} == {"ok"}
    stats = run.stats()
    assert (stats["accepted"], stats["bad_values"], stats["bad_keys"]) == (3, 15, 6)
    warned = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert len(warned) == len(set(warned)) == 6, warned


def test_a_text_is_a_small_value(run: Run, fake: Fake) -> None:
    run.log({"note": "hi", "loss": 1.0}, step=4)
    arrived(run, fake)
    (value,) = (wire.fields(v) for f in fake.frames for s in f.sections for v in s.values)
    assert (wire.text(value, 1), wire.one(value, 2), wire.text(value, 4)) == ("note", 4, "hi")


def test_a_run_tells_where_it_belongs(fake: Fake) -> None:
    tags = {"team": "x"}
    with streamgauge.init("llm", "7b", "sweep 1", "train", tags, "hello", url=fake.url, config={"lr": 0.1}) as run:
        pass
    (started,) = events(fake, 2)
    assert (wire.text(started, 1), wire.text(started, 3), wire.one(started, 6)) == ("llm", "7b", 1)
    told = entries([started], 5)
    assert told["team"] == "x"
    assert told["streamgauge.group"] == "sweep 1"
    assert told["streamgauge.job_type"] == "train"
    assert told["mlflow.note.content"] == "hello"
    (state,) = events(fake, 6)
    assert wire.one(state, 1) == 3
    assert {s.run_id for f in fake.frames for s in f.sections} == {run.id}
    assert fake.frames[-1].close


def test_a_run_without_a_name_has_the_servers(fake: Fake) -> None:
    with streamgauge.init(url=fake.url, id="0123456789abcdef0123456789abcdef") as run:
        assert run.name == name_of(run.id) == "spiffy-gnat-785"  # registry/decide's RandomName says so too
    (started,) = events(fake, 2)
    assert (wire.text(started, 1), wire.text(started, 2)) == ("", "0")


def test_config_becomes_params(run: Run, fake: Fake, caplog: pytest.LogCaptureFixture) -> None:
    run.config.update({"model": {"depth": 12, "heads": [1, 2]}, "lr": 3e-4, "what?": None})
    run.config.batch = 32
    run.config.update(SimpleNamespace(seed=1))
    run.config["lr"] = 1.0
    assert run.config.lr == 1.0
    arrived(run, fake)
    assert entries(events(fake, 3)) == {
        "model.depth": "12", "model.heads": "[1, 2]", "lr": "0.0003", "what_": "None", "batch": "32", "seed": "1",
    }  # fmt: skip
    assert "config lr was '0.0003'" in caplog.text


def test_the_summary_has_metrics_and_tags(run: Run, fake: Fake) -> None:
    run.log({"loss": 1.0}, step=9)
    run.summary["best"] = 0.5
    run.summary["note"] = "good"
    run.define_metric("val/*", step_metric="epoch")
    assert dict(run.summary) == {"best": 0.5, "note": "good"}
    assert {p.key for p in arrived(run, fake)} == {"loss", "best"}
    assert entries(events(fake, 4)) == {"streamgauge.summary.note": "good", "streamgauge.axis.val/:": "epoch"}


def test_a_fork_names_its_parent_and_goes_on(run: Run, fake: Fake) -> None:
    run.log({"loss": 1.0}, step=100)
    child = streamgauge.fork(run, 50, name="child", tags=["again"], url=fake.url, reinit="create_new")
    child.log({"loss": 2.0})
    child.finish()
    told = entries(events(fake, 2), 5)
    assert (told["streamgauge.fork.parent"], told["streamgauge.fork.step"], told["again"]) == (run.id, "50", "")
    assert [p.step for p in arrived(run, fake) if p.value == 2.0] == [51]


def test_the_module_speaks_for_the_last_run(fake: Fake, caplog: pytest.LogCaptureFixture) -> None:
    streamgauge.log({"lost": 1.0})
    streamgauge.log({"lost": 1.0})
    assert caplog.text.count("call streamgauge.init first") == 1
    first = streamgauge.init(url=fake.url)
    streamgauge.log({"a": 1.0}, step=3)
    streamgauge.config["lr"] = 1
    streamgauge.summary["best"] = 2
    second = streamgauge.init(url=fake.url)
    assert first.finished
    assert streamgauge.run is second
    assert streamgauge.init(url=fake.url, reinit="return_previous") is second
    streamgauge.finish()
    assert second.finished
    assert {p.key for p in fake.points()} == {"a", "best"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [({"mode": "on"}, "mode"), ({"url": "ftp://x"}, "http"), ({"resume": "maybe"}, "resume"),
     ({"max_spool_bytes": "tiny"}, "max_spool_bytes"), ({"finish_seconds": -1}, "seconds")],
)  # fmt: skip
def test_init_names_a_wrong_argument(arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        streamgauge.init(**arguments)
    with pytest.raises(TypeError, match="projekt"):
        streamgauge.init(projekt="x")


def test_a_finished_run_takes_nothing_and_says_so(fake: Fake, caplog: pytest.LogCaptureFixture) -> None:
    run = streamgauge.init(url=fake.url)
    run.finish()
    run.finish()
    for _ in range(3):
        run.log({"late": 1.0})
    assert run.stats()["refused"] == 3
    assert caplog.text.count("the run is finished") == 1


def test_disabled_does_nothing(tmp_path: Path) -> None:
    with streamgauge.init(mode="disabled", config={"a": 1}) as run:
        run.log({"a": 1.0, "b": object()})
        run.log({"a": 1.0}, commit=False)
        run.summary["x"] = 1
        assert not run.flush(0)
    assert not (tmp_path / "spool").exists()


def test_many_threads_lose_nothing(run: Run, fake: Fake) -> None:
    def work(number: int) -> None:
        for step in range(2000):
            run.log({f"thread/{number}": float(step), "all": 1.0}, step=step)
            if step % 100 == 0:
                run.log({f"fresh/{number}/{step}": 1.0}, step=step)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    points = arrived(run, fake)
    assert len(points) == 4 * (2 * 2000 + 20) == run.stats()["accepted"]
    for n in range(4):
        mine = [p.step for p in points if p.key == f"thread/{n}"]
        assert mine == [int(p.value) for p in points if p.key == f"thread/{n}"] == list(range(2000))


def test_a_value_that_logs_while_it_is_logged_does_not_hang(run: Run, fake: Fake) -> None:
    class Talking:
        def __float__(self) -> float:
            run.log({"inner": 2.0}, step=8)
            return 1.0

    run.log({"outer": 0.0}, step=6)
    run.log({"outer": Talking()}, step=7)
    assert {(p.key, p.step, p.value) for p in arrived(run, fake)} >= {("outer", 7, 1.0), ("inner", 8, 2.0)}


def test_signal_handlers_log_in_the_midst_of_a_log(run: Run, fake: Fake) -> None:
    ticks = 0

    def tick(number: int, frame: object) -> None:
        nonlocal ticks
        ticks += 1
        run.log({"tick": 1.0}, step=ticks)  # a handler may itself be interrupted by the next

    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    try:
        steps = 0
        while ticks < 500:
            run.log({"loss": float(steps)}, step=steps)
            steps += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    run.flush(20)  # what had to wait is written by the shipper meanwhile
    points = arrived(run, fake)
    assert Counter(p.key for p in points) == {"loss": steps, "tick": ticks}
    assert len(set(points)) == steps + ticks


def test_a_signal_handler_may_finish_the_run(tmp_path: Path, fake: Fake) -> None:
    program = """
import signal, sys, streamgauge
run = streamgauge.init()

def leave(number, frame):
    run.log({"handler": 1.0})
    streamgauge.finish()
    sys.exit(0)

signal.signal(signal.SIGALRM, leave)
signal.setitimer(signal.ITIMER_REAL, 0.3)
while True:
    run.log({"loss": 1.0})
"""
    for _ in range(3):
        _, err = python(program, tmp_path, STREAMGAUGE_URL=fake.url).communicate(timeout=60)
        assert "points sent" in err, err
    assert Counter(p.key for p in fake.points())["handler"] == 3
    assert [wire.one(e, 1) for e in events(fake, 6)] == [3, 3, 3]


def test_the_end_waits_for_what_looks_around(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(run: Run, settings: object) -> None:
        time.sleep(0.3)
        run._set_tags({"git": "abc"})

    monkeypatch.setitem(sys.modules, "streamgauge._source", SimpleNamespace(start=start))
    with streamgauge.init(url=fake.url, source=True):
        pass
    assert entries(events(fake, 4)) == {"git": "abc"}


def test_a_hook_that_fails_is_off(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def start(run: Run, *_: object) -> None:
        raise RuntimeError("no such thing here")

    for name in ("_system", "_console"):
        monkeypatch.setitem(sys.modules, f"streamgauge.{name}", SimpleNamespace(start=start))
    with streamgauge.init(url=fake.url, system=True, console=True) as run:
        run.log({"loss": 1.0})
    assert [p.key for p in fake.points()] == ["loss"]
    assert "system is off: RuntimeError: no such thing here" in caplog.text


def test_fault_07_a_full_spool_refuses_points_and_keeps_the_end(
    tmp_path: Path, fake: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    run = streamgauge.init(mode="offline", max_spool_bytes="1M")
    data = {f"k{i}": float(i) for i in range(100)}
    for step in range(3000):
        run.log(data, step=step)
        if step % 100 == 0:
            wait_for(lambda: run._spool is not None and (run._spool.full or run._spool._next is not None))
    stats = run.stats()
    assert stats["refused"] > 0
    assert stats["accepted"] + stats["refused"] == 300_000
    assert caplog.text.count("STREAMGAUGE_MAX_SPOOL_BYTES") == 1
    assert sum(p.stat().st_size for p in run.dir.glob("*.seg")) <= 1 << 20
    run.finish()
    sync(run.dir, fake.url)
    assert len(fake.points()) == stats["accepted"]
    assert [wire.one(e, 1) for e in events(fake, 6)] == [3]


def test_fault_07_room_that_comes_back_is_used(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    real = _spool.allocate
    broken = threading.Event()

    def allocate(descriptor: int, size: int) -> None:
        if broken.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor, size)

    monkeypatch.setattr(_spool, "allocate", allocate)
    run = streamgauge.init(url=fake.url)
    assert run._spool
    spool = run._spool
    wait_for(lambda: spool._next is not None)
    broken.set()
    data = {f"k{i}": float(i) for i in range(1000)}
    for step in range(1000):
        run.log(data, step=step)
    refused = run.stats()["refused"]
    assert refused > 0
    assert "No space left" in spool.full
    broken.clear()
    wait_for(lambda: spool._next is not None)
    run.log(data, step=5000)
    stats = run.stats()
    run.finish()
    assert stats["refused"] == refused
    assert len(fake.points()) == stats["accepted"]
    assert max(p.step for p in fake.points()) == 5000


def test_fault_07_a_full_disk_does_not_end_the_training(tmp_path: Path, fake: Fake) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "streamgauge-test", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a file system of its own is needed, and only root can mount one")
    try:
        run = streamgauge.init(url=fake.url, dir=disk / "spool")
        assert run._spool
        spool = run._spool
        wait_for(lambda: spool._next is not None)
        fill(disk / "full")
        data = {f"k{i}": float(i) for i in range(1000)}
        for step in range(3000):
            run.log(data, step=step)
            if run.stats()["refused"] > 0:
                break
        refused = run.stats()["refused"]
        assert refused > 0
        assert "left" in spool.full
        (disk / "full").unlink()
        wait_for(lambda: spool._next is not None)
        run.log(data, step=5000)
        stats = run.stats()
        run.finish()
        points = [(p.key, p.step) for p in fake.points()]
        assert stats["refused"] == refused
        assert len(points) == len(set(points)) == stats["accepted"]
        assert ("k0", 5000) in points
        print(f"acknowledged {len(points)}, lost 0, doubled 0")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(path: Path) -> None:
    """Takes all space that is left."""
    size = 1 << 20
    with path.open("wb", buffering=0) as f:
        while size:
            try:
                f.write(bytes(size))
            except OSError:
                size //= 2


def test_init_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        streamgauge.init(dir=tmp_path / "file" / "below")


@pytest.mark.parametrize("broken", ["allocate", "Thread"])
def test_fault_07_a_spool_that_cannot_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_spool if broken == "allocate" else threading, broken, fails)
    before = len(os.listdir("/proc/self/fd"))
    for n in range(3):
        with pytest.raises(OSError, match="No space"):
            _spool.Spool(tmp_path / str(n), Head(1, "ab" * 16, 0, 1), {}, 1 << 30)
    assert len(os.listdir("/proc/self/fd")) == before, "a training that tries again runs out of files"
    assert list(tmp_path.iterdir()) == []


def test_fault_07_a_run_whose_shipper_cannot_start_leaves_nothing(
    tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("streamgauge._courier.Ledger", fails)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(OSError, match="Too many"):
            streamgauge.init(url=fake.url, dir=tmp_path / "spools")
    assert len(os.listdir("/proc/self/fd")) == before
    assert list((tmp_path / "spools").iterdir()) == []


def test_a_segment_that_is_deleted_meanwhile_is_no_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = _spool.Spool(tmp_path / "one", Head(1, "ab" * 16, 0, 1), {}, 1 << 30)
    real = os.scandir

    class Gone:
        name = "000001.seg"

        def stat(self) -> None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr(os, "scandir", lambda path: [Gone(), *real(path)])
    try:
        assert spool._why_full(1 << 20) == ""
    finally:
        spool.leave()


def test_a_sealed_spool_ends_its_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where seal comes between the thread's look and its clear."""
    spool = _spool.Spool(tmp_path / "one", Head(1, "ab" * 16, 0, 1), {}, 1 << 30)
    real, wake = spool._wake.clear, spool._wake

    def clear() -> None:
        if not spool.closed:
            spool.seal()
        real()

    monkeypatch.setattr(wake, "clear", clear)
    wake.set()
    spool._keeper.join(20)
    assert not spool._keeper.is_alive()
    spool.leave()
