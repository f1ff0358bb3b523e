"""Query parameters, crossed with every operation: unknown ones are refused by name, known ones are read."""

from __future__ import annotations

from typing import Any

import falcon.testing
import pytest
from redis import Redis

from service.asgi import assemble
from service.settings import Settings
from service.web.api.heartbeats.pings import ROUTES
from service.web.api.openapi.operations import OPERATIONS
from service.web.http.sessions import COOKIE
from tests.support.fakes import FakeJobs
from tests.support.servers.valkey import ValkeyServer
from tests.support.world import open_session, session_of, token_of

KEY = "a-key-for-tests"
IDS = {
    "job_id": "00000000-0000-4000-8000-000000000000", "run_id": "00000000-0000-4000-8000-000000000001",
    "contact_id": "00000000-0000-4000-8000-000000000002", "key_id": "1" * 12, "session_id": "0" * 32, "revision": "1",
    "name": "office", "pause_id": "00000000-0000-4000-8000-000000000003",
    "backfill_id": "00000000-0000-4000-8000-000000000004", "instant": "2030-01-01T00:00:00",
    "rule_id": "00000000-0000-4000-8000-000000000005", "snooze_id": "00000000-0000-4000-8000-000000000006",
}  # fmt: skip
DOCUMENTS = {("GET", "/docs"), ("GET", "/docs/{page}.md"), ("GET", "/llms.txt")}
FEED = ("GET", "/feed/{token}.ics")
PINGS = {(method, path) for path in ROUTES for method in ("GET", "POST")}
OPEN = {("GET", "/scheduler/health"), ("GET", "/openapi.json"), *DOCUMENTS, FEED} | PINGS
"""What anybody may ask, or whose key stands in the address."""
KEYED = [operation for operation in OPERATIONS if operation not in OPEN and "/ping/" not in operation[1]]
"""No ping is lost over a parameter that somebody's script sends along."""
EVERY = [*KEYED, *(("HEAD", path) for method, path in KEYED if method == "GET")]
SCALAR = [
    (method, template, name)
    for (method, template), operation in OPERATIONS.items()
    if (method, template) not in PINGS  # see test_ping_routes.py
    for name, schema in operation.query.items()
    if schema.get("type") != "array"
]


@pytest.fixture(scope="module")
def real(valkey_server: ValkeyServer) -> falcon.testing.TestClient:
    """The whole application, with a key that may do everything."""
    settings = {"redis_url": valkey_server.url, "api_key": KEY, "message_url": None}
    return falcon.testing.TestClient(assemble(Settings.model_validate(settings)), headers={"X-API-Key": KEY})


@pytest.fixture
def feed(real: falcon.testing.TestClient, redis_client: Redis) -> str:
    """The key in a feed's address."""
    return str(real.simulate_post("/scheduler/keys", json={"name": "a feed", "scopes": ["feed"]}).json["key"])


@pytest.fixture
def ping(real: falcon.testing.TestClient, redis_client: Redis) -> str:
    """The key in the address of a heartbeat job's pings."""
    schedule = {"schedule_type": "interval", "schedule_config": {"hours": 1}}
    job = real.simulate_post("/scheduler/jobs", json={"name": "x", "bot_type": "heartbeat", **schedule}).json["id"]
    terms = {"name": "pings", "scopes": ["ping"], "job_id": job}
    return str(real.simulate_post("/scheduler/keys", json=terms).json["key"])


def ask(client: falcon.testing.TestClient, feed: str, method: str, template: str, query: str) -> Any:
    """Asks an operation about something that there is not."""
    path = template.format(**IDS, token=feed)
    sent: dict[str, Any] = {"json": {}} if method in ("POST", "PUT") else {}
    return client.simulate_request(method, path, query_string=query, **sent)


@pytest.mark.parametrize(("method", "template"), EVERY)
def test_an_unknown_parameter_is_refused_by_name(
    real: falcon.testing.TestClient, feed: str, method: str, template: str
) -> None:
    """Whatever else is asked, whatever the value, and however often; the answer names those that there are."""
    known = OPERATIONS["GET" if method == "HEAD" else method, template].query
    for query in ("limits=5", "limits=", "limits=5&limits=6", f"LIMIT=5&{'&'.join(f'{name}=x' for name in known)}"):
        answer = ask(real, feed, method, template, query)
        assert answer.status_code == 400, (method, template, query, answer.text)
        if method == "HEAD":
            continue
        (error,) = answer.json["errors"]
        assert error["field"] == query.partition("=")[0]
        assert f"is not a query parameter of {method} {template}, which takes " in error["message"]
        assert all(name in error["message"] for name in known)
        assert known or error["message"].endswith("takes none")


@pytest.mark.parametrize(("method", "template", "name"), SCALAR)
def test_a_parameter_that_is_declared_is_read(
    real: falcon.testing.TestClient, feed: str, ping: str, method: str, template: str, name: str
) -> None:
    """None is accepted and ignored: given twice it is refused, by its name."""
    answer = ask(real, ping if template.startswith("/ping") else feed, method, template, f"{name}=1&{name}=1")
    assert answer.status_code == 400, answer.text
    assert [error["field"] for error in answer.json["errors"]] == [name]
    assert "only once" in answer.json["detail"]


def test_what_is_refused_changes_nothing(client: falcon.testing.TestClient, jobs: FakeJobs) -> None:
    """A change with a misspelled `dry_run` would have been made."""
    job = client.simulate_post("/scheduler/jobs", json={"name": "One"}).json["id"]
    calls = list(jobs.calls)
    for method, path in (("PUT", f"/jobs/{job}"), ("DELETE", f"/jobs/{job}"), ("POST", "/jobs"),
                         ("POST", f"/jobs/{job}/run"), ("POST", f"/jobs/{job}/toggle")):  # fmt: skip
        sent = {"query_string": "dryrun=true", "json": {"enabled": True}}
        answer = client.simulate_request(method, f"/scheduler{path}", **sent)
        assert answer.status_code == 400
    assert jobs.calls == calls and jobs.stored[job]["name"] == "One"


def test_strangers_are_told_no_parameters(stranger: falcon.testing.TestClient) -> None:
    """They are asked for a key first, and what is not there is not there."""
    assert stranger.simulate_get("/scheduler/jobs", query_string="limits=5").status_code == 401
    assert stranger.simulate_get("/scheduler/nothing", query_string="limits=5").status_code == 401


def test_other_methods_and_addresses_are_answered_as_ever(client: falcon.testing.TestClient) -> None:
    """405 and 404 come first; a secret in a parameter's name is not said again."""
    assert client.simulate_patch("/scheduler/jobs", query_string="limits=5").status_code == 405
    assert client.simulate_get("/scheduler/nothing", query_string="limits=5").status_code == 404
    assert client.simulate_options("/scheduler/jobs", query_string="limits=5").status_code == 200
    told = client.simulate_get("/scheduler/jobs", params={"x" * 5000: "1"}).json["detail"]
    assert len(told) < 500


def test_pages_take_any_address(real: falcon.testing.TestClient, redis_client: Redis) -> None:
    """People mistype addresses, and others add to them."""
    token = token_of(KEY)
    open_session(redis_client, session_of(token, KEY))
    for path in (
        "/",
        "/jobs",
        "/runs",
        "/contacts",
        "/calendars",
        *(path.format(page="api") for _, path in OPEN if "{token}" not in path),
    ):
        cookie = {"Cookie": f"{COOKIE}={token}"}
        answer = real.simulate_get(path, query_string="utm_source=mail&limits=5", headers=cookie)
        assert answer.status_code == (503 if path == "/scheduler/health" else 200), path  # no scheduler is up
