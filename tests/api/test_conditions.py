"""Conditional requests, requests that count once, cancels and all jobs' runs, on the real service and server."""

from __future__ import annotations

from typing import Any

import falcon.testing
import pytest
from redis import Redis

from service.asgi import assemble
from service.settings import Settings
from service.store.idempotency import Idempotency
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.runs.run_hashes import RunStore
from service.store.scripts import Limits
from service.web.api.heartbeats.pings import ROUTES
from service.web.api.openapi.operations import OPERATIONS

JOB = {"name": "J", "bot_type": "visitor", "schedule_type": "interval", "schedule_config": {"hours": 1}}
Client = falcon.testing.TestClient


@pytest.fixture
def api(redis_client: Redis, valkey_server: Any) -> Client:
    """The API with its key, on an empty server."""
    settings = Settings.model_validate({"redis_url": valkey_server.url, "api_key": "k"})
    return Client(assemble(settings), headers={"X-API-Key": "k"})


@pytest.fixture
def runs(redis_client: Redis) -> RunStore:
    """What a worker does with runs."""
    return RunStore(make_scripts(redis_client, Keys(), Limits()))


def make_job(api: Client, **fields: Any) -> tuple[str, str]:
    """Creates a job. Returns its path and its entity tag."""
    answer = api.simulate_post("/scheduler/jobs", json={**JOB, **fields})
    assert answer.status_code == 201
    return f"/scheduler/jobs/{answer.json['id']}", answer.headers["ETag"]


def test_an_entity_tag_is_the_definitions_revision(api: Client) -> None:
    """It changes with the definition and stays over runs and reads."""
    path, tag = make_job(api)
    api.simulate_post(f"{path}/run")
    assert api.simulate_get(path).headers["ETag"] == tag == '"1"'
    assert api.simulate_put(path, json={"name": "K"}).headers["ETag"] == '"2"'
    assert api.simulate_put(path, json={"name": "K"}).headers["ETag"] == '"2"', "a change to the same changes nothing"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TOGGLE"])
def test_if_match_lets_through_the_present_revision_alone(api: Client, method: str) -> None:
    """With another tag it is 412 and nothing changes; with the present one, among others, it is done."""
    path, tag = make_job(api)

    def send(condition: str) -> int:
        headers = {"If-Match": condition}
        if method == "DELETE":
            return api.simulate_delete(path, headers=headers).status_code
        if method == "PUT":
            return api.simulate_put(path, json={"name": "K"}, headers=headers).status_code
        return api.simulate_post(f"{path}/toggle", json={"enabled": False}, headers=headers).status_code

    before = api.simulate_get(path).json
    assert [send('"7"'), send('W/"1"'), send('"abc"'), send('"01"')] == [412] * 4
    assert send("1") == send('"1') == 400
    assert api.simulate_get(path).json == before
    assert send(f'"9", {tag}') in (200, 204)


def test_a_create_sent_twice_with_a_key_makes_one_job(api: Client) -> None:
    """The same answer to the letter, 201 both times; another body is 409; a refusal is not kept."""
    headers = {"Idempotency-Key": "k-1"}
    refused = api.simulate_post("/scheduler/jobs", json={**JOB, "name": ""}, headers=headers)
    first = api.simulate_post("/scheduler/jobs", json=JOB, headers=headers)
    api.simulate_put(f"/scheduler/jobs/{first.json['id']}", json={"name": "changed since"})
    again = api.simulate_post("/scheduler/jobs", json=dict(reversed(JOB.items())), headers=headers)
    other = api.simulate_post("/scheduler/jobs", json={**JOB, "name": "K"}, headers=headers)
    assert [a.status_code for a in (refused, first, again, other)] == [400, 201, 201, 409]
    assert again.json == first.json
    assert len(api.simulate_get("/scheduler/jobs").json) == 1


def test_a_run_asked_for_twice_with_a_key_is_one_run(api: Client) -> None:
    """The key holds for one job; another job's run is another run."""
    path, other = make_job(api)[0], make_job(api)[0]
    headers = {"Idempotency-Key": "k-1"}
    answers = [api.simulate_post(f"{path}/run", headers=headers) for _ in range(3)]
    assert {a.status_code for a in answers} == {202}
    assert len({a.json["run_id"] for a in answers}) == 1
    assert api.simulate_post(f"{path}/run", headers=headers, json={"bot_config": {"limit": 3}}).status_code == 409
    assert api.simulate_post(f"{other}/run", headers=headers).json["run_id"] != answers[0].json["run_id"]
    assert len(api.simulate_get(f"{path}/history").json) == 1


def test_a_pause_asked_for_twice_with_a_key_is_one_pause(api: Client) -> None:
    """201 and the same pause, also once it is over; a refusal is not kept."""
    headers, path = {"Idempotency-Key": "k-1"}, "/scheduler/pauses"
    body = {"scope": "all", "reason": "a test", "until": "2099-01-01T00:00:00"}
    refused = api.simulate_post(path, json={**body, "until": "2001-01-01T00:00:00"}, headers=headers)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (400, "until")
    first, again = (api.simulate_post(path, json=body, headers=headers) for _ in range(2))
    assert [first.status_code, again.status_code] == [201, 201] and first.json == again.json
    assert first.headers["Location"] == again.headers["Location"] == f"{path}/{first.json['id']}"
    assert api.simulate_post(path, json={**body, "reason": "another"}, headers=headers).status_code == 409
    assert api.simulate_delete(f"{path}/{first.json['id']}").status_code == 200
    over = api.simulate_post(path, json=body, headers=headers)
    assert (over.status_code, over.json["id"], over.json["is_active"]) == (201, first.json["id"], False)
    assert len(api.simulate_get(path).json) == 1


def test_a_pause_that_has_ended_by_itself_is_still_the_answer(api: Client, redis_client: Redis) -> None:
    """Its `until` lies in the past when the request comes again."""
    headers, path = {"Idempotency-Key": "k-1"}, "/scheduler/pauses"
    body = {"scope": "all", "reason": "a test", "until": "2099-01-01T00:00:00"}
    first = api.simulate_post(path, json=body, headers=headers)
    asked: dict[str, Any] = {**body, "until": "2001-01-01T00:00:00"}
    kept = Idempotency.of("pause", "k-1", asked)  # as if it had been asked for then
    redis_client.hset(Keys().idempotency(kept.digest), "fingerprint", kept.fingerprint)
    again = api.simulate_post(path, json=asked, headers=headers)
    assert (again.status_code, again.json["id"]) == (201, first.json["id"])


NOT_ONCE = {
    **dict.fromkeys(ROUTES, "a ping has an id of its own, ?rid="),
    "/scheduler/keys": "the answer has a secret, which is stored nowhere",
    "/scheduler/keys/{key_id}/rotate": "likewise",
    "/scheduler/calendars": "its name is made once: a repetition is 409",
    "/scheduler/contacts": "a person is found by name and address: a repetition is 409",
    "/scheduler/contacts/import": "a second import changes nothing",
    "/scheduler/contacts/{contact_id}/merge": "who was merged is no contact any more",
    "/scheduler/calendars/{name}/ics": "days that are there are not added again",
    "/scheduler/apply": "a document that is applied again changes nothing",
    "/scheduler/deleted/{job_id}/restore": "what is restored is not deleted any more",
    "/scheduler/jobs/{job_id}/revisions/{revision}/restore": "If-Match",
    "/scheduler/jobs/{job_id}/toggle": "sets a state",
    "/scheduler/jobs/{job_id}/runs/{run_id}/now": "sets a state",
    "/scheduler/jobs/{job_id}/runs/{run_id}/cancel": "sets a state",
    "/scheduler/acknowledge": "sets a state",
    "/scheduler/sessions/end": "sets a state",
    "/scheduler/channels": "its name is made once: a repetition is 409",
    "/scheduler/rules": "a channel that two rules want to tell is told once",
    "/scheduler/preview": "changes nothing",
    "/scheduler/messages/test": "what it sends goes outside, where no script can keep it with the key",
    "/scheduler/channels/{name}/test": "likewise",
}
"""What can be sent by POST without an Idempotency-Key, and why a repetition does no harm, or cannot be known."""


def test_whatever_makes_something_new_each_time_takes_a_key() -> None:
    """A new operation says which it is."""
    takes = {
        path for (method, path), operation in OPERATIONS.items()
        if method == "POST" and "Idempotency-Key" in operation.headers
    }  # fmt: skip
    assert takes == {path for method, path in OPERATIONS if method == "POST"} - set(NOT_ONCE)
    assert len(takes) >= 5


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
def test_a_malformed_idempotency_key_is_400(api: Client, key: str) -> None:
    """It names the header and makes nothing."""
    answer = api.simulate_post("/scheduler/jobs", json=JOB, headers={"Idempotency-Key": key})
    assert (answer.status_code, "Idempotency-Key" in answer.json["detail"]) == (400, True)
    assert api.simulate_get("/scheduler/jobs").json == []


def test_cancelling_a_waiting_a_running_and_an_ended_run(api: Client, runs: RunStore) -> None:
    """200 and ended at once; 202 and told; 409."""
    path, _ = make_job(api)
    running, waiting = (api.simulate_post(f"{path}/run").json["run_id"] for _ in range(2))
    assert runs.claim(running, "t", "w", 30_000) is not None
    waited = api.simulate_post(f"{path}/runs/{waiting}/cancel")
    assert (waited.status_code, waited.json["status"]) == (200, "cancelled")
    told = api.simulate_post(f"{path}/runs/{running}/cancel")
    assert (told.status_code, told.json["status"]) == (202, "running")
    assert api.simulate_post(f"{path}/runs/{waiting}/cancel").status_code == 409
    assert api.simulate_post(f"{path}/runs/{path[-36:]}/cancel").status_code == 404


def test_all_jobs_runs_newest_first_filtered_and_paged(api: Client) -> None:
    """Filters by status, job, trigger and time; pages lead on without gaps."""
    paths = [make_job(api)[0] for _ in range(2)]
    asked = [api.simulate_post(f"{paths[n % 2]}/run").json["run_id"] for n in range(6)]
    everything = api.simulate_get("/scheduler/runs").json
    assert [run["id"] for run in everything] == asked[::-1]
    assert [api.simulate_get(f"/scheduler/runs/{run['id']}").json for run in everything] == everything
    assert [api.simulate_get(f"/scheduler/runs/{odd}").status_code for odd in (paths[0][-36:], "x")] == [404, 404]
    one = api.simulate_get("/scheduler/runs", params={"job_id": paths[0][-36:], "status": "queued"}).json
    assert [run["id"] for run in one] == asked[-2::-2]
    assert api.simulate_get("/scheduler/runs?status=success").json == []
    assert api.simulate_get("/scheduler/runs?since=2999-01-01T00:00:00").json == []
    assert len(api.simulate_get("/scheduler/runs?until=2999-01-01T00:00:00Z&trigger=manual").json) == 6
    seen: list[str] = []
    link = "/scheduler/runs?limit=4"
    while link:
        page = api.simulate_get(link)
        seen += [run["id"] for run in page.json]
        link = page.headers.get("Link", "").partition(">")[0].strip("<")
    assert seen == asked[::-1]


@pytest.mark.parametrize("query", ["status=odd", "trigger=x", "since=yesterday", "limit=0", "limit=201", "cursor=x"])
def test_a_malformed_filter_is_400(api: Client, query: str) -> None:
    """The sentence names the parameter."""
    answer = api.simulate_get(f"/scheduler/runs?{query}")
    assert (answer.status_code, query.partition("=")[0] in answer.json["detail"]) == (400, True)


def test_a_newer_schema_is_503_and_says_so(api: Client, redis_client: Redis) -> None:
    """A process of an older release waits for its successor instead of misreading what is stored."""
    redis_client.set(Keys().schema_version, 99)
    answer = api.simulate_get("/scheduler/jobs")
    assert (answer.status_code, "99" in answer.json["detail"]) == (503, True)
    redis_client.set(Keys().schema_version, 1)
    assert api.simulate_get("/scheduler/jobs").status_code == 200
