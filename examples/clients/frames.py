"""One run from beginning to end in frames (docs/protocol.md), with Python's standard library alone.

`frames.py [EXPERIMENT]` sends it to the server that STREAMGAUGE_URL names, with the token that STREAMGAUGE_TOKEN has;
`frames.py --print` writes two frames, each behind its length, to standard output.
"""

import json
import os
import secrets
import struct
import sys
import time
import urllib.error
import urllib.request

FINISHED = 3


def varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    return block(field, content.encode())


def points(rows: list[tuple[str, int, int, float]]) -> bytes:
    """Rows of key, step, time in milliseconds and value."""
    keys, steps, times, values = zip(*rows, strict=True)
    names = list(dict.fromkeys(keys))
    at = {name: i for i, name in enumerate(names)}
    n = len(rows)
    return (
        b"".join(text(1, name) for name in names)
        + block(5, struct.pack(f"<{n}d", *values))
        + block(8, struct.pack(f"<{n}I", *(at[k] for k in keys)))
        + block(9, struct.pack(f"<{n}q", *steps))
        + block(10, struct.pack(f"<{n}q", *times))
    )


def event(kind: int, content: bytes) -> bytes:
    return number(1, int(time.time() * 1000)) + block(kind, content)


def frame(writer: int, count: int, sections: list[bytes]) -> bytes:
    head = number(1, 1) + varint(2 << 3 | 1) + struct.pack("<Q", writer) + number(3, count)
    return head + b"".join(block(5, s) for s in sections)


def post(frames: list[bytes]) -> dict:
    """Sends frames until all are durable. A real client waits longer from time to time, and gives up never."""
    url = os.environ.get("STREAMGAUGE_URL", "http://127.0.0.1:5000") + "/v1/frames"
    headers = {"Content-Type": "application/x-protobuf"}
    if token := os.environ.get("STREAMGAUGE_TOKEN"):
        headers["Authorization"] = "Bearer " + token
    while True:
        body = b"".join(varint(len(f)) + f for f in frames)
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            wait, said = e.headers.get("Retry-After"), json.load(e)
            if wait is None:
                sys.exit(f"{e.code}: {said['message']}")
            frames = frames[said.get("accepted", 0) :]
            time.sleep(int(wait))


def main(experiment: str = "clients-frames") -> None:
    run, writer, now = secrets.token_hex(16), secrets.randbits(64) or 1, int(time.time() * 1000)
    started = event(2, text(1, experiment) + text(3, "in frames"))
    described = (
        event(3, block(1, text(1, "lr") + text(2, "0.01"))),
        event(4, block(1, text(1, "client") + text(2, "frames"))),
    )
    losses = points([("loss", step, now + step, loss) for step, loss in enumerate((1.0, 0.5, 0.25))])
    ended = event(6, number(1, FINISHED) + number(2, now + 3))
    frames = [
        frame(writer, 1, [text(1, run) + b"".join(block(5, e) for e in (started, *described))]),
        frame(writer, 2, [text(1, run) + block(4, losses)]),
        frame(writer, 3, [text(1, run) + block(5, ended)]),
    ]
    print("run", run, "accepted", post(frames)["accepted"])


def example() -> list[bytes]:
    """The first example of the page, and a frame that starts its run."""
    run, at = "0123456789abcdef0123456789abcdef", 1_700_000_000_000
    rows = points([("loss", 10, at, 0.5), ("acc", 10, at, 0.25), ("loss", 11, at + 250, float("inf"))])
    started = number(1, at) + block(2, b"")
    return [
        frame(0xFEDCBA9876543210, 1, [text(1, run) + block(5, started)]),
        frame(0x0123456789ABCDEF, 1, [text(1, run) + number(2, 3) + number(3, at // 1000) + block(4, rows)]),
    ]


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        sys.stdout.buffer.write(b"".join(varint(len(f)) + f for f in example()))
    else:
        main(*sys.argv[1:])
