"""What `log` of other trackers costs the thread that calls it, as `bench_log.py` measures ours.

    PYTHON_WITH_THEM clients/python/bench_peers.py trackio|wandb

A JSON object a line. Nothing leaves the machine: W&B is offline, Trackio's database lies in a temporary folder.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from bench_log import clock_cost, line, measured

_CALLS = {1: 3_000, 100: 600}


def trackio(folder: str) -> tuple[Callable[[Mapping[str, float], int], object], Callable[[], object]]:
    os.environ["TRACKIO_DIR"] = folder
    import trackio as other

    # Its page is not part of the call.
    run: Any = other.init(project="bench", embed=False)
    return lambda data, step: run.log(dict(data), step=step), run.finish


def wandb(folder: str) -> tuple[Callable[[Mapping[str, float], int], object], Callable[[], object]]:
    import wandb as other

    run: Any = other.init(project="bench", mode="offline", dir=folder, settings=other.Settings(silent=True))
    return lambda data, step: run.log(dict(data), step=step), run.finish


def main() -> None:
    name = sys.argv[1]
    start = {"trackio": trackio, "wandb": wandb}[name]
    clock = clock_cost()
    for keys, calls in _CALLS.items():
        data = {f"layer/{i}/grad_norm": i * 0.5 for i in range(keys)}
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            log, finish = start(folder)
            times = measured(log, data, calls, 0.0)
            finish()
        print(json.dumps({"version": importlib.metadata.version(name), **line(name, keys, times, clock)}), flush=True)


if __name__ == "__main__":
    main()
