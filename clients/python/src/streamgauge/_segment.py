"""The layout of a segment file: a header, then records, then zeros. Pure; `docs/spool.md` has it for other languages.

A segment is allocated whole and filled with zeros before it is used. Everything is little-endian, every record starts
at a multiple of 8 and is one header word, its content, and one trailer word, which is the header inverted and is
written last: what a killed process left half written has no trailer, so it is never read, and reading ends there.

The header word, from the top: 16 bits 0xFFF5, 4 bits kind, 20 bits key set, 24 bits length of the whole record in
units of 8 bytes. As a float, 0xFFF5... is a NaN that no arithmetic makes, so a value left over from an overwritten
record is never taken for a header.

| kind | content |
|---|---|
| 1 keys | 32 bit count; for each key 16 bit length and UTF-8; zeros. Defines the header's key set from here on |
| 2 points | 64 bit step, 64 bit milliseconds since the epoch, then one 64 bit float for each key of the key set |
| 3 section | 32 bit length, 16 bit number of run events, 16 bit zero, so many bytes: fields of a `Section`; zeros |
| 4 end | nothing: go on in the next segment |
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from streamgauge._frame import Head

MAGIC = b"SGSPOOL\0"
VERSION = 1
HEADER_BYTES = 128
WORD = 8
END_BYTES = 2 * WORD
KEY_SETS_MAX = 1 << 20
RECORD_BYTES_MAX = 2 << 20

KEYS, POINTS, SECTION, END = 1, 2, 3, 4

_HEADER = struct.Struct("<8sIIQ32sIIQQ")
_CRC = struct.Struct("<I")
_TAG = 0xFFF5 << 48
_ALL = (1 << 64) - 1
_WORD = struct.Struct("<Q")
_LENGTHS = struct.Struct("<IHH")


class Unreadable(Exception):
    """A file of a spool that is not what it should be; the message names it."""


class Record(NamedTuple):
    kind: int
    key_set: int
    size: int


def header(head: Head, number: int, created_ms: int) -> bytes:
    fixed = _HEADER.pack(
        MAGIC, VERSION, HEADER_BYTES, head.writer, head.run_id.encode(), head.rank, head.attempt, number, created_ms
    )
    return (fixed + _CRC.pack(zlib.crc32(fixed))).ljust(HEADER_BYTES, b"\0")


def read_header(view: bytes) -> tuple[Head, int]:
    """The writer's head and the segment's number."""
    if len(view) < HEADER_BYTES:
        raise Unreadable("shorter than a segment's header")
    magic, version, size, writer, run_id, rank, attempt, number, _ = _HEADER.unpack_from(view)
    if magic != MAGIC or _CRC.unpack_from(view, _HEADER.size)[0] != zlib.crc32(view[: _HEADER.size]):
        raise Unreadable("no segment of a spool, or its header is damaged")
    if version != VERSION or size != HEADER_BYTES:
        raise Unreadable(f"a segment of version {version}; this library knows {VERSION}")
    return Head(writer, run_id.decode(), rank, attempt), number


def word(kind: int, key_set: int, size: int) -> int:
    return _TAG | kind << 44 | key_set << 24 | size // WORD


def trailer(of: int) -> int:
    return of ^ _ALL


def points_struct(keys: int) -> struct.Struct:
    """A whole points record: header, step, time, values, trailer."""
    return struct.Struct(f"<Qqq{keys}dQ")


def record(kind: int, key_set: int, content: bytes) -> bytes:
    """A whole record; content is filled up with zeros."""
    padded = content + bytes(-len(content) % WORD)
    size = len(padded) + 2 * WORD
    first = word(kind, key_set, size)
    return _WORD.pack(first) + padded + _WORD.pack(trailer(first))


def keys_record(key_set: int, keys: Sequence[bytes]) -> bytes:
    content = _CRC.pack(len(keys)) + b"".join(len(k).to_bytes(2, "little") + k for k in keys)
    return record(KEYS, key_set, content)


def section_record(content: bytes, events: int) -> bytes:
    return record(SECTION, 0, _LENGTHS.pack(len(content), events, 0) + content)


def end_record() -> bytes:
    return record(END, 0, b"")


def parse(view: memoryview, at: int, limit: int) -> Record | None:
    """The record at a place, None if no whole one stands before limit."""
    if at + END_BYTES > limit:
        return None
    first = _WORD.unpack_from(view, at)[0]
    size = (first & 0xFFFFFF) * WORD
    if first >> 48 != 0xFFF5 or size < END_BYTES or at + size > limit:
        return None
    if _WORD.unpack_from(view, at + size - WORD)[0] != first ^ _ALL:
        return None
    return Record(first >> 44 & 0xF, first >> 24 & 0xFFFFF, size)


def parse_keys(view: memoryview, at: int) -> list[bytes]:
    count = _CRC.unpack_from(view, at + WORD)[0]
    keys, at = [], at + WORD + _CRC.size
    for _ in range(count):
        length = int.from_bytes(view[at : at + 2], "little")
        keys.append(bytes(view[at + 2 : at + 2 + length]))
        at += 2 + length
    return keys


def parse_section(view: memoryview, at: int) -> tuple[bytes, int]:
    """A section's fields, and how many run events are among them."""
    length, events, _ = _LENGTHS.unpack_from(view, at + WORD)
    return bytes(view[at + 2 * WORD : at + 2 * WORD + length]), events
