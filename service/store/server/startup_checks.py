"""Startup checks: what a process does when it first reaches Redis.

It checks the kind of the server and the rights of the user, agrees on the schema, compares clocks, and looks for risks.
A process also starts without advice that Redis does not give.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from redis import Redis

from service.interleaving import OneAtATime
from service.store.keys import Keys
from service.store.schema import SchemaWatch, ensure_schema
from service.store.server.kind import refuse_unsuitable, server_info
from service.store.server.needs import Process
from service.store.server.redis_clock import seconds_of
from service.store.server.rights import Rights, refuse_half_rights, rights
from service.store.server.translation import translate_errors

log = logging.getLogger(__name__)

OFFSET_WARNING_SECONDS = 1.0


def check_at_startup(client: Redis, keys: Keys, process: Process | None = None) -> Rights:
    """Check the server and the user's rights, bring the schema up to date, and warn if this machine's clock is off.

    Args:
        client: the connection that asks.
        keys: the installation's key names.
        process: the kind of process that starts; None for one user of all kinds.

    Returns:
        The user's rights.

    Raises:
        StoreUnsuitable: Redis is a cluster or a replica, or holds a newer schema than this process knows.
        StoreUnavailable: Redis is away, or its user lacks a right.
    """
    refuse_unsuitable(client)
    found = rights(client, keys, process)
    refuse_half_rights(found)
    ensure_schema(client, keys)
    offset = clock_offset(client)
    if abs(offset) > OFFSET_WARNING_SECONDS:
        log.warning("This machine's clock is %+.1f s off Redis' clock, which is the one that counts", offset)
    return found


class StartupChecks:
    """A `service.store.scripts.Gate` for a process that serves requests.

    Args:
        client: the connection that asks.
        keys: the installation's key names.
    """

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._watch = SchemaWatch(client, keys)
        self._passed = False
        self._lock = threading.Lock()
        self._check = OneAtATime(self._check_once)

    def reach(self) -> None:
        """Check before a read, until the checks have passed once. Raises StoreUnavailable."""
        if not self._passed:
            self._check()

    def _check_once(self) -> None:
        # A request that comes while the watch's thread migrates waits for it, as for another request.
        with self._lock:
            if not self._passed:
                check_at_startup(self._client, self._keys, "web")
                self._passed = True

    def start_over(self) -> None:
        """Check again: the data went back, and may be an older release's."""
        self._passed = False

    def write(self) -> None:
        """Check before a write, also that no newer release has come since. Raises StoreUnavailable."""
        self.reach()
        self._watch.check()


class SchemaGate:
    """A `service.store.scripts.Gate` for a thread beside a process that makes the startup checks itself.

    Args:
        client: the connection that asks.
        keys: the installation's key names.
    """

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._watch = SchemaWatch(client, keys)

    def reach(self) -> None:
        """Check nothing before a read."""

    def write(self) -> None:
        """Check before a write that no newer release has come. Raises StoreUnavailable."""
        self._watch.check()


def clock_offset(client: Redis) -> float:
    """Return by how many seconds this machine's clock is ahead of Redis' `TIME`, give or take half a round trip.

    Raises:
        StoreUnavailable: Redis is away.
    """
    with translate_errors():
        before = time.time()
        redis_time = client.time()
        after = time.time()
    return (before + after) / 2 - seconds_of(redis_time)


@dataclass(frozen=True, slots=True)
class Risks:
    """Settings of Redis that could lose jobs, as sentences.

    Args:
        eviction: Redis may evict jobs.
        persistence: answered changes may be lost when Redis dies.
        unseen: what could not be checked, and why.
    """

    eviction: str | None = None
    persistence: str | None = None
    unseen: str | None = None

    def sentences(self) -> list[str]:
        """Return those that there are."""
        return [sentence for sentence in (self.eviction, self.persistence, self.unseen) if sentence]


def risks(client: Redis) -> Risks:
    """Look for risks in INFO, because managed Redis forbids CONFIG; INFO may be forbidden, too.

    Raises:
        StoreUnavailable: Redis is away.
    """
    memory, persistence = server_info(client, "memory"), server_info(client, "persistence")
    if memory is None or persistence is None:
        unseen = "Eviction and persistence of Redis were not checked, because the user in REDIS_URL may not use INFO"
        return Risks(unseen=unseen)
    eviction = lost = None
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        eviction = f"Redis may evict jobs when its memory is full (maxmemory_policy is {policy}); set it to noeviction"
    if not int(persistence.get("aof_enabled", 0)):
        lost = (
            "Redis keeps no append-only file (aof_enabled is 0): if it dies, changes since the last snapshot are lost"
        )
    return Risks(eviction, lost)
