"""`run.config` and `run.summary`, and how what users write becomes params and tags."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Callable

from streamgauge import _frame

# MLflow's limits, which the server keeps; lengths in characters.
_KEY_LENGTH_MAX = 250
PARAM_VALUE_LENGTH_MAX = 6000
TAG_VALUE_LENGTH_MAX = 8000
# Of one event.
_ENTRIES_MAX = 100
_EVENT_BYTES_MAX = 256 << 10
_DEPTH_MAX = 10


class Config(dict[str, Any]):
    """A dictionary whose entries are also attributes; every change is told to the run."""

    def __init__(self, changed: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__()
        object.__setattr__(self, "_changed", changed)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def update(self, *given: Any, allow_val_change: bool = False, **more: Any) -> None:
        """Takes a mapping, an argparse namespace, a dataclass or an object with attributes."""
        entries = {**(as_mapping(given[0]) if given else {}), **more}
        super().update(entries)
        self._changed(entries)

    def setdefaults(self, given: Any) -> None:
        self.update({k: v for k, v in as_mapping(given).items() if k not in self})

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"config has no {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class Summary(MutableMapping[str, Any]):
    """Values of the run as a whole: numbers become metrics at the current step, everything else a tag
    `streamgauge.summary.<key>`.

    It holds what was set here, not what was logged.
    """

    def __init__(self, changed: Callable[[str, Any], None]) -> None:
        self._entries: dict[str, Any] = {}
        self._changed = changed

    def __getitem__(self, key: str) -> Any:
        return self._entries[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._entries[key] = value
        self._changed(key, value)

    def __delitem__(self, key: str) -> None:
        del self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return repr(self._entries)


def as_mapping(given: Any) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return given
    fields = getattr(given, "__dict__", None)
    if fields is None:
        raise TypeError(f"config is a {type(given).__name__}; it must be a mapping or have attributes")
    return {k: v for k, v in fields.items() if not k.startswith("_")}


def flat(entries: Mapping[Any, Any], depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Nested mappings as `a.b`."""
    for key, value in entries.items():
        if isinstance(value, Mapping) and value and depth < _DEPTH_MAX:
            for below, content in flat(value, depth + 1):
                yield f"{key}.{below}", content
        else:
            yield str(key), value


def as_text(value: Any) -> str:
    """A param's or tag's value: texts as they are, lists as JSON if that can be, the rest as Python writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        try:
            return json.dumps(value)
        except (TypeError, ValueError):
            pass
    return str(value)


def legal_key(key: str) -> str:
    """The nearest key that MLflow allows for params and tags, "" if there is none."""
    kept = "".join(c if c.isalnum() or c in "_/.- :" else "_" for c in key)[:_KEY_LENGTH_MAX]
    clean = posixpath.normpath(kept).lstrip("/") if kept else ""
    while clean.startswith("../"):
        clean = clean[3:]
    return "" if clean.startswith("..") or clean == "." else clean


def batches(entries: Iterable[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """As many entries as fit into one event."""
    batch: dict[str, str] = {}
    size = 0
    for key, value in entries:
        more = len(_frame.utf8(key)) + len(_frame.utf8(value)) + 12
        if batch and (len(batch) >= _ENTRIES_MAX or size + more > _EVENT_BYTES_MAX):
            yield batch
            batch, size = {}, 0
        batch[key] = value
        size += more
    if batch:
        yield batch
