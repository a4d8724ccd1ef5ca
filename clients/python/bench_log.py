"""What `run.log` costs the thread that calls it, beside a loop that only packs floats, in the same minute.

    python clients/python/bench_log.py [--url URL] [--seconds 5]

Without --url the run is offline: the spool is written, nothing is sent. Each line is one way of logging; times are
microseconds of one call, the clock's own cost taken off. `stall` is the longest
call: other programs of the machine have part in it.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter_ns, sleep

sys.path.insert(0, str(Path(__file__).parent / "src"))

import streamgauge
from streamgauge import Run

_CALLS = {1: 400_000, 100: 60_000}


def measured(
    call: Callable[[Mapping[str, float], int], object], data: Mapping[str, float], calls: int, rate: float
) -> list[int]:
    """Sorted nanoseconds of so many calls, a pause after each thousandth of a second of work if a rate is given."""
    clock = perf_counter_ns
    times = [0] * calls
    pause = max(1, int(rate / 1000)) if rate else 0
    for step in range(calls):
        begin = clock()
        call(data, step)
        times[step] = clock() - begin
        if pause and step % pause == 0:
            sleep(0.001)
    times.sort()
    return times


def clock_cost() -> int:
    times = []
    for _ in range(100_000):
        begin = perf_counter_ns()
        times.append(perf_counter_ns() - begin)
    return sorted(times)[len(times) // 2]


def reference(keys: int) -> Callable[[Mapping[str, float], int], object]:
    """The least that can be done: a step and the values into memory."""
    pack, size = struct.Struct(f"<q{keys}d").pack_into, 8 + 8 * keys
    memory = bytearray(16 << 20)
    position = 0

    def log(data: Mapping[str, float], step: int) -> None:
        nonlocal position
        if position + size > len(memory):
            position = 0
        pack(memory, position, step, *data.values())
        position += size

    return log


def line(name: str, keys: int, times: list[int], clock: int) -> dict[str, object]:
    def at(share: float) -> float:
        return round(max(0, times[int(share * (len(times) - 1))] - clock) / 1000, 2)

    return {"what": name, "metrics": keys, "p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "stall": at(1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server to send to meanwhile")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    given = parser.parse_args()
    clock = clock_cost()
    with tempfile.TemporaryDirectory() as folder:
        for keys, calls in _CALLS.items():
            data = {f"layer/{i}/grad_norm": i * 0.5 for i in range(keys)}
            lines = []
            for name, rate in (("as fast as it goes", 0.0), ("20,000 calls a second", 20_000.0)):
                some = calls if not rate else calls // 4
                lines.append(line(f"reference, {name}", keys, measured(reference(keys), data, some, rate), clock))
                with new_run(folder, given.url) as run:
                    run.log(data, -1)
                    times = measured(run.log, data, some, rate)
                lines.append(line(f"log, {name}", keys, times, clock))
                if refused := run.stats()["refused"]:
                    lines[-1]["refused"] = refused
            for one in lines:
                print(json.dumps(one) if given.json else as_text(one))


def new_run(folder: str, url: str | None) -> Run:
    return streamgauge.init(
        project="bench", dir=folder, url=url, mode="online" if url else "offline",
        quiet=True, system=False, console=False, source=False, max_spool_bytes=8 << 30,
    )  # fmt: skip


def as_text(one: dict[str, object]) -> str:
    rest = "  ".join(f"{k} {v}" for k, v in one.items() if k not in ("what", "metrics"))
    return f"{one['metrics']:>4} metrics  {one['what']:<32} {rest}"


if __name__ == "__main__":
    main()
