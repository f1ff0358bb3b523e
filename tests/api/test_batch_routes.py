"""POST /scheduler/batch over HTTP: keys of every kind, what is stored of them, and the answer's form."""

from __future__ import annotations

import uuid
from typing import Any

import falcon.testing
import jsonschema_rs
import pytest
from redis import Redis

from service.asgi import assemble
from service.domain.batches.request import SCOPES
from service.settings import Settings
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

ROOT = "the root key of these tests"
JOB = {
    "name": "a job", "bot_type": "visitor", "schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0},
}  # fmt: skip
PATH = "/scheduler/batch"
MORE: dict[str, dict[str, Any]] = {"label": {"labels": {"a": "b"}}, "again": {"since": "2000-01-01T00:00:00"}}

Client = falcon.testing.TestClient


@pytest.fixture
def root(valkey_server: ValkeyServer, redis_client: Redis) -> Client:
    """An application on an empty server, asked with the root key."""
    Rig.on(redis_client)
    settings = {"redis_url": valkey_server.url, "api_key": ROOT, "message_url": None}
    return Client(assemble(Settings.model_validate(settings)), headers={"X-API-Key": ROOT})


def made(root: Client, **fields: Any) -> str:
    """Creates a job. Returns its id."""
    return str(root.simulate_post("/scheduler/jobs", json={**JOB, **fields}).json["id"])


def key(root: Client, **terms: Any) -> dict[str, str]:
    """Makes a key. Returns the header to send."""
    answer = root.simulate_post("/scheduler/keys", json={"name": "a key", **terms})
    return {"X-API-Key": answer.json["key"]}


@pytest.mark.parametrize("action", sorted(SCOPES))
@pytest.mark.parametrize("scope", ["read", "run", "write", "contacts", "send", "ping", "feed", "badge", "admin"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_each_action_by_each_kind_of_key(root: Client, action: str, scope: str, dry_run: bool) -> None:
    """The scope of the action, and `read` beside it for a filter; who lacks it learns nothing and changes nothing."""
    job_id = made(root, enabled=action != "enable")
    bound = {"job_id": made(root, bot_type="heartbeat", bot_config={})} if scope == "ping" else {}
    before = root.simulate_get(f"/scheduler/jobs/{job_id}").json
    body = {"action": action, "dry_run": dry_run, **MORE.get(action, {})}
    may = SCOPES[action].value == scope
    for which, scopes in (({"filter": "all"}, [scope]), ({"ids": [job_id]}, [scope])):
        answer = root.simulate_post(PATH, json={**body, **which}, headers=key(root, scopes=scopes, **bound))
        if may and "ids" in which:
            assert answer.status_code == 200 and answer.json["results"][0]["outcome"] != "refused"
            assert answer.json["results"][0]["name"] is None
        else:
            assert answer.status_code == 403
            assert job_id not in answer.text and "a job" not in answer.text
    after = root.simulate_get(f"/scheduler/jobs/{job_id}")
    changes = may and not dry_run and action in ("enable", "disable", "label", "delete")
    assert (after.json != before) == changes
    if scope in ("read", "admin") or may:
        both = key(root, scopes=sorted({scope, SCOPES[action].value, "read"}))
        assert root.simulate_post(PATH, json={**body, "filter": "all"}, headers=both).status_code == 200


def test_a_limited_key_reaches_its_own_jobs_alone(root: Client) -> None:
    """By filter and by id; with a label as a filter, too."""
    own, theirs = made(root, labels={"team": "crm"}), made(root, labels={"team": "sales"})
    limited = key(root, scopes=["read", "write", "run"], labels={"team": ["crm"]})
    for which in ({"filter": "all"}, {"filter": {"label": {"team": "sales"}}}, {"ids": [theirs, own]}):
        told = root.simulate_post(PATH, json={"action": "disable", **which}, headers=limited).json["results"]
        assert {one["id"] for one in told if one["outcome"] != "refused"} <= {own}
    assert root.simulate_get(f"/scheduler/jobs/{theirs}").json["enabled"] is True
    assert root.simulate_get(f"/scheduler/jobs/{own}").json["enabled"] is False


def test_answers_are_as_described(root: Client) -> None:
    """For every action, rehearsed and done, of a job and of none; by the OpenAPI document."""
    document = root.simulate_get("/openapi.json").json

    def check(name: str, value: Any) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema_rs.validator_for(schema, validate_formats=True).validate(value)

    for action in sorted(SCOPES):
        ids = [made(root), str(uuid.uuid4()), "none"]
        for dry_run in (True, False):
            body = {"action": action, "ids": ids, "dry_run": dry_run, **MORE.get(action, {})}
            check("BatchRequest", body)
            answer = root.simulate_post(PATH, json=body)
            assert answer.status_code == 200
            check("BatchAnswer", answer.json)
            alone = [one["status"] for one in answer.json["results"]]
            assert alone[1:] == [404, 404] and alone[0] < 300


def test_a_remark_and_a_key_that_counts_once(root: Client) -> None:
    """Each change has the remark in the audit log; the same key with another body is refused."""
    ids = [made(root) for _ in range(3)]
    headers = {"X-Change-Note": "by many", "Idempotency-Key": "k1"}
    body = {"action": "disable", "ids": ids}
    first = root.simulate_post(PATH, json=body, headers=headers)
    assert root.simulate_post(PATH, json=body, headers=headers).json == first.json
    entries = root.simulate_get("/scheduler/audit", query_string="action=job.disable").json
    assert [(one["object"], one["note"]) for one in entries] == [(job_id, "by many") for job_id in reversed(ids)]
    assert root.simulate_post(PATH, json={**body, "ids": ids[:1]}, headers=headers).status_code == 409


def test_jobs_are_listed_by_state(root: Client) -> None:
    """As a batch's filter takes them; another word is refused."""
    on, off = made(root), made(root, enabled=False)
    for state, expected in (("scheduled", [on]), ("disabled", [off]), ("ended", []), ("failing", [])):
        for query in (f"state={state}", f"state={state}&limit=5"):
            assert [job["id"] for job in root.simulate_get("/scheduler/jobs", query_string=query).json] == expected
    assert root.simulate_get("/scheduler/jobs", query_string="state=lost").status_code == 400
