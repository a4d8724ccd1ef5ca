"""Addresses of servers. Over HTTP everything is possible; over NATS or Kafka alone a job only sends."""

from __future__ import annotations

import re

# What can be sent to without HTTP, by the scheme of the address. The program's agent does it.
BUSES = {"nats": "NATS", "tls": "NATS", "kafka": "Kafka"}
_BUS = re.compile(r"^(?:nats|tls)://(?:[^/@]+@)?[^/@,?]+/?$|^kafka://[^/@?]+(?:/[^/?]*)?(?:\?lanes=\d+)?$")


def bus_of(url: str) -> str:
    """ "NATS" or "Kafka" for an address that is reached without HTTP, "" for all others. ValueError if it is none."""
    bus = BUSES.get(url.partition("://")[0].lower(), "")
    if bus and not _BUS.match(url):
        like = "nats://127.0.0.1:4222" if bus == "NATS" else "kafka://127.0.0.1:9092/sg.points"
        raise ValueError(f"STREAMGAUGE_URL is {plain(url)!r}; it must be like {like}")
    return bus


def plain(url: str) -> str:
    """An address without user and password, as it stands in spools."""
    scheme, there, rest = url.partition("://")
    if not there:
        return url
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}".rstrip("/")
