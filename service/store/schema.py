"""The version of what is kept in Redis.

Whoever starts brings it up to date, one at a time under a lock; who meets a newer version waits, since an older process
could misread it.
"""

from __future__ import annotations

from collections.abc import Callable

from redis import Redis

from service.errors import StoreUnavailable
from service.keys import Keys
from service.store.connection import translate_errors

MIGRATIONS: tuple[Callable[[Redis, Keys], None], ...] = ()
"""What leads from version n to n + 1, the first from 1 to 2. Each is safe to repeat, since a kill can cut it off."""

VERSION = 1 + len(MIGRATIONS)
LOCK_SECONDS = 600


def ensure_schema(client: Redis, keys: Keys) -> None:
    """Brings what is kept in Redis to this version.

    Raises:
        StoreUnavailable: Redis is away, another process is migrating, or the version is newer than this one.
    """
    with translate_errors():
        client.set(keys.schema_version, VERSION, nx=True)
        found = int(client.get(keys.schema_version) or VERSION)
        if found > VERSION:
            raise StoreUnavailable(
                f"Redis holds schema version {found}, this process knows {VERSION}: start the newer release"
            )
        if found == VERSION:
            return
        if not client.set(keys.schema_lock, "1", nx=True, ex=LOCK_SECONDS):
            raise StoreUnavailable("Another process is migrating what is kept in Redis")
        try:
            for number, migrate in enumerate(MIGRATIONS, start=1):
                if number >= found:
                    migrate(client, keys)
                    client.set(keys.schema_version, number + 1)
        finally:
            client.delete(keys.schema_lock)
