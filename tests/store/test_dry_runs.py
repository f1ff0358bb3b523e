"""Dry runs of changes over Redis: refused as the change itself is, right about it, and without a trace."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from service.errors import NotFound, PreconditionFailed, ServiceError, ValidationFailed
from service.store.server.redis_clock import RedisClock
from service.usecases.definitions import Definitions
from service.usecases.foresight import dry_runs
from service.usecases.foresight.dry_runs import DryRuns
from tests.support.store_rig import EchoConfig, Rig

DAILY = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0, "timezone": "Europe/Vienna"}}
EACH_SECOND = {"schedule_type": "interval", "schedule_config": {"seconds": 1}}
CONFIGS = {"birthday": EchoConfig, "echo": EchoConfig}


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    return Rig.on(redis_client)


def stored(rig: Rig) -> dict[Any, Any]:
    """All of Redis."""
    return {key: rig.client.dump(key) for key in sorted(rig.client.keys())}


def put(rig: Rig, job_id: str, body: object, revisions: tuple[int, ...] = (), days: int = 30) -> dict[str, Any]:
    """The answer of a dry run of a PUT."""
    return DryRuns(rig.jobs, RedisClock(rig.client), CONFIGS).update(job_id, body, revisions, days)[0]


def apply(rig: Rig, *jobs: dict[str, Any], prune: bool = False) -> list[dict[str, Any]]:
    """The changes of a dry run of a document."""
    use = Definitions(rig.jobs, rig.job_store, RedisClock(rig.client), CONFIGS)
    answer = use.apply({"version": 1, "jobs": list(jobs)}, prune=prune, dry_run=True)
    return list(answer["changes"])


def coming(rig: Rig, job_id: str) -> list[str]:
    """A job's occurrences, as a preview tells them."""
    return list(rig.jobs.preview_job(job_id, from_=None, count=20)["occurrences"])


def test_what_it_foresees_comes_and_nothing_is_stored(rig: Rig) -> None:
    """The occurrences gained are those of the job once it is changed; those lost, of the job as it was."""
    job_id = rig.make_job(**DAILY)
    before, old = stored(rig), coming(rig, job_id)
    body = {"schedule_config": {"hour": 9, "minute": 0, "timezone": "Europe/Vienna"}}
    answer = put(rig, job_id, body)
    assert stored(rig) == before
    rig.jobs.update(job_id, body)
    (change,) = answer["changes"]
    assert answer["dry_run"] is True
    assert (change["action"], change["id"], change["name"]) == ("update", job_id, "a job")
    assert change["fields"] == {"schedule_config.hour": {"from": 8, "to": 9}}
    told = change["occurrences"]
    assert told["complete"] is True
    assert [one["at"] for one in told["gained"]["first"]] == coming(rig, job_id)
    assert [one["at"] for one in told["lost"]["first"]] == old
    assert {told["gained"]["count"], told["lost"]["count"]} <= {29, 30, 31}
    assert all("T09:00:00+" in one["local"] for one in told["gained"]["first"])


@pytest.mark.parametrize(
    ("body", "gained", "lost"),
    [
        ({"enabled": False}, 0, 30),
        ({"name": "another", "labels": {"team": "crm"}}, 0, 0),
        ({"options": {"ends_at": "2000-01-01T00:00:00"}}, None, None),
        ({"options": {"starts_at": "2999-01-01T00:00:00"}}, 0, 30),
        ({"options": {"jitter_seconds": 60, "alert_urls": ["env:BOT_SECRET_X"]}}, 0, 0),
    ],
)
def test_all_fields_that_decide_occurrences_count(
    rig: Rig, body: dict[str, Any], gained: int | None, lost: int | None
) -> None:
    """Being enabled, the bounds, the schedule, and no other; a job that would have nothing to come loses all."""
    job_id = rig.make_job(**DAILY)
    told = put(rig, job_id, body)["changes"][0]["occurrences"]
    assert told["gained"]["count"] == (gained or 0)
    assert told["lost"]["count"] in ({30, 31} if lost in (30, None) else {lost})


def test_nothing_to_change_is_no_change(rig: Rig) -> None:
    """The list is empty."""
    job_id = rig.make_job(**DAILY)
    assert put(rig, job_id, {"name": "a job"}) == {"dry_run": True, "changes": []}


@pytest.mark.parametrize(
    ("body", "revisions", "refusal"),
    [
        ({"schedule_config": {"hour": 24, "minute": 0}}, (), ValidationFailed),
        ({"bot_type": "birthday"}, (), ValidationFailed),
        ({"schedule_type": "cron", "schedule_config": {"cron_expression": "0 0 30 2 *"}}, (), ValidationFailed),
        ({"name": "b"}, (7,), PreconditionFailed),
    ],
)
def test_it_is_refused_as_the_change_is(
    rig: Rig, body: dict[str, Any], revisions: tuple[int, ...], refusal: type[ServiceError]
) -> None:
    """In the same words."""
    job_id, said = rig.make_job(**DAILY), []
    for change in (lambda: put(rig, job_id, body, revisions), lambda: rig.jobs.update(job_id, body, revisions)):
        with pytest.raises(refusal) as refused:
            change()
        said.append(str(refused.value))
    assert said[0] == said[1]
    with pytest.raises(NotFound):
        put(rig, "00000000-0000-4000-8000-000000000000", body)


def test_a_document_tells_of_each_job(rig: Rig) -> None:
    """New, changed and deleted ones, a damaged one too."""
    changed, gone = rig.make_job(name="changed", **DAILY), rig.make_job(name="gone", **DAILY)
    broken = rig.make_job(name="broken", **DAILY)
    rig.client.hset(rig.keys.job(broken), "anchor", "?")
    before = stored(rig)
    jobs: list[dict[str, Any]] = [{"name": "changed", "bot_type": "echo", **DAILY, "enabled": False},
            {"name": "new", "bot_type": "echo", **EACH_SECOND}]  # fmt: skip
    told = {change["name"]: change for change in apply(rig, *jobs, prune=True)}
    assert stored(rig) == before
    assert {name: (change["action"], change["id"]) for name, change in told.items()} == {
        "changed": ("update", changed), "new": ("create", None), "gone": ("delete", gone), "broken": ("delete", broken),
    }  # fmt: skip
    counts = {
        name: tuple(min(change["occurrences"][side]["count"], 29) for side in ("gained", "lost"))
        for name, change in told.items()
    }
    assert counts == {"changed": (0, 29), "new": (29, 0), "gone": (0, 29), "broken": (0, 0)}
    assert told["new"]["occurrences"]["complete"] is False
    assert told["gone"]["fields"] == {}


def test_many_frequent_jobs_share_what_is_looked_at(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more instants than the limit, none shown beyond it, and each job says until when it was counted."""
    monkeypatch.setattr(dry_runs, "LOOKED_AT", 600)
    monkeypatch.setattr(dry_runs, "SHOWN", 120)
    found = apply(rig, *({"name": f"{n}", "bot_type": "echo", **EACH_SECOND} for n in range(30)))
    told = [change["occurrences"] for change in found]
    assert sum(one["gained"]["count"] for one in told) == 600
    assert {len(one["gained"]["first"]) for one in told} == {2}
    assert {one["complete"] for one in told} == {False}
