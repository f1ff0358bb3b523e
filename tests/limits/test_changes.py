"""Changes by a caller with limits: jobs stay within them, and nobody else's are touched."""

from __future__ import annotations

from typing import Any

import falcon.testing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.limits import Limits
from service.domain.access.scopes import ALL
from service.errors import NotFound, ValidationFailed
from service.usecases.ids import stored_at
from service.usecases.jobs import Jobs
from tests.limits.seeing import BEYOND, DAILY, LIMITED, WITHIN, Answer, Seen, masked, unknown
from tests.support.store_rig import Rig

labels = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"), max_size=3)
limits_of_all_kinds = st.builds(
    Limits,
    st.dictionaries(st.sampled_from("ab"), st.frozensets(st.sampled_from("xyz"), min_size=1), max_size=2),
    st.none() | st.frozensets(st.sampled_from(["echo", "birthday"]), min_size=1),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limits_of_all_kinds, st.sampled_from(["echo", "birthday"]), labels, labels)
def test_a_job_is_within_the_limits_of_whoever_makes_or_changes_it(
    rig: Rig, limits: Limits, bot_type: str, before: dict[str, str], after: dict[str, str]
) -> None:
    """Otherwise it is refused by the name of each label and bot, and stays as it was; one beyond is not found."""
    theirs = rig.make_job(bot_type=bot_type, labels=before)
    token = act_for(Caller("key", "a key", ALL, limits))
    try:
        if limits.allow(before, bot_type):
            made = rig.jobs.get(rig.make_job(bot_type=bot_type, labels=before)).data
            assert rig.jobs.get(theirs).data["labels"] == before
            if limits.allow(after, bot_type):
                assert rig.jobs.update(made["id"], {"labels": after}).data["labels"] == after
            else:
                with pytest.raises(ValidationFailed) as refusal:
                    rig.jobs.update(made["id"], {"labels": after})
                assert fields(refusal.value) == missing(limits, after, bot_type)
                assert rig.jobs.get(made["id"]).data == made
        else:
            with pytest.raises(ValidationFailed) as refusal:
                rig.make_job(bot_type=bot_type, labels=before)
            assert fields(refusal.value) == missing(limits, before, bot_type)
            with pytest.raises(NotFound):
                rig.jobs.update(theirs, {"labels": after})
    finally:
        act_as_before(token)


def fields(refusal: ValidationFailed) -> set[str]:
    """The refused fields."""
    return {error.field for error in refusal.errors}


def missing(limits: Limits, labels: dict[str, str], bot_type: str) -> set[str]:
    """The fields that keep a job out of these limits."""
    bots = limits.bot_types
    found = {f"labels.{label}" for label, values in limits.labels.items() if labels.get(label) not in values}
    return found | ({"bot_type"} if bots is not None and bot_type not in bots else set())


def test_the_refusal_says_what_the_key_is_limited_to(seen: Seen) -> None:
    """Label and bot by name."""
    answer = seen.limited.simulate_post(
        "/scheduler/jobs", json={"name": "x", **DAILY, "bot_type": "visitor", "labels": {"team": "sales"}}
    )
    assert answer.status_code == 400
    assert answer.json["errors"] == [
        {"field": "bot_type", "message": 'must be "birthday", to which this key is limited'},
        {"field": "labels.team", "message": 'must be "crm", to which this key is limited'},
    ]


def applied(seen: Seen, *jobs: dict[str, Any], query: str = "") -> Answer:
    """Applies a document with limits."""
    return seen.limited.simulate_post(
        "/scheduler/apply", query_string=query, json={"version": 1, "jobs": [{**DAILY, **job} for job in jobs]}
    )


@pytest.mark.parametrize("beyond", BEYOND)
@pytest.mark.parametrize("query", ["", "dry_run=true", "prune=true"])
def test_a_document_does_not_tell_whose_an_id_is(seen: Seen, beyond: str, query: str) -> None:
    """Another's id is refused as one of nobody, since no new job may have one; nothing is changed."""
    own = seen.make_job("own", **WITHIN)
    theirs = seen.make_job("theirs", **BEYOND[beyond])
    before, none = seen.stored(), unknown()
    for name in ("theirs", "new"):
        got, expected = (
            applied(seen, {"id": own, "name": "own", **WITHIN}, {"id": job_id, "name": name, **WITHIN}, query=query)
            for job_id in (theirs, none)
        )
        assert masked(got, theirs) == masked(expected, none)
        assert got.status_code == 400
        assert got.json["errors"] == [
            {"field": "jobs[1].id", "message": "must be left out of a new job, because this key has limits"}
        ]
    assert seen.stored() == before


@pytest.mark.parametrize("beyond", BEYOND)
def test_a_document_touches_own_jobs_alone(seen: Seen, beyond: str) -> None:
    """A job of another with the same name is not matched, and pruning leaves others' jobs."""
    theirs = seen.make_job("same name", **BEYOND[beyond])
    before = seen.root.simulate_get(f"/scheduler/jobs/{theirs}").json
    pruned = seen.make_job("to prune", **WITHIN)
    answer = applied(seen, {"name": "same name", **WITHIN}, query="prune=true")
    assert [(change["action"], change["name"]) for change in answer.json["changes"]] == [
        ("create", "same name"), ("delete", "to prune"),
    ]  # fmt: skip
    own = [job["id"] for job in seen.limited.simulate_get("/scheduler/jobs").json]
    assert len(own) == 1 and pruned not in own and theirs not in own
    assert applied(seen, {"name": "same name", **WITHIN}).json["changes"] == []
    assert seen.root.simulate_get(f"/scheduler/jobs/{theirs}").json == before
    others: list[dict[str, str]] = [{}, {"team": "sales"}]
    for changed in others:
        refused = applied(seen, {"name": "same name", **WITHIN, "labels": changed})
        assert refused.status_code == 400
        assert [error["field"] for error in refused.json["errors"]] == ["jobs[0].labels.team"]
    assert applied(seen, query="prune=true").json["changes"][0]["id"] == own[0]
    assert [job["id"] for job in seen.root.simulate_get("/scheduler/jobs").json] == [theirs]


def test_an_export_applied_again_changes_nothing(seen: Seen) -> None:
    """With the ids of own jobs."""
    seen.make_job("theirs", **BEYOND["nobody's"])
    seen.make_job("own", **WITHIN)
    document = seen.limited.simulate_get("/scheduler/export").json
    answer = seen.limited.simulate_post("/scheduler/apply?prune=true", json=document)
    assert (answer.status_code, answer.json["changes"]) == (200, [])


def test_an_idempotency_key_is_each_callers_own(seen: Seen) -> None:
    """The same key and body of two callers are two requests; of one they are one."""
    once, body = {"Idempotency-Key": "once"}, {"name": "own", **DAILY, **WITHIN}
    first = [client.simulate_post("/scheduler/jobs", json=body, headers=once) for client in clients(seen)]
    again = [client.simulate_post("/scheduler/jobs", json=body, headers=once) for client in clients(seen)]
    assert len({answer.json["id"] for answer in first}) == 3
    assert [answer.json for answer in first] == [answer.json for answer in again]
    body["name"] = "other"
    others = [client.simulate_post("/scheduler/jobs", json=body, headers=once) for client in clients(seen)]
    assert [answer.status_code for answer in others] == [409] * 3
    path = f"/scheduler/jobs/{first[0].json['id']}/run"
    runs = [client.simulate_post(path, headers=once).json["run_id"] for client in clients(seen) for _ in range(2)]
    assert len(set(runs)) == 3 and runs[::2] == runs[1::2]


def clients(seen: Seen) -> list[Any]:
    """All callers."""
    return [seen.limited, seen.other, seen.root]


def test_a_job_that_leaves_sight_meanwhile_is_not_deleted(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at and deleted at one revision."""
    job_id, rig = seen.make_job("own", **WITHIN), seen.rig
    looks: list[str] = []
    look = stored_at

    def looked(*arguments: Any) -> Any:
        found = look(*arguments)
        if not looks:
            looks.append(job_id)
            seen.root.simulate_put(f"/scheduler/jobs/{job_id}", json={"labels": {"team": "sales"}})
        return found

    monkeypatch.setattr("service.usecases.jobs.stored_at", looked)
    token = act_for(LIMITED)
    try:
        jobs = Jobs(rig.scripts, rig.jobs._clock, {})
        with pytest.raises(NotFound):
            jobs.delete(job_id)
    finally:
        act_as_before(token)
    assert looks and seen.root.simulate_get(f"/scheduler/jobs/{job_id}").status_code == 200


def test_a_stored_key_has_these_limits(seen: Seen) -> None:
    """As the guard finds them: the same as of the callers of the other tests."""
    own, theirs = seen.make_job("own", **WITHIN), seen.make_job("theirs", **BEYOND["another team's"])
    terms = {"name": "CRM", "scopes": ["read", "write"], "labels": {"team": ["crm"]}, "bot_types": ["birthday"]}
    made = seen.root.simulate_post("/scheduler/keys", json=terms)
    assert made.status_code == 201, made.text
    client = falcon.testing.TestClient(seen.app, headers={"X-API-Key": made.json["key"]})
    assert [job["id"] for job in client.simulate_get("/scheduler/jobs").json] == [own]
    assert client.simulate_get(f"/scheduler/jobs/{theirs}").status_code == 404
    assert client.simulate_delete(f"/scheduler/jobs/{theirs}").status_code == 404
    refused = client.simulate_put(f"/scheduler/jobs/{own}", json={"labels": {}})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (400, "labels.team")


OWN = ("info", "config")
"""Commands of the test itself."""


def test_a_caller_without_limits_asks_redis_nothing_more(seen: Seen) -> None:
    """Each operation in as many commands as before there were limits."""
    rig, client = seen.rig, seen.rig.client
    job_id = seen.make_job("own", **WITHIN)
    run_id = seen.run_ended(job_id)
    expected: list[tuple[Any, dict[str, int]]] = [
        (lambda: rig.jobs.get(job_id), {"hmget": 1, "hvals": 1}),
        (lambda: rig.use.run(job_id, run_id), {"exists": 1, "hmget": 1}),
        (lambda: rig.use.history(job_id, limit=5), {"exists": 1, "lrange": 1, "get": 1}),
        (lambda: rig.use.all_runs(limit=1), {"lrange": 1, "get": 1, "exists": 1}),
        (lambda: rig.jobs.preview_job(job_id, from_="2030-01-01T00:00:00", count=1), {
            "hgetall": 1, "time": 1, "hvals": 1,
        }),
        (lambda: rig.jobs.list(limit=5), {"zrange": 1, "hmget": 1, "hvals": 1}),
        (lambda: rig.health.now(), {
            "time": 1, "zcard": 1, "get": 1, "zrange": 2, "hmget": 2, "zcount": 1, "hlen": 1, "hexists": 1,
            "hgetall": 1,
        }),
    ]  # fmt: skip
    for call, commands in expected:
        call()
        client.config_resetstat()
        call()
        stats: Any = client.info("commandstats")
        asked = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
        assert {name: calls for name, calls in asked.items() if name.partition("|")[0] not in OWN} == commands
