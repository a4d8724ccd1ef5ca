"""Streamgauge in a training: `init` a run, `log` to it, `finish` it.

    import streamgauge

    run = streamgauge.init(project="llm", name="7b-base", config={"lr": 3e-4})
    for step in range(1000):
        run.log({"loss": loss, "grad_norm": norm}, step=step)
    run.finish()

`log` packs one record into a memory-mapped file, about a microsecond, and returns; threads send it to the server of
`STREAMGAUGE_URL`. What was accepted outlives a killed process, a lost network and a stopped server. `docs/python.md`
has the rest.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

if sys.platform == "win32":
    raise ImportError("streamgauge runs on Linux and macOS; Windows is not supported (WSL is Linux)")

from streamgauge import _init
from streamgauge._run import Run
from streamgauge._version import __version__

__all__ = ["Run", "__version__", "define_metric", "finish", "fork", "init", "log"]

# Modules of this package whose public names are ours too, loaded when asked for.
_LAZY = ("api", "_values")

init = _init.init
fork = _init.fork


def log(data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
    """`Run.log` of the run that `init` has made last."""
    run = _init.current
    if run is None:
        _init.warn_without_run("log")
    else:
        run.log(data, step, commit)


def define_metric(name: str, step_metric: str | None = None, **more: Any) -> None:
    if _init.current is None:
        _init.warn_without_run("define_metric")
    else:
        _init.current.define_metric(name, step_metric, **more)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    if _init.current is not None:
        _init.current.finish(exit_code=exit_code, quiet=quiet)


def __getattr__(name: str) -> Any:
    if name == "run":
        return _init.current
    if name in ("config", "summary"):
        if _init.current is None:
            raise AttributeError(f"streamgauge.{name}: call streamgauge.init first")
        return getattr(_init.current, name)
    if not name.startswith("_"):
        for module in _LAZY:
            try:
                loaded = importlib.import_module(f"streamgauge.{module}")
            except ModuleNotFoundError as error:
                if error.name != f"streamgauge.{module}":
                    raise
                continue
            if name in getattr(loaded, "__all__", ()):
                return getattr(loaded, name)
    raise AttributeError(f"module 'streamgauge' has no attribute {name!r}")
