"""What the library prints when a run begins and ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Callable

log = logging.getLogger("streamgauge")

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH = 32
_ROWS_MAX = 10


def sparkline(values: Sequence[float], width: int = _WIDTH) -> str:
    """A course of values in one line; what is not finite is a blank."""
    if len(values) > width:
        values = [values[i * (len(values) - 1) // (width - 1)] for i in range(width)]
    finite = [v for v in values if abs(v) < float("inf")]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    span = (high - low) or 1.0

    def block(v: float) -> str:
        return _BLOCKS[min(len(_BLOCKS) - 1, int((v - low) / span * len(_BLOCKS)))] if abs(v) < float("inf") else " "

    return "".join(block(v) for v in values)


def number(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def table(trend: Mapping[str, Sequence[float]], summary: Mapping[str, Any]) -> list[str]:
    """A line for each of the first metrics with its course and last value, then the summary."""
    shown = [k for k in trend if not k.startswith("system")][:_ROWS_MAX]
    width = max((len(k) for k in [*shown, *summary]), default=0)
    lines = [f"  {k:<{width}}  {sparkline(trend[k])}  {number(trend[k][-1])}" for k in shown]
    if len(trend) > len(shown) and len(shown) == _ROWS_MAX:
        lines.append(f"  and {len(trend) - len(shown)} more")
    return lines + [f"  {k:<{width}}  {number(v)}" for k, v in list(summary.items())[:_ROWS_MAX]]


def plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


class Progress:
    """Says how far it is when an upload at the end takes longer, once a few seconds."""

    FIRST_SECONDS, EVERY_SECONDS = 3.0, 10.0

    def __init__(self, stats: Callable[[], Mapping[str, Any]], quiet: bool) -> None:
        self._stats = stats
        self._stop = threading.Event()
        self._thread = None if quiet else threading.Thread(target=self._run, name="streamgauge-progress", daemon=True)

    def __enter__(self) -> None:
        if self._thread:
            try:
                self._thread.start()
            except RuntimeError:  # newer Pythons start no thread while they end
                self._thread = None

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _run(self) -> None:
        seconds = self.FIRST_SECONDS
        while not self._stop.wait(seconds):
            seconds = self.EVERY_SECONDS
            s = self._stats()
            log.info(
                "uploading %s/%s points, Ctrl-C to leave; continue with: streamgauge sync %s",
                f"{s['acknowledged']:,}", f"{s['accepted']:,}", s["spool"],
            )  # fmt: skip
