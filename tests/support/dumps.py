"""What a Redis holds as lines of JSON that people can read, and back."""

from __future__ import annotations

import base64
import json
import re
import socket
from collections.abc import Iterable, Iterator
from typing import Any

from redis import Redis

from tests.support.installation import ROOT

PRESENCE = re.compile(r".*:(leader|schedulers|scheduler_versions|workers)|rq:workers?(:.*)?")
"""Keys of running processes; where it is restored, no process is up."""
HOST = "host.example.org"


def dump(client: Any) -> Iterator[dict[str, Any]]:
    """Every key but those of running processes, in the order of their names."""
    for name in sorted(client.scan_iter()):
        if not PRESENCE.fullmatch(name.decode()):
            kind = client.type(name).decode()
            ttl = client.pttl(name)
            yield {
                "key": name.decode(),
                "type": kind,
                "ttl": ttl if ttl >= 0 else None,
                "value": _read(client, name, kind),
            }


def _read(client: Any, name: bytes, kind: str) -> Any:
    if kind == "string":
        return _text(client.get(name) or b"")
    if kind == "hash":
        return {_text(field): _text(value) for field, value in sorted(client.hgetall(name).items())}
    if kind == "list":
        return [_text(value) for value in client.lrange(name, 0, -1)]
    if kind == "set":
        return sorted(_text(member) for member in client.smembers(name))
    if kind == "zset":
        return [[_text(member), score] for member, score in client.zrange(name, 0, -1, withscores=True)]
    if kind == "stream":
        return [
            [entry.decode(), {_text(f): _text(v) for f, v in fields.items()}] for entry, fields in client.xrange(name)
        ]
    raise TypeError(f"{name!r} is a {kind}")


def load(client: Redis, lines: Iterable[str]) -> None:
    """Restores what was written down."""
    for row in map(json.loads, lines):
        name, value = row["key"], row["value"]
        match row["type"]:
            case "string":
                client.set(name, _bytes(value))
            case "hash":
                client.hset(name, mapping={_bytes(field): _bytes(text) for field, text in value.items()})
            case "list":
                client.rpush(name, *map(_bytes, value))
            case "set":
                client.sadd(name, *map(_bytes, value))
            case "zset":
                client.zadd(name, {_bytes(member): score for member, score in value})
            case "stream":
                for entry, fields in value:
                    client.xadd(name, {_bytes(f): _bytes(v) for f, v in fields.items()}, id=entry)
        if row["ttl"] is not None:
            client.pexpire(name, row["ttl"])


def _text(data: bytes) -> str:
    try:
        return data.decode().replace(socket.gethostname(), HOST).replace(str(ROOT), "/app")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.removeprefix("base64:")) if text.startswith("base64:") else text.encode()
