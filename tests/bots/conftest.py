"""Fixtures with the servers that bots talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.servers.mail import Post, post_office
from tests.support.servers.receivers import Receiver, listening
from tests.support.servers.sites import Site, web_site


@pytest.fixture
def office() -> Iterator[tuple[Post, str]]:
    """A mail server and the MESSAGE_URL that leads there."""
    with post_office() as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that webhooks are sent to."""
    with listening() as served:
        yield served


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server without a robots.txt."""
    with web_site() as served:
        yield served


@pytest.fixture
def book(redis_client: Redis) -> ContactBook:
    """An empty address book."""
    return ContactBook(redis_client, Keys())
