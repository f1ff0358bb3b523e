"""Fixtures: the whole application on a real server, asked by a caller with limits."""

from __future__ import annotations

import pytest
from redis import Redis

from tests.limits.seeing import Seen, seen_on
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig


@pytest.fixture
def seen(redis_client: Redis, valkey_server: ValkeyServer) -> Seen:
    """The application, and jobs within and beyond the caller's limits."""
    return seen_on(redis_client, valkey_server.url)


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    """An installation on an empty server, without an application."""
    return Rig.on(redis_client)
