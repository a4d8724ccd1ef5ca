"""The command `streamgauge`: becomes the program that platform wheels have in `_bundle/bin`.

`make wheel` puts the Go program there (decision 024). It takes this process over, so signals and the exit status are
its own. What it cannot know, where pip has put the engine's package, it learns by the environment. `demo` is a script
that wants this Python; where there is no program, `sync` is done here, too.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import signal
import sys
from pathlib import Path

from streamgauge import _sync
from streamgauge._version import __version__

BUNDLE = Path(__file__).with_name("_bundle")
ENGINE_PACKAGE = "streamgauge_engine"
# Where the program looks for the engine first; cmd/engine/install/find.go reads it.
ENGINE_FOLDER = "STREAMGAUGE_ENGINE_FOLDER"
# What the demo's trainings import, and the Python that these packages need.
DEMO_PACKAGES = {"mlflow": "mlflow", "numpy": "numpy", "sklearn": "scikit-learn"}
DEMO_PYTHON = (3, 10)
# The processors that the engine exists for, by all their names.
PROCESSORS = ("x86_64", "amd64", "aarch64", "arm64")
# Python ignores these, and an ignored signal stays ignored in the program: `streamgauge runs | head` would complain.
IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFZ", "SIGXFSZ")


def main() -> int:
    """Does not return where the program takes over."""
    return _run(sys.argv[1:])


def _run(arguments: list[str]) -> int:
    command = arguments[0] if arguments else ""
    program = BUNDLE / "bin" / "streamgauge"
    if not program.is_file():
        if command == "sync":
            return _sync.main(arguments)
        if command in ("version", "--version"):
            print(f"streamgauge {__version__} (the library alone)")
            return 0
        return _refuse(_why_no_program())
    if command != "demo":
        return _become([str(program), *arguments])
    missing = _missing_for_demo()
    if missing:
        return _refuse(missing)
    return _become([sys.executable, str(BUNDLE / "examples" / "demo.py"), *arguments[1:]])


def _become(command: list[str]) -> int:
    os.environ[ENGINE_FOLDER] = str(_engine_folder())
    for name in IGNORED_BY_PYTHON:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execv(command[0], command)
    except OSError as error:
        return _refuse(f"{command[0]} does not run on this {_system()}: {error.strerror}")


def _engine_folder() -> Path:
    """The engine's package, or where it would be installed."""
    found = importlib.util.find_spec(ENGINE_PACKAGE)
    if found is not None and found.submodule_search_locations:
        return Path(next(iter(found.submodule_search_locations)))
    return Path(__file__).parents[1] / ENGINE_PACKAGE


def _missing_for_demo() -> str | None:
    """Why the demo's trainings cannot run, None if they can."""
    if sys.version_info < DEMO_PYTHON:
        return f"the demo needs Python {'.'.join(map(str, DEMO_PYTHON))}, this is {platform.python_version()}"
    missing = [name for module, name in DEMO_PACKAGES.items() if importlib.util.find_spec(module) is None]
    if not missing:
        return None
    return f"the demo needs {', '.join(missing)}: run `pip install 'streamgauge[server,demo]'`"


def _why_no_program() -> str:
    machine = platform.machine().lower()
    musl = sys.platform == "linux" and platform.libc_ver()[0] != "glibc"
    if sys.platform not in ("linux", "darwin") or machine not in PROCESSORS or musl:
        return (
            f"there is no server for {_system()}; it runs on Linux with glibc and on macOS, x86-64 or arm64. "
            "The library works here, with STREAMGAUGE_URL set to a server elsewhere"
        )
    return (
        "this installation has the library alone, without the program: install a wheel "
        f"for {_system()}, which `make wheel` makes in a checkout"
    )


def _system() -> str:
    """As in "Linux x86_64" or "Linux x86_64 without glibc"."""
    name = "macOS" if sys.platform == "darwin" else platform.system()
    without = " without glibc" if sys.platform == "linux" and platform.libc_ver()[0] != "glibc" else ""
    return f"{name} {platform.machine()}{without}"


def _refuse(why: str) -> int:
    print(f"streamgauge: {why}", file=sys.stderr)
    return 1
