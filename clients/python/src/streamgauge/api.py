"""Reading runs and series back.

    api = streamgauge.Api()
    for run in api.runs("llm", filter="metrics.loss < 1", order_by=["metrics.loss"]):
        print(run.name, run.params["lr"], run.metrics["loss"])
    lines = api.series([run.id], ["loss"], buckets=500)          # plain dicts and lists
    table = api.series_arrow([run.id], ["loss"], buckets="raw")  # needs pyarrow
    frame = api.series_pandas([run.id], ["loss"])                # needs pandas

docs/series.md says what the columns mean. Only the standard library is needed otherwise.
"""

from __future__ import annotations

import bisect
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any

__all__ = ["Api", "ApiError", "RunRecord"]

DEFAULT_URL = "http://127.0.0.1:5000"
TIMEOUT_SECONDS = 120.0
# A page of a search; the server takes up to 50,000.
PAGE = 1_000
# An overloaded server says when to come again; so often it is believed.
ATTEMPTS_MAX = 4
WAIT_SECONDS_MAX = 10.0
# What one request for series takes.
KEYS_MAX = 100
_ARROW = "application/vnd.apache.arrow.stream"
_VIEWS = {"active": "ACTIVE_ONLY", "deleted": "DELETED_ONLY", "all": "ALL"}


class ApiError(Exception):
    """The server refused. `status` is that of HTTP (0: no answer), `code` the server's name for it."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code


@dataclass
class RunRecord:
    """A run as it was when it was read. Times are milliseconds since the epoch; `metrics` has the latest values."""

    id: str
    name: str
    experiment_id: str
    status: str
    user: str
    start_time: int | None
    end_time: int | None
    artifact_uri: str
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    api: Api | None = field(default=None, repr=False, compare=False)

    @property
    def config(self) -> dict[str, str]:
        """The params, by the name that W&B's users know."""
        return self.params

    @property
    def summary(self) -> dict[str, float]:
        """The latest values, by the name that W&B's users know."""
        return self.metrics

    @property
    def url(self) -> str:
        """The page of the run."""
        return f"{self._api().url}/#/runs/{self.id}"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {f.name: copy(getattr(self, f.name)) for f in fields(self) if f.name != "api"}

    def series(self, keys: str | Sequence[str] | None = None, **options: Any) -> list[dict[str, Any]]:
        """Lines of the named metrics, or of all; options as of `Api.series`."""
        return self._api().series([self.id], self.metrics if keys is None else keys, **options)

    def history(self, keys: str | Sequence[str] | None = None, samples: int = 500) -> list[dict[str, Any]]:
        """Rows {"_step": s, key: value, ...} by step; a metric of more than `samples` points has its last value of each
        bucket. `pandas.DataFrame(run.history())` makes a table of it.
        """
        rows: dict[int, dict[str, Any]] = {}
        for line in self.series(keys, buckets=samples):
            steps, values = (line["step"], line["value"]) if line["raw"] else (line["step_last"], line["last"])
            for step, value in zip(steps, values):
                rows.setdefault(step, {"_step": step})[line["key"]] = value
        return [rows[step] for step in sorted(rows)]

    def _api(self) -> Api:
        if self.api is None:
            raise ValueError("this RunRecord was not read through an Api")
        return self.api


class Api:
    """Reads from the server at `url` (STREAMGAUGE_URL, else DEFAULT_URL) with `token` (STREAMGAUGE_TOKEN, else
    MLFLOW_TRACKING_TOKEN). Every method may raise ApiError.
    """

    def __init__(self, url: str | None = None, token: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS):
        self.url = (url or os.environ.get("STREAMGAUGE_URL") or DEFAULT_URL).rstrip("/")
        self._token = token or os.environ.get("STREAMGAUGE_TOKEN") or os.environ.get("MLFLOW_TRACKING_TOKEN")
        self._timeout = timeout_seconds

    # Runs.

    def projects(self) -> list[dict[str, Any]]:
        """Projects, MLflow's experiments: {"id", "name", "tags", "created", "updated"}."""
        found = []
        for page in self._pages("/api/2.0/mlflow/experiments/search", {"max_results": PAGE}):
            for e in page.get("experiments", []):
                found.append(
                    {
                        "id": e["experiment_id"],
                        "name": e["name"],
                        "tags": _pairs(e.get("tags", [])),
                        "created": _whole(e.get("creation_time")),
                        "updated": _whole(e.get("last_update_time")),
                    }
                )
        return found

    def runs(
        self,
        project: str | None = None,
        *,
        filter: str = "",
        order_by: Sequence[str] = (),
        limit: int | None = None,
        view: str = "active",
    ) -> list[RunRecord]:
        """Runs of a project (all without one), with MLflow's filter and order, newest first if none is given.

        `view` is active, deleted or all. Without a limit every run is read.
        """
        if view not in _VIEWS:
            raise ValueError(f"view is one of {', '.join(_VIEWS)}, not {view!r}")
        if project is None:
            ids = [found["id"] for found in self.projects()]
        else:
            query = {"experiment_name": project}
            ids = [self._get("/api/2.0/mlflow/experiments/get-by-name", query)["experiment"]["experiment_id"]]
        body = {
            "experiment_ids": ids,
            "filter": filter,
            "order_by": list(order_by),
            "run_view_type": _VIEWS[view],
            "max_results": PAGE if limit is None else min(limit, PAGE),
        }
        found: list[RunRecord] = []
        if not ids or limit == 0:
            return found
        for page in self._pages("/api/2.0/mlflow/runs/search", body):
            found += [self._record(run) for run in page.get("runs", [])]
            if limit is not None and len(found) >= limit:
                return found[:limit]
        return found

    def run(self, run_id: str) -> RunRecord:
        """One run by its id."""
        return self._record(self._get("/api/2.0/mlflow/runs/get", {"run_id": run_id})["run"])

    def _record(self, run: Mapping[str, Any]) -> RunRecord:
        info, data = run["info"], run.get("data", {})
        return RunRecord(
            id=info["run_id"],
            name=info.get("run_name", ""),
            experiment_id=info["experiment_id"],
            status=info["status"],
            user=info.get("user_id", ""),
            start_time=_whole(info.get("start_time")),
            end_time=_whole(info.get("end_time")),
            artifact_uri=info.get("artifact_uri", ""),
            params=_pairs(data.get("params", [])),
            metrics={m["key"]: float(m["value"]) for m in data.get("metrics", [])},
            tags=_pairs(data.get("tags", [])),
            api=self,
        )

    def metric_names(
        self, run_id: str, *, prefix: str = "", contains: str = "", like: str = "", regex: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Names with their latest value: {"key", "value", "step", "timestamp", "rank"}; page by page, by name."""
        wanted = {"prefix": prefix, "contains": contains, "like": like, "regex": regex, "max_results": PAGE}
        query = {name: value for name, value in wanted.items() if value}
        while True:
            page = self._get(f"/v1/runs/{_quoted(run_id)}/metrics", query)
            for metric in page.get("metrics", []):
                yield {**metric, "value": float(metric["value"])}
            if not page.get("next_page_token"):
                return
            query["page_token"] = page["next_page_token"]

    def ranks(self, run_id: str, key: str) -> dict[str, Any]:
        """How far each rank is with a metric, and who is behind."""
        return self._get(f"/v1/runs/{_quoted(run_id)}/ranks", {"key": key})

    # Series.

    def series(self, run_ids: str | Sequence[str], keys: str | Iterable[str], **options: Any) -> list[dict[str, Any]]:
        """Lines of metrics, each a dict with its columns as lists; values are floats, NaN and infinities included.

        Options, as docs/series.md has them: `axis` step, time or relative; `start` and `end` on it; `buckets` a number
        or "raw"; `rank` lowest, each, merged or a number; `attempts` joined or each; `columns`, a list.
        """
        lines: list[dict[str, Any]] = []
        for body in _requests(run_ids, keys, options):
            answer, _ = self._call("POST", "/v1/series", body)
            for line in json.loads(answer)["series"]:
                lines.append({name: _numbers(name, value) for name, value in line.items()})
        return lines

    def series_arrow(self, run_ids: str | Sequence[str], keys: str | Iterable[str], **options: Any) -> Any:
        """The same as one pyarrow.Table, a row a bucket or point; of a point the value is in `first`."""
        import pyarrow

        tables = []
        for body in _requests(run_ids, keys, options):
            answer, _ = self._call("POST", "/v1/series", body, accept=_ARROW)
            tables.append(pyarrow.ipc.open_stream(answer).read_all())
        return pyarrow.concat_tables(tables).unify_dictionaries()

    def series_pandas(self, run_ids: str | Sequence[str], keys: str | Iterable[str], **options: Any) -> Any:
        """The same as a pandas.DataFrame with the columns of `series_arrow`; pyarrow is used if it is there."""
        import pandas

        try:
            import pyarrow  # noqa: F401
        except ImportError:
            rows: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
            for line in self.series(run_ids, keys, **options):
                for name, column in _columns(line).items():
                    rows[name] += column
            some = any(rows.values())
            frame = pandas.DataFrame({name: column for name, column in rows.items() if column or not some})
        else:
            frame = self.series_arrow(run_ids, keys, **options).to_pandas()
            frame[["run_id", "key"]] = frame[["run_id", "key"]].astype("str")
        frame["rank"] = frame["rank"].astype("UInt32")
        return frame

    # Requests.

    def _get(self, path: str, query: Mapping[str, Any]) -> Any:
        answer, _ = self._call("GET", path + "?" + urllib.parse.urlencode(query))
        return json.loads(answer)

    def _pages(self, path: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        token = None
        while True:
            answer, _ = self._call("POST", path, {**body, "page_token": token} if token else body)
            page = json.loads(answer)
            yield page
            token = page.get("next_page_token")
            if not token:
                return

    def _call(self, method: str, path: str, body: Any = None, accept: str = "application/json") -> tuple[bytes, str]:
        """What the server answers, and its media type; an overloaded or starting server is asked again."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            request = urllib.request.Request(self.url + path, method=method, headers={"Accept": accept})
            if body is not None:
                request.data = json.dumps(body).encode()
                request.add_header("Content-Type", "application/json")
            if self._token:
                request.add_header("Authorization", "Bearer " + self._token)
            try:
                with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                    return answer.read(), answer.headers.get_content_type()
            except urllib.error.HTTPError as refusal:
                if refusal.code in (429, 503) and attempt < ATTEMPTS_MAX:
                    _wait(refusal.headers.get("Retry-After"))
                    continue
                raise _refused(refusal) from None
            except (urllib.error.URLError, OSError) as problem:
                reason = getattr(problem, "reason", problem)
                raise ApiError(0, "NO_ANSWER", f"{self.url} does not answer: {reason}") from problem
        raise AssertionError("unreachable")


def _wait(said: str | None) -> None:
    try:
        seconds = float(said or 1)
    except ValueError:  # a date
        seconds = 1.0
    time.sleep(max(0.0, min(seconds, WAIT_SECONDS_MAX)))


def _refused(refusal: urllib.error.HTTPError) -> ApiError:
    text = refusal.read().decode(errors="replace")
    try:
        said = json.loads(text)
        return ApiError(refusal.code, said.get("error_code", refusal.reason), said.get("message", text))
    except (ValueError, AttributeError):
        return ApiError(refusal.code, str(refusal.reason), text[:1_000])


def _requests(
    run_ids: str | Sequence[str], keys: str | Iterable[str], options: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The bodies that ask for all lines, KEYS_MAX keys each."""
    names = {"axis", "start", "end", "buckets", "rank", "attempts", "columns"}
    if set(options) - names:
        raise TypeError(f"unknown options {sorted(set(options) - names)}; there are {sorted(names)}")
    body: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    for ours, theirs in (("start", "from"), ("end", "to")):
        if ours in body:
            body[theirs] = body.pop(ours)
    body["run_ids"] = [run_ids] if isinstance(run_ids, str) else list(run_ids)
    wanted = [keys] if isinstance(keys, str) else list(keys)
    runs_at_once = max(1, LINES_MAX // max(1, min(len(wanted), KEYS_MAX)))
    for at in range(0, len(wanted), KEYS_MAX):
        for run in range(0, len(body["run_ids"]), min(runs_at_once, RUNS_MAX)):
            some = body["run_ids"][run : run + min(runs_at_once, RUNS_MAX)]
            yield {**body, "run_ids": some, "keys": wanted[at : at + KEYS_MAX]}


# One request's runs, and lines of runs and keys.
RUNS_MAX = 1_000
LINES_MAX = 2_000

_VALUES = frozenset(("value", "min", "max", "mean", "first", "last"))


def _numbers(name: str, column: Any) -> Any:
    """A column of values as floats; JSON has NaN and infinities as texts."""
    return [float(value) for value in column] if name in _VALUES else column


_COLUMNS = (
    *("run_id", "key", "rank", "attempt", "inherited", "step", "step_last", "time", "time_last"),
    *("min", "max", "mean", "first", "last", "count", "nan", "pos_inf", "neg_inf"),
)


def _columns(line: Mapping[str, Any]) -> dict[str, list[Any]]:
    """A line as the columns of a table; a raw point is a bucket of one."""
    found = {name: line[name] for name in _COLUMNS[5:] if name in line}
    if line["raw"]:
        values = line.get("value", [])
        for name in ("step", "time"):
            if name in line:
                found[name + "_last"] = line[name]
        if "value" in line:
            found.update({name: values for name in ("min", "max", "mean", "first", "last")})
            found["count"] = [1] * len(values)
            found["nan"] = [int(v != v) for v in values]
            found["pos_inf"] = [int(v == float("inf")) for v in values]
            found["neg_inf"] = [int(v == float("-inf")) for v in values]
    rows = max(map(len, found.values()), default=0)
    parts = [_part(line["parts"], step) for step in line["step"]] if "step" in line else [line["parts"][0]] * rows
    found["run_id"] = [part.get("run_id", line["run_id"]) for part in parts]
    found["key"] = [line["key"]] * rows
    found["rank"] = [line["rank"]] * rows
    found["attempt"] = [part["attempt"] for part in parts]
    found["inherited"] = [part["inherited"] for part in parts]
    return found


def _part(parts: Sequence[Mapping[str, Any]], step: int) -> Mapping[str, Any]:
    """The part of a line that a step comes from."""
    at = bisect.bisect_right([part["from_step"] for part in parts], step) - 1
    return parts[max(at, 0)]


def _pairs(entries: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {entry["key"]: entry.get("value", "") for entry in entries}


def _whole(number: Any) -> int | None:
    return None if number in (None, "") else int(number)


def _quoted(part: str) -> str:
    return urllib.parse.quote(part, safe="")
