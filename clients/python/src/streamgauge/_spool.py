"""What a process logs, kept in memory-mapped files until a server has acknowledged it.

`Spool.append` is the call that a training waits for: it packs one record into the mapped segment, and that is all. The
pages belong to the kernel, so they outlive the process. When a segment is full the next one is ready: a thread
has created, allocated and mapped it. Should it not be ready (disk full, `bytes_max` reached), points are refused and
counted; nothing ever waits. The lock is never held over a file operation or the network.

A folder holds one writer: `owner.lock`, held with flock while its process lives, and `shipper.lock` by who ships it;
`spool.json` for people and for `sync`; `000001.seg` and so on; `ledger`, which the shipper keeps; `committed`, where an
agent ships; `artifacts/`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import secrets
import shutil
import struct
import sys
import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import time_ns
from typing import Any, Callable

from streamgauge import _segment
from streamgauge._frame import Head

_NS_PER_MS = 1_000_000
# Sizes of the first segments; all further ones are as the last. A run that logs little takes little.
_SEGMENT_BYTES = (1 << 20, 4 << 20, 16 << 20)
_SEGMENT_BYTES_MIN = 256 << 10
# Of every segment, kept free of points: the run's end must fit in when all is full.
_RESERVE_BYTES = 32 << 10
# A disk with less room than this is left alone.
_FREE_BYTES_MIN = 64 << 20
# Key sets that are remembered at once; a training has a handful, a program that makes up keys has no end of them.
_PLANS_MAX = 20_000
# Of one record. A wider log call becomes several.
KEYS_MAX = 4096
_KEY_BYTES_MAX = 128 << 10
_KEY_BYTES_MAX_EACH = 256
_RETRY_SECONDS = 0.5
_PLACE = struct.Struct("<QQ")
_CRC = struct.Struct("<I")
_PATIENCE_SECONDS = 0.1


class Refused(Exception):
    """There is no room; the reason says where."""


class NotReady(Refused):
    """There is room, and the next segment is not there yet."""


class Reentered(Exception):
    """The calling thread stands within another append, which a signal handler or a value's `__float__` has
    interrupted."""


class Spool:
    """The writing side of one folder. Any thread may call any method."""

    def __init__(self, folder: Path, head: Head, about: Mapping[str, Any], bytes_max: int) -> None:
        """Creates the folder and the first segment; OSError if it cannot."""
        self.folder, self.head = folder, head
        self.step = 0
        self.points = 0
        self.closed = False
        self._bytes_max = bytes_max
        self._lock = threading.RLock()
        self._busy = False
        self._plans: dict[tuple[str, ...], tuple[Callable[..., None], int, int, int, int]] = {}
        self._wide: dict[tuple[str, ...], list[tuple[int, int]]] = {}
        self._key_sets = 0
        self._full = ""
        folder.mkdir(parents=True, mode=0o700)
        with contextlib.ExitStack() as undo:  # a training may try at each log call: nothing stays of a try in vain
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            self._owner = lock_folder(folder)
            undo.callback(os.close, self._owner)
            described = json.dumps({"version": _segment.VERSION, **about}, indent=1)
            write_new(folder / "spool.json", described.encode() + b"\n")
            self._number = 1
            self._map = self._create(1)
            self._position = _segment.HEADER_BYTES
            self._limit = self._points_limit()
            self._next: mmap.mmap | None = self._create(2)
            self._old: list[mmap.mmap] = []
            self._wake, self._made = threading.Event(), threading.Event()
            self._patient = True
            self._keeper = threading.Thread(target=self._keep, name="streamgauge-spool", daemon=True)
            self._keeper.start()
            undo.pop_all()

    def append(self, data: Mapping[str, Any], step: Any = None) -> None:
        """Takes one point for each key, or raises and takes nothing: KeyError for keys not seen in this segment,
        Refused, Reentered, or what comes of values that are no numbers. Without a step it is the next one."""
        with self._lock:
            if self._busy:
                raise Reentered
            self._busy = True
            try:
                pack, size, first, last, count = self._plans[tuple(data)]
                position = self._position
                end = position + size
                if end > self._limit:
                    raise KeyError
                if step is None:
                    step = self.step
                    after = step + 1
                else:
                    after = step if step > self.step else self.step
                try:
                    pack(self._map, position, first, step, time_ns() // _NS_PER_MS, *data.values(), last)
                except BaseException:
                    self._map[position:end] = bytes(size)
                    raise
                self._position = end
                self.step = after
                self.points += count
            finally:
                self._busy = False

    def put(self, keys: tuple[str, ...], values: Sequence[float], step: int, time_ms: int) -> None:
        """The long way of append: defines the key set if it is new, and goes on to the next segment."""
        for start, end in self._widths(keys):
            self._write_locked(partial(self._put, keys[start:end], values[start:end], step, time_ms))

    def put_section(self, content: bytes, events: int) -> None:
        """Takes encoded fields of a section."""
        encoded = _segment.section_record(content, events)

        def write() -> None:
            if self._position + len(encoded) > len(self._map) - _segment.END_BYTES:
                self._roll(len(encoded))
            self._write(encoded)

        self._write_locked(write)

    def take_step(self, step: int | None, commit: bool | None) -> int:
        """The step of a log call: the given one, which automatic steps go on from, or the next one."""
        with self._lock:
            if step is None:
                step = self.step
                self.step = step if commit is False else step + 1
            elif step > self.step:
                self.step = step
            return step

    def committed(self, number: int) -> int:
        """How far segment `number` may be read."""
        with self._lock:
            if number == self._number:
                return self._position
            return sys.maxsize if number < self._number else 0

    def place(self) -> tuple[int, int]:
        """Segment and position behind the last record."""
        with self._lock:
            return self._number, self._position

    def publish(self, place: tuple[int, int]) -> None:
        """Says in the folder how far others may read; what is behind may be half written. Once the folder is nobody's,
        it does not matter."""
        fixed = _PLACE.pack(*place)
        with contextlib.suppress(OSError):
            descriptor = os.open(self.folder / "committed", os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.pwrite(descriptor, fixed + _CRC.pack(zlib.crc32(fixed)), 0)
            finally:
                os.close(descriptor)

    @property
    def full(self) -> str:
        """Why there is no next segment, "" if there is or will be."""
        return self._full

    def made_room(self) -> None:
        """Segments were deleted."""
        if self._full:
            self._wake.set()

    def seal(self) -> None:
        """Takes nothing more."""
        with self._lock:
            self.closed = True
            self._plans, self._limit = {}, 0
        self._wake.set()

    def leave(self) -> None:
        """Gives the folder up, after seal and after the last reader; another process may ship it from now on."""
        self.seal()
        if self._keeper is not threading.current_thread():
            self._keeper.join(5)
        self._release()
        os.close(self._owner)

    def forget(self) -> None:
        """In a forked child: the folder is the parent's. Nothing is written, and the parent's lock is not kept
        alive."""
        self._lock = threading.RLock()
        self._busy = False
        self.closed = True
        self._plans, self._limit = {}, 0
        os.close(self._owner)

    def before_fork(self) -> None:
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def _write_locked(self, write: Callable[[], None]) -> None:
        """Writes under the lock. Where all that is missing is the next segment, its thread was starved or the disk is
        slow: it gets a moment, once for each segment, and nobody holds the lock meanwhile."""
        try:
            self._locked(write)
        except NotReady:
            if self._patient and not self._busy:
                self._patient = self._made.wait(_PATIENCE_SECONDS)
            self._locked(write)

    def _locked(self, write: Callable[[], None]) -> None:
        with self._lock:
            if self._busy:
                raise Reentered
            if self.closed:
                raise Refused("the run is finished")
            self._busy = True
            try:
                write()
            finally:
                self._busy = False

    def _put(self, keys: tuple[str, ...], values: Sequence[float], step: int, time_ms: int) -> None:
        plan = self._plans.get(keys) or self._define(keys)
        if self._position + plan[1] > self._limit:
            self._roll(0)
            plan = self._define(keys)
        pack, size, first, last, count = plan
        position = self._position
        try:
            pack(self._map, position, first, step, time_ms, *values, last)
        except BaseException:
            self._map[position : position + size] = bytes(size)
            raise
        self._position = position + size
        self.points += count

    def _define(self, keys: tuple[str, ...]) -> tuple[Callable[..., None], int, int, int, int]:
        """Writes a key set into the segment and remembers how its records are packed."""
        encoded = [k.encode() for k in keys]
        form = _segment.points_struct(len(keys))
        room = len(_segment.keys_record(0, encoded)) + form.size
        if self._position + room > self._limit or self._key_sets + 1 >= _segment.KEY_SETS_MAX:
            self._roll(room + _RESERVE_BYTES)
        if len(self._plans) >= _PLANS_MAX:
            self._plans = {}
        self._key_sets += 1
        self._write(_segment.keys_record(self._key_sets, encoded))
        first = _segment.word(_segment.POINTS, self._key_sets, form.size)
        plan = (form.pack_into, form.size, first, _segment.trailer(first), len(keys))
        self._plans[keys] = plan
        return plan

    def _widths(self, keys: tuple[str, ...]) -> list[tuple[int, int]]:
        """The parts of a log call that may be too wide for one record."""
        known = self._wide.get(keys)
        if known is not None:
            return known
        if len(keys) * _KEY_BYTES_MAX_EACH <= _KEY_BYTES_MAX:
            return [(0, len(keys))]
        cuts, start, size = [], 0, 0
        for i, key in enumerate(keys):
            length = len(key.encode())
            if i - start >= KEYS_MAX or size + length > _KEY_BYTES_MAX:
                cuts.append((start, i))
                start, size = i, 0
            size += length
        if len(self._wide) >= 100:
            self._wide = {}
        self._wide[keys] = [*cuts, (start, len(keys))]
        return self._wide[keys]

    def _write(self, encoded: bytes) -> None:
        end = self._position + len(encoded)
        self._map[self._position : end] = encoded
        self._position = end

    def _roll(self, room: int) -> None:
        """Goes on in the next segment, which must have room."""
        following = self._next
        if self.closed:
            raise Refused("the run is finished")
        if following is None:
            self._wake.set()
            if self._full:
                raise Refused(self._full)
            raise NotReady(f"the disk of {self.folder} is slower than what is logged")
        if room + _segment.HEADER_BYTES + _segment.END_BYTES > len(following):
            raise Refused(f"a record of {room} bytes does not fit into a segment")
        # The end stands there before anything is in the next segment, so a reader never misses what comes after.
        self._write(_segment.end_record())
        self._old.append(self._map)
        self._map, self._next = following, None
        self._made.clear()
        self._number += 1
        self._position = _segment.HEADER_BYTES
        self._limit = self._points_limit()
        self._plans, self._key_sets = {}, 0
        self._wake.set()

    def _points_limit(self) -> int:
        return len(self._map) - _segment.END_BYTES - _RESERVE_BYTES

    def _keep(self) -> None:
        """Has the next segment ready and unmaps old ones, until the spool is sealed."""
        while True:
            self._wake.clear()
            if self.closed:  # asked behind clear, which may have taken seal's word
                return
            while self._old:
                self._old.pop().close()
            if self._next is None:
                self._prepare()
            self._wake.wait(_RETRY_SECONDS if self._full else None)

    def _prepare(self) -> None:
        try:
            why = self._why_full(self._size(self._number + 1))
            if not why:
                self._next = self._create(self._number + 1)
                self._patient = True
                self._made.set()
        except OSError as error:
            why = f"{self.folder}: {error.strerror or error}"
        self._full = why

    def _why_full(self, size: int) -> str:
        used = 0
        for entry in os.scandir(self.folder):
            if entry.name.endswith(".seg"):
                with contextlib.suppress(FileNotFoundError):  # the shipper has deleted it meanwhile
                    used += entry.stat().st_size
        if used + size > self._bytes_max:
            return (
                f"{self.folder} holds {used >> 20} MiB of at most {self._bytes_max >> 20} (STREAMGAUGE_MAX_SPOOL_BYTES)"
            )
        free = shutil.disk_usage(self.folder).free
        return f"the disk of {self.folder} has only {free >> 20} MiB left" if free < _FREE_BYTES_MIN + size else ""

    def _size(self, number: int) -> int:
        size = _SEGMENT_BYTES[min(number, len(_SEGMENT_BYTES)) - 1]
        # Four segments at least must fit: one being written, one ready, one being sent.
        return max(_SEGMENT_BYTES_MIN, min(size, self._bytes_max // 4 // mmap.PAGESIZE * mmap.PAGESIZE))

    def _create(self, number: int) -> mmap.mmap:
        path = self.folder / segment_name(number)
        size = self._size(number)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            allocate(descriptor, size)
            os.pwrite(descriptor, _segment.header(self.head, number, time_ns() // _NS_PER_MS), 0)
            return mmap.mmap(descriptor, size)
        except BaseException:
            path.unlink()
            raise
        finally:
            os.close(descriptor)

    def _release(self) -> None:
        for mapped in [self._map, *self._old, *([self._next] if self._next else [])]:
            mapped.close()
        self._old, self._next = [], None


def segment_name(number: int) -> str:
    return f"{number:06d}.seg"


def allocate(descriptor: int, size: int) -> None:
    """Gives a file its blocks. A page of a map that has none would kill the process on a full disk."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    zeros = bytes(1 << 20)
    for at in range(0, size, len(zeros)):
        os.pwrite(descriptor, zeros[: size - at], at)


def lock_folder(folder: Path) -> int:
    """The descriptor that holds a spool; BlockingIOError if a living process has it."""
    return take_lock(folder / "owner.lock")


def lock_shipping(folder: Path) -> int:
    """The descriptor that holds the right to ship a spool; BlockingIOError if somebody has it."""
    return take_lock(folder / "shipper.lock")


def take_lock(path: Path, kind: int = fcntl.LOCK_EX) -> int:
    """A descriptor with the lock of a file, until it is closed; BlockingIOError if somebody has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_new(path: Path, content: bytes) -> None:
    """Writes a file that is there whole or not at all."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    beside.replace(path)


def new_folder(root: Path, head: Head) -> Path:
    """A name for a spool that no other has."""
    return root / f"{head.run_id[:12]}-r{head.rank}-{os.getpid()}-{secrets.token_hex(4)}"


def new_writer() -> int:
    return secrets.randbits(64) or 1


def spools(root: Path) -> Iterable[Path]:
    """The spools below a folder, or the folder itself if it is one; the oldest first."""
    if (root / "spool.json").exists():
        return [root]
    found = [p.parent for p in root.glob("*/spool.json")]
    return sorted(found, key=lambda p: p.stat().st_mtime)
