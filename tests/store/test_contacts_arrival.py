"""The contact routes and a store that a newer release has taken over."""

from __future__ import annotations

import falcon.testing
import pytest
from redis import Redis

from service.asgi import assemble
from service.settings import Settings
from service.store.keys import Keys
from service.store.schema import newest
from tests.support.servers.valkey import ValkeyServer

UNKNOWN = "/scheduler/contacts/5f0b3a52-6d0e-4c1e-9d7a-0b8c8f6f6a11"


@pytest.mark.parametrize(
    ("method", "path", "then"),
    [
        ("GET", "/scheduler/contacts", 200),
        ("POST", "/scheduler/contacts", 201),
        ("GET", UNKNOWN, 404),
        ("PUT", UNKNOWN, 404),
        ("DELETE", UNKNOWN, 404),
        ("POST", "/scheduler/contacts/import", 200),
    ],
)
def test_contact_routes_wait_for_the_newer_release(
    redis_client: Redis, valkey_server: ValkeyServer, method: str, path: str, then: int
) -> None:
    """An older process answers 503, says why and writes nothing, as all its other routes do; then it goes on."""
    settings = Settings.model_validate({"redis_url": valkey_server.url, "api_key": "k"})
    api = falcon.testing.TestClient(assemble(settings), headers={"X-API-Key": "k"})
    body = "name,email\nA,a@example.org\n" if path.endswith("import") else '{"name": "A"}' if method != "GET" else None
    redis_client.set(Keys().schema_version, 99)
    answer = api.simulate_request(method, path, body=body)
    assert (answer.status_code, "99" in answer.json["detail"]) == (503, True)
    assert redis_client.keys("*") == [Keys().schema_version.encode()]
    redis_client.set(Keys().schema_version, newest())
    assert api.simulate_request(method, path, body=body).status_code == then
