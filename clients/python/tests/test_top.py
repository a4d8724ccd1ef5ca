"""`streamgauge top` on a real terminal, of a run that goes on."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import pytest
from conftest import ROOT, streamgauge
from mlflow.tracking import MlflowClient

PROGRAM = str(ROOT / "bin" / "streamgauge")
SECONDS = 60


class Terminal:
    """A program on a terminal of 100 x 30, and what it has printed last."""

    def __init__(self, *args: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TERM": "vt220"}
            os.execve(PROGRAM, [PROGRAM, *args], env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.printed = b""

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def read(self, seconds: float) -> bool:
        """Reads what is printed meanwhile; False if the program has ended."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                try:
                    self.printed += os.read(self.fd, 1 << 16)
                except OSError:
                    return False
        return True

    def until(self, text: str) -> None:
        """Waits until something is on the screen. It paints what has changed alone, but for Ctrl-L."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.printed = b""
            self.type("\f")
            going_on = self.read(0.5)
            if text.encode() in self.printed:
                return
            assert going_on, f"it ended without {text!r}: {self.printed[-500:]!r}"
        raise AssertionError(f"{text!r} is not in {self.printed[-500:]!r}")

    def status(self) -> int:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("it does not end")


def test_a_run_is_watched_while_it_goes_on() -> None:
    with streamgauge() as url:
        client = MlflowClient(url)
        run = client.create_run(client.create_experiment("watched"), run_name="on the screen")
        for step in range(20):
            client.log_metric(run.info.run_id, "loss", 0.5**step, step=step)
        screen = Terminal("top", "--url", url)
        screen.until("on the screen")
        screen.until("loss")
        client.log_metric(run.info.run_id, "loss", 777777, step=20)
        screen.until("777777")
        client.log_metric(run.info.run_id, "accuracy", 0.25, step=3)
        screen.until("accuracy")
        screen.type("/loss\r")
        screen.until('with "loss"')
        client.set_terminated(run.info.run_id)
        screen.until("finished")
        screen.type("q")
        assert screen.status() == 0
        assert b"\x1b[?1049l" in screen.printed, "the terminal is left as it was found"


@pytest.mark.parametrize("args", [["top"], ["top", "nil"]])
def test_without_a_terminal_it_says_what_to_do(args: list[str]) -> None:
    said = subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=SECONDS)
    assert said.returncode == 1
    assert "this is none" in said.stderr
    assert "streamgauge metrics RUN KEY" in said.stderr


def test_an_unknown_run_is_named() -> None:
    with streamgauge() as url:
        screen = Terminal("top", "--url", url, "nobody")
        screen.until('no run is called "nobody"')
        assert screen.status() == 1
        screen = Terminal("top", "--url", url)
        screen.until("there is no run yet")
        assert screen.status() == 1
