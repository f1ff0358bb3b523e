"""Watch of Redis' memory, which the leading scheduler keeps with its heartbeats.

It looks before each heartbeat, because a full Redis refuses that, and nobody would be told. The level is kept in Redis,
so that a new leader does not raise the same alert again, and so that the script that creates a job can see it.
"""

from __future__ import annotations

from service.domain.status import memory_level
from service.store.scripts import Scripts
from service.store.server.startup_checks import server_info
from service.store.watermark import level, usage


def note_memory(scripts: Scripts) -> None:
    """Look how full Redis is. If the level has changed, keep it, and raise an alert.

    A user in REDIS_URL that may not use INFO leaves the level empty; the doctor says so.

    Args:
        scripts: the scripts of this installation.

    Raises:
        StoreUnavailable: Redis is away.
    """
    used, most = usage(server_info(scripts.client, "memory") or {})
    before = level(scripts.client, scripts.keys)
    now = memory_level(used, most, before)
    if now != before:
        scripts.run("note_memory", now, used, most)
