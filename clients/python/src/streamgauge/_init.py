"""`init` and `fork`: from arguments and environment to a running run."""

from __future__ import annotations

import contextlib
import getpass
import http.client
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from streamgauge import _identity
from streamgauge._address import bus_of, plain
from streamgauge._link import Link
from streamgauge._names import name_of
from streamgauge._run import About, Run
from streamgauge._settings import Settings, settings
from streamgauge._version import __version__

log = logging.getLogger("streamgauge")

_ASK_SECONDS = 5.0
RESUMES = (None, "allow", "never", "must", "auto", True, False)
REINITS = ("finish_previous", "return_previous", "create_new")

current: Run | None = None
_ordinal = 0


def init(
    project: str | None = None,
    name: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    tags: Mapping[str, Any] | Sequence[str] | None = None,
    notes: str | None = None,
    id: str | None = None,
    resume: str | bool | None = None,
    mode: str | None = None,
    config: Any = None,
    dir: str | os.PathLike[str] | None = None,
    *,
    experiment: str | None = None,
    reinit: str | bool = "finish_previous",
    url: str | None = None,
    token: str | None = None,
    **more: Any,
) -> Run:
    """Starts a run, or goes on with the one that `id`, STREAMGAUGE_RUN_ID or the launcher of this process names.

    project (or experiment): the experiment, made if it is not there; without one it is `Default`. name: MLflow's
    random name if there is none. tags: a mapping, or names. resume: "never" and "must" ask the server whether the run
    is there, everything else goes on if it is. mode: "online", "offline" (`streamgauge sync DIR` sends it later) or
    "disabled". config: becomes params, nested keys as `a.b`. dir: where spools lie. reinit: what happens to a run that
    is still active in this process. Further arguments are settings (`max_spool_bytes`, `finish_seconds`, `system`,
    `system_seconds`, `console`, `source`, `quiet`, `agent`). url: `http://...`, or `nats://...` or `kafka://...`
    where a job reaches nothing else; then the program `streamgauge` ships.

    ValueError if an argument cannot be; OSError if nothing can be written to dir. Nothing else: a server that is not
    there is not needed yet.
    """
    global current, _ordinal
    if resume not in RESUMES:
        raise ValueError(f"resume is {resume!r}; it must be one of allow, never, must, auto")
    given = {"project": project or experiment, "mode": mode, "dir": dir, "url": url, "token": token, **more}
    unknown = more.keys() - Settings._fields
    if unknown:
        raise TypeError(f"init has no argument {', '.join(sorted(unknown))}")
    chosen = settings(os.environ, given)
    if not bus_of(chosen.url):
        Link(chosen.url, None)  # says what is wrong with the address
    _print_to_stderr(chosen.quiet)
    if current is not None and not current.finished and reinit not in ("create_new", True):
        if reinit == "return_previous":
            return current
        current.finish()
    _ordinal += 1
    who = _identity.who_am_i(chosen.project, id, _ordinal)
    if resume in ("never", "must") and chosen.mode == "online":
        _check_presence(chosen, who.run_id, str(resume))
    about = About(chosen.project, name or name_of(who.run_id), _tags(tags, group, job_type, notes), _user())
    run = Run(who, chosen, about)
    run.start()
    if config is not None:
        run.config.update(config)
    current = run
    if who.doubt:
        log.warning("%s", who.doubt)
    _greet(run)
    return run


def fork(parent: Run | str, step: int, **arguments: Any) -> Run:
    """A new run that inherits the series of another one up to and including a step; automatic steps go on behind it.

    The child's tags `streamgauge.fork.parent` and `streamgauge.fork.step` say so; nothing is copied. Arguments are
    those of `init`.
    """
    parent_id = parent.id if isinstance(parent, Run) else parent
    if isinstance(parent, Run):
        arguments.setdefault("project", parent.project or None)
    tags = arguments.pop("tags", None)
    born = {"streamgauge.fork.parent": parent_id, "streamgauge.fork.step": str(int(step))}
    run = init(tags={**_named(tags), **born}, **arguments)
    run._go_on_from(int(step) + 1)
    return run


def warn_without_run(what: str) -> None:
    """Once: a training that logs without a run goes on."""
    if not _warned:
        _warned.append(what)
        log.warning("%s without a run: call streamgauge.init first. Nothing is kept", what)


_warned: list[str] = []


def _named(tags: Mapping[str, Any] | Sequence[str] | None) -> dict[str, str]:
    if tags is None:
        return {}
    if isinstance(tags, str):
        return {tags: ""}
    return {str(k): str(v) for k, v in tags.items()} if isinstance(tags, Mapping) else {str(t): "" for t in tags}


def _tags(tags: Any, group: str | None, job_type: str | None, notes: str | None) -> dict[str, str]:
    out = _named(tags)
    for key, value in (
        ("streamgauge.group", group),
        ("streamgauge.job_type", job_type),
        ("mlflow.note.content", notes),
        ("mlflow.source.name", sys.argv[0] if sys.argv else ""),
        ("mlflow.user", _user()),
        ("streamgauge.version", __version__),
    ):
        if value:
            out[key] = value
    return {k[:250]: v[:8000] for k, v in out.items() if k}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without a name
        return ""


def _check_presence(chosen: Settings, run_id: str, resume: str) -> None:
    """ValueError if the run is there and must not be, or the other way round."""
    if bus := bus_of(chosen.url):
        raise ValueError(
            f'resume is "{resume}", which asks the server, and {bus} at {plain(chosen.url)} only takes frames'
        )
    link = Link(chosen.url, chosen.token, _ASK_SECONDS)
    try:
        status = link.ask("GET", f"/api/2.0/mlflow/runs/get?run_id={quote(run_id)}").status
    except (OSError, http.client.HTTPException) as why:
        log.warning("cannot ask %s whether run %s is there: %s", chosen.url, run_id, why)
        return
    finally:
        link.close()
    if resume == "must" and status == 404:
        raise ValueError(f'resume is "must", and {chosen.url} has no run {run_id}')
    if resume == "never" and status == 200:
        raise ValueError(f'resume is "never", and {chosen.url} has run {run_id} already')


def _print_to_stderr(quiet: bool) -> None:
    """Our messages go to stderr, unless the program has its own idea of logging for us."""
    if not log.hasHandlers():
        handler = _Stderr()
        handler.setFormatter(logging.Formatter("streamgauge: %(message)s"))
        log.addHandler(handler)
        log.propagate = False
    log.setLevel(logging.WARNING if quiet else logging.INFO)


class _Stderr(logging.Handler):
    """The stderr of the moment, which notebooks and captures replace."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError, ValueError):  # closed at the end of the program
            print(self.format(record), file=sys.stderr, flush=True)


def _greet(run: Run) -> None:
    if run.mode == "disabled" or run.rank != 0:
        return
    ranks = f", rank 0 of {run.world_size}" if run.world_size > 1 else ""
    log.info("%s: run %s%s%s", __version__, run.name, f" of {run.project}" if run.project else "", ranks)
    where = f"by way of {run.url}, as {run.id}" if bus_of(run.server_url) else run.url
    log.info("%s", where if run.mode == "online" else f"offline, in {run.dir}")
