"""The program `streamgauge agent` in place of this process's own shipping thread.

The process keeps a spool as ever and says, a few times a second, how far its records are whole; the agent, one for a
host, folder and server, ships it. Which frames are acknowledged stands in the spool's ledger, so nothing but files is
between the two: either may be killed at any time. An agent that is gone is started again; where that fails and the
server is reached over HTTP, this process takes the spool over and ships it itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable

from streamgauge._address import bus_of, plain
from streamgauge._courier import Counts
from streamgauge._ledger import Progress
from streamgauge._settings import Settings
from streamgauge._shipper import HEARTBEAT_SECONDS, IDLE_AFTER_SECONDS, IDLE_PAUSE_SECONDS, PAUSE_SECONDS
from streamgauge._spool import Spool, take_lock
from streamgauge._upload import Outbox

log = logging.getLogger("streamgauge")

# An agent without work ends after this; the next training starts another.
_IDLE = "60s"
_LOG_BYTES_MAX = 1 << 20
# How often it is looked whether the agent lives, and how many starts in a row may fail.
_LOOK_SECONDS = 1.0
_STARTS_MAX = 5
_AGAIN_SECONDS = 60.0
_OFF = ("0", "false", "no", "off", "")
_ON = ("1", "true", "yes", "on")


class NoProgram(ValueError):
    """There is no program to be the agent; the message says what to do."""


def shipping_program(chosen: Settings) -> Path | None:
    """The program that is to ship, None for a thread of this process. ValueError if that cannot be."""
    bus = bus_of(chosen.url)
    if chosen.mode != "online":
        return None
    if bus and chosen.agent.lower() in _OFF and chosen.agent:
        raise ValueError(
            f"{plain(chosen.url)} is reached through the agent alone, and STREAMGAUGE_AGENT switches it off"
        )
    try:
        return program(chosen.agent or ("1" if bus else ""))
    except NoProgram as why:
        if bus:
            raise NoProgram(f"{plain(chosen.url)} is reached through the agent: {why}") from None
        if chosen.agent.lower() not in _ON:
            raise
        log.warning("%s. This process sends what it logs by itself", why)
        return None


def program(asked: str) -> Path | None:
    """What STREAMGAUGE_AGENT asks for: None for nothing, else the program. NoProgram if it is not there."""
    if asked.lower() in _OFF:
        return None
    if asked.lower() not in _ON:
        if os.access(asked, os.X_OK) and not os.path.isdir(asked):
            return Path(asked).absolute()
        raise NoProgram(f"STREAMGAUGE_AGENT is {asked!r}; it must be 1, 0 or the path of the program streamgauge")
    for found in (Path(__file__).with_name("_bundle") / "bin" / "streamgauge", shutil.which("streamgauge")):
        if found and os.access(found, os.X_OK) and not _is_script(Path(found)):
            return Path(found).absolute()
    raise NoProgram(
        "the program streamgauge is not found: install a wheel that has it (`make wheel`), put it on the PATH, "
        "or name it in STREAMGAUGE_AGENT"
    )


def _is_script(path: Path) -> bool:
    """Whether a file is the command of this very library, which has no agent of its own."""
    with path.open("rb") as file:
        return file.read(2) == b"#!"


class Starter:
    """Has an agent run for a folder of spools and a server."""

    def __init__(self, program: Path, chosen: Settings) -> None:
        self._program, self._chosen = program, chosen
        self._server = plain(chosen.url)
        name = "agent-" + hashlib.sha256(self._server.encode()).hexdigest()[:12]
        self._lock, self._log = chosen.dir / f"{name}.lock", chosen.dir / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    @property
    def takes_files(self) -> bool:
        """Whether the server is reached over HTTP."""
        return not bus_of(self._chosen.url)

    def ensure(self) -> str:
        """Starts an agent if none lives; why there is none and will be none, "" otherwise."""
        if self._lives():
            self._starts = 0
            return ""
        if self._process is not None and self._process.poll() is None:
            return ""  # it is about to take its lock
        if self._starts >= _STARTS_MAX:
            self._starts = 0
            return f"the agent {self._program} does not stay alive: {self._last_words()}"
        self._starts += 1
        try:
            self._process = self._start()
        except OSError as error:
            return f"the agent {self._program} does not start: {error}"
        return ""

    def _start(self) -> subprocess.Popen[bytes]:
        command = [str(self._program), "agent", "--spool", str(self._chosen.dir), "--url", self._chosen.url]
        env = {**os.environ, **({"STREAMGAUGE_TOKEN": self._chosen.token} if self._chosen.token else {})}
        with contextlib.suppress(OSError):
            if self._log.stat().st_size > _LOG_BYTES_MAX:
                self._log.unlink()
        with open(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as out:
            # A session of its own: Ctrl-C is for the training, and what it logged last is still to be sent.
            return subprocess.Popen(
                [*command, "--idle", _IDLE], env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip

    def _lives(self) -> bool:
        """Whether somebody holds the agent's lock."""
        try:
            os.close(take_lock(self._lock, fcntl.LOCK_SH))
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _last_words(self) -> str:
        try:
            lines = self._log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""


class Beacon:
    """What a run has in place of a shipper: it says how far the spool may be read, and looks what the agent has done.

    Started once; any thread may call its methods.
    """

    def __init__(
        self,
        spool: Spool,
        outbox: Outbox,
        starter: Starter,
        on_tick: Callable[[bool], None],
        on_failure: Callable[[str], bool],
    ) -> None:
        """On_tick is called before each look at the spool, with whether the run was silent for long; on_failure with
        the reason where no agent can be had: whether somebody else ships from now on. This object's thread calls
        them."""
        self.spool = spool
        self.trend: dict[str, list[float]] = {}
        self._outbox, self._starter = outbox, starter
        self._on_tick, self._on_failure = on_tick, on_failure
        self._progress = Progress(spool.folder / "ledger")
        self._said = ""
        self._wake = threading.Event()
        self._stopped = False
        self._files = starter.takes_files
        self._thread = threading.Thread(target=self._run, name="streamgauge-beacon", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counts:
        p = self._progress
        rejected = self.spool.folder.parent / "rejected"
        return Counts(p.number, p.points, 0, 0, len(list(rejected.glob(self.spool.folder.name + "-*.frame"))))

    @property
    def trouble(self) -> str:
        """What the agent says of the spool, "" if it is sent."""
        try:
            return (self.spool.folder / "trouble").read_text(errors="replace")
        except OSError:
            return ""

    @property
    def last_trouble(self) -> str:
        return self.trouble or self._said

    @property
    def closed(self) -> bool:
        """The agent closes the writer when this process is gone."""
        return False

    def wait(self, seconds: float | None, *, close: bool = False) -> bool:
        """Waits until the server has what is logged now, as Shipper.wait does."""
        target = self.spool.place()
        self._wake.set()
        seen, since = self._progress.place, time.monotonic()
        while True:
            self._progress.look()
            now = self._progress.place
            if now >= target:
                return True
            if now != seen:
                seen, since = now, time.monotonic()
            if self._stopped or (seconds is not None and time.monotonic() - since > seconds):
                return False
            time.sleep(0.01)

    def wait_for_files(self, seconds: float) -> bool:
        """Waits until no file waits any more. Over NATS and Kafka files do not travel: they stay, and it is said."""
        left, since = len(self._outbox.waiting()), time.monotonic()
        while self._files and left and time.monotonic() - since <= seconds:
            time.sleep(0.05)
            now = len(self._outbox.waiting())
            if now != left:
                left, since = now, time.monotonic()
        if left and not self._files:
            self._said = "files travel over HTTP alone"
        return not left

    def forget(self) -> None:
        """In a forked child there is nothing to give up."""

    def upload(self) -> None:
        """The agent sees files by itself."""

    def stop(self) -> None:
        """Ends the thread; the agent goes on with what is in the spool."""
        self._stopped = True
        self._wake.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _run(self) -> None:
        place = (0, 0)
        busy = beat = time.monotonic()
        look = 0.0
        while not self._stopped:
            now = time.monotonic()
            self._on_tick(now - beat > HEARTBEAT_SECONDS)
            at = self.spool.place()
            if at != place:
                place, busy, beat = at, now, now
                self.spool.publish(at)
            self._progress.look()
            if now >= look:
                look = now + _LOOK_SECONDS
                why = self._starter.ensure()
                if why and self._on_failure(why):
                    return
                if why:
                    self._said, look = why, now + _AGAIN_SECONDS
                else:
                    self._warn()
            self._wake.wait(PAUSE_SECONDS if now - busy < IDLE_AFTER_SECONDS else IDLE_PAUSE_SECONDS)
            self._wake.clear()
        self.spool.publish(self.spool.place())

    def _warn(self) -> None:
        """Warns once, when trouble begins, and says when it ends; the run goes on."""
        trouble = self.trouble
        if trouble and not self._said:
            log.warning("%s. Logging goes on into %s", trouble, self.spool.folder)
        elif self._said and not trouble:
            log.warning("frames are taken again")
        self._said = trouble
