"""Branch, changes and data of the code that starts a plain MLflow run.

MLflow's own context knows commit, branch and repository if GitPython is installed; this one needs only git, takes
passwords out of the address, and adds whether there are changes, the changes, and a tag `streamgauge.dvc.PATH` with the
hash for each output of DVC. STREAMGAUGE_SOURCE=0 switches it off.
"""

from __future__ import annotations

import os
import threading
import time

from mlflow.tracking.context.abstract_context import RunContextProvider

from .. import _source

DATASET_TAG = "streamgauge.dvc."
# A sweep starts many runs a second from the same code; git is asked again after this time.
KEEP_SECONDS = 10.0

_lock = threading.Lock()
_kept: tuple[float, str, _source.Source] | None = None


def source() -> _source.Source:
    """What git and DVC say of the code, at most KEEP_SECONDS old."""
    global _kept
    folder = _source.code_folder()
    with _lock:
        if _kept is None or _kept[1] != folder or time.monotonic() - _kept[0] > KEEP_SECONDS:
            _kept = (time.monotonic(), folder, _source.code_and_data(folder))
        return _kept[2]


class CodeAndData(RunContextProvider):
    """Tags for MLflow's registry of contexts."""

    def in_context(self) -> bool:
        from mlflow.tracking._tracking_service.utils import get_tracking_uri

        # Databricks has narrower limits for tags, and a context of its own.
        return os.environ.get("STREAMGAUGE_SOURCE") != "0" and not get_tracking_uri().startswith("databricks")

    def tags(self) -> dict[str, str]:
        found = source()
        return {**found.tags, **_source.dataset_tags(found.datasets)}
