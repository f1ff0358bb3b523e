"""`?dry_run=true` over HTTP: the answer, the conditions, the scope, and no entry in the audit log."""

from __future__ import annotations

from typing import Any

import falcon.testing
import pytest
from redis import Redis

from tests.support.quiet import quiet_application
from tests.support.servers.valkey import ValkeyServer

JOB = {
    "name": "One", "bot_type": "webhook", "bot_config": {"url": "https://example.com/"}, "schedule_type": "daily",
    "schedule_config": {"hour": 8, "minute": 0},
}  # fmt: skip
LATER = {"schedule_config": {"hour": 9, "minute": 0}}

Client = falcon.testing.TestClient


@pytest.fixture
def app(redis_client: Redis, valkey_server: ValkeyServer) -> Any:
    """The application on an empty server."""
    return quiet_application(valkey_server.url, "root")


@pytest.fixture
def client(app: Any) -> Client:
    """Asks with the root key."""
    return Client(app, headers={"X-API-Key": "root"})


def test_a_put_only_tells(client: Client) -> None:
    """The job, its revision, its revisions and the audit log stay as they are; the next PUT may name the ETag."""
    path = client.simulate_post("/scheduler/jobs", json=JOB).headers["Location"]
    places = (path, f"{path}/revisions", "/scheduler/audit")
    before = [client.simulate_get(place).json for place in places]
    answer = client.simulate_put(path, params={"dry_run": "true", "days": "7"}, json=LATER)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    (change,) = answer.json["changes"]
    assert change["fields"] == {"schedule_config.hour": {"from": 8, "to": 9}}
    assert {change["occurrences"][side]["count"] for side in ("gained", "lost")} == {7}
    assert [client.simulate_get(place).json for place in places] == before
    assert client.simulate_put(path, json=LATER, headers={"If-Match": '"1"'}).status_code == 200


def test_conditions_and_parameters_are_checked(client: Client) -> None:
    """As for the change itself."""
    path = client.simulate_post("/scheduler/jobs", json=JOB).headers["Location"]

    def status(query: str, tag: str = '"1"') -> int:
        return client.simulate_put(f"{path}?{query}", json=LATER, headers={"If-Match": tag}).status_code

    assert status("dry_run=true", '"2"') == 412
    assert status("dry_run=maybe") == 400
    assert status("dry_run=true&days=0") == status("dry_run=true&days=367") == 400
    assert status("dry_run=true&days=366") == 200
    assert client.simulate_get(path).json["revision"] == 1


def test_it_needs_the_scope_of_the_change(app: Any, client: Client) -> None:
    """A key that may only read learns nothing of a plan."""
    path = client.simulate_post("/scheduler/jobs", json=JOB).headers["Location"]
    reader = client.simulate_post("/scheduler/keys", json={"name": "reader", "scopes": ["read"]}).json["key"]
    answer = Client(app).simulate_put(f"{path}?dry_run=true", json=LATER, headers={"X-API-Key": reader})
    assert answer.status_code == 403


def test_a_document_tells_of_occurrences(client: Client) -> None:
    """For as many days as are asked for, and only in a dry run."""
    document = {"version": 1, "jobs": [JOB]}
    query = {"dry_run": "true", "days": "3"}
    planned = client.simulate_post("/scheduler/apply", params=query, json=document).json["changes"][0]
    assert planned["occurrences"]["gained"]["count"] == 3
    assert client.simulate_get("/scheduler/jobs").json == []
    assert "occurrences" not in client.simulate_post("/scheduler/apply", json=document).json["changes"][0]
