"""Fixtures with what is kept in Redis, and no processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.changes import remark_on_changes
from service.domain.access.scopes import ALL
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.older_release import OlderRelease, older_code, older_texts
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
def ada() -> Iterator[None]:
    """A person asks, until the test says otherwise."""
    token = act_for(Caller("k1", "Ada's key", ALL))
    yield
    act_as_before(token)
    remark_on_changes(None)


@pytest.fixture
def book(redis_client: Redis) -> ContactBook:
    """An empty address book."""
    return ContactBook(redis_client, Keys())


@pytest.fixture(scope="session")
def older_scripts() -> dict[str, str]:
    """The texts of the scripts of the older release."""
    with older_code() as code:
        return older_texts(code)


@pytest.fixture
def older(redis_client: Redis, older_scripts: dict[str, str]) -> OlderRelease:
    """The older release on an empty real server."""
    return OlderRelease(redis_client, older_scripts)
