"""Fixtures with the HTTP layer on its own: the real application over a stand-in for the use cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import falcon.testing
import pytest
from pydantic import SecretStr

from service.web.api.app import create_app
from tests.support.fakes import KEY, EchoBot, FakeContacts, FakeJobs, FakeSettings


@pytest.fixture
def jobs() -> FakeJobs:
    return FakeJobs()


@pytest.fixture
def contacts() -> FakeContacts:
    return FakeContacts()


@pytest.fixture
def make_app(jobs: FakeJobs, contacts: FakeContacts) -> Callable[..., Any]:
    """Makes the application with other API keys."""

    def make(api_key: str | None = KEY, api_key_previous: str | None = None) -> Any:
        settings = FakeSettings(
            SecretStr(api_key) if api_key is not None else None,
            SecretStr(api_key_previous) if api_key_previous is not None else None,
        )
        return create_app(jobs, jobs, jobs, contacts, settings, bots={"echo": EchoBot}, waiters=1)

    return make


@pytest.fixture
def app(make_app: Callable[..., Any]) -> Any:
    return make_app()


@pytest.fixture
def client(app: Any) -> falcon.testing.TestClient:
    """Asks with the key."""
    return falcon.testing.TestClient(app, headers={"X-API-Key": KEY})


@pytest.fixture
def stranger(app: Any) -> falcon.testing.TestClient:
    """Asks without the key."""
    return falcon.testing.TestClient(app)


@pytest.fixture
def job(client: falcon.testing.TestClient) -> dict[str, Any]:
    """A job that exists."""
    created: dict[str, Any] = client.simulate_post("/scheduler/jobs", json={"name": "One"}).json
    return created
