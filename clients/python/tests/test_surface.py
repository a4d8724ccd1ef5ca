"""Every route that MLflow's own server registers, taken from its wheel: which ones are served here, and whether both
servers say the same to a request without anything in it and to one of a wrong method.

`python test_surface.py URL` writes the table of docs/mlflow-compat.md anew, asking the server at URL.
"""

import collections
import re
import sys
from typing import Any, NamedTuple

from differential import ROOT_DOC, TALLY, Server, refusal

BEGIN, END = "<!-- routes: written by test_surface.py -->\n", "<!-- end of routes -->\n"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

# MLflow answers these with an empty 404 in every build but Databricks' own.
NOT_IN_MLFLOW = {"get-online-trace-details", "unified-traces", "/api/2.0mlflow/experiments/search-datasets"}


# What this server has none of (cmd/absent).
EMPTY = (
    "/gateway",
    "/jobs",
    "/issues",
    "/label-schemas",
    "/review-queues",
    "/mcp-servers",
    "/assistant",
    "/online-config",
    "/ui-telemetry",
)


class Route(NamedTuple):
    """A route without its prefix /api or /ajax-api; parameters in braces."""

    path: str
    method: str
    ajax_only: bool

    def url(self) -> str:
        path = re.sub("{[^}]*}", "x1", self.path)
        return path.replace("/api/", "/ajax-api/", 1) if self.ajax_only else path

    def group(self) -> str:
        if "/mlflow" not in self.path:
            return self.path if self.path.count("/") < 2 else self.path[: self.path.index("/", 1)]
        version, _, rest = self.path.removeprefix("/api/").partition("/")
        head, name, *_ = rest.split("/")
        return f"{version}/{head}/{name}"


def registered() -> list[Route]:
    """All routes of MLflow's server; those that both prefixes have stand once."""
    from mlflow.server import app
    from mlflow.server.fastapi_app import app as outer

    pairs = {(r.rule, m) for r in app.url_map.iter_rules() for m in (r.methods or set()) & set(METHODS)}
    pairs |= {(path, m.upper()) for path, methods in outer.openapi()["paths"].items() for m in methods}
    pairs = {(re.sub(r"<(?:path:)?(\w+)>", r"{\1}", path), method) for path, method in pairs}
    paths = {path for path, _ in pairs}
    out = set()
    for path, method in pairs:
        api = path.replace("/ajax-api/", "/api/", 1)
        if not any(name in api for name in NOT_IN_MLFLOW):
            out.add(Route(api, method, api not in paths))
    return sorted(out)


def is_served(server: Server, route: Route) -> bool:
    status, answer = server.ask(route.method, route.url(), None if route.method == "GET" else {})
    return status not in (404, 405) or (answer or {}).get("error_code") not in (None, "ENDPOINT_NOT_FOUND")


def table(server: Server) -> str:
    """The table of the documentation: per group of routes what is served here, what is empty, what is not there."""
    rows: dict[str, list[list[str]]] = collections.defaultdict(lambda: [[], [], []])
    for route in registered():
        group = route.group()
        name = route.path.removeprefix("/api/").removeprefix(group).strip("/")
        column = 2 if not is_served(server, route) else 1 if any(part in route.path for part in EMPTY) else 0
        rows[group][column].append(f"{route.method} {name}".strip())
    count = [sum(len(row[i]) for row in rows.values()) for i in range(3)]
    lines = [
        f"MLflow's server registers {sum(count)} routes (method and path; `/api` and `/ajax-api` counted once);",
        f"{count[0]} are served here, {count[1]} say that there is nothing, {count[2]} are not there.",
        "",
        "| group | served | says that there is nothing | not there |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{group}` | {' | '.join(map(', '.join, row))} |" for group, row in sorted(rows.items())]
    return "\n".join(lines) + "\n"


def split(text: str) -> tuple[str, str, str]:
    before, _, rest = text.partition(BEGIN)
    inner, _, after = rest.partition(END)
    return before, inner, after


def test_the_table_of_routes_is_current(url: str) -> None:
    assert split(ROOT_DOC.read_text())[1] == table(Server(url)), f"run: python {__file__} URL"


# Not asked of MLflow: the first make data or fetch from the internet, pages are not compared.
NOT_ASKED = ("demo/", "supported-models", "static-files", "/build/")
# FastAPI hands wrong methods on to Flask, which does not know these paths.
OUTER = ("/assistant/", "/mcp-servers")
# What differs for a request with nothing in it, by the name of the known difference.
DIFFERENT = {
    "POST /api/2.0/mlflow/runs/create": "experiment-of-a-run",
    "POST /api/2.0/mlflow/traces": "refused-not-broken",
    "GET /graphql": "graphql-refusals",
    "POST /graphql": "graphql-refusals",
    "POST /api/2.0/mlflow/logged-models/x1/params": "id-in-path",
}


def test_requests_with_nothing_in_them(url: str, reference: str) -> None:
    ours, theirs = Server(url), Server(reference)
    for route in registered():
        if any(name in route.path for name in NOT_ASKED) or not is_served(ours, route):
            continue
        what = f"{route.method} {route.url()}"
        body: Any = None if route.method == "GET" else {}
        here, there = (refusal(*server.ask(route.method, route.url(), body))[:2] for server in (ours, theirs))
        if there[0] >= 400 and there[1] is None:  # a page, and not JSON
            here = (here[0], None)
        TALLY.check(what, here, there, DIFFERENT.get(what))


def test_wrong_methods(url: str, reference: str) -> None:
    """405, and the methods that the path has."""

    def told(where: str, method: str, path: str) -> tuple[int, set[str]]:
        answer = Server(where).session.request(method, where + path, json={}, timeout=30)
        return answer.status_code, {m for m in answer.headers.get("allow", "").split(", ") if m}

    ours, known = Server(url), collections.defaultdict(set)
    for route in registered():
        if any(name in route.url() for name in ("/x1", *OUTER)) or "/mlflow" not in route.path:
            continue
        if is_served(ours, route):
            known[route.url()].add(route.method)
    for path, methods in known.items():
        for method in ("OPTIONS", next(m for m in METHODS if m not in methods)):
            # Both may name more, of patterns that take this path, too.
            answers = [told(where, method, path) for where in (url, reference)]
            TALLY.check(f"{method} {path}", *((status, methods <= allowed) for status, allowed in answers))


if __name__ == "__main__":
    before, _, after = split(ROOT_DOC.read_text())
    ROOT_DOC.write_text(before + BEGIN + table(Server(sys.argv[1])) + END + after)
