"""MLflow's tracking store with the metrics on a faster way.

A metric is appended to the crash-safe log of the run (`streamgauge._run`) and the call returns; the log is shipped in
the background. Everything else goes to the server as always, and MLflow's meaning stays:

- a metric that may not be (its name, its value, a step beyond 64 bits, a deleted run) goes to the server, which refuses
  it in its own words, within the call; a run that does not exist is an error, too;
- params and tags are decided by the server before the metrics of the same batch are accepted;
- before a run is read, searched or ended, what was logged to it is acknowledged. If the server takes nothing for
  STREAMGAUGE_MLFLOW_WAIT_SECONDS (30), a warning says so and the call goes on; nothing is lost.

A server that is not Streamgauge is told by its answer to /v1/version, and gets everything by REST.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlflow.entities import Dataset, DatasetInput, InputTag, LifecycleStage, Metric, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.rest_store import RestStore
from mlflow.utils.rest_utils import http_request
from mlflow.utils.validation import _validate_metric_name

from . import context

if TYPE_CHECKING:
    from .._run import Run
    from .._shipper import Orphans

_logger = logging.getLogger("streamgauge.mlflow")

WAIT_SECONDS = 30.0
# Runs that one process logs to at once; the one that was longest unused is closed, and opened again when it is used.
RUNS_MAX = 64
# Names that were checked are remembered up to this many.
KEYS_MAX = 100_000
# What a frame takes as a name.
KEY_BYTES_MAX = 250
_INT64 = range(-(1 << 63), 1 << 63)

_stores: weakref.WeakSet[SpooledStore] = weakref.WeakSet()


class RecordingStore(RestStore):
    """MLflow's own store, which besides gives a new run the data sets that the context found."""

    def create_run(self, experiment_id: str, user_id: str, start_time: int, tags: Any, run_name: str) -> Any:
        run = super().create_run(experiment_id, user_id, start_time, tags, run_name)
        if not any(tag.key.startswith(context.DATASET_TAG) for tag in tags or []):
            return run
        inputs = [
            DatasetInput(
                Dataset(name=found.name, digest=found.digest, source_type=found.source_type, source=found.source),
                tags=[InputTag("mlflow.data.context", "dvc")],
            )
            for found in context.source().datasets
        ]
        try:
            self.log_inputs(run.info.run_id, inputs)
            return super().get_run(run.info.run_id)
        except MlflowException as problem:  # a server of another kind or age; the run is there
            _logger.warning("data sets not recorded: %s", problem)
            return run


class _Log:
    """The log of one run, and whether it is still open: what comes too late is not swallowed, but told."""

    def __init__(self, run: Run):
        self.run = run
        self._lock = threading.Lock()
        self._open = True

    def append(self, metrics: Sequence[Metric]) -> bool:
        """Appends the metrics; False if the log was closed meanwhile."""
        with self._lock:
            if self._open:
                for data, step, time_ms, about in _rows(metrics):
                    if about is None:
                        self.run._log_at(data, step, time_ms)
                    else:
                        self.run._log_at(data, step, time_ms, context=about)
            return self._open

    def close(self) -> None:
        with self._lock:
            self._open = False
        self.run.finish()


def _rows(metrics: Sequence[Metric]) -> Iterator[tuple[dict[str, float], int, int, tuple[str, str, str] | None]]:
    """Metrics next to each other that differ in name and value alone are one row."""
    data: dict[str, float] = {}
    shared: tuple[int, int, tuple[str, str, str] | None] | None = None
    for metric in metrics:
        about = None
        if metric.model_id or metric.dataset_name or metric.dataset_digest:
            about = (metric.model_id or "", metric.dataset_name or "", metric.dataset_digest or "")
        own = (metric.step, metric.timestamp, about)
        if shared is not None and (own != shared or metric.key in data):
            yield (data, *shared)
            data = {}
        shared = own
        data[metric.key] = metric.value
    if shared is not None:
        yield (data, *shared)


class SpooledStore(RecordingStore):
    """The store of one server. Any thread may call it, and a forked child goes on with logs of its own."""

    def __init__(self, get_host_creds: Any):
        super().__init__(get_host_creds)
        self._lock = threading.Lock()
        # Logs of runs by id, the longest unused first.
        self._logs: OrderedDict[str, _Log] = OrderedDict()
        # Names of metrics that were checked.
        self._keys: set[str] = set()
        # None: not asked yet.
        self._ours: bool | None = None
        # Sends what killed processes of this machine left behind.
        self._orphans: Orphans | None = None
        _stores.add(self)
        _look_for_spark_quickly()

    # Writes.

    def log_metric(self, run_id: str, metric: Metric) -> None:
        if not self._carried(metric) or not self._append(run_id, [metric]):
            super().log_metric(run_id, metric)

    def log_batch(self, run_id: str, metrics: Any, params: Any, tags: Any) -> None:
        if not metrics or not all(map(self._carried, metrics)) or not self._server_is_ours():
            super().log_batch(run_id, metrics, params, tags)
            return
        if params or tags:
            # The server decides these, and checks that the run is there; refused, no metric was accepted.
            super().log_batch(run_id, [], params, tags)
        if not self._append(run_id, metrics):
            super().log_batch(run_id, metrics, [], [])

    def _carried(self, metric: Metric) -> bool:
        """Whether the log takes a metric. MLflow's client has made its value a float, if it could."""
        return (
            (metric.key in self._keys or self._learn(metric.key))
            and type(metric.value) is float
            and type(metric.step) is int
            and type(metric.timestamp) is int
            and metric.step in _INT64
            and metric.timestamp in _INT64
        )

    def _learn(self, key: str) -> bool:
        """Remembers a name that MLflow's own check takes and a frame has room for."""
        try:
            _validate_metric_name(key)
        except (MlflowException, TypeError):
            return False
        if len(key.encode()) > KEY_BYTES_MAX:
            return False
        if len(self._keys) >= KEYS_MAX:
            self._keys = set()
        self._keys.add(key)
        return True

    def _append(self, run_id: str, metrics: Sequence[Metric]) -> bool:
        """Appends to the log of a run; False if the server has to be told: it is another one, or the run is deleted."""
        log = self._logs.get(run_id)
        while log is None or not log.append(metrics):
            if not self._server_is_ours():
                return False
            log = self._opened(run_id)
            if log is None:
                return False
        return True

    # Logs.

    def _opened(self, run_id: str) -> _Log | None:
        """The log of a run; MLflow's error if there is no such run, None if it is deleted."""
        if RestStore.get_run(self, run_id).info.lifecycle_stage != LifecycleStage.ACTIVE:
            return None
        from .._run import Run
        from .._shipper import Orphans

        creds = self.get_host_creds()
        with self._lock:
            log = self._logs.get(run_id)
            if log is None:
                # The server takes its tokens as passwords, too.
                try:
                    run = Run.attach(run_id, url=creds.host, token=creds.token or creds.password, attempt=0)
                except (OSError, ValueError) as problem:  # nowhere to write, or a launcher that contradicts itself
                    self._ours = False
                    _logger.warning("metrics go by REST: %s", problem)
                    return None
                log = self._logs[run_id] = _Log(run)
                if self._orphans is None:
                    self._orphans = Orphans(run._settings.dir, run._link)
            self._logs.move_to_end(run_id)
            oldest = self._logs.popitem(last=False)[1] if len(self._logs) > RUNS_MAX else None
        if oldest is not None:
            oldest.close()
        return log

    def _close(self, run_id: str) -> None:
        with self._lock:
            log = self._logs.pop(run_id, None)
        if log is not None:
            log.close()

    def _forget(self) -> None:
        """For a forked child: the parent's logs are the parent's. They are held, so that nothing ends them here."""
        self._lock = threading.Lock()
        self._parents, self._logs = (self._logs, self._orphans), OrderedDict()
        self._orphans = None

    def _server_is_ours(self) -> bool:
        if self._ours is None:
            answer = http_request(
                host_creds=self.get_host_creds(), endpoint="/v1/version", method="GET", raise_on_status=False
            )
            self._ours = answer.status_code == 200 and "mlflow" in answer.json()
            if not self._ours:
                _logger.warning("%s is not a Streamgauge server: metrics go by REST", self.get_host_creds().host)
        return self._ours

    @contextmanager
    def _after_writes(self, run_id: str | None = None) -> Iterator[None]:
        """Waits until what was logged to a run, or to all, is acknowledged."""
        with self._lock:
            logs = list(self._logs.values()) if run_id is None else [x for x in (self._logs.get(run_id),) if x]
        for log in logs:
            if not log.run.flush(_wait_seconds()):
                _logger.warning(
                    "run %s: not every metric is acknowledged yet: what is read may lack some; they are kept and sent",
                    log.run.id,
                )
        yield

    # Reads, and ends.

    def get_run(self, run_id: str) -> Any:
        with self._after_writes(run_id):
            return super().get_run(run_id)

    def get_metric_history(self, run_id: str, *arguments: Any, **named: Any) -> Any:
        with self._after_writes(run_id):
            return super().get_metric_history(run_id, *arguments, **named)

    def _search_runs(self, *arguments: Any, **named: Any) -> Any:
        with self._after_writes():
            return super()._search_runs(*arguments, **named)

    def get_logged_model(self, *arguments: Any, **named: Any) -> Any:
        with self._after_writes():
            return super().get_logged_model(*arguments, **named)

    def search_logged_models(self, *arguments: Any, **named: Any) -> Any:
        with self._after_writes():
            return super().search_logged_models(*arguments, **named)

    def update_run_info(self, run_id: str, run_status: Any, end_time: int, run_name: str) -> Any:
        ends = run_status is not None and RunStatus.is_terminated(run_status)
        if not ends:
            return super().update_run_info(run_id, run_status, end_time, run_name)
        with self._after_writes(run_id):
            info = super().update_run_info(run_id, run_status, end_time, run_name)
        self._close(run_id)
        return info

    def delete_run(self, run_id: str) -> None:
        with self._after_writes(run_id):
            super().delete_run(run_id)
        self._close(run_id)


def _look_for_spark_quickly() -> None:
    """Makes MLflow ask for a Spark session only where there can be one.

    Every `mlflow.log_metric` makes two clients, and each tries to import pyspark, in vain on most machines, which takes
    longer than all the rest together. Where nobody has imported pyspark, no session is active.
    """
    from mlflow.tracking._model_registry import utils

    original = getattr(utils, "_get_active_spark_session", None)
    if original is None or getattr(original, "quick", False):
        return

    def session() -> Any:
        return original() if "pyspark" in sys.modules else None

    session.quick = True  # type: ignore[attr-defined]
    utils._get_active_spark_session = session


def _wait_seconds() -> float:
    try:
        return float(os.environ["STREAMGAUGE_MLFLOW_WAIT_SECONDS"])
    except (KeyError, ValueError):
        return WAIT_SECONDS


def _forget_all() -> None:
    for store in list(_stores):
        store._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
