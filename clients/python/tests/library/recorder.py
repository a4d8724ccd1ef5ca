"""A run that only remembers what the parts of the library hand to it."""

from __future__ import annotations

import hashlib
from typing import Any

from streamgauge import _frame


class Recorder:
    """Has the methods of a run that the recording parts call."""

    def __init__(self) -> None:
        self.metrics: list[tuple[dict[str, float], int]] = []
        self.console: list[_frame.ConsoleLine] = []
        self.tags: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.warnings: list[str] = []

    def _log_at(self, data: dict[str, float], step: int, time_ms: int) -> None:
        self.metrics.append((dict(data), step))

    def _append_console(self, lines: list[_frame.ConsoleLine]) -> None:
        self.console += lines

    def _set_tags(self, tags: dict[str, str]) -> None:
        self.tags.update(tags)

    def _append_artifact(self, path: str, content: Any, media_type: str) -> _frame.Artifact:
        self.files[path] = bytes(content)
        return _frame.Artifact(path, hashlib.sha256(content).hexdigest(), len(content), media_type)

    def _warn(self, key: str, message: str) -> None:
        self.warnings.append(message)

    def _count(self, name: str, n: int = 1) -> None:
        pass

    def printed(self, stream: int) -> list[str]:
        return [line.text for line in self.console if line.stream == stream]
