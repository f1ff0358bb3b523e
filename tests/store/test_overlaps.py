"""Overlaps in which a newer run takes the place of older ones: `latest` and `replace`."""

from __future__ import annotations

import pytest

from service.domain.options import parse_options
from service.domain.run_records import Outcome, Retry
from service.errors import StoreUnavailable, ValidationFailed
from service.store.server.redis_clock import RedisClock
from tests.support.counts import check_counts, members
from tests.support.store_rig import Rig

RETRY = "0b7f7a1e-0000-4000-8000-000000000001"
SUCCESS = Outcome("success", None, {})


def due(rig: Rig, job_id: str) -> str:
    """Lets another occurrence come due. Returns the newest run."""
    decided = int(rig.client.hget(rig.keys.job(job_id), "last_decided") or 0)
    rig.pretend_due(job_id, max(0, RedisClock(rig.client).now_ms() // 1000 - decided - 1))
    rig.scheduler().enqueue_jobs()
    check_counts(rig.client, rig.keys)
    return str(rig.history(job_id)[0]["id"])


def by_hand(rig: Rig, job_id: str) -> str:
    """The same by hand."""
    run_id = rig.use.run_now(job_id)
    check_counts(rig.client, rig.keys)
    return run_id


def told(rig: Rig, job_id: str, *run_ids: str) -> list[tuple[str, str | None]]:
    """The status of runs, and the reason of those that were skipped."""
    runs = [rig.use.run(job_id, run_id).data for run_id in run_ids]
    return [(run["status"], run["reason"]) for run in runs]


def make(rig: Rig, overlap: str) -> str:
    """A job whose past occurrences count back far enough."""
    job_id = rig.make_job(options={"overlap": overlap, "max_retries": 1}, schedule_config={"hours": 1})
    rig.client.hset(rig.keys.job(job_id), "last_decided", RedisClock(rig.client).now_ms() // 1000 - 1000)
    return job_id


@pytest.mark.parametrize("ask", [due, by_hand])
def test_with_latest_one_waits_the_newest(rig: Rig, ask: object) -> None:
    """The one under way goes on; those between are skipped as coalesced."""
    job_id = make(rig, "latest")
    first = due(rig, job_id)
    token = rig.start(first)
    second, third, fourth = (ask(rig, job_id) for _ in range(3))  # type: ignore[operator]
    assert members(rig.client, rig.keys.waiting(job_id)) == [fourth]
    assert told(rig, job_id, first, second, third, fourth) == [
        ("running", None), ("skipped", "coalesced"), ("skipped", "coalesced"), ("queued", None),
    ]  # fmt: skip
    assert rig.runs.renew(first, token, 1000) == "kept"
    assert rig.runs.finish(first, token, SUCCESS)
    assert rig.queue() == [fourth]
    check_counts(rig.client, rig.keys)


@pytest.mark.parametrize("ask", [due, by_hand])
def test_with_replace_the_running_one_is_cancelled_and_waited_for(rig: Rig, ask: object) -> None:
    """Never two at once: the new run has no slot before the old one has ended."""
    job_id = make(rig, "replace")
    first = due(rig, job_id)
    token = rig.start(first)
    second = ask(rig, job_id)  # type: ignore[operator]
    assert rig.queue() == [] and members(rig.client, rig.keys.waiting(job_id)) == [second]
    assert rig.runs.renew(first, token, 1000) == "cancel"
    third = ask(rig, job_id)  # type: ignore[operator]
    assert told(rig, job_id, first, second, third) == [("running", None), ("cancelled", None), ("queued", None)]
    assert rig.runs.finish(first, token, Outcome("failed", "stopped"), retry=Retry(RETRY, 2, 1))
    assert told(rig, job_id, first) == [("cancelled", None)]
    assert rig.use.run(job_id, first).data["error"] == "cancelled: a newer run replaces it"
    assert rig.queue() == [third] and rig.counts(job_id) == (1, 1)
    check_counts(rig.client, rig.keys)


def test_with_replace_a_run_that_has_not_started_ends_at_once(rig: Rig) -> None:
    """And the newer one has its slot."""
    job_id = make(rig, "replace")
    first = due(rig, job_id)
    second = due(rig, job_id)
    assert told(rig, job_id, first, second) == [("cancelled", None), ("queued", None)]
    assert rig.queue() == [second] and rig.counts(job_id) == (1, 1)


def test_a_retry_takes_nobodys_place(rig: Rig) -> None:
    """It is for an older occurrence: it waits, and with `latest` it is coalesced if a newer run waits."""
    for overlap, waits in (("replace", [RETRY]), ("latest", [])):
        rig.client.flushall()
        rig = Rig.on(rig.client)
        job_id = make(rig, overlap)
        first = due(rig, job_id)
        assert rig.runs.finish(first, rig.start(first), Outcome("failed", "no"), retry=Retry(RETRY, 2, 60_000))
        second = due(rig, job_id)
        token = rig.start(second)
        third = due(rig, job_id) if overlap == "latest" else ""
        rig.client.zadd(rig.keys.retries, {RETRY: 1})
        rig.runs.release_delayed(RETRY)
        check_counts(rig.client, rig.keys)
        assert rig.runs.renew(second, token, 1000) == "kept"
        assert members(rig.client, rig.keys.waiting(job_id)) == (waits or [third])
        assert told(rig, job_id, RETRY) == ([("queued", None)] if waits else [("skipped", "coalesced")])


def test_a_job_changed_to_latest_keeps_one_of_those_that_wait(rig: Rig) -> None:
    """When the next run comes."""
    job_id = make(rig, "queue")
    token = rig.start(due(rig, job_id))
    waiting = [due(rig, job_id) for _ in range(3)]
    rig.jobs.update(job_id, {"options": {"overlap": "latest"}})
    assert members(rig.client, rig.keys.waiting(job_id)) == waiting
    newest = due(rig, job_id)
    assert members(rig.client, rig.keys.waiting(job_id)) == [newest]
    assert token


def test_replace_runs_one_at_a_time() -> None:
    """Other limits are refused."""
    with pytest.raises(ValidationFailed, match="max_concurrent_runs of 1"):
        parse_options({"overlap": "replace", "max_concurrent_runs": 2})
    assert parse_options({"overlap": "latest", "max_concurrent_runs": 2}).overlap == "latest"


@pytest.mark.parametrize("overlap", ["latest", "replace"])
def test_no_older_scheduler_gets_such_a_job(rig: Rig, overlap: str) -> None:
    """It would call it broken; while one beats, the job is refused."""
    rig.scheduler().heartbeat()
    name = members(rig.client, rig.keys.schedulers)[0]
    rig.client.hset(rig.keys.scheduler_versions, name, 4)
    with pytest.raises(StoreUnavailable, match="older release"):
        rig.make_job(options={"overlap": overlap})
    rig.make_job(options={"overlap": "queue"})
