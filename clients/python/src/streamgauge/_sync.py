"""`python -m streamgauge sync [DIR]`: sends what finished, offline and killed processes have left."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from streamgauge._address import bus_of
from streamgauge._agent import program
from streamgauge._courier import Held
from streamgauge._init import _print_to_stderr
from streamgauge._link import Link
from streamgauge._segment import Unreadable
from streamgauge._settings import Settings, settings
from streamgauge._shipper import ship_folder
from streamgauge._spool import spools
from streamgauge._version import __version__


def main(arguments: list[str]) -> int:
    """0 if everything that could be sent was; 1 if something is left."""
    parser = argparse.ArgumentParser(prog="streamgauge", description="Streamgauge's library for trainings.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    sync = commands.add_parser("sync", help="send spools of processes that have ended, and delete them")
    sync.add_argument("dir", nargs="?", help="a spool, or a folder with spools (default: STREAMGAUGE_DIR)")
    sync.add_argument("--url", help="the server (default: STREAMGAUGE_URL)")
    sync.add_argument("--token", help="its token (default: STREAMGAUGE_TOKEN)")
    sync.add_argument(
        "--wait", type=float, default=60.0, metavar="SECONDS", help="how long to try when it takes nothing"
    )
    given = parser.parse_args(arguments)
    try:
        chosen = settings(os.environ, {"url": given.url, "token": given.token, "dir": given.dir})
        if bus_of(chosen.url):
            return _by_program(chosen, given.wait)
        link = Link(chosen.url, chosen.token)
    except ValueError as error:
        print(f"streamgauge sync: {error}", file=sys.stderr)
        return 2
    _print_to_stderr(quiet=False)
    return _sync(chosen.dir, link, given.wait)


def _by_program(chosen: Settings, wait_seconds: float) -> int:
    """Over NATS and Kafka the program sends. NoProgram if it is not there."""
    command = [str(program(chosen.agent or "1")), "sync", str(chosen.dir), "--url", chosen.url]
    command += ["--wait", f"{wait_seconds}s"]
    token = {"STREAMGAUGE_TOKEN": chosen.token} if chosen.token else {}
    return subprocess.run(command, env={**os.environ, **token}, check=False).returncode


def _sync(root: Path, link: Link, wait_seconds: float) -> int:
    found = list(spools(root))
    if not found:
        print(f"nothing to send in {root}")
        return 0
    left = 0
    for folder in found:
        trouble = _ship(folder, link, wait_seconds)
        if trouble:
            left += 1
            print(f"{folder.name}: {trouble}", file=sys.stderr)
    print(f"{len(found) - left} of {len(found)} spools sent to {link.url}")
    return int(left > 0)


def _ship(folder: Path, link: Link, wait_seconds: float) -> str | None:
    """Why it could not be sent, None if it was."""
    end = time.monotonic() + wait_seconds
    while True:
        try:
            counts = ship_folder(folder, link)
        except Held as held:
            if time.monotonic() + held.seconds > end:
                return str(held)
            time.sleep(held.seconds)
        except BlockingIOError:
            return "its process is alive, or somebody else sends it"
        except (Unreadable, OSError, ValueError) as error:
            return str(error)
        else:
            print(f"{folder.name}: {counts.points:,} points in {counts.frames:,} frames")
            return None
