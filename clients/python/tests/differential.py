"""Asks our server and MLflow's own the same, compares the answers, and keeps count.

A difference fails its test unless it is one of KNOWN. Every known difference stands with its reason in
docs/mlflow-compat.md, under the same name.
"""

import collections
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT_DOC = Path(__file__).resolve().parents[3] / "docs" / "mlflow-compat.md"

KNOWN = {
    "refused-not-broken": "what MLflow's server breaks at with a 500 is refused with a 400",
    "status-by-name": "logged models are found by the name of their status",
    "aliases-behind-attributes": "attributes.creation_time works as creation_time does",
    "dataset-without-digest": "a dataset without a digest means all of its digests",
    "nan-of-a-model": "a model's NaN comes back as NaN",
    "infinities": "infinities come back as such",
    "experiment-of-a-run": "a run without an experiment belongs to experiment 0",
    "graphql-refusals": "/graphql answers a query that is wrong with its errors",
    "features": "server-info names what this server has",
    "id-in-path": "a model's id need not be repeated in the body",
    "more-told": "an answer has a field that MLflow's has not",
    "own-words": "the same refusal in other words",
}


@dataclass
class Tally:
    """What was compared in this session."""

    compared: int = 0
    same: int = 0
    known: collections.Counter[str] = field(default_factory=collections.Counter)

    def check(self, what: str, ours: Any, theirs: Any, known: str | None = None) -> None:
        """Compares two answers; known names the difference that may be between them."""
        assert known is None or known in KNOWN, f"{known} is not among the known differences"
        self.compared += 1
        if ours == theirs:
            self.same += 1
        elif known:
            self.known[known] += 1
        else:
            pytest.fail(f"{what}\n  ours   {shown(ours)}\n  MLflow {shown(theirs)}", pytrace=False)

    def lines(self) -> list[str]:
        """The summary; nothing if nothing was compared."""
        if not self.compared:
            return []
        out = [f"compared with MLflow's own server: {self.compared} calls, {self.same} answered the same"]
        out += [
            f"  known difference, {count} times: {KNOWN[name]} ({name})" for name, count in sorted(self.known.items())
        ]
        return out


TALLY = Tally()


def shown(answer: Any) -> str:
    return json.dumps(answer, default=str, sort_keys=True)[:1500]


@dataclass
class Server:
    """One of the two, asked without the client."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def ask(self, method: str, path: str, body: Any = None, query: Any = None) -> tuple[int, Any]:
        """The status, and the JSON of the answer; paths without a slash are below /api/2.0/mlflow."""
        where = path if path.startswith("/") else f"/api/2.0/mlflow/{path}"
        answer = self.session.request(method, self.url + where, json=body, params=query, timeout=30)
        try:
            return answer.status_code, answer.json()
        except ValueError:
            return answer.status_code, None

    def must(self, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        status, answer = self.ask(method, path, body, query)
        assert status == 200, (self.url, path, body, answer)
        return answer


# What a refusal says beside its code; codes that MLflow does not classify have neither.
CLASSES = ("sqlstate", "error_class")


def refusal(status: int, answer: Any) -> tuple:
    """An error as far as both servers can say the same: Python prints sets in any order."""
    message = (answer or {}).get("message", "")
    message = re.sub(r"\{('[^{}]*')\}", lambda m: "{" + ", ".join(sorted(m.group(1).split(", "))) + "}", message)
    return status, (answer or {}).get("error_code"), message, *((answer or {}).get(name) for name in CLASSES)
