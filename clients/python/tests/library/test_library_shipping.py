"""What happens between a spool and a server that does not always answer: every point arrives, once."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
import streamgauge
from streamgauge._courier import Courier, Held, remove
from streamgauge._frame import Head
from streamgauge._ledger import CUTS_MAX, Cut, Ledger
from streamgauge._link import Link
from streamgauge._segment import Unreadable
from streamgauge._shipper import Orphans, ship_folder
from streamgauge._spool import Spool
from streamgauge._upload import Outbox

from . import wire
from .conftest import sync, wait_for
from .fake import Fake, Trouble

HEAD = Head(77, "ab" * 16, 0, 1)


def spool(folder: Path) -> Spool:
    about = {"run_id": HEAD.run_id, "mode": "online"}
    one = Spool(folder / "spools" / "one", HEAD, about, 1 << 30)
    one.put(("start",), [0.0], 0, 0)
    return one


def test_fault_03_every_point_arrives_once_through_random_troubles(tmp_path: Path, fake: Fake) -> None:
    draw = random.Random(4)

    def trouble(n: int, frames: list[wire.Frame]) -> Trouble | None:
        taken = draw.randrange(len(frames) + 1)
        kind = draw.randrange(4)
        if kind == 0:
            return Trouble(0, taken)  # taken, but nobody hears of it
        if kind == 1:
            return Trouble(draw.choice([429, 503]), taken, Retry_After="0")
        return None

    fake.trouble = trouble
    one = spool(tmp_path)
    courier = Courier(one.folder, Link(fake.url, None), one.committed)
    logged = 1
    for i in range(150):
        for j in range(draw.randrange(40)):
            keys = tuple(f"k{k}" for k in range(draw.choice([1, 2, 12])))
            one.put(keys, [float(i)] * len(keys), i * 100 + j, i)
            logged += len(keys)
        if draw.random() < 0.1:  # the process dies, another goes on
            courier.close()
            courier = Courier(one.folder, Link(fake.url, None), one.committed)
        try:
            courier.ship()
        except Held:
            continue
    one.seal()
    courier.close()
    one.leave()
    while one.folder.exists():
        try:
            ship_folder(one.folder, Link(fake.url, None))
        except Held:
            continue
    points = fake.points()
    assert fake.repeats > 10
    assert len(points) == logged
    assert len(set(points)) == logged
    assert sorted(f.number for f in fake.frames) == list(range(1, len(fake.frames) + 1))
    assert max(fake.frames, key=lambda f: f.number).close


def test_a_frame_that_was_sent_is_sent_again_as_it_was(tmp_path: Path, fake: Fake) -> None:
    fake.trouble = lambda n, frames: Trouble(0, len(frames)) if n == 1 else None
    one = spool(tmp_path)
    first = Courier(one.folder, Link(fake.url, None), one.committed)
    with pytest.raises(Held, match="does not answer"):
        first.ship()
    first.close()
    one.put(("start",), [1.0], 1, 1)
    second = Courier(one.folder, Link(fake.url, None), one.committed)
    second.drain()
    assert fake.repeats == 1
    assert [(p.step, p.value) for p in fake.points()] == [(0, 0.0), (1, 1.0)]
    second.close()
    one.leave()


def test_segments_are_deleted_when_they_are_acknowledged(tmp_path: Path, fake: Fake) -> None:
    one = spool(tmp_path)
    courier = Courier(one.folder, Link(fake.url, None), one.committed)
    keys = tuple(f"k{i}" for i in range(1000))
    sent = 1
    for step in range(800):
        wait_for(lambda: not one.full and one._next is not None)
        one.put(keys, [1.0] * 1000, step, 1)
        sent += 1000
    assert one.place()[0] > 2
    courier.drain()
    left = sorted(p.name for p in one.folder.glob("*.seg"))
    assert left[0] == f"{one.place()[0]:06d}.seg"
    assert len(fake.points()) == sent
    courier.close()
    one.leave()


@pytest.mark.parametrize(
    ("status", "word"), [(401, "token"), (403, "token"), (404, "takes no frames"), (500, "answers 500")]
)
def test_frames_that_are_not_taken_are_kept(tmp_path: Path, fake: Fake, status: int, word: str) -> None:
    fake.trouble = lambda n, frames: Trouble(status)
    one = spool(tmp_path)
    courier = Courier(one.folder, Link(fake.url, None), one.committed)
    with pytest.raises(Held, match=word):
        courier.ship()
    fake.trouble = lambda n, frames: None
    courier.drain()
    assert len(fake.points()) == 1
    courier.close()
    one.leave()


def test_retry_after_is_kept(tmp_path: Path, fake: Fake) -> None:
    fake.trouble = lambda n, frames: Trouble(429, Retry_After="7")
    one = spool(tmp_path)
    courier = Courier(one.folder, Link(fake.url, None), one.committed)
    with pytest.raises(Held) as held:
        courier.ship()
    assert held.value.seconds == 7
    courier.close()
    one.leave()


def test_a_frame_called_malformed_is_set_aside_and_the_rest_arrives(tmp_path: Path, fake: Fake) -> None:
    said = {"error_code": "INVALID_PARAMETER_VALUE", "message": "keys[0] is bad", "offset": 0}
    fake.trouble = lambda n, frames: Trouble(400, 0, said) if n == 1 else None
    one = spool(tmp_path)
    courier = Courier(one.folder, Link(fake.url, None), one.committed)
    courier.ship()
    assert "keys[0] is bad" in courier.news[0]
    (kept,) = (tmp_path / "spools" / "rejected").glob("*.frame")
    assert wire.frame(kept.read_bytes()).number == 1
    one.put(("later",), [2.0], 2, 2)
    courier.drain()
    assert [p.key for p in fake.points()] == ["later"]
    assert (courier.counts.points, courier.counts.rejected) == (1, 1)
    courier.close()
    one.leave()


def test_what_the_server_warns_of_is_told_once(fake: Fake, caplog: pytest.LogCaptureFixture) -> None:
    said = {"warnings": [{"frame": 0, "run_id": HEAD.run_id, "message": "the run is deleted"}]}
    fake.trouble = lambda n, frames: Trouble(200, len(frames), said)
    with streamgauge.init(url=fake.url) as run:
        for _ in range(3):
            run.log({"loss": 1.0})
            assert run.flush(20)
    assert caplog.text.count("the run is deleted") == 1
    assert len(fake.points()) == 3


def test_a_ledger_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    cuts = [Cut(n, 1 + n // 100, 0, 128 + 8 * n, n) for n in range(1, 1001)]
    for start in range(0, 1000, 50):
        ledger.cut(cuts[start : start + 50])
        ledger.acknowledge(30 if start else 50)
        assert len(ledger.cuts) <= CUTS_MAX
        if len(ledger.cuts) > 150:
            ledger.acknowledge(150)
    ledger.close()
    again = Ledger(path)
    assert (again.acknowledged, again.cuts) == (ledger.acknowledged, ledger.cuts)
    assert again.last == cuts[-1]
    again.close()


def test_a_torn_cut_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    ledger.cut([Cut(1, 1, 0, 200, 1), Cut(2, 1, 0, 300, 1)])
    ledger.close()
    content = bytearray(path.read_bytes())
    content[64 * 3 + 64 * 2 + 20] ^= 1
    path.write_bytes(content)
    again = Ledger(path)
    assert [c.number for c in again.cuts] == [1]
    again.close()
    path.write_bytes(b"what?" + bytes(len(content)))
    with pytest.raises(Unreadable, match="ledger"):
        Ledger(path)


def test_a_run_goes_on_without_a_server_and_says_so_once(
    tmp_path: Path, fake: Fake, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMGAUGE_TOKEN", "secret")
    fake.trouble = lambda n, frames: Trouble(503, Retry_After="0")
    run = streamgauge.init(project="p", url=fake.url)
    for step in range(100):
        run.log({"loss": 1.0}, step=step)
    assert not run.flush(0.5)
    assert run.stats()["retries"] > 1
    fake.trouble = lambda n, frames: None
    assert run.flush(20)
    run.finish()
    assert len([r for r in caplog.records if "answers 503" in r.message]) == 1
    assert len([r for r in caplog.records if "takes frames again" in r.message]) == 1
    assert sorted(p.step for p in fake.points()) == list(range(100))
    assert fake.tokens == {"Bearer secret"}
    assert not run.dir.exists(), "an acknowledged spool is deleted"


def test_what_a_run_could_not_send_goes_with_the_next_one(tmp_path: Path, fake: Fake) -> None:
    fake.trouble = lambda n, frames: Trouble(503)
    run = streamgauge.init(project="p", url=fake.url, finish_seconds=0.1)
    run.log({"loss": 1.0}, step=1)
    run.finish()
    assert run.dir.exists()
    fake.trouble = lambda n, frames: None
    with streamgauge.init(project="p", url=fake.url) as following:
        wait_for(lambda: not run.dir.exists(), 30)
        assert following.id != run.id
    assert [p.key for p in fake.points()] == ["loss"]


def test_offline_is_sent_by_sync_only(tmp_path: Path, fake: Fake) -> None:
    with streamgauge.init(project="p", mode="offline", url=fake.url) as run:
        for step in range(1000):
            run.log({"loss": float(step)})
        run._append_artifact("notes/a.txt", b"hello", "text/plain")
    with streamgauge.init(project="p", url=fake.url):
        pass
    assert run.dir.exists()
    assert "1,000 points" in sync(run.dir, fake.url)
    assert not run.dir.exists()
    assert sorted(p.step for p in fake.points()) == list(range(1000))
    assert fake.files == {"/api/2.0/mlflow-artifacts/artifacts/1/r/artifacts/notes/a.txt": b"hello"}


def test_files_are_sent_beside_the_points(tmp_path: Path, fake: Fake) -> None:
    (tmp_path / "big.bin").write_bytes(b"0123456789" * 100_000)
    with streamgauge.init(project="p", url=fake.url) as run:
        artifact = run._append_artifact("big.bin", tmp_path / "big.bin", "application/octet-stream")
    assert artifact.size_bytes == 1_000_000
    assert [len(c) for c in fake.files.values()] == [1_000_000]
    assert not run.dir.exists()


def test_files_are_sent_though_the_points_are_there_before_them(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    send = Outbox.send

    def late(self: Outbox, link: Any, run_id: str) -> bool:
        time.sleep(0.3)  # meanwhile the last frame is acknowledged
        return send(self, link, run_id)

    monkeypatch.setattr(Outbox, "send", late)
    with streamgauge.init(project="p", url=fake.url) as run:
        for i in range(4):
            run._append_artifact(f"{i}.txt", b"text", "text/plain")
    assert len(fake.files) == 4
    assert not run.dir.exists()


def test_a_silent_run_has_a_pulse(tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamgauge._shipper.HEARTBEAT_SECONDS", 0.2)
    with streamgauge.init(project="p", url=fake.url):
        begin = time.monotonic()
        wait_for(lambda: sum(b"\x3a\x00" in e for f in fake.frames for s in f.sections for e in s.events) >= 2, 20)
        assert time.monotonic() - begin >= 0.2


def test_what_is_acknowledged_is_on_disk_before_a_segment_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.cut([Cut(1, 1, 0, 500, 1), Cut(2, 1, 0, 900, 1), Cut(3, 2, 0, 400, 1)])
    synced: list[Cut] = []
    monkeypatch.setattr(
        "os.fdatasync", lambda _: synced.append(Ledger(tmp_path / "ledger").acknowledged), raising=False
    )
    ledger.acknowledge(1)
    assert synced == []
    ledger.acknowledge(2)
    assert [cut.number for cut in synced] == [3]
    ledger.close()


def test_fault_01_a_kill_while_a_spool_is_deleted_doubles_nothing(
    tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.unlink
    for kill_at in range(8):
        one = spool(tmp_path / str(kill_at))
        Outbox(one.folder).put("a.txt", b"a", "text/plain")
        courier = Courier(one.folder, Link(fake.url, None))
        courier.drain(close=True)
        courier.close()
        one.leave()
        left = [kill_at]

        def unlink(path: Any, *more: Any, left: list[int] = left, **named: Any) -> None:
            if not left[0]:
                raise PermissionError("killed here")
            left[0] -= 1
            real(path, *more, **named)

        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", unlink)
            remove(one.folder)
        names = {p.name for p in one.folder.iterdir()} if one.folder.exists() else set()
        assert "000001.seg" not in names or "ledger" in names, "segments without a ledger are sent as if they were new"
        assert not names or "spool.json" in names, "what has no spool.json is never found again"


def test_one_spool_that_is_held_up_keeps_no_other_back(
    tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamgauge._shipper._ORPHANS_SECONDS", 0.05)
    left = []
    for writer in (1, 2):
        about = {"run_id": HEAD.run_id, "mode": "online", "url": fake.url}
        one = Spool(tmp_path / "root" / str(writer), HEAD._replace(writer=writer), about, 1 << 30)
        one.put(("x",), [1.0], 0, 0)
        one.leave()
        left.append(one.folder)
    fake.trouble = lambda n, frames: Trouble(503, Retry_After="0") if frames[0].writer == 1 else None
    with pytest.raises(Held):
        ship_folder(left[0], Link(fake.url, None))  # an earlier try: from now on no file is made in it
    os.utime(left[0], (1, 1))  # the oldest comes first
    orphans = Orphans(tmp_path / "root", lambda: Link(fake.url, None))
    try:
        wait_for(lambda: not left[1].exists(), 10)
    finally:
        orphans.stop()
    assert left[0].exists()


def test_nobody_waits_for_a_shipper_that_cannot_go_on(fake: Fake) -> None:
    run = streamgauge.init(project="p", url=fake.url, token="no\nheader", finish_seconds=0.1)
    run.log({"loss": 1.0})
    assert run._shipper
    assert not run._shipper.wait(None)
    assert "cannot ship" in run._shipper.last_trouble
    run.finish()
    assert run.dir.exists()


def test_a_token_out_of_a_file_may_end_with_a_newline(fake: Fake) -> None:
    with streamgauge.init(project="p", url=fake.url, token="secret\n") as run:
        run.log({"loss": 1.0})
    assert fake.tokens == {"Bearer secret"}


def test_a_file_that_cannot_be_copied_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    outbox = Outbox(tmp_path / "spool")
    with pytest.raises(OSError, match="not there"):
        outbox.put("a.bin", tmp_path / "not there", "application/octet-stream")
    assert list((tmp_path / "spool" / "artifacts").iterdir()) == []
