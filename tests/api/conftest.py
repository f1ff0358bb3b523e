"""Fixtures with the HTTP layer on its own: the real application over a stand-in for the use cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import falcon.testing
import pytest

from service.settings import Settings
from service.web.api.app import create_app
from service.web.http.auth import ApiKeys
from tests.support.fakes import KEY, FakeContacts, FakeJobs, services


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
        settings = Settings.model_validate(
            {"redis_url": "redis://x", "api_key": api_key, "api_key_previous": api_key_previous}
        )
        return create_app(services(jobs, contacts, keys=ApiKeys.of(settings)))

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
