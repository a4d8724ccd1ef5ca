"""Who a process is within a training, and which run it belongs to.

All ranks of one launch must name the same run without asking a server, and a launch that a launcher restarts must name
it again. So the id follows from something that all ranks share and no other launch has; in this order:

1. `STREAMGAUGE_RUN_ID`, or `id=`;
2. an initialised torch.distributed: what rank 0 finds by the rules below goes to the others through the group's store;
3. SLURM: cluster, job and step;
4. the launcher (torchrun, mpirun, horovodrun): on one machine its process, named by host, pid and start; on several
   machines master address and port with the launch time of `STREAMGAUGE_LAUNCH_TIME`, or the name that PMIx gives the
   job.

torchrun's own run id never counts alone: it is "none" unless somebody sets it, and then it is often the same for every
launch. The n-th `init` of a process is told from the others by n. A single process without a launcher draws a random
id.

An attempt is one launch of a run: the time of the launch in seconds, plus the number of restarts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

_STORE_SECONDS = 20
_ATTEMPT_MAX = (1 << 32) - 1

# (rank, world size, rank within the machine, processes on the machine), the first that is set counts.
_RANKS = (
    ("STREAMGAUGE_RANK", "STREAMGAUGE_WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"),
    ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"),
    ("HOROVOD_RANK", "HOROVOD_SIZE", "HOROVOD_LOCAL_RANK", "HOROVOD_LOCAL_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_SIZE"),
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
    ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE"),
)
_JOB_NAMES = ("PMIX_NAMESPACE", "PMI_JOBID", "OMPI_MCA_ess_base_jobid", "OMPI_MCA_orte_ess_jobid")


class Place(NamedTuple):
    """A process among those of its training; all 0 and 1 for a single one. variable is what said so."""

    rank: int
    world_size: int
    local_rank: int
    local_world_size: int
    variable: str


class Launcher(NamedTuple):
    """The process that has started all ranks of this machine."""

    host: str
    pid: int
    # Since the boot in the kernel's ticks, the same for all who look; and since the epoch, which may come out a second
    # apart.
    start_ticks: int
    start_seconds: int


class Identity(NamedTuple):
    run_id: str
    place: Place
    attempt: int
    # Whether the run may be there already: its id was chosen, or a launcher has restarted it.
    again: bool
    # What ranks may not agree on, with the remedy; "" if all is well.
    doubt: str


class Store(Protocol):
    """What we use of a torch store."""

    def wait(self, keys: list[str], timeout: timedelta, /) -> None: ...
    def get(self, key: str, /) -> bytes: ...
    def compare_set(self, key: str, expected: str, desired: str, /) -> bytes: ...


def place_of(env: Mapping[str, str]) -> Place:
    """What launchers say of this process; ValueError if it cannot be."""
    for rank, size, local_rank, local_size in _RANKS:
        if rank == "SLURM_PROCID" and not env.get("SLURM_STEP_ID"):
            continue  # the batch script itself, not a task of a step
        if env.get(rank):
            world = _int(env, size, 0)
            # SLURM says 2(x3) for two on each of three machines.
            place = Place(_int(env, rank, 0), world, _int(env, local_rank, 0), _int(env, local_size, 0), rank)
            if world and not 0 <= place.rank < world:
                raise ValueError(f"{rank} is {place.rank}, {size} is {world}; a rank counts from 0 below the size")
            return place._replace(world_size=max(1, world, place.rank + 1))
    return Place(0, 1, 0, 1, "")


def chosen_id(project: str, text: str) -> str:
    """A run id for what a user calls a run: 32 hex digits stand for themselves."""
    if len(text) == 32 and all(c in "0123456789abcdefABCDEF" for c in text) and int(text[:16], 16):
        return text.lower()
    return _digest("id", project, text)


def random_id() -> str:
    return f"{secrets.randbits(128) | 1 << 64:032x}"


def identify(
    env: Mapping[str, str],
    project: str,
    chosen: str | None,
    ordinal: int,
    launcher: Launcher | None,
    now_seconds: int,
) -> Identity:
    """The identity that follows from environment and launcher, without asking other ranks."""
    place = place_of(env)
    restarts = _int(env, "TORCHELASTIC_RESTART_COUNT", 0) + _int(env, "SLURM_RESTART_COUNT", 0)
    run_id, launched, doubt = _launch(env, place, launcher, ordinal)
    text = chosen or env.get("STREAMGAUGE_RUN_ID")
    if text:
        run_id, doubt = chosen_id(project, text), ""
    attempt = (
        _int(env, "STREAMGAUGE_ATTEMPT", 0) or (launched or (now_seconds if place.world_size == 1 else 1)) + restarts
    )
    return Identity(run_id or random_id(), place, min(max(1, attempt), _ATTEMPT_MAX), bool(text) or restarts > 0, doubt)


def _launch(env: Mapping[str, str], place: Place, launcher: Launcher | None, ordinal: int) -> tuple[str, int, str]:
    """A run id ("" if nothing says one), the launch time (0 likewise), and doubts."""
    n = str(ordinal)
    if env.get("SLURM_JOB_ID") and env.get("SLURM_STEP_ID") and place.world_size > 1:
        step = (env.get("SLURM_CLUSTER_NAME", ""), env["SLURM_JOB_ID"], env["SLURM_STEP_ID"])
        return _digest("slurm", *step, n), _int(env, "SLURM_JOB_START_TIME", 0), ""
    if not place.variable:
        return "", 0, ""
    master = (env.get("MASTER_ADDR", ""), env.get("MASTER_PORT", ""), env.get("TORCHELASTIC_RUN_ID", ""))
    if env.get("STREAMGAUGE_LAUNCH_TIME"):
        launched = _int(env, "STREAMGAUGE_LAUNCH_TIME", 0)
        return _digest("master", *master, str(launched), n), launched, ""
    job = next((env[v] for v in _JOB_NAMES if env.get(v)), "")
    one_machine = place.local_world_size == place.world_size
    if job and not one_machine:
        return _digest("job", job, *master, n), 0, ""
    if launcher is None:
        return "", 0, "cannot see what has launched this rank; set STREAMGAUGE_RUN_ID, the same for all ranks"
    doubt = (
        ""
        if one_machine
        else (
            "ranks on other machines may not find the same run; set STREAMGAUGE_RUN_ID (the same for all ranks), "
            "or call init after torch.distributed.init_process_group"
        )
    )
    return (
        _digest("launcher", launcher.host, str(launcher.pid), str(launcher.start_ticks), n),
        launcher.start_seconds,
        doubt,
    )


def agree(mine: Identity, store: Store, ordinal: int) -> Identity:
    """What rank 0 says through a store that all ranks share. If it stays silent, the first rank to lose its patience
    says it."""
    key = f"streamgauge/run/{ordinal}"
    said = b""
    if mine.place.rank != 0:
        try:
            store.wait([key], timedelta(seconds=_STORE_SECONDS))
            said = store.get(key)
        except Exception:  # each kind of store has its own for a timeout
            said = b""
    said = said or store.compare_set(key, "", json.dumps([mine.run_id, mine.attempt, mine.again]))
    run_id, attempt, again = json.loads(said)
    return mine._replace(run_id=run_id, attempt=attempt, again=again, doubt="")


def torch_group() -> tuple[Store, int, int] | None:
    """Store, rank and world size of an initialised torch.distributed; torch is not imported for it."""
    distributed: Any = sys.modules.get("torch.distributed")
    try:
        if distributed is None or not distributed.is_available() or not distributed.is_initialized():
            return None
        store = distributed.distributed_c10d._get_default_store()
        return store, distributed.get_rank(), distributed.get_world_size()
    except Exception:  # another version of torch keeps it elsewhere
        return None


def find_launcher(variable: str) -> Launcher | None:
    """The nearest ancestor that has no rank yet: scripts between a launcher and its ranks have theirs."""
    try:
        boot = _boot_seconds()
        pid = os.getppid()
        while pid > 1 and f"\0{variable}=".encode() in b"\0" + Path(f"/proc/{pid}/environ").read_bytes():
            pid = _parent_and_start(pid)[0]
        if pid < 1:
            return None
        ticks = _parent_and_start(pid)[1]
        # Ticks begin anew with each boot; the machine's name alone would not tell two boots apart.
        host = socket.gethostname() + Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return Launcher(host, pid, ticks, boot + ticks // os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return None  # no /proc, or another user's process


def _agreed_start(launcher: Launcher) -> int:
    """The launcher's start as the first rank has found it: ranks that are a second apart would be two attempts."""
    folder = Path(tempfile.gettempdir()) / f"streamgauge-{os.getuid()}" / "launches"
    name = _digest(launcher.host, str(launcher.pid), str(launcher.start_ticks))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mine = folder / f"{name}.{os.getpid()}"
        mine.write_text(str(launcher.start_seconds))
        with contextlib.suppress(FileExistsError):
            os.link(mine, folder / name)
        mine.unlink()
        return int((folder / name).read_text())
    except (OSError, ValueError):
        return launcher.start_seconds


def _parent_and_start(pid: int) -> tuple[int, int]:
    # The name of the program, in parentheses, may contain anything.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), int(fields[19])


def _boot_seconds() -> int:
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("btime "):
            return int(line.split()[1])
    raise ValueError("no btime in /proc/stat")


def who_am_i(project: str, chosen: str | None, ordinal: int) -> Identity:
    """The identity of this process for its n-th run."""
    env = dict(os.environ)
    group = torch_group()
    if group is not None:
        env["STREAMGAUGE_RANK"], env["STREAMGAUGE_WORLD_SIZE"] = str(group[1]), str(group[2])
    place = place_of(env)
    launcher = find_launcher(place.variable) if place.variable else None
    if launcher:
        launcher = launcher._replace(start_seconds=_agreed_start(launcher))
    mine = identify(env, project, chosen, ordinal, launcher, int(time.time()))
    if group is not None and group[2] > 1 and not chosen and not env.get("STREAMGAUGE_RUN_ID"):
        return agree(mine, group[0], ordinal)
    return mine


def _int(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "").partition("(")[0]
    return int(text) if text.isdigit() else default


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(("streamgauge run", *parts)).encode()).hexdigest()[:32]
