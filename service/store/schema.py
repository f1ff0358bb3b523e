"""Version of the schema in Redis.

A process that starts brings the schema up to date, one process at a time under a lock. A process that meets a newer
version waits, because it could misread it. A running process looks again now and then (`SchemaWatch`): a newer release
may have come meanwhile.

| In Redis | What the process does |
|---|---|
| no version, no data | takes it for a fresh installation of the newest version |
| no version, but data | takes it for the first version: somebody restored an older copy, or the key was lost |
| a lower version | migrates it before it writes anything |
| a higher version | waits: a newer release has written it |
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from functools import partial

from redis import Redis

from service.errors import StoreUnavailable, StoreUnsuitable
from service.store.keys import Keys
from service.store.migrations import (
    LOOK_SECONDS,
    Migration,
    count_runs,
    identify_contacts,
    know_pauses,
    plan_more_types,
)
from service.store.scripts import script_of
from service.store.server.exchange import execute
from service.store.server.translation import translate_errors

log = logging.getLogger(__name__)

MIGRATIONS: tuple[Migration, ...] = (identify_contacts, count_runs, plan_more_types, know_pauses)
"""The migrations from version n to n + 1, the first from 1 to 2."""
LEASE_SECONDS = 30
"""Seconds without renewal after which another process takes over a migration."""
NOT_DATA = (
    "schema_version", "schema_lock", "leader", "schedulers", "scheduler_versions", "workers", "metrics", "clock",
    "data", "planning", "lease:courier", "lease:watch", "troubles",
)  # fmt: skip
"""Keys that running processes write even if there is no data."""
OF_ALERTS = ("alerts:", "alert:", "deliveries:")
"""Keys of what is told: a process may tell that the data went back before another one finds none."""


def newest() -> int:
    """Return the version that this process writes."""
    return 1 + len(MIGRATIONS)


def ensure_schema(client: Redis, keys: Keys) -> None:
    """Bring the schema in Redis to this version; one read if it is there already.

    Raises:
        StoreUnsuitable: the version is newer than this process knows.
        StoreUnavailable: Redis is away, or another process is migrating.
    """
    with translate_errors():
        found = _version(client, keys)
        if found is None:
            client.set(keys.schema_version, 1 if _holds_data(client, keys) else newest(), nx=True)
            found = _version(client, keys) or newest()
        _refuse_newer(found)
        if found < newest():
            _migrate(client, keys)


def _version(client: Redis, keys: Keys) -> int | None:
    found = client.get(keys.schema_version)
    return None if found is None else int(found)


def _holds_data(client: Redis, keys: Keys) -> bool:
    """Return whether there is data of this installation; read all names only if the usual keys are missing."""
    if client.exists(keys.jobs, keys.runs, keys.contacts):
        return True
    of_processes = {f"{keys.prefix}:{name}".encode() for name in NOT_DATA}
    told = tuple(f"{keys.prefix}:{name}".encode() for name in OF_ALERTS)
    names = client.scan_iter(match=f"{keys.prefix}:*", count=1000)
    return any(name not in of_processes and not name.startswith(told) for name in names)


def _refuse_newer(found: int) -> None:
    if found > newest():
        raise _newer(found)


def _newer(found: int) -> StoreUnsuitable:
    return StoreUnsuitable(
        f"Redis holds schema version {found}, and this process knows {newest()}", "Start the newer release"
    )


def _migrate(client: Redis, keys: Keys) -> None:
    token = uuid.uuid4().hex
    if not client.set(keys.schema_lock, token, nx=True, px=LEASE_SECONDS * 1000):
        raise _busy()
    keep = script_of(client, "keep_schema_lock")

    def hold(version: int | str = "") -> None:
        args: list[str | int] = [token, LEASE_SECONDS * 1000, version]
        if not keep(keys=[keys.schema_lock, keys.schema_version], args=args):
            raise StoreUnavailable("Another process has taken over the migration of the data in Redis")

    try:
        # Read again under the lock: its last holder may have come further.
        version = _version(client, keys) or 1
        _refuse_newer(version)
        for number in range(version, newest()):
            begun = time.monotonic()
            log.info("Migrating the data in Redis to schema version %d; nothing new starts meanwhile", number + 1)
            MIGRATIONS[number - 1](client, keys, hold)
            hold(number + 1)
            log.info("The data in Redis has schema version %d now, after %.1f s", number + 1, time.monotonic() - begun)
    finally:
        script_of(client, "release_schema_lock")(keys=[keys.schema_lock], args=[token])


def _busy() -> StoreUnavailable:
    return StoreUnavailable("Another process is migrating the data in Redis")


class SchemaWatch:
    """Notices that a newer release has changed the schema, or is about to.

    Args:
        client: the connection that asks, now and then.
        keys: the installation's key names.
        clock: monotonic seconds.
    """

    def __init__(self, client: Redis, keys: Keys, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._keys = keys
        self._clock = clock
        self._next_look = 0.0
        self._refusal: Callable[[], StoreUnavailable] | None = None

    def check(self) -> None:
        """Check the version before work is taken up; ask Redis once in `LOOK_SECONDS`.

        Raises:
            StoreUnsuitable: the version is newer than this process knows.
            StoreUnavailable: Redis is away, or another process is migrating.
        """
        found = self.refusal()
        if found is not None:
            raise found

    def refusal(self) -> StoreUnavailable | None:
        """Return the error that `check` raises over the version, or None.

        Raises:
            StoreUnavailable: Redis is away.
        """
        if self._clock() >= self._next_look:
            self._refusal = self._look()
            self._next_look = self._clock() + LOOK_SECONDS
        return None if self._refusal is None else self._refusal()

    def _look(self) -> Callable[[], StoreUnavailable] | None:
        with translate_errors():
            version, lock = execute(self._client, "MGET", self._keys.schema_version, self._keys.schema_lock)
        found = newest() if version is None else int(version)
        if found > newest():
            return partial(_newer, found)
        return None if lock is None else _busy
