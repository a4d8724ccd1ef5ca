"""Logs the time of day so many times, so that a reader of the live stream knows how old each point is.

    python clients/python/bench_live.py RUN URL CALLS SECONDS_BETWEEN

`cmd/bench` reads the stream. The first line of the output says that the run is there.
"""

import sys
import tempfile
from pathlib import Path
from time import sleep, time

sys.path.insert(0, str(Path(__file__).parent / "src"))

import streamgauge


def main(run_id: str, url: str, calls: int, pause: float) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        streamgauge.init(
            id=run_id, dir=folder, url=url, mode="online", quiet=True, system=False, console=False, source=False
        ) as run,
    ):
        print("ready", flush=True)
        sys.stdin.readline()  # until the reader has subscribed
        for step in range(calls):
            run.log({"marker": time()}, step=step)
            sleep(pause)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
