"""Files on their way to a run's artifacts: copied into the spool at once, sent when the server has the run.

`artifacts/<n>.bin` is the content and `artifacts/<n>.json` says what it is; the latter is written last, so a file
without it is what a killed process left half copied.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from streamgauge._courier import Held
from streamgauge._frame import Artifact
from streamgauge._link import Link
from streamgauge._spool import write_new

_COPY_BYTES = 1 << 20
_WAIT_SECONDS = 5.0


class Outbox:
    """The waiting files of one spool. Any thread may put; one at a time may send."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "artifacts"
        self._lock = threading.Lock()
        self._number = max((int(p.stem) for p in self._folder.glob("*.json")), default=0)

    def put(self, path: str, content: bytes | os.PathLike[str], media_type: str) -> Artifact:
        """Copies content; OSError if that cannot be."""
        self._folder.mkdir(exist_ok=True, mode=0o700)
        with self._lock:
            self._number += 1
            number = self._number
        kept = self._folder / f"{number:06d}.bin"
        digest, size = hashlib.sha256(), 0
        try:
            with contextlib.ExitStack() as stack:
                out = stack.enter_context(kept.open("wb"))
                if isinstance(content, bytes):
                    digest.update(content)
                    size = out.write(content)
                else:
                    source = stack.enter_context(open(content, "rb"))
                    while block := source.read(_COPY_BYTES):
                        digest.update(block)
                        size += out.write(block)
            artifact = Artifact(path, digest.hexdigest(), size, media_type)
            write_new(kept.with_suffix(".json"), json.dumps(artifact._asdict()).encode())
        except BaseException:
            kept.unlink(missing_ok=True)  # half a file only takes room on a full disk
            raise
        return artifact

    def waiting(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))

    def send(self, link: Link, run_id: str) -> bool:
        """Sends the oldest file; whether there was one. Held if the server does not take it now."""
        waiting = self.waiting()
        if not waiting:
            return False
        about = json.loads(waiting[0].read_bytes())
        kept = waiting[0].with_suffix(".bin")
        try:
            root = _root(link, run_id)
            with kept.open("rb") as content:
                answer = link.ask("PUT", root + "/" + quote(about["path"]), content, about["media_type"])
        except (OSError, http.client.HTTPException) as why:
            raise Held(_WAIT_SECONDS, f"{link.url} does not take artifact {about['path']}: {why}") from None
        if answer.status != 200:
            raise Held(
                answer.retry_after_seconds or _WAIT_SECONDS,
                f"{link.url} does not take artifact {about['path']}: {answer.status} {answer.message}",
            )
        waiting[0].unlink()
        kept.unlink()
        return True


def _root(link: Link, run_id: str) -> str:
    """The route to the artifacts of a run."""
    answer = link.ask("GET", f"/api/2.0/mlflow/runs/get?run_id={run_id}")
    info: Any = answer.said.get("run", {}).get("info", {})
    if answer.status != 200 or not isinstance(info.get("artifact_uri"), str):
        raise Held(_WAIT_SECONDS, f"{link.url} does not say where artifacts of run {run_id} are: {answer.message}")
    place = urlsplit(info["artifact_uri"])
    if place.scheme != "mlflow-artifacts":
        raise Held(60, f"artifacts of run {run_id} are kept at {place.scheme}, which this library cannot reach")
    return "/api/2.0/mlflow-artifacts/artifacts" + quote(place.path)
