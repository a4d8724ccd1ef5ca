"""Brings one spool to a server: cuts frames, sends them, notes what was acknowledged, deletes segments.

A frame is cut once and for good, before it is first sent; what is logged meanwhile goes into later frames. So a
request that got no answer is repeated as it was, by this process or the next one, and the server counts no point
twice. Used by one thread; threads, waiting and warnings are its callers' business.
"""

from __future__ import annotations

import contextlib
import http.client
import shutil
from pathlib import Path
from typing import Callable, NamedTuple

from streamgauge import _frame
from streamgauge._frame import Head
from streamgauge._ledger import CLOSE, CUTS_MAX, Cut, Ledger
from streamgauge._link import Answer, Link
from streamgauge._reader import Contents, Reader
from streamgauge._segment import HEADER_BYTES, Unreadable
from streamgauge._spool import segment_name

_REQUEST_FRAMES_MAX = 8
_REQUEST_BYTES_MAX = 2 << 20
# Waits without an answer or a Retry-After double from the first to the second.
_WAIT_SECONDS_MIN, _WAIT_SECONDS_MAX = 0.25, 30.0
# A refused token or a server without this route gets better by a person's hand only.
_WAIT_SECONDS_REFUSED = 30.0
_RETRY_AFTER_SECONDS_MAX = 120.0


class Held(Exception):
    """The server does not take frames now; wait so long and call again."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds


class Counts(NamedTuple):
    """What this courier has done."""

    frames: int = 0
    points: int = 0
    bytes: int = 0
    retries: int = 0
    rejected: int = 0


class Courier:
    def __init__(self, folder: Path, link: Link, committed: Callable[[int], int] | None = None) -> None:
        """Committed says how far a segment may be read; without it the spool is nobody's any more. Unreadable or
        OSError."""
        self.folder = folder
        self.counts = Counts()
        self.samples: dict[str, float] = {}
        # What the user must hear of, and has not yet.
        self.news: list[str] = []
        self._link = link
        self._committed = committed
        self._ledger = Ledger(folder / "ledger")
        self._reader: Reader | None = None
        self._ready: dict[int, bytes] = {}
        self._in_a_row = 0

    def close(self) -> None:
        self._leave_segment()
        self._ledger.close()

    @property
    def acknowledged(self) -> tuple[int, int]:
        """Segment and position up to which the server has all."""
        return self._ledger.acknowledged.segment, self._ledger.acknowledged.end

    @property
    def started(self) -> bool:
        """Whether the server knows the run."""
        return self._ledger.acknowledged.number > 0

    @property
    def closed(self) -> bool:
        """Whether the writer's last frame is acknowledged."""
        return bool(self._ledger.acknowledged.flags & CLOSE)

    def ship(self, *, close: bool = False) -> bool:
        """Sends one request; whether there was something to send. With close, what is there now is the writer's end.

        Held if the server cannot take it now; Unreadable or OSError if the spool cannot be read.
        """
        if not self._ledger.cuts:
            self._cut(close)
        pending = self._ledger.cuts[:_REQUEST_FRAMES_MAX]
        if not pending:
            return False
        body, count = b"", 0
        for cut in pending:
            encoded = self._encoded(count, cut)
            if count and len(body) + len(encoded) > _REQUEST_BYTES_MAX:
                break
            body += _frame.varint(len(encoded)) + encoded
            count += 1
        self._send(body, pending[:count])
        return True

    def drain(self, *, close: bool = False) -> None:
        """Ships until nothing is left, under what ship says."""
        while self.ship(close=close):
            pass

    def _cut(self, close: bool) -> None:
        """Ends frames where the records are now."""
        last = self._ledger.last
        if last.flags & CLOSE:
            return
        cuts: list[Cut] = []
        size = 0
        number, segment, at = last.number, last.segment, last.end
        while len(cuts) < min(_REQUEST_FRAMES_MAX, CUTS_MAX) and size < _REQUEST_BYTES_MAX:
            contents = self._contents(segment, at, None)
            if contents.sections:
                number += 1
                at = contents.end
                cuts.append(Cut(number, segment, 0, at, contents.points))
                self._ready[number] = self._frame(cuts[-1], contents)
                self.samples = contents.samples or self.samples
                size += len(self._ready[number])
            if contents.ended:
                segment, at = segment + 1, HEADER_BYTES
            elif not contents.sections:
                if close:
                    cuts.append(Cut(number + 1, segment, CLOSE, at, 0))
                break
        if cuts:
            self._ledger.cut(cuts)

    def _encoded(self, index: int, cut: Cut) -> bytes:
        """The frame of a cut, made anew if an earlier process has cut it."""
        known = self._ready.get(cut.number)
        if known is None:
            before = self._ledger.cuts[index - 1] if index else self._ledger.acknowledged
            known = self._ready[cut.number] = self._frame(cut, self._again(before, cut))
        return known

    def _again(self, before: Cut, cut: Cut) -> Contents:
        at = before.end if before.segment == cut.segment else HEADER_BYTES
        if at == cut.end:
            return Contents([], at, False, 0, {})
        contents = self._contents(cut.segment, at, cut.end)
        if contents.end != cut.end:
            raise Unreadable(
                f"{self.folder}: frame {cut.number} ends at {contents.end}, not at {cut.end} as it was cut"
            )
        return contents

    def _contents(self, segment: int, at: int, limit: int | None) -> Contents:
        if self._reader is None or self._reader.number != segment:
            self._leave_segment()
            path = self.folder / segment_name(segment)
            if not path.exists():
                return Contents([], at, False, 0, {})
            self._reader = Reader(path, at)
        if limit is None:
            limit = self._committed(segment) if self._committed else self._reader.size
        return self._reader.encode(at, limit)

    def _frame(self, cut: Cut, contents: Contents) -> bytes:
        return _frame.frame(self._head(cut.segment), cut.number, contents.sections, close=bool(cut.flags & CLOSE))

    def _head(self, segment: int) -> Head:
        if self._reader is None:
            self._reader = Reader(self.folder / segment_name(segment))
        return self._reader.head

    def _leave_segment(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _send(self, body: bytes, cuts: list[Cut]) -> None:
        try:
            answer = self._link.ask("POST", "/v1/frames", body, "application/x-protobuf")
        except (OSError, http.client.HTTPException) as why:
            self.counts = self.counts._replace(retries=self.counts.retries + 1)
            raise Held(self._next_wait(), f"{self._link.url} does not answer: {why or type(why).__name__}") from None
        accepted = answer.said.get("accepted", 0)
        if not isinstance(accepted, int) or not 0 <= accepted <= len(cuts):
            accepted = 0
        self._take(cuts[:accepted], len(body))
        self.news += _warnings(answer)
        if answer.status == 200 and accepted == len(cuts):
            self._in_a_row = 0
            return
        self._refused(answer, cuts[accepted:])

    def _take(self, cuts: list[Cut], size: int) -> None:
        """Notes frames as acknowledged and deletes the segments before."""
        if not cuts:
            return
        first = self._ledger.acknowledged.segment
        self._ledger.acknowledge(len(cuts))
        for cut in cuts:
            self._ready.pop(cut.number, None)
        for segment in range(first, self._ledger.acknowledged.segment):
            with contextlib.suppress(FileNotFoundError):
                (self.folder / segment_name(segment)).unlink()
        c = self.counts
        points = c.points + sum(cut.points for cut in cuts)
        self.counts = c._replace(frames=c.frames + len(cuts), points=points, bytes=c.bytes + size)

    def _refused(self, answer: Answer, left: list[Cut]) -> None:
        """Sets a frame aside that this server will never take, and waits for everything else to get better."""
        if answer.status in (400, 413) and answer.said.get("error_code") and "accepted" in answer.said:
            self._set_aside(left[0], answer.message)
            return
        self.counts = self.counts._replace(retries=self.counts.retries + 1)
        if answer.status in (401, 403):
            raise Held(
                _WAIT_SECONDS_REFUSED, f"{self._link.url} refuses the token (STREAMGAUGE_TOKEN): {answer.message}"
            )
        if answer.status in (404, 405):
            raise Held(_WAIT_SECONDS_REFUSED, f"{self._link.url} takes no frames: {answer.status} {answer.message}")
        wait = answer.retry_after_seconds
        wait = self._next_wait() if wait is None else min(wait, _RETRY_AFTER_SECONDS_MAX)
        raise Held(wait, f"{self._link.url} answers {answer.status}: {answer.message}")

    def _set_aside(self, cut: Cut, why: str) -> None:
        """Keeps a frame that the server calls malformed, for a person to look at, and goes on behind it."""
        folder = self.folder.parent / "rejected"
        folder.mkdir(exist_ok=True, mode=0o700)
        path = folder / f"{self.folder.name}-{cut.number}.frame"
        path.write_bytes(self._encoded(0, cut))
        self.news.append(f"the server has refused a frame of {cut.points} points: {why}; it is kept as {path}")
        self.counts = self.counts._replace(rejected=self.counts.rejected + 1)
        points = self.counts.points
        self._take([cut], 0)
        self.counts = self.counts._replace(points=points)

    def _next_wait(self) -> float:
        self._in_a_row += 1
        return float(min(_WAIT_SECONDS_MIN * 2 ** min(self._in_a_row - 1, 10), _WAIT_SECONDS_MAX))


def _warnings(answer: Answer) -> list[str]:
    """What the server says of frames that it took and that will not become what their sender thinks."""
    said = answer.said.get("warnings")
    messages = [w.get("message") for w in said if isinstance(w, dict)] if isinstance(said, list) else []
    return [str(message) for message in messages if message]


def remove(folder: Path) -> None:
    """Deletes a spool that the server has whole: segments before the ledger that says so, and last what it is found by,
    so that whatever a kill leaves of it is never sent as if it were new."""
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir(), key=lambda p: (p.name == "spool.json", p.suffix != ".seg", p.name)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        folder.rmdir()
