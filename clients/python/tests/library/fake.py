"""A server that speaks the frames' route, remembers what it took, and answers as badly as a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import wire


class Trouble(Exception):
    """Answer so instead: after taking so many frames, a status (0: hang up), headers and a body."""

    def __init__(self, status: int, taken: int = 0, said: dict[str, Any] | None = None, **headers: str) -> None:
        super().__init__(status)
        self.status, self.taken, self.said, self.headers = status, taken, said or {}, headers


class Fake:
    def __init__(self) -> None:
        self.bodies: dict[tuple[int, int], bytes] = {}
        self.frames: list[wire.Frame] = []
        self.repeats = 0
        self.requests = 0
        self.tokens: set[str] = set()
        self.files: dict[str, bytes] = {}
        self.trouble: Callable[[int, list[wire.Frame]], Trouble | None] = lambda n, frames: None
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                fake.post(self)

            def do_GET(self) -> None:
                fake.answer(self, 200, {"run": {"info": {"artifact_uri": "mlflow-artifacts:/1/r/artifacts"}}})

            def do_PUT(self) -> None:
                fake.files[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
                fake.answer(self, 200, {})

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Fake:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def points(self) -> list[wire.Point]:
        """What arrived, each frame once."""
        with self._lock:
            return [p for f in self.frames for p in f.points()]

    def post(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        self.tokens.add(request.headers.get("Authorization", ""))
        whole = list(split(body))
        frames = [wire.frame(b) for b in whole]
        self.requests += 1
        trouble = self.trouble(self.requests, frames)
        taken = len(frames) if trouble is None else trouble.taken
        self._take(frames[:taken], whole)
        if trouble is None:
            self.answer(request, 200, {"accepted": taken})
        elif trouble.status == 0:
            request.close_connection = True
            request.connection.close()
        else:
            self.answer(request, trouble.status, {"accepted": taken, **trouble.said}, **trouble.headers)

    def _take(self, frames: list[wire.Frame], whole: list[bytes]) -> None:
        """As a lane does it: a number is taken once, and must not come with other content."""
        with self._lock:
            for frame, body in zip(frames, whole, strict=False):
                assert frame.version == 1
                assert frame.sections
                known = self.bodies.get((frame.writer, frame.number))
                if known is None:
                    self.bodies[frame.writer, frame.number] = body
                    self.frames.append(frame)
                    continue
                self.repeats += 1
                assert known == body, f"frame {frame.number} came again with other content"

    def answer(self, request: BaseHTTPRequestHandler, status: int, said: dict[str, Any], **headers: str) -> None:
        body = json.dumps(said).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)


def split(body: bytes) -> list[bytes]:
    out, at = [], 0
    while at < len(body):
        length, at = wire.varint(body, at)
        out.append(body[at : at + length])
        at += length
    return out
