"""System metrics have MLflow's names and psutil's numbers."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from streamgauge import _system

from .recorder import Recorder

MACHINE = {
    "cpu_utilization_percentage",
    "system_memory_usage_megabytes",
    "system_memory_usage_percentage",
    "disk_usage_percentage",
    "disk_usage_megabytes",
    "disk_available_megabytes",
    "network_receive_megabytes",
    "network_transmit_megabytes",
}
PROCESS = {"process_cpu_percentage", "process_memory_megabytes"}


def test_the_names_are_those_that_mlflow_logs() -> None:
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    theirs: set[str] = set()
    for monitor in (CPUMonitor(), DiskMonitor(), NetworkMonitor()):
        monitor.collect_metrics()
        theirs |= set(monitor.metrics)
    assert theirs == MACHINE
    sampler = _system.Sampler()
    assert set(sampler.sample()) - PROCESS <= MACHINE


def test_proc_and_psutil_agree() -> None:
    ours, theirs = _system._Proc(), _system._psutil()
    a: dict[str, float] = {}
    b: dict[str, float] = {}
    ours.read(a)
    theirs.read(b)
    # The machine goes on between the two readings.
    assert a["system_memory_usage_percentage"] == pytest.approx(b["system_memory_usage_percentage"], abs=5)
    assert _system._network_bytes(_system._text("/proc/net/dev"))[0] == pytest.approx(
        psutil.net_io_counters().bytes_recv, rel=0.05, abs=1e6
    )


def test_linux_files_are_parsed() -> None:
    assert _system._cpu_times("cpu  10 1 5 80 4 0 0 0 3 0\ncpu0 ...\n") == (16, 100)
    assert _system._memory_kib("MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable: 40 kB\n") == (100, 40)
    assert _system._memory_kib("MemTotal: 100 kB\nMemFree: 10 kB\n") == (100, 10)
    dev = "Inter-| x\n face |bytes\n lo: 5 0 0 0 0 0 0 0 5 0\neth0:7 0 0 0 0 0 0 0 9 0\n"
    assert _system._network_bytes(dev) == (12, 14)


def test_a_monitor_logs_until_it_is_stopped() -> None:
    seen: list[tuple[dict[str, float], int]] = []
    enough = threading.Event()

    def log(metrics: dict[str, float], step: int) -> None:
        seen.append((metrics, step))
        if step == 2:
            enough.set()

    monitor = _system.Monitor(log, interval=0)
    monitor.start()
    assert enough.wait(60)
    monitor.stop()
    monitor.stop()
    count = len(seen)
    assert [step for _, step in seen] == list(range(count))
    assert {"system/" + name for name in MACHINE | PROCESS} == set(seen[1][0])
    assert not any(thread.name == "streamgauge-system" for thread in threading.enumerate())


def test_other_local_ranks_tell_of_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "3")
    run: Any = Recorder()
    logged = threading.Event()

    def log(data: dict[str, float], step: int, time_ms: int) -> None:
        run.metrics.append((data, step))
        logged.set()

    run._log_at = log
    monitor = _system.start(run)
    assert logged.wait(60)
    monitor.stop()
    assert set(run.metrics[0][0]) == {"system/" + name for name in PROCESS}


def test_an_error_of_the_run_ends_the_sampling_alone(capsys: pytest.CaptureFixture[str]) -> None:
    def log(metrics: dict[str, float], step: int) -> None:
        raise RuntimeError("closed")

    monitor = _system.Monitor(log, interval=0)
    monitor.start()
    assert monitor._thread
    monitor._thread.join(60)
    monitor.stop()
    assert "no more system metrics: RuntimeError: closed" in capsys.readouterr().err


def nvml() -> Any:
    """A stand-in for pynvml with two devices, of which the second does not know its power."""

    class NVMLError(Exception):
        pass

    def power(device: int) -> int:
        if device == 1:
            raise NVMLError("not supported")
        return 150_000

    return SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda i: i,
        nvmlDeviceGetMemoryInfo=lambda device: SimpleNamespace(used=2e9, total=8e9),
        nvmlDeviceGetUtilizationRates=lambda device: SimpleNamespace(gpu=97),
        nvmlDeviceGetPowerUsage=power,
        nvmlDeviceGetEnforcedPowerLimit=lambda device: 300_000,
    )


def test_gpus_have_the_numbers_and_names_of_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.system_metrics.metrics import gpu_monitor

    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    monkeypatch.setattr(gpu_monitor, "pynvml", sys.modules["pynvml"], raising=False)
    monitor = gpu_monitor.GPUMonitor()
    monitor.collect_metrics()
    sample = _system.Sampler().sample()
    ours = {name: value for name, value in sample.items() if name.startswith("gpu_")}
    assert ours == monitor.aggregate_metrics()
    assert ours["gpu_0_power_usage_percentage"] == 50
    assert "gpu_1_power_usage_watts" not in ours
