"""From a segment's records to the contents of a frame.

`Reader.encode` depends on nothing but the bytes between two positions and the key sets defined before them, so a frame
that is sent again after a crash is the frame that was sent before. It works at the speed of C on what is plenty:
consecutive records of the same few keys become columns by strided copies, and of a record with many keys each column
is a slice, a cached text, or a run of zeros.
"""

from __future__ import annotations

import mmap
import os
import struct
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from streamgauge import _segment
from streamgauge._frame import chunk, has_points, varint, zigzag
from streamgauge._segment import WORD, Unreadable

# What a frame may hold beside its own head, so that it stays below FRAME_BYTES_MAX.
CONTENT_BYTES_MAX = 960 << 10
EVENTS_MAX = 500
# Up to here a key set's points are sent in fixed width, copied by stride; above, steps and times as differences, which
# within a record are zeros.
_NARROW_KEYS_MAX = 3
_NARROW_POINT_BYTES = 4 + 8 + 8 + 8
# The longest varint of an index into at most CONTENT_BYTES_MAX keys, and two of a difference.
_WIDE_POINT_BYTES = 3 + 1 + 1 + 8
_RECORD_BYTES = 20
_RUN_WINDOW = 8
# For the summary at a run's end.
_SAMPLE_KEYS_MAX, _SAMPLE_SETS_MAX = 8, 16

_INDEX = struct.Struct("<I")
_FLOATS = struct.Struct("<d")
_zigzag = lru_cache(maxsize=4096)(zigzag)


class Contents(NamedTuple):
    """What a frame says: sections' fields, where the records end that they come from, and whether the segment ends
    there too."""

    sections: list[bytes]
    end: int
    ended: bool
    points: int
    samples: dict[str, float]


class _KeySet:
    def __init__(self, names: list[bytes]) -> None:
        self.names = names
        self.dictionary = b"".join(chunk(1, n) for n in names)


class Reader:
    """One segment, read from its start or from a place behind some of its records. Used by one thread."""

    def __init__(self, path: Path, start: int = _segment.HEADER_BYTES) -> None:
        """Opens a segment; Unreadable or OSError if it cannot be read."""
        self._path = path
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < _segment.HEADER_BYTES:
                raise Unreadable(f"{path} is shorter than a segment's header")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.size = len(self._map) // WORD * WORD
        self._view = memoryview(self._map)[: self.size]
        self._words = self._view.cast("Q")
        try:
            self.head, self.number = _segment.read_header(bytes(self._view[: _segment.HEADER_BYTES]))
        except Unreadable as why:
            self.close()
            raise Unreadable(f"{path}: {why}") from None
        self._sets: dict[int, _KeySet] = {}
        self._columns: dict[tuple[int, int], bytes] = {}
        self._learn(start)

    def close(self) -> None:
        self._words.release()
        self._view.release()
        self._map.close()

    def encode(self, start: int, limit: int) -> Contents:
        """Takes records from start up to limit, a segment's end, or as many as fit into a frame."""
        view, at, limit = self._view, start, min(limit, self.size)
        narrow, wide = _Narrow(self), _Wide(self)
        sections: list[bytes] = []
        alone: list[bytes] = []
        room, events, points, ended = CONTENT_BYTES_MAX, 0, 0, False
        latest: dict[int, tuple[int, int]] = {}
        while (record := _segment.parse(view, at, limit)) is not None:
            kind, key_set, size = record
            if kind == _segment.POINTS:
                known = self._sets[key_set]
                count = len(known.names)
                form = narrow if count <= _NARROW_KEYS_MAX else wide
                if room < form.cost(key_set, known) + form.bytes_of(count):
                    break
                room -= form.meet(key_set, known)
                taken = form.take(at, size, key_set, count, limit, room)
                at += taken * size
                room -= taken * form.bytes_of(count)
                points += taken * count
                latest[key_set] = (at - size, count)
                continue
            if kind == _segment.KEYS:
                self._sets[key_set] = _KeySet(_segment.parse_keys(view, at))
            elif kind == _segment.SECTION:
                content, more = _segment.parse_section(view, at)
                if (sections or alone) and (len(content) > room or events + more > EVENTS_MAX):
                    break
                (alone if has_points(content) else sections).append(content)
                room, events = room - len(content), events + more
            elif kind == _segment.END:
                ended = True
                break
            else:
                raise Unreadable(f"{self._path}: a record of kind {kind} at {at}; a newer version has written it")
            at += size
        said = [b"".join(sections), *alone] if sections else alone
        said += [form.points() for form in (wide, narrow) if form]
        return Contents(said, at, ended, points, self._samples(latest))

    def column(self, key_set: int, base: int, count: int) -> bytes:
        """The varints of `count` indices from base on."""
        known = self._columns.get((key_set, base))
        if known is None:
            if len(self._columns) >= 1000:
                self._columns = {}
            known = self._columns[key_set, base] = b"".join(varint(i) for i in range(base, base + count))
        return known

    @property
    def view(self) -> memoryview:
        return self._view

    @property
    def words(self) -> memoryview:
        return self._words

    def _learn(self, start: int) -> None:
        """Reads the key sets that are defined before start."""
        at = _segment.HEADER_BYTES
        while at < start:
            record = _segment.parse(self._view, at, self.size)
            if record is None:
                raise Unreadable(f"{self._path}: no whole record at {at}, though frames were cut up to {start}")
            if record.kind == _segment.KEYS:
                self._sets[record.key_set] = _KeySet(_segment.parse_keys(self._view, at))
            at += record.size

    def _samples(self, latest: dict[int, tuple[int, int]]) -> dict[str, float]:
        out: dict[str, float] = {}
        for key_set, (at, count) in list(latest.items())[:_SAMPLE_SETS_MAX]:
            values = struct.unpack_from(f"<{min(count, _SAMPLE_KEYS_MAX)}d", self._view, at + 3 * WORD)
            out.update(zip((n.decode() for n in self._sets[key_set].names), values))
        return out


class _Form:
    """Points of a frame in one of the two forms, each with a dictionary of its own."""

    point_bytes = 0
    record_bytes = 0

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._index: dict[bytes, int] = {}
        self._dictionary: list[bytes] = []
        self._met: dict[int, bytes] = {}
        self._key: list[bytes] = []
        self._step: list[bytes] = []
        self._time: list[bytes] = []
        self._value: list[bytes | memoryview] = []

    def __bool__(self) -> bool:
        return bool(self._value)

    def bytes_of(self, count: int) -> int:
        return count * self.point_bytes + self.record_bytes

    def cost(self, key_set: int, known: _KeySet) -> int:
        """What meeting a key set takes at most."""
        return 0 if key_set in self._met else len(known.dictionary)

    def meet(self, key_set: int, known: _KeySet) -> int:
        """Makes the key set's column and gives the bytes that its new keys take in the dictionary."""
        if key_set in self._met:
            return 0
        index, names = self._index, known.names
        base = len(index)
        if index.keys().isdisjoint(names):
            index.update(zip(names, range(base, base + len(names))))
            self._dictionary.append(known.dictionary)
            self._met[key_set] = self._straight(key_set, base, len(names))
            return len(known.dictionary)
        grown = 0
        for name in names:
            if name not in index:
                index[name] = len(index)
                self._dictionary.append(chunk(1, name))
                grown += len(self._dictionary[-1])
        self._met[key_set] = self._bent([index[n] for n in names])
        return grown

    def take(self, at: int, size: int, key_set: int, count: int, limit: int, room: int) -> int:
        """Takes records of one key set from a place on, as many as stand there and fit, one at least; gives their
        number."""
        raise NotImplementedError

    def points(self) -> bytes:
        """A `Points` message, as a section's field."""
        raise NotImplementedError

    def _straight(self, key_set: int, base: int, count: int) -> bytes:
        raise NotImplementedError

    def _bent(self, indices: list[int]) -> bytes:
        raise NotImplementedError

    def _message(self, key: int, step: int, time: int) -> bytes:
        columns = ((key, self._key), (step, self._step), (time, self._time), (5, self._value))
        return chunk(4, b"".join(self._dictionary) + b"".join(chunk(f, b"".join(c)) for f, c in columns))


class _Narrow(_Form):
    """Few keys a record: fixed width, and a key's points of consecutive records one after another."""

    point_bytes = _NARROW_POINT_BYTES

    def take(self, at: int, size: int, key_set: int, count: int, limit: int, room: int) -> int:
        words, first, stride = self._reader.words, at // WORD, size // WORD
        run = self._run(first, stride, min((limit - at) // size, room // self.bytes_of(count)))
        end = first + run * stride
        step, time = words[first + 1 : end : stride].tobytes(), words[first + 2 : end : stride].tobytes()
        column = self._met[key_set]
        for i in range(count):
            self._key.append(column[4 * i : 4 * i + 4] * run)
            self._step.append(step)
            self._time.append(time)
            self._value.append(words[first + 3 + i : end : stride].tobytes())
        return run

    def points(self) -> bytes:
        return self._message(8, 9, 10)

    def _run(self, first: int, stride: int, most: int) -> int:
        """How many records like the first follow each other, the first included."""
        words = self._reader.words
        head, tail = words[first].to_bytes(8, "little"), words[first + stride - 1].to_bytes(8, "little")
        run, window = min(1, most), _RUN_WINDOW
        while run < most:
            more = min(window, most - run)
            begin, end = first + run * stride, first + (run + more) * stride
            heads, tails = words[begin:end:stride].tobytes(), words[begin + stride - 1 : end : stride].tobytes()
            if heads != head * more or tails != tail * more:
                same = 0
                while heads[8 * same : 8 * same + 8] == head and tails[8 * same : 8 * same + 8] == tail:
                    same += 1
                return run + same
            run, window = run + more, 4 * window
        return run

    def _straight(self, key_set: int, base: int, count: int) -> bytes:
        return self._bent(list(range(base, base + count)))

    def _bent(self, indices: list[int]) -> bytes:
        return struct.pack(f"<{len(indices)}I", *indices)


class _Wide(_Form):
    """Many keys a record: steps and times as differences, which are zero but for a record's first point."""

    point_bytes, record_bytes = _WIDE_POINT_BYTES, _RECORD_BYTES
    _stamp = struct.Struct("<qq")

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._last_step = self._last_time = 0

    def take(self, at: int, size: int, key_set: int, count: int, limit: int, room: int) -> int:
        view = self._reader.view
        step, time = self._stamp.unpack_from(view, at + WORD)
        zeros = bytes(count - 1)
        self._key.append(self._met[key_set])
        self._step += (_zigzag(step - self._last_step), zeros)
        self._time += (_zigzag(time - self._last_time), zeros)
        self._value.append(view[at + 3 * WORD : at + size - WORD])
        self._last_step, self._last_time = step, time
        return 1

    def points(self) -> bytes:
        return self._message(2, 3, 4)

    def _straight(self, key_set: int, base: int, count: int) -> bytes:
        return self._reader.column(key_set, base, count)

    def _bent(self, indices: list[int]) -> bytes:
        return b"".join(varint(i) for i in indices)
