"""Spools really written by the Python library, for the tests of the Go reader.

spools.py write FOLDER SEED      a random spool, whose process is then killed with SIGKILL
spools.py frames FOLDER [TAKEN]  ships it; prints each frame's bytes in hex. With TAKEN, as many frames are acknowledged
                                 and the process is killed after the next request was sent and before its answer
spools.py torn SEGMENT           for each length to which the segment may be torn: points, bytes read, CRC-32
                                 of the frame
"""

import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "clients" / "python" / "src"))

from streamgauge import _frame, _spool
from streamgauge._courier import Courier
from streamgauge._frame import Head
from streamgauge._link import Answer
from streamgauge._reader import Reader

RUN = "0123456789abcdef0123456789abcdef"


def write(folder: Path, seed: int) -> None:
    rng = random.Random(seed)
    head = Head(rng.getrandbits(64) or 1, RUN, rng.choice([0, 3]), rng.choice([0, 1_700_000_000]))
    about = {"run_id": RUN, "name": "written", "rank": head.rank, "mode": "offline", "url": "http://nowhere"}
    spool = _spool.Spool(folder, head, about, rng.choice([1 << 20, 64 << 20]))
    started = _frame.started(1, experiment="e", name="n", user="u", tags={"a": "b"}, ranks=4)
    spool.put_section(_frame.section_events([started]), 1)
    widths = [1, 1, 2, 3, 4, 5, 40, 400, 4000] if seed % 3 else [1, 2, 3]
    names = [f"{'long/' * (i % 7)}métrique {i}" for i in range(4000)]
    sets = [tuple(rng.sample(names, rng.choice(widths))) for _ in range(rng.choice([2, 6, 40]))]
    for _ in range(rng.choice([20, 400, 3000])):
        kind = rng.random()
        if kind < 0.9:
            keys = rng.choice(sets)
            step = rng.choice([rng.randrange(1000), rng.randrange(-(1 << 63), 1 << 63)])
            for again in range(rng.choice([1, 1, 5, 60])):
                values = [rng.choice([rng.random(), float("nan"), float("inf"), -0.0]) for _ in keys]
                try:
                    spool.put(keys, values, min(step + again, (1 << 63) - 1), 1_700_000_000_000 + again)
                except _spool.Refused:
                    break
        elif kind < 0.93:
            keys = rng.choice(sets)[:5]
            content = _frame.points_about(keys, [1.5] * len(keys), 7, 8, ("m-1", "d", "x"))
            put(spool, content, 1)
        elif kind < 0.96:
            put(spool, _frame.section_events([_frame.params(2, {"p": "v" * rng.randrange(3000)})] * 7), 7)
        else:
            text = _frame.Text("t" * rng.choice([3, 3000, 200_000]))
            put(spool, _frame.section_values([_frame.small_value(_frame.SmallValue("k", 1, 2, text))]), 0)
    os.kill(os.getpid(), signal.SIGKILL)


def put(spool: _spool.Spool, content: bytes, events: int) -> None:
    with contextlib.suppress(_spool.Refused):
        spool.put_section(content, events)


class Taking:
    """In place of a server: takes everything, or dies in the middle."""

    url = "http://taking"

    def __init__(self, taken: int) -> None:
        self.left = taken

    def ask(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        frames = split(body)
        for frame in frames:
            print(frame.hex())
        sys.stdout.flush()
        if len(frames) > self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= len(frames)
        return Answer(200, {"accepted": len(frames)}, None, "")


def split(body: bytes) -> "list[bytes]":
    frames, at = [], 0
    while at < len(body):
        size = shift = 0
        while True:
            byte = body[at]
            at, size, shift = at + 1, size | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                break
        frames.append(body[at : at + size])
        at += size
    return frames


def frames(folder: Path, taken: int) -> None:
    courier = Courier(folder, Taking(taken))
    courier.drain(close=True)


def torn(segment: Path) -> None:
    whole = segment.read_bytes()
    end = len(whole.rstrip(b"\0")) + 16
    with tempfile.TemporaryDirectory() as folder:
        beside = Path(folder) / segment.name
        shutil.copy(segment, beside)
        for length in range(128, end):
            beside.write_bytes(whole[:length] + bytes(end - length))
            reader = Reader(beside)
            contents = reader.encode(128, reader.size)
            frame = _frame.frame(reader.head, 1, contents.sections)
            print(contents.points, contents.end - 128, zlib.crc32(frame))
            reader.close()


if __name__ == "__main__":
    what, path, *more = sys.argv[1:]
    if what == "write":
        write(Path(path), int(more[0]))
    elif what == "frames":
        frames(Path(path), int(more[0]) if more else sys.maxsize)
    else:
        torn(Path(path))
