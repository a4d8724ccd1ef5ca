"""A run as a training sees it. Nothing here raises into the training, and nothing waits but `flush` and `finish`."""

from __future__ import annotations

import logging
import operator
import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, NamedTuple

from streamgauge import _config, _exit, _frame, _hooks, _report
from streamgauge._address import bus_of, plain
from streamgauge._agent import Beacon, Starter, shipping_program
from streamgauge._config import Config, Summary
from streamgauge._courier import remove
from streamgauge._frame import Artifact, ConsoleLine, Head, SmallValue
from streamgauge._identity import Identity, place_of
from streamgauge._link import Link
from streamgauge._segment import Unreadable
from streamgauge._settings import Settings, settings
from streamgauge._shipper import Orphans, Shipper
from streamgauge._spool import Reentered, Refused, Spool, new_folder, new_writer
from streamgauge._upload import Outbox

log = logging.getLogger("streamgauge")

_STATUS = {"FINISHED": _frame.FINISHED, "FAILED": _frame.FAILED, "KILLED": _frame.KILLED}
_DEFERRED_MAX = 10_000
_STEP_MAX = (1 << 63) - 1
_WARNINGS_MAX = 1_000
# A process that is being killed has this long.
_KILLED_SECONDS = 5.0
_CHILD_SECONDS = 2.0


class About(NamedTuple):
    """What a run is called. An attached run is somebody else's: it is neither started nor ended."""

    project: str
    name: str
    tags: Mapping[str, str]
    user: str
    attached: bool = False


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Run:
    """Made by `streamgauge.init`. Any thread may call any method."""

    def __init__(self, identity: Identity, chosen: Settings, about: About) -> None:
        self.id = identity.run_id
        self.name = about.name
        self.project = about.project
        self.rank = identity.place.rank
        self.local_rank = identity.place.local_rank
        self.world_size = identity.place.world_size
        self.attempt = identity.attempt
        self.mode = chosen.mode
        self.server_url = chosen.url
        # Where a person finds it; a bus has no page.
        self.url = plain(chosen.url) if bus_of(chosen.url) else f"{chosen.url}/#/runs/{self.id}"
        self.config = Config(self._config_changed)
        self.summary = Summary(self._summary_changed)
        self._settings, self._about, self._again = chosen, about, identity.again
        self._lock = threading.RLock()
        self._warned: set[str] = set()
        self._counted: dict[str, int] = {}
        self._deferred: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._params: dict[str, str] = {}
        self._hooks: list[Any] = []
        self._finished = self._ended = self._child = False
        self._spool: Spool | None = None
        self._shipper: Shipper | Beacon | None = None
        self._agent = shipping_program(chosen)
        self._outbox: Outbox | None = None
        self._orphans: Orphans | None = None
        self._append: Callable[[Mapping[str, Any], Any], None] = _unopened
        self._base = (0, 0)  # points and refused ones of spools before a fork

    @classmethod
    def attach(cls, run_id: str, *, url: str, token: str | None = None, attempt: int = 0) -> Run:
        """A run that exists already, for points only, of the rank that this process has. ValueError or OSError if it
        cannot be."""
        chosen = settings(os.environ, {"url": url, "token": token, "mode": "online"})
        identity = Identity(run_id, place_of(os.environ), attempt, True, "")
        run = cls(identity, chosen, About("", "", {}, "", attached=True))
        run._open()
        _exit.watch(run)
        return run

    def start(self) -> None:
        """Opens the spool and everything that runs beside the training. OSError if there is nowhere to write."""
        if self.mode == "disabled":
            self._append = _ignored
            return
        self._open()
        if self.mode == "online" and self._agent is None:
            self._orphans = Orphans(self._settings.dir, self._link)
        _exit.watch(self)
        self._hooks = _hooks.start(self, self._settings)

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        """Takes a point for each number in data, and a small value for everything else that can be one.

        Without a step, the step is one more than the last. Given steps may go back; automatic ones go on from the
        highest. With commit=False the next automatic step is the same again. NaN and infinities are kept as they are.
        What cannot be logged is counted in `stats()` and warned about once a key.
        """
        try:
            if commit is not None:
                raise KeyError
            self._append(data, step)
        except Exception:
            self._log_slowly(data, step, commit)

    @property
    def step(self) -> int:
        """The next automatic step."""
        return int(self._spool.step) if self._spool else 0

    @property
    def dir(self) -> Path:
        """The spool's folder."""
        return self._spool.folder if self._spool else self._settings.dir

    @property
    def finished(self) -> bool:
        return self._finished

    def define_metric(self, name: str, step_metric: str | None = None, **_: Any) -> None:
        """Draws a metric, or all that `*` at the end stands for, over the values of another one. Told to the server as
        tag `streamgauge.axis.<name>`."""
        if step_metric:
            self._set_tags({f"streamgauge.axis.{name.replace('*', ':')}": str(step_metric)})

    def stats(self) -> dict[str, Any]:
        """What was accepted, refused and acknowledged so far; counts of points unless the name says otherwise."""
        spool, shipper = self._spool, self._shipper
        counts = shipper.counts if shipper else None
        return {
            "accepted": (spool.points if spool else 0) + self._base[0],
            "acknowledged": (counts.points if counts else 0) + self._base[1],
            "refused": 0,
            "bad_values": 0,
            "bad_keys": 0,
            "frames_acknowledged": counts.frames if counts else 0,
            "frames_rejected": counts.rejected if counts else 0,
            "bytes_sent": counts.bytes if counts else 0,
            "retries": counts.retries if counts else 0,
            "trouble": shipper.trouble if shipper else "",
            "last_trouble": shipper.last_trouble if shipper else "",
            "spool": str(self.dir),
            **self._counted,
        }

    def flush(self, timeout_seconds: float | None = None) -> bool:
        """Waits until the server has all that was logged; False if it takes nothing for so many seconds, or there is
        no server."""
        self._drain()
        return bool(self._shipper and self._shipper.wait(timeout_seconds))

    def finish(self, status: str = "FINISHED", exit_code: int | None = None, quiet: bool | None = None) -> None:
        """Ends the run (rank 0 does, other ranks only their part of it) and waits until the server has all of it.

        If the server takes nothing for `finish_seconds`, the rest stays in the spool and goes with the next run of the
        same folder or with `streamgauge sync`.
        """
        with self._lock:
            if self._finished:
                return
            self._finished = True
        try:
            self._finish("FAILED" if exit_code else status, self._settings.quiet if quiet is None else quiet)
        except Exception as error:
            self._warn("finish", f"finish: {type(error).__name__}: {error}")
        if self._finished:
            _exit.unwatch(self)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(_exit.status_of(kind, error))

    def __repr__(self) -> str:
        return f"<streamgauge run {self.name} {self.id} rank {self.rank} of {self.world_size}>"

    # What other modules of this package call. None of it raises or waits.

    def _go_on_from(self, step: int) -> None:
        """The next automatic step is this one at least."""
        if self._spool:
            self._spool.take_step(step, None)

    def _log_at(
        self, data: Mapping[str, float], step: int, time_ms: int, context: tuple[str, str, str] | None = None
    ) -> None:
        """Points with a step and time of their own; automatic steps do not care. The context is what they were measured
        with: id of a model, name and digest of a dataset, each may be empty."""
        numbers: dict[str, float] = {}
        for key, value in data.items():
            if name := self._key(key):
                numbers[name] = value
        if context is None:
            self._do(self._put, tuple(numbers), list(numbers.values()), step, time_ms)
        elif numbers:
            self._section(_frame.points_about(list(numbers), list(numbers.values()), step, time_ms, context), 1)

    def _append_values(self, values: Sequence[SmallValue]) -> None:
        for value in values:
            encoded = _frame.small_value(value)
            if len(encoded) > _frame.VALUE_BYTES_MAX:
                self._count("bad_values")
                self._warn(
                    "value " + value.key,
                    f"{value.key}: a value of {len(encoded):,} bytes is too large; log it as an artifact",
                )
            else:
                self._section(_frame.section_values([encoded]))

    def _append_console(self, lines: Sequence[ConsoleLine]) -> None:
        for start in range(0, len(lines), 16):
            self._section(_frame.section_console(_frame.console_line(c) for c in lines[start : start + 16]))

    def _append_event(self, event: bytes) -> None:
        self._section(_frame.section_events([event]), 1)

    def _append_artifact(self, path: str, content: bytes | os.PathLike[str], media_type: str) -> Artifact:
        """Copies a file into the spool, to be uploaded. OSError if there is no room."""
        if self._outbox is None or (self._spool and self._spool.closed):
            raise OSError(f"run {self.id} takes no files")
        artifact = self._outbox.put(path, content, media_type)
        if self._shipper:
            self._shipper.upload()
        return artifact

    def _set_tags(self, tags: Mapping[str, str]) -> None:
        for batch in _config.batches(self._legal(tags, _config.TAG_VALUE_LENGTH_MAX)):
            self._append_event(_frame.tags(now_ms(), batch))

    def _set_params(self, params: Mapping[str, str]) -> None:
        entries = list(self._legal(params, _config.PARAM_VALUE_LENGTH_MAX))
        # A param that has another value already refuses its whole event, so where that may be each one goes alone.
        alone = self._again and len(entries) <= 200
        for batch in ({k: v} for k, v in entries) if alone else _config.batches(entries):
            self._append_event(_frame.params(now_ms(), batch))

    def _warn(self, key: str, message: str) -> None:
        """Once a key."""
        if key not in self._warned and len(self._warned) < _WARNINGS_MAX:
            self._warned.add(key)
            log.warning("%s", message)

    def _count(self, name: str, n: int = 1) -> None:
        with self._lock:
            self._counted[name] = self._counted.get(name, 0) + n

    # The slow way of log.

    def _log_slowly(self, data: Any, step: Any, commit: bool | None) -> None:
        if self.mode == "disabled":
            return
        try:
            time_ms = now_ms()
            if not isinstance(data, Mapping):
                self._count("bad_values")
                self._warn("log", f"log takes a dictionary, not a {type(data).__name__}")
                return
            if self._finished:
                self._refuse(len(data), "the run is finished")
                return
            numbers, others = self._sort(data)
            at = self._ready().take_step(self._step_of(step), commit)
            if numbers:
                self._do(self._put, tuple(numbers), list(numbers.values()), at, time_ms)
            for key, value in others:
                self._log_other(key, value, at, time_ms)
        except Exception as error:
            self._count("bad_values")
            self._warn("log", f"log: {type(error).__name__}: {error}")

    def _sort(self, data: Mapping[Any, Any]) -> tuple[dict[str, float], list[tuple[str, Any]]]:
        """Numbers, and what is none; keys that cannot be are left out."""
        numbers: dict[str, float] = {}
        others = []
        for key, value in _config.flat(data):
            name = self._key(key)
            if not name:
                continue
            try:
                numbers[name] = value.__float__()
            except OverflowError:
                numbers[name] = float("inf") if value > 0 else float("-inf")
            except Exception:  # tensors of several numbers have errors of their own
                others.append((name, value))
        return numbers, others

    def _key(self, key: str) -> str:
        """The key if a frame can hold it, else "", counted and warned about."""
        if 0 < len(key) <= _frame.KEY_BYTES_MAX // 4:
            if not key.isascii():
                return _frame.utf8(key).decode()
            return key
        if not 0 < len(_frame.utf8(key)) <= _frame.KEY_BYTES_MAX:
            self._count("bad_keys")
            self._warn(
                "key " + key[:80], f"a metric's key has 1 to {_frame.KEY_BYTES_MAX} bytes; left out: {key[:80]!r}"
            )
            return ""
        return _frame.utf8(key).decode()

    def _step_of(self, step: Any) -> int | None:
        """The step as a whole number; None, the next one, if it cannot be."""
        if step is None:
            return None
        try:
            whole = int(step) if isinstance(step, float) and step.is_integer() else operator.index(step)
            if -_STEP_MAX - 1 <= whole <= _STEP_MAX:
                return whole
        except TypeError:
            pass
        self._count("bad_steps")
        self._warn("step", f"step is {step!r}; it must be a whole number of 64 bits. The next step is taken")
        return None

    def _log_other(self, key: str, value: Any, step: int, time_ms: int) -> None:
        converted = _hooks.convert(self, key, value, step, time_ms)
        if converted is None:
            self._count("bad_values")
            self._warn("value " + key, f"{key}: a {type(value).__name__} cannot be logged")
        else:
            self._append_values([converted])

    # The spool.

    def _put(self, keys: tuple[str, ...], values: Sequence[float], step: int, time_ms: int) -> None:
        try:
            self._ready().put(keys, values, step, time_ms)
        except Refused as why:
            self._refuse(len(keys), str(why))

    def _put_section(self, content: bytes, events: int) -> None:
        try:
            self._ready().put_section(content, events)
        except Refused as why:
            self._count("refused_values")
            self._warn("full", f"not logged any more: {why}")

    def _section(self, content: bytes, events: int = 0) -> None:
        self._do(self._put_section, content, events)

    def _do(self, action: Callable[..., None], *arguments: Any) -> None:
        """Acts on the spool, or later if this very thread is interrupted while it does."""
        if self.mode == "disabled":
            return
        try:
            action(*arguments)
        except Reentered:
            if len(self._deferred) < _DEFERRED_MAX:
                self._deferred.append((action, arguments))
            else:
                self._count("refused")
        except Exception as error:
            self._count("bad_values")
            self._warn(f"spool {type(error).__name__}", f"{type(error).__name__}: {error}")

    def _drain(self) -> None:
        """Does what was put off."""
        for _ in range(len(self._deferred)):
            try:
                action, arguments = self._deferred.popleft()
            except IndexError:
                return
            self._do(action, *arguments)

    def _refuse(self, points: int, why: str) -> None:
        self._count("refused", points)
        self._warn("refused " + why[:20], f"points are not accepted and counted as refused: {why}")

    def _ready(self) -> Spool:
        """The spool; a forked child opens its own with its first point."""
        return self._spool or self._open()

    def _open(self) -> Spool:
        with self._lock:
            if self._spool:
                return self._spool
            head = Head(new_writer(), self.id, self.rank, self.attempt)
            self._settings.dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            spool = Spool(
                new_folder(self._settings.dir, head), head, self._described(head), self._settings.max_spool_bytes
            )
            self._outbox = Outbox(spool.folder)
            try:
                if not self._about.attached:
                    # First of all in every writer, whichever comes first: the server makes the run once.
                    spool.put_section(_frame.section_events(self._first_events()), 2)
                if self.mode == "online" and self._agent is None:
                    self._shipper = Shipper(spool, self._outbox, self._link, self._tick)
                elif self.mode == "online":
                    starter = Starter(self._agent, self._settings)
                    self._shipper = Beacon(spool, self._outbox, starter, self._tick, self._ship_alone)
            except BaseException:  # no more threads or files: the next log call tries again
                self._outbox = None
                spool.leave()
                remove(spool.folder)
                raise
            self._spool = spool
            self._append = spool.append
            return spool

    def _first_events(self) -> list[bytes]:
        about, now = self._about, now_ms()
        events = [
            _frame.started(
                now, experiment=about.project, name=about.name, user=about.user, tags=about.tags, ranks=self.world_size
            )
        ]
        if self._again and self.rank == 0 and not self._child:
            events.append(_frame.state(now, _frame.RUNNING))
        return events

    def _described(self, head: Head) -> dict[str, Any]:
        return {
            "run_id": self.id,
            "name": self.name,
            "project": self.project,
            "rank": self.rank,
            "attempt": self.attempt,
            "writer": f"{head.writer:016x}",
            "mode": self.mode,
            "url": plain(self.server_url),
            "shipper": "agent" if self._agent else "process",
            "pid": os.getpid(),
            "created_ms": now_ms(),
        }

    def _ship_alone(self, why: str) -> bool:
        """Where no agent can be had: whether this process ships its spool from now on."""
        with self._lock:  # the run may be about to open them
            spool, outbox = self._spool, self._outbox
        if bus_of(self._settings.url) or spool is None or outbox is None:
            self._warn("agent", f"{why}. What is logged stays in {self.dir}; it is tried again")
            return False
        try:
            self._shipper = Shipper(spool, outbox, self._link, self._tick)
        except (BlockingIOError, Unreadable):
            return False  # an agent ships it after all
        self._warn("agent", f"{why}. This process sends what it logs by itself")
        return True

    def _link(self) -> Link:
        return Link(self._settings.url, self._settings.token)

    def _tick(self, quiet: bool) -> None:
        """Called by the shipper from time to time."""
        self._drain()
        if quiet and not self._finished and not self._about.attached:
            self._append_event(_frame.heartbeat(now_ms()))

    # Config and summary.

    def _config_changed(self, entries: Mapping[str, Any]) -> None:
        try:
            fresh = {k: _config.as_text(v) for k, v in _config.flat(entries)}
            fresh = {k: v for k, v in fresh.items() if self._params.get(k) != v}
            for key in fresh.keys() & self._params.keys():
                self._warn(
                    "param " + key, f"config {key} was {self._params[key]!r} already; the server keeps the first value"
                )
                del fresh[key]
            self._params.update(fresh)
            if self.rank == 0 and fresh:
                self._set_params(fresh)
        except Exception as error:
            self._warn("config", f"config: {type(error).__name__}: {error}")

    def _summary_changed(self, key: str, value: Any) -> None:
        try:
            number = value.__float__()
        except Exception:
            self._set_tags({f"streamgauge.summary.{key}": _config.as_text(value)})
            return
        self._log_at({str(key): number}, max(0, self.step - 1), now_ms())

    def _legal(self, entries: Mapping[str, str], length_max: int) -> list[tuple[str, str]]:
        out = {}
        for key, value in entries.items():
            legal = _config.legal_key(str(key))
            if legal != key:
                self._warn("name " + str(key), f"{key!r} is no legal name of a param or tag; {legal!r} stands for it")
            if len(value) > length_max:
                self._warn(
                    "long " + str(key),
                    f"{key}: the value has {len(value):,} characters; the first {length_max:,} are kept",
                )
            if legal:
                out[legal] = value[:length_max]
        return list(out.items())

    # The end.

    def _finish(self, status: str, quiet: bool) -> None:
        for hook in self._hooks:
            _hooks.stop(self, hook)
        self._drain()
        spool, shipper = self._spool, self._shipper
        if spool is None:
            return
        if self.rank == 0 and not self._about.attached and not self._child and not self._ended:
            self._ended = True
            end = now_ms()
            self._append_event(_frame.state(end, _STATUS.get(status, _frame.FINISHED), end))
        if self._deferred:
            # Called by a signal handler within an append: the handler's return, or the end of the process, finishes
            # this.
            self._finished = False
            return
        spool.seal()
        if self._orphans:
            self._orphans.stop()
        whole = False
        if shipper:
            whole = self._last_words(shipper, self._patience(status), quiet)
            shipper.stop()
        taken_over = self._shipper
        if taken_over is not None and taken_over is not shipper:
            taken_over.stop()
        spool.leave()
        if whole and shipper is not None and shipper.closed:
            remove(spool.folder)
        if not quiet and not self._child and not self._about.attached:
            self._say_goodbye(whole)

    def _patience(self, status: str) -> float:
        seconds = _CHILD_SECONDS if self._child else self._settings.finish_seconds
        return min(seconds, _KILLED_SECONDS) if status == "KILLED" else seconds

    def _last_words(self, shipper: Shipper | Beacon, seconds: float, quiet: bool) -> bool:
        """Waits for the server; whether it has everything. A second Ctrl-C leaves."""
        try:
            with _report.Progress(self.stats, quiet or self._child):
                whole = shipper.wait(seconds, close=True)
                if whole and self._outbox and self._outbox.waiting():
                    whole = shipper.wait_for_files(seconds)
                return whole
        except KeyboardInterrupt:
            return False

    def _say_goodbye(self, whole: bool) -> None:
        stats = self.stats()
        if self.rank == 0:
            for line in _report.table(self._shipper.trend if self._shipper else {}, self.summary):
                log.info("%s", line)
        points = _report.plural(stats["accepted"], "point")
        if whole:
            log.info("run %s: %s sent in %s", self.name, points, _report.plural(stats["frames_acknowledged"], "frame"))
            log.info("%s", self.url)
        elif self.mode == "offline":
            log.info("run %s: %s kept; send them with: streamgauge sync %s", self.name, points, self.dir)
        elif stats["acknowledged"] >= stats["accepted"] and self._outbox and self._outbox.waiting():
            log.warning(
                "run %s: %s sent; %s not (%s). Send them with: streamgauge sync --url http://... %s",
                self.name, points, _report.plural(len(self._outbox.waiting()), "file"),
                stats["last_trouble"] or "the server was too slow", self.dir,
            )  # fmt: skip
        else:
            left = _report.plural(stats["accepted"] - stats["acknowledged"], "point")
            log.warning(
                "run %s: %s not sent yet (%s). The next run on this machine sends them, or: streamgauge sync %s",
                self.name, left, stats["last_trouble"] or "the server was too slow", self.dir,
            )  # fmt: skip
        if lost := stats["refused"]:
            log.warning("%s were refused while logging", _report.plural(lost, "point"))

    # Forks.

    def _before_fork(self) -> None:
        self._lock.acquire()
        if self._spool:
            self._spool.before_fork()

    def _after_fork_in_parent(self) -> None:
        if self._spool:
            self._spool.after_fork_in_parent()
        self._lock.release()

    def _after_fork_in_child(self) -> None:
        """The child is another writer of the same run; it makes files of its own when it logs something."""
        self._lock = threading.RLock()
        for hook in self._hooks:
            _hooks.forget(hook)
        self._hooks = []
        if self._shipper:
            self._shipper.forget()
        if self._spool:
            step = self._spool.step
            self._spool.forget()
            self._append = _Child(self, step)
        self._spool = self._shipper = self._outbox = self._orphans = None
        self._deferred.clear()
        self._counted = {}
        self._child = True


class _Child:
    """Opens a forked child's spool at its first point, with the parent's step."""

    def __init__(self, run: Run, step: int) -> None:
        self._run, self._step = run, step

    def __call__(self, data: Mapping[str, Any], step: Any) -> None:
        spool = self._run._open()
        spool.step = max(spool.step, self._step)
        _exit.watch_child(self._run)
        spool.append(data, step)


def _unopened(data: Mapping[str, Any], step: Any) -> None:
    raise KeyError


def _ignored(data: Mapping[str, Any], step: Any) -> None:
    """Mode disabled."""
