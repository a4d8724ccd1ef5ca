"""Reads frames back without a protobuf library: what our encoder writes is checked by code that knows nothing of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple, Union

Fields = list[tuple[int, Union[int, bytes]]]


class Point(NamedTuple):
    key: str
    step: int
    time_ms: int
    value: float


class Section(NamedTuple):
    run_id: str
    rank: int
    attempt: int
    points: list[Point]
    events: list[bytes]
    values: list[bytes]
    console: list[bytes]


class Frame(NamedTuple):
    version: int
    writer: int
    number: int
    close: bool
    sections: list[Section]

    def points(self) -> list[Point]:
        return [p for s in self.sections for p in s.points]


def varint(data: bytes, at: int) -> tuple[int, int]:
    out = shift = 0
    while True:
        byte = data[at]
        at += 1
        out |= (byte & 0x7F) << shift
        if byte < 0x80:
            return out, at
        shift += 7


def fields(data: bytes) -> Fields:
    out: Fields = []
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            number, at = varint(data, at)
            out.append((tag >> 3, number))
        elif kind == 1:
            out.append((tag >> 3, struct.unpack_from("<Q", data, at)[0]))
            at += 8
        elif kind == 2:
            length, at = varint(data, at)
            assert at + length <= len(data)
            out.append((tag >> 3, data[at : at + length]))
            at += length
        else:
            raise AssertionError(f"wire type {kind}")
    return out


def one(read: Fields, field: int, default: int = 0) -> int:
    found = [v for f, v in read if f == field]
    assert len(found) <= 1
    value = found[0] if found else default
    assert isinstance(value, int)
    return value


def many(read: Fields, field: int) -> list[bytes]:
    return [v for f, v in read if f == field and isinstance(v, bytes)]


def text(read: Fields, field: int) -> str:
    return (many(read, field) or [b""])[-1].decode()


def varints(data: bytes) -> list[int]:
    out, at = [], 0
    while at < len(data):
        number, at = varint(data, at)
        out.append(number)
    return out


def summed(data: bytes) -> list[int]:
    out, last = [], 0
    for z in varints(data):
        last += z >> 1 ^ -(z & 1)
        last = (last + (1 << 63)) % (1 << 64) - (1 << 63)
        out.append(last)
    return out


def points(data: bytes) -> list[Point]:
    read = fields(data)
    keys = [k.decode() for k in many(read, 1)]
    assert len(set(keys)) == len(keys), "a key stands twice in the dictionary"

    def column(short: int, fixed: int, form: str) -> list[int]:
        shorts, fixeds = b"".join(many(read, short)), b"".join(many(read, fixed))
        assert not (shorts and fixeds)
        if fixeds:
            return [n for (n,) in struct.iter_unpack(form, fixeds)]
        return varints(shorts) if short == 2 else summed(shorts)

    key, step, time = column(2, 8, "<I"), column(3, 9, "<q"), column(4, 10, "<q")
    value = [v for (v,) in struct.iter_unpack("<d", b"".join(many(read, 5)))]
    assert len(key) == len(step) == len(time) == len(value)
    return [Point(keys[k], *rest) for k, *rest in zip(key, step, time, value)]


def frame(data: bytes) -> Frame:
    read = fields(data)
    sections = []
    for content in many(read, 5):
        s = fields(content)
        found = [p for packed in many(s, 4) for p in points(packed)]
        sections.append(Section(text(s, 1), one(s, 2), one(s, 3), found, many(s, 5), many(s, 6), many(s, 7)))
    return Frame(one(read, 1), one(read, 2), one(read, 3), bool(one(read, 4)), sections)


def frames(body: bytes) -> Iterator[Frame]:
    """The frames of a request, each behind its length."""
    at = 0
    while at < len(body):
        length, at = varint(body, at)
        assert at + length <= len(body)
        yield frame(body[at : at + length])
        at += length
