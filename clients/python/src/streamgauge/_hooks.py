"""What is optional beside the points: system metrics, console lines, where the code comes from, values that are no
numbers.

Each is a module of its own that may fail without anybody noticing more than one warning.
"""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any

from streamgauge._frame import SmallValue, Text

# Git on a slow disk takes seconds.
_SOURCE_SECONDS = 10.0

if TYPE_CHECKING:
    from streamgauge._run import Run
    from streamgauge._settings import Settings


def start(run: Run, chosen: Settings) -> list[Any]:
    """The running hooks, to be stopped at the run's end."""
    running = []
    if chosen.system:
        running.append(_try(run, "_system", "start", run, chosen.system_seconds))
    if chosen.console:
        running.append(_try(run, "_console", "start", run))
    if chosen.source and run.rank == 0:
        running.append(_Background(run, chosen))
    return [hook for hook in running if hook is not None]


class _Background:
    """Looks where the code comes from while the training begins; a short run waits for it at its end."""

    def __init__(self, run: Run, chosen: Settings) -> None:
        arguments = (run, "_source", "start", run, chosen)
        self._thread = threading.Thread(target=_try, args=arguments, name="streamgauge-source", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._thread.join(_SOURCE_SECONDS)


def stop(run: Run, hook: Any) -> None:
    try:
        hook.stop()
    except Exception as error:
        run._warn("hook", f"{type(hook).__module__}: {type(error).__name__}: {error}")


def forget(hook: Any) -> None:
    """In a forked child, where the hook's threads are not."""
    try:
        getattr(hook, "forget", lambda: None)()
    except Exception:
        return


def convert(run: Run, key: str, value: object, step: int, time_ms: int) -> SmallValue | None:
    """A small value for what is no number, None if it cannot be one."""
    if isinstance(value, str):
        return SmallValue(key, step, time_ms, Text(value))
    converted = _try(run, "_values", "convert", run, key, value, step, time_ms)
    return converted if isinstance(converted, SmallValue) else None


def _try(run: Run, module: str, function: str, *arguments: Any) -> Any:
    try:
        return getattr(importlib.import_module(f"streamgauge.{module}"), function)(*arguments)
    except ModuleNotFoundError as error:
        if error.name != f"streamgauge.{module}":
            run._warn(module, f"{module[1:]} is off: {error}")
    except Exception as error:
        run._warn(module, f"{module[1:]} is off: {type(error).__name__}: {error}")
    return None
