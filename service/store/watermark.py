"""Level of Redis' memory: the leading scheduler and the watch keep it up to date, what creates records heeds it.

The scheduler looks before each heartbeat, because a full Redis refuses that, and nobody would be told. The level is
kept in Redis, so that whoever looks next does not raise the same alert again, and so that the script that creates a job
can see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.domain.status import (
    MEMORY_ADVICE,
    MEMORY_FULL,
    MEMORY_REFUSED,
    MemoryLevel,
    memory_in_use,
    memory_level,
)
from service.errors import StoreFull
from service.store.keys import Keys
from service.store.scripts import Scripts
from service.store.server.connection import Client
from service.store.server.exchange import execute, repeatable
from service.store.server.kind import server_info
from service.store.server.translation import translate_errors

_LEVELS: Mapping[bytes, MemoryLevel] = {b"high": "high", b"full": "full"}


def usage(info: Mapping[str, Any]) -> tuple[int, int]:
    """Return the used bytes, as Redis itself compares them with `maxmemory`, and `maxmemory`; from INFO's memory."""
    used = int(info.get("used_memory", 0)) - int(info.get("mem_not_counted_for_evict", 0))
    return used, int(info.get("maxmemory", 0))


def level(client: Client, keys: Keys) -> MemoryLevel:
    """Read the level.

    Raises:
        StoreUnavailable: Redis is away.
    """
    with translate_errors():
        return _LEVELS.get(repeatable(lambda: execute(client, "GET", keys.memory_level)), "")


def note_memory(scripts: Scripts) -> str:
    """Look how full Redis is. If the level has changed, keep it, and raise an alert.

    A user in REDIS_URL that may not use INFO leaves the level empty; the doctor says so.

    Args:
        scripts: the scripts of this installation.

    Returns:
        How much memory Redis uses, in words, if that is much; else "".

    Raises:
        StoreUnavailable: Redis is away.
    """
    used, most = usage(server_info(scripts.client, "memory") or {})
    before = level(scripts.client, scripts.keys)
    now = memory_level(used, most, before)
    if now != before:
        scripts.run("note_memory", now, used, most)
    return memory_in_use(used, most) if now else ""


def require_memory(client: Client, keys: Keys) -> None:
    """Refuse new records if Redis is nearly full.

    Raises:
        StoreFull: it is.
        StoreUnavailable: Redis is away.
    """
    if level(client, keys) == "full":
        raise no_memory()


def no_memory() -> StoreFull:
    """Return the refusal of new records."""
    return StoreFull(
        f"Redis uses {MEMORY_FULL:.0%} of its memory (maxmemory) or more, so {MEMORY_REFUSED}", MEMORY_ADVICE
    )
