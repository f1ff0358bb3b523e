"""Fixtures with what is kept in Redis, and no processes."""

from __future__ import annotations

import pytest
from redis import Redis

from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.store_rig import Rig


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    """An installation on an empty real server."""
    return Rig.on(redis_client)


@pytest.fixture(params=["redis_client", "fake_client"])
def client(request: pytest.FixtureRequest) -> Redis:
    """The real server, and the stand-in."""
    found: Redis = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def book(redis_client: Redis) -> ContactBook:
    """An empty address book."""
    return ContactBook(redis_client, Keys())
