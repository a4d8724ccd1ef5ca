"""One kept-alive HTTP connection to a server; used by one thread."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import urlsplit

from streamgauge._address import bus_of, plain

TIMEOUT_SECONDS = 30.0
# Of an answer; ours are short.
_ANSWER_BYTES_MAX = 16 << 20


class Answer(NamedTuple):
    """A status and what the JSON of the body says, {} if it is none."""

    status: int
    said: dict[str, Any]
    retry_after_seconds: float | None
    text: str

    @property
    def message(self) -> str:
        return str(self.said.get("message") or self.text.strip()[:200] or http.client.responses.get(self.status, ""))


class Link:
    def __init__(self, url: str, token: str | None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """ValueError if url is no http or https address."""
        parts = urlsplit(url)
        if bus := bus_of(url):
            raise ValueError(f"{plain(url)} is {bus}, which only takes what is sent; this needs an address of HTTP")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"STREAMGAUGE_URL is {url!r}; it must be like http://127.0.0.1:5000")
        self.url = url.rstrip("/")
        self._base = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            self._connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=timeout_seconds, context=ssl.create_default_context()
            )
        else:
            self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_seconds)
        self._used = False

    def ask(
        self, method: str, path: str, body: bytes | BinaryIO | None = None, content_type: str = "application/json"
    ) -> Answer:
        """Sends a request that may be repeated. OSError or http.client.HTTPException if there is no answer."""
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = content_type
        if body is not None and not isinstance(body, bytes):
            headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
        try:
            return self._once(method, path, body, headers)
        except (ConnectionError, http.client.BadStatusLine):
            if not self._used:
                self.close()
                raise
            # A server may close a connection that was idle, without a word.
            self.close()
            if body is not None and not isinstance(body, bytes):
                body.seek(0)
            return self._once(method, path, body, headers)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._connection.close()
        self._used = False

    def _once(self, method: str, path: str, body: bytes | BinaryIO | None, headers: dict[str, str]) -> Answer:
        self._connection.request(method, self._base + path, body, headers)
        response = self._connection.getresponse()
        text = response.read(_ANSWER_BYTES_MAX).decode("utf-8", "replace")
        self._used = not response.will_close
        try:
            said = json.loads(text)
        except ValueError:
            said = {}
        return Answer(
            response.status, said if isinstance(said, dict) else {}, _seconds(response.getheader("Retry-After")), text
        )


def _seconds(retry_after: str | None) -> float | None:
    try:
        return max(0.0, float(retry_after or ""))
    except ValueError:
        return None
