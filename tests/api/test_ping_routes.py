"""Pings over HTTP: who gets in, what is answered, what is told to nobody."""

from __future__ import annotations

import logging
from typing import Any

import falcon.testing
import pytest
from redis import Redis

from service.domain.access.key_texts import new_text
from service.usecases.heartbeats import pings
from tests.support.quiet import quiet_application
from tests.support.servers.valkey import ValkeyServer

JOB: dict[str, Any] = {
    "name": "Backup elsewhere", "bot_type": "heartbeat", "schedule_type": "daily", "labels": {"team": "crm"},
    "schedule_config": {"hour": 2, "minute": 30, "timezone": "Europe/Vienna"},
}  # fmt: skip
ROOT = "the root key of the pings' test"

Client = falcon.testing.TestClient


@pytest.fixture
def app(redis_client: Redis, valkey_server: ValkeyServer) -> Any:
    """The application on an empty server."""
    return quiet_application(valkey_server.url, ROOT)


@pytest.fixture
def client(app: Any) -> Client:
    """Asks with the root key."""
    return Client(app, headers={"X-API-Key": ROOT})


@pytest.fixture
def job_id(client: Client) -> str:
    made = client.simulate_post("/scheduler/jobs", json=JOB)
    assert made.status_code == 201, made.json
    return str(made.json["id"])


def make_key(client: Client, job_id: str | None, *scopes: str, **terms: Any) -> falcon.testing.Result:
    body = {"name": "backup's crontab", "scopes": list(scopes) or ["ping"], "job_id": job_id, **terms}
    return client.simulate_post("/scheduler/keys", json=body)


def path_of(client: Client, job_id: str) -> str:
    return "/ping/" + str(make_key(client, job_id).json["key"])


def test_a_ping_makes_a_run_in_the_jobs_history(app: Any, client: Client, job_id: str) -> None:
    """By POST or GET, with whatever in its body; no cache keeps the answer."""
    path, asks = path_of(client, job_id), Client(app)
    began = asks.simulate_get(f"{path}/start?rid=4711")
    assert (began.status_code, began.json["status"]) == (200, "running")
    assert began.headers["Cache-Control"] == "no-store" and began.headers["Referrer-Policy"] == "no-referrer"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    ended = asks.simulate_post(f"{path}/fail?rid=4711", body=b"disk full \xff", headers=form)
    assert ended.json == {"job_id": job_id, "run_id": began.json["run_id"], "status": "failed"}
    assert asks.simulate_post(f"{path}/fail?rid=4711").json == ended.json
    (run,) = client.simulate_get(f"/scheduler/jobs/{job_id}/history").json
    assert (run["id"], run["error"], run["trigger"]) == (
        ended.json["run_id"],
        "reported failed: disk full \ufffd",
        "ping",
    )
    assert asks.simulate_post(path).json["status"] == "success"
    assert asks.simulate_post(f"{path}/log", body="späte Zeile").status_code == 200
    job = client.simulate_get(f"/scheduler/jobs/{job_id}").json
    assert (job["health"], job["last_run_status"]) == ("ok", "success") and job["next_run_at"] is not None


def test_what_cannot_be_a_ping_is_refused(app: Any, client: Client, job_id: str) -> None:
    path, asks = path_of(client, job_id), Client(app)
    assert asks.simulate_post(path, body=b"x" * 10_240).status_code == 200
    assert asks.simulate_post(path, body=b"x" * 10_241).status_code == 413
    assert asks.simulate_post(f"{path}?rid=a%20b").status_code == 400
    assert asks.simulate_post(f"{path}?rid=1&rid=1").status_code == 400
    assert asks.simulate_post(f"{path}/log").status_code == 400
    assert asks.simulate_post(f"{path}/other").status_code == 404
    for method in ("HEAD", "PUT", "DELETE", "PATCH"):
        assert asks.simulate_request(method, path).status_code == 405, method
    assert len(client.simulate_get(f"/scheduler/jobs/{job_id}/history").json) == 1


def test_only_a_key_for_the_pings_of_one_job_opens_its_address(app: Any, client: Client, job_id: str) -> None:
    good = make_key(client, job_id)
    assert (good.status_code, good.json["job_id"]) == (201, job_id)
    assert good.json["ping"] == f"http://falconframework.org/ping/{good.json['key']}"
    gone, feed = make_key(client, job_id).json, make_key(client, None, "feed").json
    assert "ping" not in feed
    client.simulate_delete(f"/scheduler/keys/{gone['id']}")
    wrong = (new_text("0000000000"), good.json["key"][:-1], gone["key"], "x", ROOT.replace(" ", "%20"))
    asks = Client(app)
    assert [asks.simulate_post(f"/ping/{text}").status_code for text in wrong] == [401] * 5
    assert asks.simulate_post(f"/ping/{feed['key']}").status_code == 403
    assert asks.simulate_get("/scheduler/jobs", headers={"X-API-Key": good.json["key"]}).status_code == 403
    assert client.simulate_get(f"/scheduler/jobs/{job_id}/history").json == []
    rotated = client.simulate_post(f"/scheduler/keys/{good.json['id']}/rotate").json
    assert asks.simulate_get(rotated["ping"].removeprefix("http://falconframework.org")).status_code == 200


def test_a_key_for_pings_is_bound_to_a_heartbeat_job_for_good(client: Client, job_id: str) -> None:
    other = client.simulate_post("/scheduler/jobs", json=JOB | {
        "bot_type": "webhook", "bot_config": {"url": "https://example.com/"},
    }).json["id"]  # fmt: skip
    nowhere = "00000000-0000-4000-8000-000000000000"
    refused = (
        make_key(client, None), make_key(client, other), make_key(client, nowhere), make_key(client, "x"),
        make_key(client, job_id, "ping", "read"), make_key(client, job_id, labels={"team": ["sales"]}),
    )  # fmt: skip
    assert [one.status_code for one in refused] == [400] * 6
    assert {error["field"] for one in refused for error in one.json["errors"]} == {"job_id"}
    made = make_key(client, job_id, labels={"team": ["crm"]}).json
    path = f"/scheduler/keys/{made['id']}"
    assert client.simulate_put(path, json={"name": "another"}).status_code == 200
    assert client.simulate_put(path, json={"job_id": other}).status_code == 400
    assert client.simulate_put(path, json={"scopes": ["read"]}).status_code == 400


def test_a_key_ends_with_its_jobs_sight(app: Any, client: Client, job_id: str) -> None:
    path = "/ping/" + make_key(client, job_id, labels={"team": ["crm"]}).json["key"]
    assert Client(app).simulate_post(path).status_code == 200
    client.simulate_put(f"/scheduler/jobs/{job_id}", json={"labels": {"team": "sales"}})
    assert Client(app).simulate_post(path).status_code == 404
    client.simulate_put(f"/scheduler/jobs/{job_id}", json={"labels": {"team": "crm"}})
    assert Client(app).simulate_post(path).status_code == 200
    client.simulate_delete(f"/scheduler/jobs/{job_id}")
    assert Client(app).simulate_post(path).status_code == 404


def test_a_wrong_address_is_a_guess(redis_client: Redis, valkey_server: ValkeyServer) -> None:
    """Counted by sender as a wrong key is, and refused beyond the limit."""
    asks = Client(quiet_application(valkey_server.url, ROOT, guess_limit=2))
    assert [asks.simulate_post("/ping/x/start").status_code for _ in range(3)] == [401, 401, 429]


def test_too_many_pings_are_told_when_to_come_again(app: Any, client: Client, job_id: str, redis_client: Redis) -> None:
    path = path_of(client, job_id)
    assert Client(app).simulate_post(path).status_code == 200
    redis_client.set(f"bot-scheduler:job:{job_id}:ping_count", 120, keepttl=True)
    refused = Client(app).simulate_post(path)
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 60


def test_nothing_here_runs_or_accounts_for_it(client: Client, job_id: str) -> None:
    at = {"at": "2999-01-01T00:00:00"}
    answers = [
        client.simulate_post(f"/scheduler/jobs/{job_id}/run"),
        client.simulate_post(f"/scheduler/jobs/{job_id}/run", json=at),
        client.simulate_post(f"/scheduler/jobs/{job_id}/backfill", json={
            "since": "2026-01-01T00:00:00", "until": "2026-01-02T00:00:00"}),
        client.simulate_get(f"/scheduler/jobs/{job_id}/occurrences"),
        client.simulate_get(f"/scheduler/jobs/{job_id}/explain?at=02:30"),
    ]  # fmt: skip
    assert [(one.status_code, "heartbeat job" in one.json["detail"]) for one in answers] == [(409, True)] * 5
    (account,) = client.simulate_get("/scheduler/occurrences").json["jobs"]
    assert "heartbeat job" in account["detail"] and "unaccounted" not in account


def test_no_log_tells_the_address(app: Any, client: Client, job_id: str, monkeypatch: pytest.MonkeyPatch,
                                  caplog: pytest.LogCaptureFixture) -> None:  # fmt: skip
    """Not even that of a failure whose message has it; and the audit log has the key's id alone."""
    path = path_of(client, job_id)

    def fail(*_: object) -> None:
        raise RuntimeError("failed")

    monkeypatch.setattr(pings.Pings, "note", fail)
    with caplog.at_level(logging.DEBUG):
        assert Client(app).simulate_post(f"{path}/start").status_code == 500
        Client(app).simulate_post(f"/ping/{new_text('0000000000')}")
    assert "POST '/ping/{token}/start' failed unexpectedly" in caplog.text
    assert "bsk_" not in caplog.text
    assert "bsk_" not in client.simulate_get("/scheduler/audit").text
