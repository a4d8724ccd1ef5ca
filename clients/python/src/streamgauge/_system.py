"""How busy the machine is, sampled beside the training and logged as `system/...` metrics.

The names are those of MLflow's own system metrics (`mlflow.system_metrics`), so pages that know them show these.
Besides
them stand those of the process: `process_memory_megabytes` (resident) and `process_cpu_percentage` (100 is one core).

On Linux everything is read from /proc; elsewhere from psutil, if it is installed, else what the standard library knows.
GPUs are asked through NVML if the package nvidia-ml-py (module pynvml) is installed.

Of the processes of one machine the first (local rank 0) tells of the machine, every one of itself.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ._run import Run

INTERVAL_SECONDS = 10.0
# Sampling more often costs more than it tells.
INTERVAL_SECONDS_MIN = 0.1
# A sample that lasts longer than this must not hold up the end of a training.
STOP_SECONDS_MAX = 2.0

PREFIX = "system/"
_MEGA = 1e6
# Where launchers say which of a machine's processes this is: torchrun, SLURM, Open MPI, MPICH, Horovod.
_LOCAL_RANKS = ("LOCAL_RANK", "SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "HOROVOD_LOCAL_RANK")


def start(run: Run, interval_seconds: float = INTERVAL_SECONDS) -> Monitor:
    """Begins to log the metrics of this machine, or on other local ranks those of this process, into a run."""

    def log(metrics: dict[str, float], step: int) -> None:
        run._log_at(metrics, step, time.time_ns() // 1_000_000)

    monitor = Monitor(log, interval_seconds, machine=local_rank() == 0)
    monitor.start()
    return monitor


def local_rank() -> int:
    """This process's number among those of its machine, 0 if no launcher says."""
    for name in _LOCAL_RANKS:
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return 0


class Log(Protocol):
    """Takes metrics of one step; called from the monitor's own thread."""

    def __call__(self, metrics: dict[str, float], step: int) -> None: ...


class Monitor:
    """A thread that logs a sample every `interval` seconds, from `start` until `stop`.

    Steps count from 0. An error of a source of numbers leaves out its numbers; an error of `log` ends the sampling,
    never the training. Without `machine` the numbers are those of this process alone.
    """

    def __init__(self, log: Log, interval: float = INTERVAL_SECONDS, machine: bool = True):
        self._log = log
        self._interval = max(interval, INTERVAL_SECONDS_MIN)
        self._machine = machine
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def start(self) -> None:
        if self._thread is None:
            self._pid = os.getpid()
            self._thread = threading.Thread(target=self._run, name="streamgauge-system", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread after at most STOP_SECONDS_MAX; may be called twice, and in a forked child, which has no
        thread.
        """
        self._stop.set()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(STOP_SECONDS_MAX)
        self._thread = None

    def forget(self) -> None:
        """For a forked child: there the thread does not exist."""
        self._stop.set()
        self._thread = None

    def _run(self) -> None:
        sampler = Sampler(self._machine)
        # The first sample right away: a training of seconds has one, too. What is a rate needs two readings.
        self._stop.wait(INTERVAL_SECONDS_MIN)
        try:
            for step in itertools.count():
                self._log({PREFIX + name: value for name, value in sampler.sample().items()}, step)
                if self._stop.wait(self._interval):
                    return
        except Exception as problem:
            print(f"streamgauge: no more system metrics: {type(problem).__name__}: {problem}", file=sys.stderr)
        finally:
            sampler.close()


class Sampler:
    """Reads the numbers. Rates are those since the sample before, network bytes those since the sampler was made."""

    def __init__(self, machine: bool = True) -> None:
        sources: list[Callable[[], Any]] = [_Process]
        if machine:
            sources += [_Proc if os.path.exists("/proc/stat") else _psutil, _Disk, _Nvml]
        self._sources = []
        for source in sources:
            try:
                made = source()
            except Exception:  # not on this machine, not allowed here, or not installed
                continue
            self._sources.append(made)

    def sample(self) -> dict[str, float]:
        values: dict[str, float] = {}
        for source in self._sources:
            try:
                source.read(values)
            except Exception:  # a source that fails leaves out its numbers
                continue
        return values

    def close(self) -> None:
        for source in self._sources:
            if hasattr(source, "close"):
                source.close()


class _Proc:
    """CPU, memory and network of a Linux machine."""

    def __init__(self) -> None:
        self._cpu = _cpu_times(_text("/proc/stat"))
        self._network = _network_bytes(_text("/proc/net/dev"))

    def read(self, values: dict[str, float]) -> None:
        cpu = _cpu_times(_text("/proc/stat"))
        busy, total = cpu[0] - self._cpu[0], cpu[1] - self._cpu[1]
        if total > 0:
            values["cpu_utilization_percentage"] = round(max(0.0, min(100.0, 100 * busy / total)), 1)
        self._cpu = cpu
        total_kib, available_kib = _memory_kib(_text("/proc/meminfo"))
        _memory(values, (total_kib - available_kib) * 1024, total_kib * 1024)
        _network(values, self._network, _network_bytes(_text("/proc/net/dev")))


class _PsutilMachine:
    """The same by psutil."""

    def __init__(self, psutil: Any):
        self._psutil = psutil
        psutil.cpu_percent()
        counted = psutil.net_io_counters()
        self._network = (counted.bytes_recv, counted.bytes_sent)

    def read(self, values: dict[str, float]) -> None:
        values["cpu_utilization_percentage"] = self._psutil.cpu_percent()
        memory = self._psutil.virtual_memory()
        _memory(values, memory.used, memory.total)
        counted = self._psutil.net_io_counters()
        _network(values, self._network, (counted.bytes_recv, counted.bytes_sent))


def _psutil() -> _PsutilMachine:
    import psutil

    return _PsutilMachine(psutil)


def _memory(values: dict[str, float], used: float, total: float) -> None:
    values["system_memory_usage_megabytes"] = round(used / _MEGA, 1)
    values["system_memory_usage_percentage"] = round(100 * used / total, 1)


def _network(values: dict[str, float], before: tuple[int, int], now: tuple[int, int]) -> None:
    values["network_receive_megabytes"] = (now[0] - before[0]) / _MEGA
    values["network_transmit_megabytes"] = (now[1] - before[1]) / _MEGA


class _Disk:
    """The file system of the working folder's root, as MLflow has it."""

    def read(self, values: dict[str, float]) -> None:
        usage = shutil.disk_usage(os.sep)
        # What users may take; some of it is kept for root.
        values["disk_usage_percentage"] = round(100 * usage.used / max(usage.used + usage.free, 1), 1)
        values["disk_usage_megabytes"] = round(usage.used / _MEGA, 1)
        values["disk_available_megabytes"] = round(usage.free / _MEGA, 1)


class _Process:
    """This process: its CPU time and, on Linux, its memory."""

    def __init__(self) -> None:
        self._before = (time.monotonic(), time.process_time())

    def read(self, values: dict[str, float]) -> None:
        now = (time.monotonic(), time.process_time())
        if now[0] > self._before[0]:
            spent = (now[1] - self._before[1]) / (now[0] - self._before[0])
            values["process_cpu_percentage"] = round(100 * spent, 1)
        self._before = now
        pages = int(_text("/proc/self/statm").split()[1])
        values["process_memory_megabytes"] = round(pages * os.sysconf("SC_PAGE_SIZE") / _MEGA, 1)


class _Nvml:
    """NVIDIA's devices."""

    def __init__(self) -> None:
        import pynvml

        self._nvml = pynvml
        pynvml.nvmlInit()
        self._devices = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]

    def read(self, values: dict[str, float]) -> None:
        for i, device in enumerate(self._devices):
            for part in (self._memory, self._busy, self._power):
                try:
                    part(values, f"gpu_{i}_", device)
                except self._nvml.NVMLError:  # not every device knows everything
                    continue

    def _memory(self, values: dict[str, float], gpu: str, device: Any) -> None:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(device)
        values[gpu + "memory_usage_percentage"] = round(100 * memory.used / memory.total, 1)
        values[gpu + "memory_usage_megabytes"] = round(memory.used / _MEGA, 1)

    def _busy(self, values: dict[str, float], gpu: str, device: Any) -> None:
        values[gpu + "utilization_percentage"] = float(self._nvml.nvmlDeviceGetUtilizationRates(device).gpu)

    def _power(self, values: dict[str, float], gpu: str, device: Any) -> None:
        milliwatts = self._nvml.nvmlDeviceGetPowerUsage(device)
        values[gpu + "power_usage_watts"] = round(milliwatts / 1000, 1)
        limit = self._nvml.nvmlDeviceGetEnforcedPowerLimit(device)
        values[gpu + "power_usage_percentage"] = round(100 * milliwatts / limit, 1)

    def close(self) -> None:
        self._nvml.nvmlShutdown()


# Linux's files, parsed.


def _text(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def _cpu_times(stat: str) -> tuple[int, int]:
    """Busy and all clock ticks of all cores, from /proc/stat's first line; guests' time is within user and nice."""
    ticks = [int(word) for word in stat.split("\n", 1)[0].split()[1:9]]
    waiting = ticks[3] + (ticks[4] if len(ticks) > 4 else 0)
    return sum(ticks) - waiting, sum(ticks)


def _memory_kib(meminfo: str) -> tuple[int, int]:
    """All memory and what is available, in KiB, from /proc/meminfo."""
    values = {}
    for line in meminfo.splitlines():
        name, _, rest = line.partition(":")
        if name in ("MemTotal", "MemAvailable", "MemFree"):
            values[name] = int(rest.split()[0])
    return values["MemTotal"], values.get("MemAvailable", values.get("MemFree", 0))


def _network_bytes(dev: str) -> tuple[int, int]:
    """Bytes received and sent over all interfaces, from /proc/net/dev."""
    received = sent = 0
    for line in dev.splitlines():
        _, colon, rest = line.partition(":")
        words = rest.split()
        if colon and len(words) >= 9:
            received += int(words[0])
            sent += int(words[8])
    return received, sent
