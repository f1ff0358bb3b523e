"""Runs by hand for later: they exist at once, start at their time and once, and can be moved, started or cancelled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.domain.run_records import LATEST_DAYS, MOST_LATER, Outcome, Retry
from service.domain.timestamps import format_timestamp
from service.errors import Conflict, NotFound, ValidationFailed
from service.scheduler.reaper import FAR_RETRY_MS, Reaper
from service.store.scripts import Limits
from service.store.server.redis_clock import RedisClock
from tests.support.counts import check_counts, members
from tests.support.store_rig import Rig

RETRY = "0b7f7a1e-0000-4000-8000-000000000001"


def in_seconds(rig: Rig, seconds: int) -> str:
    """A timestamp from now on."""
    return format_timestamp(RedisClock(rig.client).now_ms() // 1000 + seconds)


def its_time_comes(rig: Rig, run_id: str) -> None:
    """Have a run's time come now, for the engine."""
    job_id = rig.client.hget(rig.keys.run(run_id), "job_id").decode()  # type: ignore[union-attr]
    for key in (rig.keys.later, rig.keys.job_later(job_id)):
        rig.client.zadd(key, {run_id: 1}, xx=True)


def reaped(rig: Rig) -> None:
    """One pass of the leading scheduler's reaper."""
    Reaper(rig.runs, rig.job_store, rig.keys, rig.client).pass_over(RedisClock(rig.client).now_ms())


def run_of(rig: Rig, job_id: str, run_id: str) -> dict[str, Any]:
    """A run, as the API shows it."""
    return rig.use.run(job_id, run_id).data


def entries(rig: Rig, action: str) -> list[dict[str, Any]]:
    """The audit log's entries of one kind."""
    found: Any = rig.client.xrange(rig.keys.audit)
    read = [json.loads(fields[b"entry"]) for _, fields in found]
    return [entry for entry in read if entry["action"] == action]


@pytest.mark.usefixtures("ada")
def test_a_run_for_later_exists_at_once_and_starts_at_its_time(rig: Rig) -> None:
    """Listed in both histories, with its time; in no queue before that, and once after it."""
    job_id = rig.make_job()
    at = in_seconds(rig, 3600)
    run_id = rig.use.run_now(job_id, {"at": at, "bot_config": {"dry_run": True}})
    shown = run_of(rig, job_id, run_id)
    assert (shown["status"], shown["trigger"], shown["not_before"]) == ("queued", "manual", at)
    assert shown["requested_by"] == {"actor": "k1", "name": "Ada's key"}
    assert [run["id"] for run in rig.history(job_id)] == [run_id]
    assert [run["id"] for run in rig.use.all_runs(limit=10, status="queued").data] == [run_id]
    assert entries(rig, "run.request")[0]["fields"]["not_before"] == [None, at]
    reaped(rig)
    check_counts(rig.client, rig.keys)
    assert rig.queue() == [] and rig.counts(job_id) == (1, 0)
    its_time_comes(rig, run_id)
    for _ in range(2):
        reaped(rig)
        rig.runs.release_delayed(run_id)
    check_counts(rig.client, rig.keys)
    assert rig.queue() == [run_id] and rig.counts(job_id) == (1, 1)
    assert not rig.client.exists(rig.keys.later, rig.keys.job_later(job_id))


def test_the_scheduler_sleeps_until_the_time_of_a_run(rig: Rig) -> None:
    """As until the next occurrence, and does not let it in before."""
    job_id = rig.make_job(enabled=False)
    run_id = rig.use.run_now(job_id, {"at": in_seconds(rig, 3)})
    left = rig.scheduler()._due.seconds_until_next(5.0)
    assert 0 < left <= 3
    rig.runs.release_delayed(run_id)
    assert rig.queue() == []
    rig.pass_ms(int(left * 1000) + 1)
    reaped(rig)
    assert rig.queue() == [run_id]


def test_a_time_far_ahead_is_not_taken_for_one_of_a_clock_that_was_ahead(rig: Rig) -> None:
    """The reaper brings retries forward that are due in more than an hour, not what a person has asked for."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id, {"at": in_seconds(rig, FAR_RETRY_MS // 1000 * 10)})
    before = rig.client.zscore(rig.keys.later, run_id)
    reaped(rig)
    assert rig.client.zscore(rig.keys.later, run_id) == before
    assert rig.queue() == []


@pytest.mark.parametrize("seconds", [-1, 0, LATEST_DAYS * 86_400 + 60])
def test_a_time_that_is_over_or_too_far_ahead_is_refused(rig: Rig, seconds: int) -> None:
    """And nothing is made."""
    job_id = rig.make_job()
    with pytest.raises(ValidationFailed, match=r"future|366 days"):
        rig.use.run_now(job_id, {"at": in_seconds(rig, seconds)})
    assert rig.history(job_id) == [] and rig.counts(job_id) == (0, 0)
    run_id = rig.use.run_now(job_id, {"at": in_seconds(rig, 60)})
    shown = run_of(rig, job_id, run_id)
    with pytest.raises(ValidationFailed, match=r"future|366 days"):
        rig.use.move(job_id, run_id, {"at": in_seconds(rig, seconds)})
    assert run_of(rig, job_id, run_id) == shown


def test_a_hundred_runs_of_a_job_may_await_their_time(rig: Rig) -> None:
    """One more is refused, until one of them is cancelled; other jobs have their own hundred."""
    job_id, other = rig.make_job(), rig.make_job()
    made = [rig.use.run_now(job_id, {"at": in_seconds(rig, 100)}) for _ in range(MOST_LATER)]
    with pytest.raises(Conflict, match="100 runs"):
        rig.use.run_now(job_id, {"at": in_seconds(rig, 100)})
    rig.use.run_now(other, {"at": in_seconds(rig, 100)})
    rig.use.cancel(job_id, made[0])
    rig.use.run_now(job_id, {"at": in_seconds(rig, 100)})
    check_counts(rig.client, rig.keys)


@pytest.mark.usefixtures("ada")
def test_a_run_can_be_moved_until_it_starts(rig: Rig) -> None:
    """Earlier or later; each move has one entry, and a repeated one none."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id, {"at": in_seconds(rig, 100)})
    to = in_seconds(rig, 5000)
    for _ in range(2):
        rig.use.move(job_id, run_id, {"at": to})
    assert run_of(rig, job_id, run_id)["not_before"] == to
    assert len(entries(rig, "run.move")) == 1
    its_time_comes(rig, run_id)
    reaped(rig)
    with pytest.raises(Conflict, match="queued"):
        rig.use.move(job_id, run_id, {"at": in_seconds(rig, 50)})
    with pytest.raises(NotFound):
        rig.use.move(rig.make_job(), run_id, {"at": in_seconds(rig, 50)})


@pytest.mark.usefixtures("ada")
def test_a_run_that_awaits_an_instant_can_be_started(rig: Rig) -> None:
    """A retry and one for later; what awaits nothing is left alone."""
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    later = rig.use.run_now(job_id, {"at": in_seconds(rig, 100)})
    first = rig.use.run_now(job_id)
    assert rig.runs.finish(first, rig.start(first), Outcome("failed", "no"), retry=Retry(RETRY, 2, 50_000))
    for run_id in (RETRY, later):
        rig.use.start(job_id, run_id)
        check_counts(rig.client, rig.keys)
    assert rig.queue() == [RETRY, later]
    assert run_of(rig, job_id, later)["not_before"] <= in_seconds(rig, 0)
    assert len(entries(rig, "run.start")) == 2
    for run_id in (RETRY, first):
        with pytest.raises(Conflict, match="awaits neither"):
            rig.use.start(job_id, run_id)
    assert len(entries(rig, "run.start")) == 2


def test_a_run_for_later_outlasts_that_its_job_is_switched_off(rig: Rig) -> None:
    """It was asked for by hand; deleting the job takes it away, cancelling ends it."""
    job_id = rig.make_job()
    run_id, cancelled = (rig.use.run_now(job_id, {"at": in_seconds(rig, 100)}) for _ in range(2))
    rig.use.cancel(job_id, cancelled)
    rig.jobs.toggle(job_id, {"enabled": False})
    assert run_of(rig, job_id, cancelled)["status"] == "cancelled"
    assert members(rig.client, rig.keys.job_later(job_id)) == [run_id]
    rig.jobs.delete(job_id)
    assert not rig.client.exists(rig.keys.later, rig.keys.job_later(job_id), rig.keys.run(run_id))
    rig.runs.release_delayed(run_id)
    assert rig.queue() == []


def test_a_run_that_was_asked_for_long_ago_is_not_trimmed_when_it_ends(rig: Rig) -> None:
    """It is the newest one of the history from its start on."""
    short = Rig.on(rig.client, Limits(history=3))
    job_id = short.make_job()
    run_id = short.use.run_now(job_id, {"at": in_seconds(rig, 100)})
    for _ in range(5):
        other = short.use.run_now(job_id)
        short.runs.finish(other, short.start(other), Outcome("success"))
    its_time_comes(short, run_id)
    reaped(short)
    short.runs.finish(run_id, short.start(run_id), Outcome("success"))
    assert short.history(job_id)[0]["id"] == run_id
    assert short.use.all_runs(limit=1).data[0]["id"] == run_id
    check_counts(rig.client, rig.keys)


def test_counting_anew_leaves_a_run_for_later_where_it_is(rig: Rig) -> None:
    """Raised counts are mended, and the run does not start early."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id, {"at": in_seconds(rig, 100)})
    rig.client.hset(rig.keys.job(job_id), mapping={"open": 5, "held": 4})
    assert rig.scripts.run("mend_counts", job_id) == 1
    assert rig.counts(job_id) == (1, 0) and rig.queue() == []
    assert members(rig.client, rig.keys.later) == [run_id]
