"""How a process ends, and what becomes of its runs: normal end, exception, exit status, signal, fork."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Callable, NoReturn

if TYPE_CHECKING:
    from streamgauge._run import Run

log = logging.getLogger("streamgauge")

_runs: list[Run] = []
_forking: list[Run] = []
_how = ""  # the status that the process ends with, as far as it is known
_installed = False
_old_hook: Callable[..., Any] = sys.excepthook
_old_exit: Callable[..., NoReturn] = sys.exit


def watch(run: Run) -> None:
    """Finishes the run when the process ends, unless that was done before."""
    _install()
    _runs.append(run)


def unwatch(run: Run) -> None:
    if run in _runs:
        _runs.remove(run)


def watch_child(run: Run) -> None:
    """In a forked child that logs. Children of multiprocessing end without atexit."""
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, run.finish, exitpriority=10)


def status_of(kind: type[BaseException] | None, error: BaseException | None) -> str:
    """The status of a run that an exception ends."""
    if _how:
        return _how
    if kind is None or (issubclass(kind, SystemExit) and not getattr(error, "code", None)):
        return "FINISHED"
    return "KILLED" if issubclass(kind, KeyboardInterrupt) else "FAILED"


def _install() -> None:
    global _installed, _old_hook, _old_exit
    if not _installed:
        _installed = True
        atexit.register(_at_exit)
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
        )
        _old_hook, sys.excepthook = sys.excepthook, _excepthook
        _old_exit, sys.exit = sys.exit, _sys_exit
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)


def _at_exit() -> None:
    for run in list(_runs):
        run.finish(_how or "FINISHED")


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    global _how
    _how = status_of(kind, error)
    _old_hook(kind, error, trace)


def _sys_exit(status: str | int | None = None, /) -> NoReturn:
    # An exit with a status looks like a normal end to atexit.
    global _how
    if status not in (None, 0) and not _how:
        _how = "FAILED"
    _old_exit(status)


def _terminated(number: int, frame: FrameType | None) -> None:
    """SIGTERM, where nobody else handles it: an exit in order instead of a sudden death."""
    global _how
    _how = "KILLED"
    raise SystemExit(128 + number)


def _before_fork() -> None:
    _forking[:] = _runs
    for run in _forking:
        run._before_fork()


def _after_fork_in_parent() -> None:
    for run in reversed(_forking):
        run._after_fork_in_parent()


def _after_fork_in_child() -> None:
    if signal.getsignal(signal.SIGTERM) is _terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a parent that terminates its child expects it to be gone
    for run in _forking:
        run._after_fork_in_child()
