"""The bytes of frames, by hand: nothing here reads a clock, a file or a socket.

A frame is protobuf, `streamgauge.v1.Frame` in `schemas/proto/streamgauge/v1/frame.proto`, and its few messages do not
earn a dependency. What a job says beside its points (events, values, console lines) is encoded once, in the thread
that says it, as complete fields of a `Section`; the shipper only puts them one after another.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

VERSION = 1
# The longest frame that a lane takes.
FRAME_BYTES_MAX = 1 << 20
# A metric's key in UTF-8, MLflow's limit.
KEY_BYTES_MAX = 250
# The longest SmallValue as encoded; what is longer belongs in an artifact.
VALUE_BYTES_MAX = 256 << 10
# A console line's text in UTF-8; what is longer is cut.
CONSOLE_LINE_BYTES_MAX = 16 << 10

RUNNING, FINISHED, FAILED, KILLED = 1, 3, 4, 5

_POINTS, _EVENT, _VALUE, _CONSOLE = 4, 5, 6, 7  # fields of Section
_LENGTH = 2  # wire type: a length, then that many bytes
_MASK = (1 << 64) - 1


class Text(NamedTuple):
    text: str


class Histogram(NamedTuple):
    """One more edge than counts."""

    edges: Sequence[float]
    counts: Sequence[float]


class Json(NamedTuple):
    json: str


class Artifact(NamedTuple):
    """Bytes that travel as an artifact: path below the run's artifact root, SHA-256 in lower-case hex."""

    path: str
    sha256: str
    size_bytes: int
    media_type: str


class SmallValue(NamedTuple):
    """What is no number, at a step; the time is milliseconds since the epoch."""

    key: str
    step: int
    time_ms: int
    value: Text | Histogram | Json | Artifact


class ConsoleLine(NamedTuple):
    """A printed line: stream is 1 for stdout and 2 for stderr, number counts from 1 within the stream."""

    time_ms: int
    stream: int
    number: int
    text: str


class Head(NamedTuple):
    """What all frames of a writer have in common. The writer is a random number of 64 bits, never 0."""

    writer: int
    run_id: str
    rank: int
    attempt: int


def varint(number: int) -> bytes:
    """A non-negative number, seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number: int) -> bytes:
    """A signed number of 64 bits as sint64 has it; differences wrap around as they do in other languages."""
    number &= _MASK
    return varint((number << 1 ^ (_MASK if number >> 63 else 0)) & _MASK)


def chunk(field: int, content: bytes) -> bytes:
    """A field of bytes, a text or a message."""
    return varint(field << 3 | _LENGTH) + varint(len(content)) + content


def _number(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number & _MASK) if number else b""


def _text(field: int, text: str) -> bytes:
    return chunk(field, utf8(text)) if text else b""


def _map(field: int, entries: Mapping[str, str]) -> bytes:
    return b"".join(chunk(field, _text(1, k) + _text(2, v)) for k, v in entries.items())


def utf8(text: str) -> bytes:
    """Text as protobuf wants it; half a surrogate pair, which Python strings may hold, becomes a question mark."""
    return text.encode("utf-8", "replace")


def cut_utf8(text: str, bytes_max: int) -> str:
    """The longest beginning of a text that fits, no character torn."""
    encoded = utf8(text)
    return encoded.decode() if len(encoded) <= bytes_max else encoded[:bytes_max].decode("utf-8", "ignore")


def started(
    time_ms: int,
    *,
    experiment: str,
    name: str,
    user: str,
    tags: Mapping[str, str],
    ranks: int,
) -> bytes:
    """The event that creates a run if it is not there. An empty experiment is the one with id 0."""
    where = _text(1, experiment) or _text(2, "0")
    return _event(time_ms, 2, where + _text(3, name) + _text(4, user) + _map(5, tags) + _number(6, ranks))


def params(time_ms: int, entries: Mapping[str, str]) -> bytes:
    return _event(time_ms, 3, _map(1, entries))


def tags(time_ms: int, entries: Mapping[str, str]) -> bytes:
    return _event(time_ms, 4, _map(1, entries))


def state(time_ms: int, status: int, end_ms: int = 0) -> bytes:
    """The run's status; end_ms is 0 if it goes on."""
    return _event(time_ms, 6, _number(1, status) + _number(2, end_ms))


def heartbeat(time_ms: int) -> bytes:
    return _event(time_ms, 7, b"")


def _event(time_ms: int, field: int, content: bytes) -> bytes:
    return _number(1, time_ms) + chunk(field, content)


def small_value(value: SmallValue) -> bytes:
    content = value.value
    if isinstance(content, Text):
        body = chunk(4, utf8(content.text))
    elif isinstance(content, Histogram):
        body = chunk(5, chunk(1, _doubles(content.edges)) + chunk(2, _doubles(content.counts)))
    elif isinstance(content, Json):
        body = chunk(6, utf8(content.json))
    else:
        path, sha256, size, media = content
        body = chunk(7, _text(1, path) + _text(2, sha256) + _number(3, size) + _text(4, media))
    return _text(1, value.key) + _number(2, value.step) + _number(3, value.time_ms) + body


def _doubles(numbers: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)


def console_line(line: ConsoleLine) -> bytes:
    text = cut_utf8(line.text, CONSOLE_LINE_BYTES_MAX)
    return _number(1, line.time_ms) + _number(2, line.stream) + _number(3, line.number) + _text(4, text)


def points_about(
    keys: Sequence[str], values: Sequence[float], step: int, time_ms: int, about: tuple[str, str, str]
) -> bytes:
    """A section's field: points of one step and time, all measured with one model and dataset (id, name, digest)."""
    model, name, digest = about
    count = len(keys)
    rest = bytes(count - 1)  # differences and repetitions of nothing
    columns = (
        (2, b"".join(map(varint, range(count)))),
        (3, zigzag(step) + rest),
        (4, zigzag(time_ms) + rest),
        (5, _doubles(values)),
        (7, b"\x01" * count),
    )
    context = chunk(6, _text(1, model) + _text(2, name) + _text(3, digest))
    dictionary = b"".join(chunk(1, utf8(key)) for key in keys)
    return chunk(_POINTS, dictionary + context + b"".join(chunk(field, column) for field, column in columns))


def has_points(section: bytes) -> bool:
    """Whether a section's fields are those of points_about. They stand alone: protobuf would join their columns."""
    return section[:1] == bytes([_POINTS << 3 | _LENGTH])


def section_events(events: Iterable[bytes]) -> bytes:
    """Run events as fields of a section."""
    return b"".join(chunk(_EVENT, e) for e in events)


def section_values(values: Iterable[bytes]) -> bytes:
    return b"".join(chunk(_VALUE, v) for v in values)


def section_console(lines: Iterable[bytes]) -> bytes:
    return b"".join(chunk(_CONSOLE, c) for c in lines)


def frame(head: Head, number: int, contents: Sequence[bytes], *, close: bool = False) -> bytes:
    """A frame with one section for each of contents, which are fields of `Section` behind the run's own."""
    whose = chunk(1, head.run_id.encode()) + _number(2, head.rank) + _number(3, head.attempt)
    # Without a section a frame would belong to no run, and so to no lane.
    sections = b"".join(chunk(5, whose + content) for content in contents or [b""])
    return (
        _number(1, VERSION)
        + varint(2 << 3 | 1)
        + struct.pack("<Q", head.writer)
        + _number(3, number)
        + _number(4, int(close))
        + sections
    )
