"""From records to frames: nothing is changed, doubled or torn, and a frame made again is the same frame."""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path

import pytest
from streamgauge import _frame, _segment
from streamgauge._frame import Head, Histogram, SmallValue, Text
from streamgauge._reader import Reader
from streamgauge._segment import HEADER_BYTES, Unreadable
from streamgauge._spool import Spool, segment_name

from . import wire

HEAD = Head(77, "ab" * 16, 3, 1234)
VALUES = [0.0, -0.0, 1.5, math.nan, math.inf, -math.inf, 5e-324, 1.7e308]


def spool(folder: Path, bytes_max: int = 64 << 20) -> Spool:
    return Spool(folder / "spool", HEAD, {}, bytes_max)


def frames(one: Spool) -> list[wire.Frame]:
    """All that is in a spool, cut as often as frames are full."""
    out: list[wire.Frame] = []
    segment, at = 1, HEADER_BYTES
    reader = Reader(one.folder / segment_name(segment))
    while True:
        contents = reader.encode(at, one.committed(segment))
        again = reader.encode(at, contents.end)
        assert again.sections == contents.sections, "the same records made another frame"
        if contents.sections:
            encoded = _frame.frame(HEAD, len(out) + 1, contents.sections)
            assert len(encoded) <= _frame.FRAME_BYTES_MAX
            out.append(wire.frame(encoded))
            assert len(out[-1].points()) == contents.points
            at = contents.end
        if contents.ended:
            reader.close()
            segment, at = segment + 1, HEADER_BYTES
            reader = Reader(one.folder / segment_name(segment))
        elif not contents.sections:
            reader.close()
            return out


def points(read: list[wire.Frame]) -> list[tuple[str, int, int, bytes]]:
    return sorted((p.key, p.step, p.time_ms, struct.pack("<d", p.value)) for f in read for p in f.points())


@pytest.mark.parametrize("seed", range(20))
def test_random_logs_arrive_as_they_were(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    one = spool(tmp_path)
    names = [f"k{i}" for i in range(40)] + ["ü/" + "x" * 200, "a b"]
    sets = [tuple(dict.fromkeys(draw.choices(names, k=draw.choice([1, 1, 2, 3, 4, 30])))) for _ in range(12)]
    want = []
    for i in range(draw.choice([10, 3000])):
        keys = sets[0] if draw.random() < 0.6 else draw.choice(sets)
        step = draw.choice([i, -i, 2**63 - 1, -(2**63)])
        values = [draw.choice(VALUES) for _ in keys]
        one.put(keys, values, step, 1_700_000_000_000 + i // 7)
        want += [
            (k, step, 1_700_000_000_000 + i // 7, struct.pack("<d", v)) for k, v in zip(keys, values, strict=False)
        ]
    assert points(frames(one)) == sorted(want)
    one.leave()


def test_all_kinds_of_content_arrive(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.put_section(_frame.section_events([_frame.heartbeat(5), _frame.params(6, {"a": "b"})]), 2)
    one.put_section(_frame.section_values([_frame.small_value(SmallValue("text", -1, 9, Text("hällo")))]), 0)
    one.put_section(_frame.section_values([_frame.small_value(SmallValue("h", 2, 9, Histogram([0, 1], [7])))]), 0)
    one.put_section(_frame.section_console([_frame.console_line(_frame.ConsoleLine(4, 2, 1, "x" * 20_000))]), 0)
    one.put(("loss",), [0.5], 1, 2)
    (frame,) = frames(one)
    assert (frame.version, frame.writer, frame.number, frame.close) == (1, 77, 1, False)
    said, logged = frame.sections
    assert {(s.run_id, s.rank, s.attempt) for s in frame.sections} == {("ab" * 16, 3, 1234)}
    assert len(said.events) == 2
    assert wire.text(wire.fields(said.values[0]), 4) == "hällo"
    assert wire.one(wire.fields(said.values[0]), 2) == 2**64 - 1
    histogram = wire.fields(wire.many(wire.fields(said.values[1]), 5)[0])
    assert wire.many(histogram, 1) == [struct.pack("<2d", 0, 1)]
    assert len(wire.text(wire.fields(said.console[0]), 4)) == _frame.CONSOLE_LINE_BYTES_MAX
    assert logged.points == [wire.Point("loss", 1, 2, 0.5)]
    one.leave()


def test_a_frame_is_full_at_a_mebibyte_and_at_many_events(tmp_path: Path) -> None:
    one = spool(tmp_path)
    wide = tuple(f"layer/{i}" for i in range(3000))
    for step in range(100):
        one.put(wide, [float(step)] * len(wide), step, step)
    for _ in range(2000):
        one.put_section(_frame.section_events([_frame.heartbeat(1)]), 1)
    read = frames(one)
    assert len(points(read)) == 300_000
    assert max(len(s.events) for f in read for s in f.sections) <= 500
    assert sum(len(s.events) for f in read for s in f.sections) == 2000
    one.leave()


def test_a_log_wider_than_a_record_arrives_whole(tmp_path: Path) -> None:
    one = spool(tmp_path)
    keys = tuple(f"metric {i:06d} " + "w" * 80 for i in range(10_000))
    for step in range(3):
        one.put(keys, [float(i) for i in range(len(keys))], step, 1)
    assert [p[:2] for p in points(frames(one))] == sorted((k, s) for k in keys for s in range(3))
    one.leave()


def test_a_torn_record_is_never_read(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.put(("a", "b", "c", "d"), [1.0, 2.0, 3.0, 4.0], 1, 1)
    first = one.place()[1]
    one.put(("a", "b", "c", "d"), [5.0, 6.0, 7.0, 8.0], 2, 1)
    end = one.place()[1]
    one.leave()
    path = one.folder / segment_name(1)
    whole = path.read_bytes()
    for cut in range(first, end, 8):
        path.write_bytes(whole[:cut] + bytes(len(whole) - cut))
        reader = Reader(path)
        assert reader.encode(HEADER_BYTES, reader.size).end == first
        reader.close()
    path.write_bytes(whole)
    reader = Reader(path)
    assert reader.encode(HEADER_BYTES, reader.size).end == end
    reader.close()


def test_a_failed_pack_leaves_nothing_behind(tmp_path: Path) -> None:
    one = spool(tmp_path)
    header = struct.unpack("<d", struct.pack("<Q", _segment.word(_segment.POINTS, 1, 32)))[0]
    keys = tuple("abcdefgh")
    one.put(keys, [1.0] * 8, 1, 1)
    with pytest.raises(struct.error):
        one.put(keys, [header] * 7 + ["x"], 2, 1)
    one.put(("a",), [2.0], 3, 1)
    assert [p[:2] for p in points(frames(one))] == sorted([(k, 1) for k in keys] + [("a", 3)])
    path = one.folder / segment_name(1)
    reader = Reader(path)
    assert reader.encode(HEADER_BYTES, reader.size).points == 9, "garbage behind the last record was read"
    reader.close()
    one.leave()


def test_a_damaged_segment_is_named(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.leave()
    path = one.folder / segment_name(1)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    with pytest.raises(Unreadable, match=r"000001\.seg"):
        Reader(path)
    path.write_bytes(b"short")
    with pytest.raises(Unreadable, match="shorter"):
        Reader(path)
