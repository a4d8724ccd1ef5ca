"""What is in which frame, and which frames a server has taken: one small file beside the segments.

Before a frame is sent for the first time its end is written here and synced, so that whoever ships the spool next,
after whatever crash, sends the same number with the same content. All bytes of the file are written when it is made: a
later sync writes one block and leaves the file system's journal, which `log` might wait for, alone.

Layout (little-endian): 64 bytes of header: "SGLEDGER", 32 bit version; then two slots of 64 bytes that are written in
turn and say what is acknowledged; then 256 slots of 64 bytes, that of frame n at n mod 256, which say what was cut. A
slot is 64 bit frame number, 32 bit segment, 32 bit flags (1: it closes the writer), 64 bit position of the first byte
behind it, 64 bit points, and the CRC-32 of those; one whose CRC is wrong does not count.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from pathlib import Path
from typing import NamedTuple

from streamgauge._segment import HEADER_BYTES, Unreadable

CUTS_MAX = 256
CLOSE = 1

_MAGIC = b"SGLEDGER"
_VERSION = 1
_SLOT_BYTES = 64
_FIRST_CUT = 3 * _SLOT_BYTES
_SLOT = struct.Struct("<QIIQQ")
_CRC = struct.Struct("<I")
_FILE_BYTES = _FIRST_CUT + CUTS_MAX * _SLOT_BYTES


class Cut(NamedTuple):
    """The end of a frame: its number, the segment and the position behind its last record."""

    number: int
    segment: int
    flags: int
    end: int
    points: int


START = Cut(0, 1, 0, HEADER_BYTES, 0)


class Ledger:
    """Used by one thread, the shipper of the spool."""

    def __init__(self, path: Path) -> None:
        """Opens the ledger, or makes it; Unreadable if it is damaged."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            content = os.pread(self._file, _FILE_BYTES, 0)
            if len(content) < _FILE_BYTES:
                # Nothing was ever cut: the file is written and synced whole before the first cut.
                content = (_MAGIC + _CRC.pack(_VERSION)).ljust(_FILE_BYTES, b"\0")
                os.pwrite(self._file, content, 0)
                os.fsync(self._file)
            if content[:12] != _MAGIC + _CRC.pack(_VERSION):
                raise Unreadable(f"{path} is no ledger of version {_VERSION}")
        except BaseException:
            os.close(self._file)
            raise
        slots = [_parse(content, at) for at in range(_SLOT_BYTES, _FILE_BYTES, _SLOT_BYTES)]
        self.acknowledged = max((s for s in slots[:2] if s), default=START)
        self.cuts = _following(self.acknowledged.number, [s for s in slots[2:] if s])

    @property
    def last(self) -> Cut:
        """The newest cut: the next frame begins behind it."""
        return self.cuts[-1] if self.cuts else self.acknowledged

    def cut(self, cuts: list[Cut]) -> None:
        """Remembers the ends of new frames for good. At most CUTS_MAX may be unacknowledged."""
        if len(self.cuts) + len(cuts) > CUTS_MAX:
            raise ValueError(f"more than {CUTS_MAX} frames without acknowledgement")
        for c in cuts:
            os.pwrite(self._file, _format(c), _FIRST_CUT + c.number % CUTS_MAX * _SLOT_BYTES)
        self._sync()
        self.cuts += cuts

    def acknowledge(self, count: int) -> None:
        """The oldest count frames without acknowledgement have it now."""
        if not count:
            return
        before, self.acknowledged = self.acknowledged, self.cuts[count - 1]
        self.cuts = self.cuts[count:]
        slot = 1 + self.acknowledged.number % 2
        os.pwrite(self._file, _format(self.acknowledged), slot * _SLOT_BYTES)
        if self.acknowledged.segment > before.segment:
            # The segments before are deleted next. After a power cut that must not be all that is known of them.
            self._sync()

    def close(self) -> None:
        os.close(self._file)

    def _sync(self) -> None:
        getattr(os, "fdatasync", os.fsync)(self._file)


class Progress:
    """What somebody else, who ships the spool, has written into its ledger. Any thread may look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen = START
        self.points = 0

    @property
    def place(self) -> tuple[int, int]:
        """Segment and position up to which the server has all."""
        return self._seen.segment, self._seen.end

    @property
    def number(self) -> int:
        """Of the newest acknowledged frame."""
        return self._seen.number

    def look(self) -> None:
        """Reads what is new."""
        try:
            content = self._path.read_bytes()
        except OSError:
            return
        if len(content) >= _FILE_BYTES:
            with self._lock:
                self._take(content)

    def _take(self, content: bytes) -> None:
        slots = (_parse(content, at) for at in (_SLOT_BYTES, 2 * _SLOT_BYTES))
        newest = max((s for s in slots if s), default=START)
        for number in range(max(self._seen.number + 1, newest.number - CUTS_MAX + 1), newest.number + 1):
            cut = _parse(content, _FIRST_CUT + number % CUTS_MAX * _SLOT_BYTES)
            self.points += cut.points if cut and cut.number == number else 0
        if newest > self._seen:
            self._seen = newest


def _format(cut: Cut) -> bytes:
    fixed = _SLOT.pack(*cut)
    return fixed + _CRC.pack(zlib.crc32(fixed))


def _parse(content: bytes, at: int) -> Cut | None:
    fixed = content[at : at + _SLOT.size]
    cut = Cut(*_SLOT.unpack(fixed))
    return cut if cut.number and _CRC.unpack_from(content, at + _SLOT.size)[0] == zlib.crc32(fixed) else None


def _following(number: int, slots: list[Cut]) -> list[Cut]:
    """The cuts from number + 1 on, without a gap."""
    by_number = {c.number: c for c in slots}
    out = []
    while (number := number + 1) in by_number:
        out.append(by_number[number])
    return out
