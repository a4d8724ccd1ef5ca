"""What a user may set: arguments of `init` first, then the environment, then defaults that run on a laptop."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

DEFAULT_URL = "http://127.0.0.1:5000"
MODES = ("online", "offline", "disabled")
# Per process. What does not fit is refused and counted, never waited for.
_ONLINE_BYTES_MAX = 1 << 30
_OFFLINE_BYTES_MAX = 64 << 30


class Settings(NamedTuple):
    """All sizes in bytes, all times in seconds."""

    url: str
    token: str | None
    mode: str
    project: str
    dir: Path
    max_spool_bytes: int
    finish_seconds: float
    system: bool
    system_seconds: float
    console: bool
    source: bool
    quiet: bool
    # What ships: "0" a thread of this process, "1" the program streamgauge as agent, or that program's path.
    agent: str


def settings(env: Mapping[str, str], given: Mapping[str, Any]) -> Settings:
    """ValueError names what is wrong and how it should be."""

    def value(name: str, *variables: str, default: Any) -> Any:
        if given.get(name) is not None:
            return given[name]
        return next((env[v] for v in variables if env.get(v)), default)

    mode = str(value("mode", "STREAMGAUGE_MODE", default="online"))
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; it must be one of {', '.join(MODES)}")
    folder = value("dir", "STREAMGAUGE_DIR", default=None)
    bytes_max = _OFFLINE_BYTES_MAX if mode == "offline" else _ONLINE_BYTES_MAX
    return Settings(
        url=str(value("url", "STREAMGAUGE_URL", default=DEFAULT_URL)).rstrip("/"),
        # A token out of a file ends with a newline, which no header may have.
        token=str(value("token", "STREAMGAUGE_TOKEN", "MLFLOW_TRACKING_TOKEN", default="")).strip() or None,
        mode=mode,
        project=str(value("project", "STREAMGAUGE_PROJECT", "MLFLOW_EXPERIMENT_NAME", default="")),
        dir=Path(folder).expanduser().absolute() if folder else default_dir(env),
        max_spool_bytes=_size(value("max_spool_bytes", "STREAMGAUGE_MAX_SPOOL_BYTES", default=bytes_max)),
        finish_seconds=_seconds(value("finish_seconds", "STREAMGAUGE_FINISH_SECONDS", default=15.0)),
        system=_switch(value("system", "STREAMGAUGE_SYSTEM", default=True)),
        system_seconds=_seconds(value("system_seconds", "STREAMGAUGE_SYSTEM_SECONDS", default=10.0)),
        console=_switch(value("console", "STREAMGAUGE_CONSOLE", default=True)),
        source=_switch(value("source", "STREAMGAUGE_SOURCE", default=True)),
        quiet=_switch(value("quiet", "STREAMGAUGE_QUIET", default=False)),
        agent=str(value("agent", "STREAMGAUGE_AGENT", default="")).strip(),
    )


def default_dir(env: Mapping[str, str]) -> Path:
    """Where spools lie: the user's state folder, or a temporary one where there is no home to write to."""
    home = env.get("XDG_STATE_HOME") or os.path.join(env.get("HOME", ""), ".local", "state")
    base = Path(home)
    if base.is_absolute():
        try:
            (base / "streamgauge" / "spool").mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.access(base / "streamgauge" / "spool", os.W_OK):
                return base / "streamgauge" / "spool"
        except OSError:
            pass
    return Path(tempfile.gettempdir()) / f"streamgauge-{os.getuid()}" / "spool"


_UNITS = {"k": 10, "m": 20, "g": 30, "t": 40}


def _size(value: Any) -> int:
    text = str(value).strip().lower().rstrip("ib")
    shift = _UNITS.get(text[-1:], 0)
    try:
        size = int(float(text[:-1] if shift else text) * (1 << shift))
    except ValueError:
        size = 0
    if size < 1 << 20:
        raise ValueError(f"max_spool_bytes is {value!r}; it must be at least 1M, like 1073741824 or 1G")
    return size


def _seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 1e9:
        raise ValueError(f"{value!r} is no number of seconds")
    return seconds


def _switch(value: Any) -> bool:
    return str(value).strip().lower() not in ("0", "false", "no", "off", "")
