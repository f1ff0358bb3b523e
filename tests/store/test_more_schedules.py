"""Dates and unions in an installation: names on runs, what is laid over, the end of a job, older schedulers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.domain.run_records import Outcome, Retry
from service.errors import StoreUnavailable, ValidationFailed
from service.store.server.redis_clock import RedisClock
from service.usecases.definitions import Definitions
from tests.support.store_rig import EchoConfig, Rig

HOURLY: dict[str, Any] = {"schedule_type": "interval", "schedule_config": {"hours": 1}}
UNION: dict[str, Any] = {
    "schedules": [
        {**HOURLY, "name": "each"},
        {
            "schedule_type": "interval",
            "schedule_config": {"minutes": 1},
            "name": "other",
            "bot_config": {"dry_run": True},
        },
    ]
}


def local(rig: Rig, seconds: int) -> str:
    """A local time in UTC, so many seconds from now."""
    return (
        datetime.fromtimestamp(RedisClock(rig.client).now_ms() // 1000, UTC) + timedelta(seconds=seconds)
    ).isoformat()[:19]


def once(rig: Rig, **fields: Any) -> str:
    """A job that is due in a minute, once."""
    return rig.make_job(schedule_type="once", schedule_config={"at": local(rig, 60)}, **fields)


def let_come(rig: Rig, job_id: str) -> None:
    """Puts a job's one date a second into the past, and lets a scheduler tick."""
    occurrence = rig.pretend_due(job_id, 1)
    assert occurrence
    rig.client.hset(rig.keys.job(job_id), "schedule_config", f'{{"at": "{local(rig, -1)}"}}')
    rig.scheduler().enqueue_jobs()


def test_a_run_knows_its_names_and_carries_what_is_laid_over(rig: Rig) -> None:
    """Through the claim and into its retry; and it is no rehearsal, which only a run by hand can be."""
    job_id = rig.make_job(schedule_type="any", schedule_config=UNION)
    run_id = rig.run_due(job_id)
    assert rig.history(job_id)[0]["names"] == ["other"]
    claim = rig.runs.claim(run_id, "token", "worker-1", 30_000)
    assert claim is not None and claim.run["members"] == '{"names":["other"],"bot_config":{"dry_run":true}}'
    retry = "00000000-0000-4000-8000-000000000001"
    assert rig.runs.finish(run_id, "token", Outcome("failed", "no"), retry=Retry(retry, 2, 0))
    assert [run["names"] for run in rig.history(job_id)] == [["other"], ["other"]]
    assert rig.jobs.get(job_id).data["last_run_status"] == "failed"
    again = rig.runs.claim(retry, "token-2", "worker-1", 30_000)
    assert again is not None and again.run["members"] == claim.run["members"]


def test_an_occurrence_that_is_skipped_keeps_its_names(rig: Rig) -> None:
    """For the overlap, too."""
    job_id = rig.make_job(schedule_type="any", schedule_config=UNION)
    rig.run_due(job_id)
    rig.pretend_due(job_id, 0)
    rig.scheduler().enqueue_jobs()
    assert [(run["status"], run["names"]) for run in rig.history(job_id)] == [
        ("skipped", ["other"]), ("queued", ["other"]),
    ]  # fmt: skip


def test_a_members_configuration_is_checked_when_it_is_set(rig: Rig) -> None:
    """By the path of its field."""
    wrong = {"schedules": [{**HOURLY, "bot_config": {"dry_run": 1, "x": 2}}]}
    with pytest.raises(ValidationFailed) as refusal:
        rig.make_job(schedule_type="any", schedule_config=wrong)
    start = "schedule_config.schedules[0].bot_config"
    assert [error.field for error in refusal.value.errors] == [f"{start}.dry_run", f"{start}.x"]


def test_previews_tell_each_occurrence(rig: Rig) -> None:
    """Beside the contract's fields."""
    job_id = rig.make_job(schedule_type="any", schedule_config=UNION)
    found = rig.jobs.preview_job(job_id, from_=None, count=60)
    assert [one["at"] for one in found["details"]] == found["occurrences"]
    assert [one["local"] for one in found["details"]] == found["local"]
    assert [one["names"] for one in found["details"]].count(["each", "other"]) == 1
    plain = rig.jobs.preview({**HOURLY, "count": 1})
    assert plain["details"] == [
        {"at": at, "local": local, "scheduled_for": at}
        for at, local in zip(plain["occurrences"], plain["local"], strict=True)
    ]


def test_a_date_that_has_come_ends_the_job_which_stays_what_it_is(rig: Rig) -> None:
    """It is put back, exported, applied and renamed; only another past date is refused."""
    job_id = once(rig)
    let_come(rig, job_id)
    job = rig.jobs.get(job_id).data
    assert (job["state"], job["next_run_at"], len(rig.queue())) == ("ended", None, 1)
    assert rig.jobs.update(job_id, job).data == job
    assert rig.jobs.update(job_id, {**job, "name": "renamed"}).data["state"] == "ended"
    for enabled in (False, True):
        assert rig.jobs.toggle(job_id, {"enabled": enabled}).data["enabled"] is enabled
    transfer = Definitions(
        rig.jobs, rig.job_store, RedisClock(rig.client), {"birthday": EchoConfig, "echo": EchoConfig}
    )
    assert transfer.apply({"version": 1, "jobs": list(transfer.export())}, prune=True)["changes"] == []
    with pytest.raises(ValidationFailed, match="still to come"):
        rig.jobs.update(job_id, {"schedule_config": {"at": "2020-01-01T00:00"}})
    assert rig.jobs.update(job_id, {"schedule_config": {"at": local(rig, 60)}}).data["state"] == "scheduled"


def test_an_ended_job_is_deleted_so_long_after_its_end(rig: Rig) -> None:
    """Once none of its runs is open; others stay, and so does one that has a date again."""
    going, staying, changed = (once(rig, options={"delete_after_seconds": 0}), once(rig), once(
        rig, options={"delete_after_seconds": 0}))  # fmt: skip
    for job_id in (going, staying, changed):
        let_come(rig, job_id)
    rig.jobs.update(changed, {"schedule_config": {"at": local(rig, 60)}})
    rig.pass_ms(2)
    assert rig.job_store.delete_ended(10) == []
    (run_id,) = (run["id"] for run in rig.history(going))
    rig.runs.finish(run_id, rig.start(run_id), Outcome("success"))
    assert rig.job_store.delete_ended(10) == []  # it is looked at again after a minute
    rig.client.zadd(rig.keys.ended_jobs, {going: 0, staying: 0, changed: 0})
    rig.client.hset(rig.keys.job(staying), "open", 1)
    assert rig.job_store.delete_ended(10) == [going]
    assert (rig.job_store.get(going), rig.jobs.count()[0]) == (None, 2)
    assert rig.client.exists(rig.keys.deleted_job(going)) == 1


def test_a_job_that_has_ended_already_is_deleted_when_its_options_come_to_say_so(rig: Rig) -> None:
    """From the change on."""
    job_id = once(rig)
    let_come(rig, job_id)
    rig.runs.finish(rig.queue()[0], rig.start(rig.queue()[0]), Outcome("success"))
    rig.jobs.update(job_id, {"options": {"delete_after_seconds": 0}})
    rig.pass_ms(2)
    assert rig.job_store.delete_ended(10) == [job_id]


NEWER: list[dict[str, Any]] = [
    {"schedule_type": "any", "schedule_config": UNION},
    {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0, "every": 2}},
    {"options": {"delete_after_seconds": 5}},
]


@pytest.mark.parametrize("fields", NEWER)
def test_while_an_older_scheduler_beats_a_newer_job_is_refused(rig: Rig, fields: dict[str, Any]) -> None:
    """It is named; what it knows can be made, and so can all once it is gone or a newer one has its name."""
    plain = rig.make_job()
    rig.client.zadd(rig.keys.schedulers, {"old-one": RedisClock(rig.client).now_ms()})
    for make in (lambda: rig.make_job(**fields), lambda: rig.jobs.update(plain, fields)):
        with pytest.raises(StoreUnavailable, match="old-one is of an older release"):
            make()
    assert rig.make_job()
    rig.client.zadd(rig.keys.schedulers, {"old-one": RedisClock(rig.client).now_ms() - 16_000})
    rig.scheduler().heartbeat()
    made = rig.make_job(**fields)
    rig.client.zadd(rig.keys.schedulers, {"old-one": RedisClock(rig.client).now_ms()})
    assert rig.jobs.update(made, {"name": "it was so before"}).data["name"] == "it was so before"


def test_heartbeats_forget_the_versions_of_schedulers_that_are_gone(rig: Rig) -> None:
    """One entry for each that beats."""
    first, second = rig.scheduler(), rig.scheduler()
    for one in (first, second):
        one.heartbeat()
    assert len(rig.client.hgetall(rig.keys.scheduler_versions)) == 2
    rig.client.zrem(rig.keys.schedulers, first.name)
    second.heartbeat()
    assert list(rig.client.hgetall(rig.keys.scheduler_versions)) == [second.name.encode()]
