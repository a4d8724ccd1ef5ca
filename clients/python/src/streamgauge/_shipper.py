"""The threads that ship: one for the points of a living run, one for its files, one for what dead processes have
left."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any, Callable

from streamgauge._address import plain
from streamgauge._courier import Counts, Courier, Held, remove
from streamgauge._link import Link
from streamgauge._segment import Unreadable
from streamgauge._spool import Spool, lock_folder, lock_shipping, spools
from streamgauge._upload import Outbox

log = logging.getLogger("streamgauge")

# How long what was logged waits for company, and how often a quiet run is looked at.
PAUSE_SECONDS, IDLE_PAUSE_SECONDS = 0.05, 0.2
IDLE_AFTER_SECONDS = 5.0
HEARTBEAT_SECONDS = 60.0
_ORPHANS_SECONDS = 30.0
_NEWS_MAX = 100
# Errors of a folder that is nobody's any more: no time makes them better.
_GONE = (errno.ENOENT, errno.ENOTDIR)


class Shipper:
    """Sends a spool while it is written. Started once; any thread may call its methods."""

    def __init__(
        self, spool: Spool, outbox: Outbox, open_link: Callable[[], Link], on_tick: Callable[[bool], None]
    ) -> None:
        """On_tick is called before each look at the spool, with whether the run was silent for long; the shipper's
        thread calls it. BlockingIOError if somebody else ships the spool."""
        self.spool = spool
        self._lock = lock_shipping(spool.folder)
        self.trouble = ""
        self.last_trouble = ""
        self._outbox, self._open_link, self._on_tick = outbox, open_link, on_tick
        self._wake = threading.Event()
        self._changed = threading.Condition()
        self._closing = self._stopped = self._hurry = False
        # stop() was called: files are not sent any more either. The thread alone ends as soon as all frames are there.
        self._left = False
        self._told: set[str] = set()
        self._trend: dict[str, list[float]] = {}
        self._uploader: threading.Thread | None = None
        with contextlib.ExitStack() as undo:
            undo.callback(self._unlock)
            self._courier = Courier(spool.folder, open_link(), spool.committed)
            undo.callback(self._courier.close)
            self._thread = threading.Thread(target=self._run, name="streamgauge-shipper", daemon=True)
            self._thread.start()
            undo.pop_all()

    @property
    def counts(self) -> Counts:
        return self._courier.counts

    @property
    def trend(self) -> dict[str, list[float]]:
        """Of some keys, one value for each frame, the newest last."""
        return self._trend

    @property
    def closed(self) -> bool:
        """The server has all, and knows that no more will come."""
        return self._courier.closed

    def wait(self, seconds: float | None, *, close: bool = False) -> bool:
        """Waits until the server has what is logged now; whether it has. With close, the writer ends with it.

        Gives up when the server has taken nothing for so many seconds; None never gives up.
        """
        self._closing = self._closing or close
        self._hurry = True
        target = self.spool.place()
        self._wake.set()
        seen, since = self._courier.acknowledged, time.monotonic()
        with self._changed:
            while not self._there(target, close):
                if self._courier.acknowledged != seen:
                    seen, since = self._courier.acknowledged, time.monotonic()
                if self._stopped or (seconds is not None and time.monotonic() - since > seconds):
                    return False
                # A timeout, so that Ctrl-C comes through.
                self._changed.wait(0.2 if seconds is None else min(0.2, max(0.01, seconds)))
            return True

    def wait_for_files(self, seconds: float) -> bool:
        """Waits until no file waits any more, as wait does."""
        left, since = len(self._outbox.waiting()), time.monotonic()
        while left and time.monotonic() - since <= seconds:
            self.upload()
            time.sleep(0.05)
            now = len(self._outbox.waiting())
            if now != left:
                left, since = now, time.monotonic()
        return not left

    def upload(self) -> None:
        """Has waiting files sent."""
        if self._uploader is None or not self._uploader.is_alive():
            self._uploader = threading.Thread(target=self._upload, name="streamgauge-uploader", daemon=True)
            with contextlib.suppress(RuntimeError):  # too late: the interpreter ends, and the spool keeps them
                self._uploader.start()

    def stop(self) -> None:
        """Ends the thread; what is not sent stays in the spool."""
        self._stopped = self._left = True
        self._wake.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)
        if not self._thread.is_alive():
            self._courier.close()
            self._unlock()

    def forget(self) -> None:
        """In a forked child: the parent's lock is not kept alive."""
        self._unlock()

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _there(self, target: tuple[int, int], close: bool) -> bool:
        return self._courier.closed if close else self._courier.acknowledged >= target

    def _run(self) -> None:
        busy = beat = time.monotonic()
        while not self._stopped:
            now = time.monotonic()
            quiet = now - beat > HEARTBEAT_SECONDS
            self._on_tick(quiet)
            try:
                sent = self._courier.ship(close=self._closing)
            except Held as held:
                self._say(str(held))
                self._pause(held.seconds)
                continue
            except OSError as error:  # of the disk, of a process with too many open files: it may pass
                self._say(f"cannot ship the spool: {error}")
                if error.errno in _GONE:
                    self._end()
                    return
                self._pause(5)
                continue
            except Exception as error:
                self._say(f"cannot ship the spool: {error or type(error).__name__}")
                self._end()  # whoever waits must not wait for this thread
                return
            if sent:
                busy = beat = time.monotonic()
                self._took()
            elif self._closing and self._courier.closed:
                self._end()
                return
            else:
                with self._changed:
                    self._changed.notify_all()
            if not (sent and self._hurry):
                self._hurry = False
                self._pause(PAUSE_SECONDS if now - busy < IDLE_AFTER_SECONDS else IDLE_PAUSE_SECONDS)

    def _took(self) -> None:
        if self.trouble:
            log.warning("%s takes frames again", self._open_link().url)
            self.trouble = ""
        for news in self._courier.news:
            if news not in self._told and len(self._told) < _NEWS_MAX:
                self._told.add(news)
                log.warning("%s", news)
        self._courier.news = []
        for key, value in self._courier.samples.items():
            if key in self._trend or len(self._trend) < 64:
                _remember(self._trend.setdefault(key, []), value)
        self._courier.samples = {}
        self.spool.made_room()
        if self._outbox.waiting():
            self.upload()
        with self._changed:
            self._changed.notify_all()

    def _say(self, trouble: str) -> None:
        """Warns once, when it begins; the run goes on."""
        self.last_trouble = trouble
        if not self.trouble:
            log.warning("%s. Logging goes on into %s", trouble, self.spool.folder)
        self.trouble = trouble

    def _end(self) -> None:
        self._stopped = True
        with self._changed:
            self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)
        self._wake.clear()

    def _upload(self) -> None:
        link = self._open_link()
        try:
            while not self._left and self._courier.started and self._outbox.send(link, self.spool.head.run_id):
                pass
        except Held as held:
            self.last_trouble = str(held)
            self._wake.wait(held.seconds)
        except Exception as error:
            self.last_trouble = f"cannot send files: {error}"
        finally:
            link.close()


def _remember(values: list[float], value: float) -> None:
    """Keeps a series' course in at most 64 values."""
    values.append(value)
    if len(values) > 64:
        del values[1:-1:2]


def ship_folder(folder: Path, link: Link) -> Counts:
    """Ships a spool that nobody writes any more, and deletes it when the server has it whole.

    BlockingIOError if its process lives or somebody else ships it; Held if the server does not take it now; Unreadable
    or OSError if it cannot be read.
    """
    owner = lock_folder(folder)
    try:
        shipping = lock_shipping(folder)
    except BaseException:
        os.close(owner)
        raise
    try:
        if not any(folder.glob("*.seg")) and not Outbox(folder).waiting():
            remove(folder)
            return Counts()
        courier = Courier(folder, link)
        try:
            courier.drain(close=True)
            counts, news = courier.counts, courier.news
        finally:
            courier.close()
        for one in dict.fromkeys(news):
            log.warning("%s", one)
        outbox = Outbox(folder)
        run_id = json.loads((folder / "spool.json").read_bytes())["run_id"]
        while outbox.send(link, run_id):
            pass
        remove(folder)
        return counts
    finally:
        os.close(shipping)
        os.close(owner)


class Orphans:
    """Ships, one after another, what dead processes left under a root for the same server."""

    def __init__(self, root: Path, open_link: Callable[[], Link]) -> None:
        self._root, self._open_link = root, open_link
        self._stop = threading.Event()
        self._unreadable: set[Path] = set()
        # Folders by when they were held up last; those come last, so that none keeps others back.
        self._held: dict[Path, int] = {}
        self._thread = threading.Thread(target=self._run, name="streamgauge-orphans", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while True:
            link = self._open_link()
            wait = _ORPHANS_SECONDS
            try:
                self.once(link)
            except Held as held:
                wait = max(wait, held.seconds)
            finally:
                link.close()
            if self._stop.wait(wait):
                return

    def once(self, link: Link) -> None:
        for folder in sorted(spools(self._root), key=lambda f: self._held.get(f, 0)):
            if self._stop.is_set():
                return
            if folder in self._unreadable or not _meant_for(folder, link.url):
                continue
            try:
                ship_folder(folder, link)
            except Held:
                self._held[folder] = max(self._held.values(), default=0) + 1
                raise
            except (BlockingIOError, FileNotFoundError):
                continue  # its process lives, or another one was faster
            except (Unreadable, OSError, ValueError) as error:
                self._unreadable.add(folder)
                log.warning("cannot ship %s, which an earlier process has left: %s", folder, error)


def _meant_for(folder: Path, url: str) -> bool:
    """Whether a spool may be sent there unasked."""
    try:
        about: dict[str, Any] = json.loads((folder / "spool.json").read_bytes())
    except (OSError, ValueError):
        return False
    return about.get("mode") == "online" and about.get("url") == plain(url)
