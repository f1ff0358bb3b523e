"""Routes of pauses: what they answer and refuse, and which pauses a key with limits sees and makes."""

from __future__ import annotations

from typing import Any

import falcon.testing
import pytest
from redis import Redis

from tests.limits.seeing import BEYOND, WITHIN, Seen, seen_on
from tests.support.servers.valkey import ValkeyServer

PATH = "/scheduler/pauses"
ALL = {"scope": "all", "reason": "maintenance"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def seen(redis_client: Redis, valkey_server: ValkeyServer) -> Seen:
    return seen_on(redis_client, valkey_server.url)


def keyed(seen: Seen, terms: dict[str, Any]) -> falcon.testing.TestClient:
    """A client with a stored key of these terms."""
    made = seen.root.simulate_post("/scheduler/keys", json=terms)
    assert made.status_code == 201, made.text
    return falcon.testing.TestClient(seen.app, headers={"X-API-Key": made.json["key"]})


def test_a_pause_is_made_read_listed_and_ended(seen: Seen) -> None:
    made = seen.root.simulate_post(PATH, json={**ALL, "until": "2999-01-01T00:00:00+01:00"})
    assert made.status_code == 201 and made.headers["location"] == f"{PATH}/{made.json['id']}"
    assert made.json == {
        "id": made.json["id"], "scope": "all", "jobs": "all jobs", "reason": "maintenance", "on_resume": "skip",
        "cancel_running": False, "from": made.json["from"], "until": "2998-12-31T23:00:00", "is_active": True,
        "ended_at": None, "by": {"actor": "root", "name": "root"}, "ended_by": None, "jobs_on_hold": 0,
        "job_count": 0,
    }  # fmt: skip
    one, read = f"{PATH}/{made.json['id']}", {name: value for name, value in made.json.items() if name != "job_count"}
    assert seen.root.simulate_get(one).json == read
    assert seen.root.simulate_get(PATH).json == [read]
    assert seen.root.simulate_get("/scheduler/health").json["active_pauses"] == 1
    ended = seen.root.simulate_delete(one)
    assert ended.status_code == 200 and not ended.json["is_active"] and ended.json["ended_by"]["name"] == "root"
    assert seen.root.simulate_get(f"{PATH}?state=active").json == []
    assert seen.root.simulate_get(f"{PATH}?state=ended").json == [ended.json]
    assert seen.root.simulate_get("/scheduler/health").json["active_pauses"] == 0
    assert seen.root.simulate_delete(one).status_code == 409


def test_a_key_with_limits_sees_what_pauses_its_jobs(seen: Seen) -> None:
    """By id, also where the pause is for other jobs, too; none that is for others alone."""
    own = seen.make_job("own", **WITHIN)
    for beyond in BEYOND.values():
        seen.make_job("theirs", **beyond)
    tag = seen.limited.simulate_get("/scheduler/jobs").headers["etag"]
    theirs = {"scope": {"label": {"team": "sales"}}, "reason": "theirs"}
    assert seen.root.simulate_post(PATH, json=theirs).status_code == 201
    unchanged = seen.limited.simulate_get("/scheduler/jobs", headers={"If-None-Match": tag})
    assert unchanged.status_code == 304
    every = seen.root.simulate_post(PATH, json=ALL).json["id"]
    for client in (seen.limited, seen.root):
        (listed,) = (job for job in client.simulate_get("/scheduler/jobs").json if job["id"] == own)
        assert listed["paused"] == client.simulate_get(f"/scheduler/jobs/{own}").json["paused"] == [every]
    assert seen.limited.simulate_get("/scheduler/jobs", headers={"If-None-Match": tag}).status_code == 200
    assert seen.limited.simulate_get(f"{PATH}/{every}").status_code == 404


def test_the_answer_says_for_how_many_jobs_it_is(seen: Seen) -> None:
    """None is no mistake; a repetition is answered alike; and a key with limits counts what it sees."""
    own = [seen.make_job(name, **WITHIN) for name in ("one", "two")]
    seen.make_job("theirs", labels={"team": "nobody"}, bot_type="visitor")

    def count(scope: Any, client: falcon.testing.TestClient = seen.root, key: str | None = None) -> int:
        headers = {} if key is None else {"Idempotency-Key": key}
        made = client.simulate_post(PATH, json={"scope": scope, "reason": "r"}, headers=headers)
        assert made.status_code == 201, made.text
        return int(made.json["job_count"])

    assert count("all") == 3 and count({"job_id": own[0]}) == 1
    assert [count({"label": {"team": "nowhere"}}, key="once") for _ in range(2)] == [0, 0]
    assert count({"label": {"team": "nobody"}}) == count({"bot_type": "visitor"}) == 1
    assert count({"job_id": own[1]}, seen.limited) == 1


def test_what_get_answers_can_be_sent_back(seen: Seen) -> None:
    made = seen.root.simulate_post(PATH, json=ALL).json
    again = seen.root.simulate_post(PATH, json=made)
    assert again.status_code == 201 and again.json["id"] != made["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": "r"}, "scope"),
        ({"scope": "some", "reason": "r"}, "scope"),
        ({"scope": ["all"], "reason": "r"}, "scope"),
        ({"scope": {}, "reason": "r"}, "scope"),
        ({"scope": {"bot_type": "birthday", "job_id": UNKNOWN}, "reason": "r"}, "scope"),
        ({"scope": {"team": "crm"}, "reason": "r"}, "scope.team"),
        ({"scope": {"label": {}}, "reason": "r"}, "scope.label"),
        ({"scope": {"label": {"team": "not a label"}}, "reason": "r"}, "scope.label.team"),
        ({"scope": {"label": {"team": ["crm"]}}, "reason": "r"}, "scope.label.team"),
        ({"scope": {"bot_type": "nobody"}, "reason": "r"}, "scope.bot_type"),
        ({"scope": {"bot_type": 5}, "reason": "r"}, "scope.bot_type"),
        ({"scope": {"job_id": "no id"}, "reason": "r"}, "scope.job_id"),
        ({"scope": {"job_id": UNKNOWN}, "reason": "r"}, "scope.job_id"),
        ({"scope": "all"}, "reason"),
        ({"scope": "all", "reason": "  "}, "reason"),
        ({"scope": "all", "reason": "x" * 501}, "reason"),
        ({"scope": "all", "reason": "two\nlines"}, "reason"),
        ({**ALL, "until": "2020-01-01T00:00:00"}, "until"),
        ({**ALL, "until": 5}, "until"),
        ({**ALL, "on_resume": "run"}, "on_resume"),
        ({**ALL, "on_resume": None}, "on_resume"),
        ({**ALL, "on_resume": ["skip"]}, "on_resume"),
        ({**ALL, "cancel_running": "yes"}, "cancel_running"),
        ({**ALL, "form": "x"}, "form"),
    ],
)
def test_a_mistake_is_named_by_its_field_and_nothing_is_paused(seen: Seen, body: Any, field: str) -> None:
    answer = seen.root.simulate_post(PATH, json=body)
    assert answer.status_code == 400, answer.text
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert seen.root.simulate_get(PATH).json == []


@pytest.mark.parametrize("query", ["state=paused", "state=", "limit=0", f"cursor={UNKNOWN}", "cursor=x"])
def test_a_list_refuses_what_it_does_not_know(seen: Seen, query: str) -> None:
    assert seen.root.simulate_get(f"{PATH}?{query}").status_code == 400


def test_pauses_are_listed_page_by_page_newest_first(seen: Seen) -> None:
    made = [seen.root.simulate_post(PATH, json=ALL).json["id"] for _ in range(5)]
    stamps = {one["id"]: one["from"] for one in seen.root.simulate_get(PATH).json}
    found: list[str] = []
    address = f"{PATH}?limit=2"
    while address:
        answer = seen.root.simulate_get(address)
        found += [one["id"] for one in answer.json]
        address = answer.headers.get("link", "").partition(">")[0].lstrip("<")
    assert sorted(found) == sorted(made) and [stamps[one] for one in found] == sorted(stamps.values(), reverse=True)


def test_pauses_of_a_job_are_those_that_are_for_it(seen: Seen) -> None:
    job_id = seen.make_job("a job", **WITHIN)
    for scope, is_for in (
        ("all", True), ({"label": {"team": "crm"}}, True), ({"label": {"team": "sales"}}, False),
        ({"bot_type": "birthday"}, True), ({"bot_type": "visitor"}, False), ({"job_id": job_id}, True),
    ):  # fmt: skip
        made = seen.root.simulate_post(PATH, json={**ALL, "scope": scope}).json
        found = [one["id"] for one in seen.root.simulate_get(f"{PATH}?job_id={job_id}").json]
        assert (made["id"] in found) == is_for, scope


def test_a_key_with_limits_makes_and_sees_what_can_be_for_its_jobs_alone(seen: Seen) -> None:
    """Its limits: the label team:crm, and the bot birthday."""
    own = seen.make_job("own", **WITHIN)
    theirs = [seen.make_job("theirs", **fields) for fields in BEYOND.values()]
    refused: list[Any] = [
        "all", {"label": {"team": "crm"}}, {"label": {"stage": "live"}}, {"bot_type": "birthday"},
        {"bot_type": "visitor"},
    ]  # fmt: skip
    for scope in refused:
        assert seen.limited.simulate_post(PATH, json={**ALL, "scope": scope}).status_code == 403, scope
    for job_id in (*theirs, UNKNOWN):
        answer = seen.limited.simulate_post(PATH, json={**ALL, "scope": {"job_id": job_id}})
        assert answer.status_code == 400 and "must be the id of a job that exists" in answer.text
    made = seen.limited.simulate_post(PATH, json={**ALL, "scope": {"job_id": own}})
    assert made.status_code == 201
    scopes: list[Any] = ["all", {"bot_type": "birthday"}, *({"job_id": job_id} for job_id in theirs)]
    others = [seen.root.simulate_post(PATH, json={**ALL, "scope": scope}).json["id"] for scope in scopes]
    assert [one["id"] for one in seen.limited.simulate_get(PATH).json] == [made.json["id"]]
    for pause_id in others:
        for answer in (
            seen.limited.simulate_get(f"{PATH}/{pause_id}"), seen.limited.simulate_delete(f"{PATH}/{pause_id}"),
        ):  # fmt: skip
            assert answer.status_code == 404
        assert seen.limited.simulate_get(f"{PATH}?cursor={pause_id}").status_code == 400
    assert seen.limited.simulate_delete(f"{PATH}/{made.json['id']}").status_code == 200


def test_a_key_with_a_label_alone_may_pause_that_label(seen: Seen) -> None:
    terms = {"name": "CRM", "scopes": ["read", "run"], "labels": {"team": ["crm", "erp"]}}
    client = keyed(seen, terms)
    cases: list[tuple[Any, int]] = [
        ({"label": {"team": "crm"}}, 201), ({"label": {"team": "erp", "stage": "live"}}, 201),
        ({"label": {"team": "sales"}}, 403), ({"label": {"stage": "live"}}, 403), ({"bot_type": "birthday"}, 403),
        ("all", 403),
    ]  # fmt: skip
    for scope, status in cases:
        body = {**ALL, "scope": scope}
        answer = client.simulate_post(PATH, json=body)
        assert answer.status_code == status, (scope, answer.text)


def test_whoever_may_only_read_makes_and_ends_none(seen: Seen) -> None:
    client = keyed(seen, {"name": "reader", "scopes": ["read"]})
    made = seen.root.simulate_post(PATH, json=ALL).json["id"]
    assert client.simulate_get(PATH).status_code == 200
    assert client.simulate_post(PATH, json=ALL).status_code == 403
    assert client.simulate_delete(f"{PATH}/{made}").status_code == 403
