"""What a job prints reaches its run line by line, and the terminal as before."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from streamgauge import _console
from streamgauge._console import LINE_CHARS_MAX, LINES_A_SECOND_MAX, STDERR, STDOUT, Lines

from .recorder import Recorder

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parents[1] / "src"


def lines(*pieces: str) -> list[str]:
    made = Lines()
    found = [line for piece in pieces for line in made.feed(piece, 0)]
    return found + made.end()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["a\nb\n"], ["a", "b"]),
        (["a", "b", "\n", "c"], ["ab", "c"]),
        (["\n\n"], ["", ""]),
        (["a\r\nb\r\n"], ["a", "b"]),
        (["a\r", "\nb\n"], ["a", "b"]),
        (["\r 10%", "\r 50%", "\r100%\n"], ["100%"]),
        (["\r 10%\r 50%", "\r"], [" 50%"]),
        (["old\r", "new"], ["new"]),
        (["\x1b[31mred\x1b[0m\n"], ["\x1b[31mred\x1b[0m"]),
    ],
)
def test_pieces_become_lines_and_progress_folds(pieces: list[str], expected: list[str]) -> None:
    assert lines(*pieces) == expected


def test_a_bar_that_redraws_for_ever_holds_one_state() -> None:
    made = Lines()
    for i in range(10_000):
        assert made.feed(f"\r{i:50}", 0) == []
    assert len(made._pending) <= 102
    assert made.end() == [f"{9_999:50}"]


def test_a_long_line_is_cut_and_says_so() -> None:
    (cut,) = lines("x" * (10 * LINE_CHARS_MAX) + "\n")
    assert len(cut) == LINE_CHARS_MAX
    assert cut.endswith("x…")


def test_an_endless_line_is_not_held_for_ever() -> None:
    made = Lines()
    for _ in range(1_000):
        made.feed("x" * 1_000, 0)
    assert len(made._pending) <= 4 * LINE_CHARS_MAX


def test_of_a_flood_the_rest_of_the_second_is_counted() -> None:
    made = Lines()
    found = made.feed("x\n" * (LINES_A_SECOND_MAX + 7), 1_000)
    assert len(found) == LINES_A_SECOND_MAX
    after = made.feed("y\n", 2_000)
    assert after == [f"[streamgauge: 7 lines not recorded: more than {LINES_A_SECOND_MAX} a second]", "y"]


def test_streams_are_captured_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    held = logging.StreamHandler()  # takes hold of stderr before the capture
    run: Any = Recorder()
    capture = _console.start(run)
    print("hello")
    held.emit(logging.LogRecord("x", logging.INFO, "", 1, "from a handler", None, None))
    sys.stdout.writelines(["a\n", "b"])
    capture.stop()
    print(" after")
    assert run.printed(STDOUT) == ["hello", "a", "b"]
    assert run.printed(STDERR) == ["from a handler"]
    assert out.getvalue() == "hello\na\nb after\n"
    assert "write" not in vars(out)
    assert [line.number for line in run.console if line.stream == STDOUT] == [1, 2, 3]


def test_who_wraps_after_us_keeps_working(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    run: Any = Recorder()
    capture = _console.start(run)
    ours, seen = out.write, []

    def theirs(text: str) -> int:
        seen.append(text)
        return ours(text)

    out.write = theirs  # type: ignore[method-assign]
    capture.stop()
    print("x")
    assert out.write is theirs
    assert (out.getvalue(), seen, run.printed(STDOUT)) == ("x\n", ["x", "\n"], [])


class Notebook:
    """A stream as notebooks have it: written in Python, without a descriptor."""

    def __init__(self) -> None:
        self.shown = ""

    def write(self, text: str) -> int:
        self.shown += text
        return len(text)

    def flush(self) -> None:
        pass


def test_cells_that_wrap_the_stream_and_put_back_what_they_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """What IPython does around every cell, the capture begun and ended within one."""
    out, run = Notebook(), Recorder()
    monkeypatch.setattr(sys, "stdout", out)
    teed = ""
    for cell in range(2_000):  # as many cells must not nest as many calls
        found = out.write

        def write(text: str, found: Any = found) -> int:
            nonlocal teed
            teed += text
            return found(text)

        out.write = write  # type: ignore[method-assign]
        if cell == 1:
            capture = _console.start(run)
        print(cell)
        if cell == 1_998:
            capture.stop()
        out.write = found  # type: ignore[method-assign]
    assert run.printed(STDOUT) == [str(cell) for cell in range(1, 1_999)]
    assert out.shown == teed == "".join(f"{cell}\n" for cell in range(2_000))
    assert type(out) is Notebook


def test_what_recording_prints_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    seen = []

    def emit(stream: int, number: int, text: str, time_ms: int) -> None:
        seen.append(text)
        print("a warning of the library")

    capture = _console.Capture(emit)
    capture.start()
    print("x")
    capture.stop()
    assert seen == ["x"]


def test_an_error_of_recording_does_not_reach_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)

    def emit(stream: int, number: int, text: str, time_ms: int) -> None:
        raise OSError("no room")

    capture = _console.Capture(emit)
    capture.start()
    print("x")
    capture.stop()
    assert out.getvalue() == "x\n"


def job(code: str) -> tuple[str, str, int]:
    """Runs a job with a Recorder `run`; what it printed, what it wrote to its stderr, and its status."""
    head = f"import os, sys; sys.path[:0] = [{str(HERE)!r}, {str(SOURCES)!r}]\n"
    head += "from recorder import Recorder; from streamgauge import _console; run = Recorder()\n"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    return done.stdout, done.stderr, done.returncode


def test_descriptors_see_c_and_children_and_are_put_back() -> None:
    printed, recorded, status = job("""
        capture = _console.start(run, descriptors=True)
        print("python", flush=True)
        os.write(1, b"c library\\n")
        os.system("echo child; echo bad >&2")
        print("no end of line", end="")
        capture.stop()
        print("\\nafter")
        os.write(2, repr([run.printed(1), run.printed(2)]).encode())
    """)
    assert status == 0
    assert printed == "python\nc library\nchild\nno end of line\nafter\n"
    assert recorded.endswith("[['python', 'c library', 'child', 'no end of line'], ['bad']]")


def test_descriptors_show_the_last_words_of_a_job_that_dies() -> None:
    printed, said, status = job("""
        import faulthandler, signal
        faulthandler.enable()
        _console.start(run, descriptors=True)
        print("before", flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    """)
    assert status != 0
    assert printed == "before\n"
    assert "Segmentation fault" in said


def test_descriptors_never_wait_for_the_recording() -> None:
    """The reader is held up; a print of megabytes still ends, and what was not recorded is counted."""
    printed, recorded, status = job("""
        import threading
        go = threading.Event()
        lines = []
        def emit(stream, number, text, time_ms):
            go.wait()
            lines.append(text)
        capture = _console.Capture(emit, descriptors=True)
        capture.start()
        for i in range(40000):
            os.write(1, b"%099d\\n" % i)
        go.set()
        capture.stop()
        os.write(2, b"%d" % len(lines))
    """)
    assert status == 0
    assert len(printed) == 4_000_000
    assert int(recorded) < 40_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_prints_and_does_not_number_lines_of_its_parent() -> None:
    printed, recorded, status = job("""
        capture = _console.start(run)
        print("one", flush=True)
        child = os.fork()
        if child == 0:
            print("child", flush=True)
            capture.forget()
            print(len(run.console), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print("two", flush=True)
        capture.stop()
        os.write(2, repr([(line.number, line.text) for line in run.console]).encode())
    """)
    assert status == 0
    assert printed == "one\nchild\n1\ntwo\n"
    assert recorded == "[(1, 'one'), (2, 'two')]"
