"""Export and apply, through the API on a real server."""

from __future__ import annotations

from typing import Any

import falcon.testing
import pytest
import yaml
from redis import Redis

from service.asgi import assemble
from service.settings import Settings
from service.store.server.redis_clock import RedisClock
from service.usecases.definitions import Definitions
from tests.support.store_rig import EchoConfig, Rig

Client = falcon.testing.TestClient
Json = dict[str, Any]
UNKNOWN = "00000000-0000-4000-8000-000000000000"
JOB: Json = {
    "name": "one", "bot_type": "visitor", "schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0},
}  # fmt: skip


@pytest.fixture
def api(redis_client: Redis, valkey_server: Any) -> Client:
    """The API of an installation on an empty server."""
    settings = Settings.model_validate({"redis_url": valkey_server.url, "api_key": "k", "import_limit_mb": 2})
    return Client(assemble(settings), headers={"X-API-Key": "k"})


def create(api: Client, **fields: Any) -> Json:
    """A job that exists."""
    answer = api.simulate_post("/scheduler/jobs", json={**JOB, **fields})
    assert answer.status_code == 201
    return dict(answer.json)


def apply(api: Client, jobs: list[Any], query: str = "", status: int = 200) -> Any:
    """Applies a document of `jobs`. Returns its changes, or the fields that were refused."""
    answer = api.simulate_post("/scheduler/apply", json={"version": 1, "jobs": jobs}, query_string=query)
    assert answer.status_code == status, answer.text
    return [error["field"] for error in answer.json["errors"]] if status == 400 else answer.json["changes"]


def exported(api: Client) -> list[Json]:
    """The exported jobs."""
    document = api.simulate_get("/scheduler/export").json
    assert document["version"] == 1
    return list(document["jobs"])


def test_what_is_exported_can_be_applied_and_changes_nothing(api: Client) -> None:
    """In YAML and in JSON: definitions and ids only, in the order of creation, and no change when nothing differs."""
    first, second = create(api), create(api, name="two: *x", description="a\nb", options={"max_retries": 2})
    jobs = exported(api)
    assert [job["id"] for job in jobs] == [first["id"], second["id"]]
    assert all(job[name] == stored[name] for job, stored in zip(jobs, (first, second), strict=True) for name in job)
    assert "revision" not in jobs[0]
    assert "next_run_at" not in jobs[0]
    as_yaml = api.simulate_get("/scheduler/export?format=yaml")
    assert as_yaml.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(as_yaml.text) == {"version": 1, "jobs": jobs}
    assert api.simulate_get("/scheduler/export", headers={"Accept": "application/yaml"}).text == as_yaml.text
    for headers in ({"Content-Type": "application/yaml"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        answer = api.simulate_post("/scheduler/apply", body=as_yaml.content, headers=headers)
        assert (answer.status_code, answer.json) == (200, {"dry_run": False, "changes": []})
    assert apply(api, jobs, "prune=true") == []
    assert exported(api) == jobs


def test_applying_on_an_empty_installation_makes_the_same_export(api: Client, redis_client: Redis) -> None:
    """Ids and order included: an export of the copy is the export of the original."""
    create(api, name="b")
    create(api, name="a", enabled=False)
    before = api.simulate_get("/scheduler/export?format=yaml").content
    redis_client.flushall()
    answer = api.simulate_post("/scheduler/apply", body=before)
    assert [change["action"] for change in answer.json["changes"]] == ["create", "create"]
    assert api.simulate_get("/scheduler/export?format=yaml").content == before


def test_a_job_is_matched_by_id_or_else_by_its_name(api: Client) -> None:
    """The id wins; a name that one job has on each side will do; what matches nothing is new, under its own id."""
    by_id, by_name = create(api, name="one"), create(api, name="two")
    changes = apply(api, [
        {**JOB, "id": by_id["id"], "name": "renamed"},
        {**JOB, "name": "two", "schedule_config": {"hour": 9, "minute": 0}},
        {**JOB, "name": "three", "id": UNKNOWN},
        {**JOB, "name": "four"},
    ])  # fmt: skip
    assert [(change["action"], change["name"]) for change in changes] == [
        ("update", "renamed"), ("update", "two"), ("create", "three"), ("create", "four"),
    ]  # fmt: skip
    assert [change["id"] for change in changes[:3]] == [by_id["id"], by_name["id"], UNKNOWN]
    assert changes[0]["fields"] == {"name": {"from": "one", "to": "renamed"}}
    assert changes[1]["fields"] == {"schedule_config.hour": {"from": 8, "to": 9}}
    assert changes[2]["fields"]["name"] == {"from": None, "to": "three"}
    assert [job["id"] for job in exported(api)] == [change["id"] for change in changes]


def test_a_name_that_several_have_matches_nothing(api: Client) -> None:
    """Without an id that is refused, since nobody knows which is meant; with one it is a job of its own."""
    create(api)
    twin = create(api)
    assert apply(api, [JOB], status=400) == ["jobs[0].name"]
    assert apply(api, [JOB, JOB], status=400) == ["jobs[1].name"]
    assert apply(api, [{**JOB, "id": twin["id"]}, {**JOB, "id": UNKNOWN}]) == []
    changes = apply(api, [{**JOB, "id": UNKNOWN, "enabled": False}])
    assert [(change["action"], change["id"]) for change in changes] == [("create", UNKNOWN)]


def test_what_is_left_out_is_at_its_default_afterwards(api: Client) -> None:
    """A document says all of a job: an option that it does not name does not stay as somebody had set it."""
    job = create(api, description="text", options={"max_retries": 3}, enabled=False)
    (change,) = apply(api, [{**JOB, "id": job["id"]}])
    assert change["fields"] == {
        "description": {"from": "text", "to": None},
        "enabled": {"from": False, "to": True},
        "options.max_retries": {"from": 3, "to": 0},
    }
    after = api.simulate_get(f"/scheduler/jobs/{job['id']}").json
    assert (after["description"], after["enabled"], after["options"]["max_retries"]) == (None, True, 0)
    assert after["next_run_at"] is not None


def test_prune_deletes_what_the_document_does_not_have(api: Client) -> None:
    """Only when asked to."""
    kept, other = create(api, name="kept"), create(api, name="other")
    document = [{**JOB, "name": "kept"}]
    assert apply(api, document) == []
    assert apply(api, document, "prune=true") == [
        {"action": "delete", "id": other["id"], "name": "other", "fields": {}},
    ]
    assert [job["id"] for job in exported(api)] == [kept["id"]]


def test_a_dry_run_tells_all_and_does_nothing(api: Client) -> None:
    """The same changes as the real one, but for the id of a job that will get one, and what is gained and lost."""
    job = create(api)
    create(api, name="other")
    document = [{**JOB, "id": job["id"], "enabled": False}, {**JOB, "name": "new"}]
    before = exported(api)
    planned = apply(api, document, "prune=true&dry_run=true")
    assert exported(api) == before
    done = apply(api, document, "prune=true&dry_run=false")
    assert planned[1]["id"] is None
    assert all("occurrences" in change for change in planned)
    known = ("action", "name", "fields")
    assert [[change[part] for part in known] for change in planned] == [
        [change[part] for part in known] for change in done
    ]
    assert apply(api, document, "prune=true") == []


def test_one_refused_job_lets_nothing_be_written(api: Client) -> None:
    """Every refused field of every job is named by its place; the valid ones are not made either."""
    job = create(api)
    refused = apply(api, [
        {**JOB, "name": "valid"},
        {**JOB, "id": job["id"], "bot_type": "birthday"},
        {**JOB, "name": "", "schedule_config": {"hour": 24, "minute": 0}},
        {**JOB, "id": "nonsense"},
        "nonsense",
    ], status=400)  # fmt: skip
    assert refused == ["jobs[2].name", "jobs[2].schedule_config.hour", "jobs[3].id", "jobs[4]"]
    assert apply(api, [{**JOB, "name": "valid"}, {**JOB, "id": job["id"], "bot_type": "birthday"}], status=400) == [
        "jobs[1].bot_type"
    ]
    jittery = {**JOB, "name": "valid", "options": {"jitter_seconds": 86400}}
    assert apply(api, [{**JOB, "id": UNKNOWN}, jittery], status=400) == ["jobs[1].options.jitter_seconds"]
    assert [stored["id"] for stored in exported(api)] == [job["id"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "version"),
        ({"version": 2, "jobs": []}, "version"),
        ({"version": True, "jobs": []}, "version"),
        ({"version": 1}, "jobs"),
        ({"version": 1, "calendars": [], "jobs": None}, "jobs"),
        ({"version": 1, "jobs": {}}, "jobs"),
        ({"version": 1, "jobs": [], "more": 1}, "more"),
        ({"version": 1, "jobs": [{**JOB, "id": UNKNOWN}, {**JOB, "id": UNKNOWN}]}, "jobs[1].id"),
    ],
)
def test_a_document_of_another_shape_is_refused(api: Client, body: Json, field: str) -> None:
    """The sentence names what is wrong with it."""
    answer = api.simulate_post("/scheduler/apply", json=body)
    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json["errors"]]


def test_bodies_are_bounded_and_strict(api: Client) -> None:
    """413 over `IMPORT_LIMIT_MB`, 2 here; broken YAML and JSON, duplicate keys and invalid parameters are 400."""
    assert api.simulate_post("/scheduler/apply", body=b"a" * (2 * 2**20 + 1)).status_code == 413
    for body in (b"", b"version: 1\nversion: 1", b'{"version": 1, "version": 1}', b"&a [*a]", b"{"):
        answer = api.simulate_post("/scheduler/apply", body=body)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "body")
    assert api.simulate_post("/scheduler/apply?prune=maybe", body=b"{}").status_code == 400
    assert api.simulate_get("/scheduler/export?format=xml").status_code == 400


@pytest.mark.slow(reason="1,600 jobs are made")
def test_what_is_exported_can_be_applied_however_many_jobs_there_are(api: Client) -> None:
    """A document may be longer than other bodies: one of over a mebibyte changes nothing, as JSON and as YAML."""
    for number in range(1600):
        create(api, name=f"job {number}", description="d" * 300)
    for form in ("json", "yaml"):
        document = api.simulate_get(f"/scheduler/export?format={form}").content
        assert len(document) > 2**20
        media_type = {"Content-Type": f"application/{form}"}
        answer = api.simulate_post("/scheduler/apply", body=document, headers=media_type)
        assert (answer.status_code, answer.json["changes"]) == (200, [])


def test_a_job_made_again_is_at_no_revision_of_its_former_life(api: Client, redis_client: Redis) -> None:
    """What was read of the one that was deleted cannot be written over the one that took its id."""
    job_id = api.simulate_post("/scheduler/jobs", json=JOB).json["id"]
    path, tags = f"/scheduler/jobs/{job_id}", set()
    for _ in range(3):
        document = api.simulate_get("/scheduler/export").json
        for name in ("b", "c"):
            tags.add(api.simulate_put(path, json={"name": name}).headers["ETag"])
        tags.add(old := api.simulate_get(path).headers["ETag"])
        assert api.simulate_delete(path).status_code == 204
        assert api.simulate_post("/scheduler/apply", json=document).json["changes"][0]["id"] == job_id
        assert api.simulate_get(path).headers["ETag"] not in tags
        assert api.simulate_put(path, json={"name": "x"}, headers={"If-Match": old}).status_code == 412
    tag = api.simulate_get(path).headers["ETag"]
    assert api.simulate_put(path, json={"name": "x"}, headers={"If-Match": tag}).status_code == 200


def test_a_job_made_again_under_its_id_leads_a_life_of_its_own(redis_client: Redis) -> None:
    """Its occurrences make other runs than those of its former life, even where the clock shows the same time twice."""
    rig = Rig.on(redis_client)
    clock = RedisClock(redis_client)
    job_id = rig.make_job()
    occurrence = rig.pretend_due(job_id, 5)
    assert rig.scheduler().enqueue_jobs() == 1
    (former,) = rig.queue()
    rig.start(former)
    document = {"version": 1, "jobs": [rig.jobs.get(job_id).data]}
    rig.jobs.delete(job_id)
    Definitions(rig.jobs, rig.job_store, clock, {"echo": EchoConfig}).apply(document)
    assert rig.history(job_id) == []
    redis_client.hset(rig.keys.job(job_id), mapping={"next_occurrence": occurrence, "next_due": occurrence * 1000})
    redis_client.zadd(rig.keys.due, {job_id: occurrence * 1000})
    assert rig.scheduler().enqueue_jobs() == 1
    (latter,) = rig.queue()
    assert latter != former
    assert [run["id"] for run in rig.history(job_id)] == [latter]
