"""What a process does when it first reaches Redis: agree on the schema, compare clocks, and look for risks."""

from __future__ import annotations

import logging
import time

from redis import Redis

from service.keys import Keys
from service.store.connection import translate_errors
from service.store.schema import ensure_schema

log = logging.getLogger(__name__)

OFFSET_WARNING_SECONDS = 1.0


def arrive(client: Redis, keys: Keys) -> None:
    """Brings the schema up to date, and warns if this machine's clock is off.

    Raises:
        StoreUnavailable: Redis is away, or holds a newer schema than this process knows.
    """
    ensure_schema(client, keys)
    offset = clock_offset(client)
    if abs(offset) > OFFSET_WARNING_SECONDS:
        log.warning("This machine's clock is %+.1f s off Redis' clock, which is the one that counts", offset)


def clock_offset(client: Redis) -> float:
    """Seconds by which this machine's clock is ahead of Redis' `TIME`, give or take half a round trip.

    Raises:
        StoreUnavailable: Redis is away.
    """
    with translate_errors():
        before = time.time()
        seconds, micros = client.time()
        after = time.time()
    return (before + after) / 2 - (int(seconds) + int(micros) / 1_000_000)


def risks(client: Redis) -> list[str]:
    """What in Redis' own settings could lose jobs, as sentences; read from INFO, since managed Redis forbids CONFIG.

    Raises:
        StoreUnavailable: Redis is away.
    """
    with translate_errors():
        memory, persistence = client.info("memory"), client.info("persistence")
    found = []
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        found.append(
            f"Redis may evict jobs when its memory is full (maxmemory_policy is {policy}); set it to noeviction"
        )
    if not int(persistence.get("aof_enabled", 0)):
        found.append(
            "Redis keeps no append-only file (aof_enabled is 0): if it dies, all since its last snapshot is lost"
        )
    return found
