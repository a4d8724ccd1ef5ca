"""What the job prints, line by line, beside what the terminal shows.

Two ways to see it:

- *streams*: the `write` of `sys.stdout` and `sys.stderr` is wrapped in place, so that those who took hold of the
  streams before (log handlers, progress bars) are seen too. Works in Jupyter. Lines of C libraries and child processes
  are not seen.
- *descriptors*: file descriptors 1 and 2 lead through a small helper process that passes every byte on to where it went
  before, and a copy to us. C libraries and children are seen. The helper, not a thread of ours, passes the bytes on: a
  C extension that prints while it holds Python's lock cannot block itself, and a crash report still reaches the
  terminal. If we are too slow for the copy it is dropped, and a line says so.

`\\r` folds: of a line that a progress bar draws again and again, the last state is kept. ANSI colours stay. A line is
at most LINE_CHARS_MAX long; of a flood of lines the rest of the second is dropped and counted.

In a forked child the wrapped streams only pass on: the child's lines would carry the parent's numbers. Descriptors see
them.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from ._frame import ConsoleLine

if TYPE_CHECKING:
    from ._run import Run

STDOUT, STDERR = 1, 2

LINE_CHARS_MAX = 8_192
# More lines in a second than a reader can use; a test that prints a table of 1,000 lines is below it.
LINES_A_SECOND_MAX = 2_000
# Held for a line whose end has not come, before folding.
_PENDING_CHARS_MAX = 4 * LINE_CHARS_MAX
# The end of a training waits no longer for lines on their way.
STOP_SECONDS_MAX = 2.0
_READ_BYTES = 64 << 10

# Takes a line: its stream (STDOUT or STDERR), its number within the stream from 1, its text and its time in
# milliseconds since the epoch. Called from the thread that printed, or the reader's; it must not block. What it prints
# is not captured.
Emit = Callable[[int, int, str, int], None]


def start(run: Run, descriptors: bool | None = None) -> Capture:
    """Begins to send what this process prints to a run. `STREAMGAUGE_CONSOLE=fd` asks for descriptors."""
    if descriptors is None:
        descriptors = os.environ.get("STREAMGAUGE_CONSOLE", "").lower() == "fd"

    def emit(stream: int, number: int, text: str, time_ms: int) -> None:
        run._append_console([ConsoleLine(time_ms, stream, number, text)])

    capture = Capture(emit, descriptors)
    capture.start()
    return capture


class Lines:
    """Makes lines of pieces of text. Pure: time comes in."""

    def __init__(self) -> None:
        self._pending = ""
        self._second = 0
        self._in_second = 0
        self._dropped = 0

    def feed(self, text: str, now_ms: int) -> list[str]:
        """The lines that end within the text."""
        self._pending += text
        if "\n" not in text and "\r" not in text and len(self._pending) <= _PENDING_CHARS_MAX:
            return []
        *ended, rest = self._pending.split("\n")
        lines = [line for piece in ended if (line := self._allowed(folded(piece), now_ms)) is not None]
        # A bar redraws for hours before its line ends: keep its last state only. A "\r" at the very end may be the
        # first half of "\r\n", and then it is not what folds.
        head, carriage, last = rest.rpartition("\r")
        if carriage:
            rest = last if last else head.rpartition("\r")[2] + carriage
        self._pending = rest if len(rest) <= _PENDING_CHARS_MAX else rest[:_PENDING_CHARS_MAX]
        return self._with_note(lines, now_ms)

    def end(self) -> list[str]:
        """What has no line end yet, and what was dropped last."""
        rest, self._pending = folded(self._pending), ""
        return self._note() + ([rest] if rest else [])

    def _allowed(self, line: str, now_ms: int) -> str | None:
        second = now_ms // 1000
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        if self._in_second > LINES_A_SECOND_MAX:
            self._dropped += 1
            return None
        return line

    def _with_note(self, lines: list[str], now_ms: int) -> list[str]:
        """Says what was dropped as soon as lines are taken again."""
        if self._dropped and lines and self._in_second <= LINES_A_SECOND_MAX:
            return self._note() + lines
        return lines

    def _note(self) -> list[str]:
        dropped, self._dropped = self._dropped, 0
        return (
            [f"[streamgauge: {dropped} lines not recorded: more than {LINES_A_SECOND_MAX} a second]"] if dropped else []
        )


def folded(line: str) -> str:
    """The last state of a line that was drawn again with carriage returns, cut to LINE_CHARS_MAX."""
    line = line.rstrip("\r")
    line = line[line.rfind("\r") + 1 :]
    if len(line) <= LINE_CHARS_MAX:
        return line
    return line[: LINE_CHARS_MAX - 1] + "…"


class Capture:
    """Captures both streams from `start` to `stop`, after which they are as before."""

    def __init__(self, emit: Emit, descriptors: bool = False):
        self._emit = emit
        self._descriptors = descriptors
        self._taps: list[_WriteTap | _ClassTap | _DescriptorTap] = []

    def start(self) -> None:
        if self._taps:
            return
        for number, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
            stream = getattr(sys, name)
            sink = _Sink(self._emit, number)
            # Jupyter's kernel reads its descriptors itself, into its streams.
            descriptor = self._descriptors and getattr(stream, "watch_fd_thread", None) is None
            if descriptor:
                self._tap(_DescriptorTap, number, sink, stream)
            # Where the stream leads elsewhere than to the descriptor, both are needed.
            if stream is not None and not (descriptor and _leads_to(stream, number)):
                self._tap(_tap_stream, stream, sink)

    def _tap(self, make: Callable[..., _WriteTap | _ClassTap | _DescriptorTap], *arguments: Any) -> None:
        try:
            self._taps.append(make(*arguments))
        except Exception as problem:  # a stream that cannot be wrapped is left alone
            print(f"streamgauge: console not captured: {problem}", file=sys.stderr)

    def stop(self) -> None:
        taps, self._taps = self._taps, []
        for tap in taps:
            tap.stop()

    def forget(self) -> None:
        """For a forked child: its streams are unwrapped; descriptors go on through the parent's helper."""
        self.stop()


def _leads_to(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError, AttributeError):
        return False


class _Sink:
    """Numbers the lines of one stream and hands them on."""

    def __init__(self, emit: Emit, stream: int):
        self._emit = emit
        self._stream = stream
        self._lines = Lines()
        self._number = 0
        self._lock = threading.Lock()
        # Set while this thread is within emit, so that what emit prints does not come back.
        self._inside = threading.local()
        self._pid = os.getpid()

    def feed(self, text: str) -> None:
        if os.getpid() != self._pid or getattr(self._inside, "now", False):
            return
        self._inside.now = True
        try:
            with self._lock:
                now = time.time_ns() // 1_000_000
                self._pass(self._lines.feed(text, now), now)
        except Exception:  # a print of the training never fails because of us
            pass
        finally:
            self._inside.now = False

    def end(self) -> None:
        if os.getpid() == self._pid:
            with self._lock:
                self._pass(self._lines.end(), time.time_ns() // 1_000_000)

    def _pass(self, lines: list[str], now: int) -> None:
        for line in lines:
            self._number += 1
            self._emit(self._stream, self._number, line, now)


class _WriteTap:
    """The `write` of one text stream of C, wrapped on the object itself, for its type cannot be changed."""

    def __init__(self, stream: TextIO, sink: _Sink):
        self._stream = stream
        self._sink: _Sink | None = sink
        # What stood on the object before, e.g. another library's wrapper; None: the method of its class.
        self._before = getattr(stream, "__dict__", {}).get("write")
        original = stream.write

        def write(text: str, *rest: Any) -> Any:
            written = original(text, *rest)
            if self._sink is not None and isinstance(text, str):
                self._sink.feed(text)
            return written

        self._write = write
        stream.write = write  # type: ignore[method-assign]

    def stop(self) -> None:
        sink, self._sink = self._sink, None
        # Somebody who wrapped after us keeps our function, which now only passes on.
        if getattr(self._stream, "__dict__", {}).get("write") is self._write:
            if self._before is None:
                del self._stream.write
            else:
                self._stream.write = self._before  # type: ignore[method-assign]
        if sink is not None:
            sink.end()


class _ClassTap:
    """The `write` of one text stream whose type is written in Python, e.g. a notebook's.

    IPython puts a `write` of its own on the object for every cell, and then the one that it found. So ours is a
    property of a subclass: whatever is put on the object is what ours calls.
    """

    def __init__(self, stream: TextIO, sink: _Sink):
        self._stream = stream
        self._sink: _Sink | None = sink
        self._base = base = type(stream)
        # Set while this thread is within the outermost write: what that calls has been seen.
        self._inside = threading.local()

        def got(this: Any) -> Any:
            return self._wrapped(vars(this).get("write") or base.write.__get__(this))

        def put(this: Any, write: Any) -> None:
            vars(this)["write"] = getattr(write, "wraps", write)

        def removed(this: Any) -> None:
            vars(this).pop("write", None)

        names = {"__slots__": (), "__module__": base.__module__, "write": property(got, put, removed)}
        self._class = type(base.__name__, (base,), names)
        stream.__class__ = self._class

    def _wrapped(self, inner: Any) -> Any:
        def write(text: str, *rest: Any) -> Any:
            if getattr(self._inside, "now", False):
                return inner(text, *rest)
            self._inside.now = True
            try:
                written = inner(text, *rest)
            finally:
                self._inside.now = False
            if self._sink is not None and isinstance(text, str):
                self._sink.feed(text)
            return written

        write.wraps = inner  # type: ignore[attr-defined]
        return write

    def stop(self) -> None:
        sink, self._sink = self._sink, None
        if type(self._stream) is self._class:
            self._stream.__class__ = self._base
        if sink is not None:
            sink.end()


def _tap_stream(stream: TextIO, sink: _Sink) -> _WriteTap | _ClassTap:
    try:
        return _ClassTap(stream, sink)
    except TypeError:
        return _WriteTap(stream, sink)


# The helper copies its standard input to its standard output, and to descriptor argv[1] as long as that takes it. It
# ends when all writers of the job are gone; the terminal's Ctrl-C is for the job.
_HELPER = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
copy = int(sys.argv[1])
os.set_blocking(copy, False)
lost = 0
while True:
    data = os.read(0, 65536)
    if not data:
        break
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(1, left):]
        except OSError:
            break
    try:
        if lost and os.write(copy, b"\\n[streamgauge: %d bytes not recorded: printed too fast]\\n" % lost):
            lost = 0
        lost += len(data) - os.write(copy, data)
    except OSError:
        lost += len(data)
"""


class _DescriptorTap:
    """One file descriptor, led through the helper process."""

    def __init__(self, number: int, sink: _Sink, stream: TextIO | None):
        self._number = number
        self._sink = sink
        self._stream = stream
        self._flush()
        self._saved = os.dup(number)
        try:
            helper_in, job_out = os.pipe()
            copy_out, helper_copy = os.pipe()
            self._helper = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _HELPER, str(helper_copy)],
                stdin=helper_in,
                stdout=self._saved,
                pass_fds=[helper_copy],
                start_new_session=False,
            )
        except OSError:
            os.close(self._saved)
            raise
        os.close(helper_in)
        os.close(helper_copy)
        os.dup2(job_out, number)
        os.close(job_out)
        self._reader = threading.Thread(target=self._read, args=(copy_out,), name="streamgauge-console", daemon=True)
        self._reader.start()
        self._pid = os.getpid()

    def _read(self, copy: int) -> None:
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        with open(copy, "rb", buffering=0) as file:
            while data := file.read(_READ_BYTES):
                self._sink.feed(decode(data))

    def _flush(self) -> None:
        try:
            if self._stream is not None:
                self._stream.flush()
        except (OSError, ValueError):
            pass

    def stop(self) -> None:
        """Puts the descriptor back. Children that still hold it keep the helper alive, and go on through it."""
        if os.getpid() != self._pid:
            return
        self._flush()
        os.dup2(self._saved, self._number)
        os.close(self._saved)
        self._reader.join(STOP_SECONDS_MAX)
        # Else it ends with the last child that prints through it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._helper.wait(0 if self._reader.is_alive() else STOP_SECONDS_MAX)
        self._sink.end()
