"""Pings in odd circumstances: none that was answered is lost or counts twice, none is missing for ever or never."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from service.domain.heartbeats.pings import Word
from service.errors import Conflict
from service.scheduler.expectations import Expectations
from service.store.rq_records import make_scripts
from service.store.scripts import Limits
from service.store.server.redis_clock import RedisClock
from service.usecases.deleted_jobs import Deleted
from tests.store.pinging import CONFIGS, know_heartbeats, ping, shown, watched
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig
from tests.support.virtual_time import NOW_KEY, VirtualRedis, virtual_time

START = 1_800_000_000_000
HOUR, MINUTE = 3_600_000, 60_000
AT_ONE = {"schedule_type": "once", "schedule_config": {"at": "2027-01-15T08:01:00"}}
"""A minute after the start."""


@pytest.fixture
def rig(valkey_server: ValkeyServer) -> Iterator[Rig]:
    """An installation whose clock is the test's."""
    with VirtualRedis(port=valkey_server.port) as client, virtual_time(client):
        client.flushall()
        client.set(NOW_KEY, START)
        made = Rig.on(client)
        know_heartbeats(made)
        yield made


def go(rig: Rig, ms: int) -> None:
    """To an instant, counted from the start; the scheduler judges what there is."""
    rig.client.set(NOW_KEY, START + ms)
    jobs: Any = rig.client.zrange(rig.keys.expect_due, 0, -1)
    for job_id in jobs:
        rig.client.zadd(rig.keys.expect_due, {job_id: 0}, xx=True)
    Expectations(rig.scripts).step()


def told(rig: Rig) -> list[tuple[str, str | None]]:
    return [(one["kind"], one.get("expectation")) for one in rig.told()]


def facts(rig: Rig, job_id: str, *names: str) -> list[int | None]:
    return [None if one is None else int(one) for one in rig.client.hmget(rig.keys.expectation(job_id), *names)]


def test_a_sender_may_call_its_run_as_we_do(rig: Rig) -> None:
    """The answer to a start has an id, which looks like one for the end."""
    job_id = watched(rig)
    began = ping(rig, job_id, "start")
    ended = ping(rig, job_id, "success", began["run_id"])
    assert (ended["status"], facts(rig, job_id, "reported")) == ("success", [START])
    assert ping(rig, job_id, "success", began["run_id"]) == ended
    assert len(rig.history(job_id)) == 2


@pytest.mark.parametrize("word", ["success", "fail"])
@pytest.mark.parametrize("by", ["a person", "later runs"])
def test_the_end_of_a_run_that_others_have_closed_still_counts(rig: Rig, word: Word, by: str) -> None:
    job_id = watched(rig)
    first = ping(rig, job_id, "start", "a")["run_id"]
    if by == "a person":
        rig.use.cancel(job_id, first)
    else:
        for number in range(20):
            rig.client.incr(NOW_KEY)
            ping(rig, job_id, "start", str(number))
    closed = next(run for run in rig.history(job_id) if run["id"] == first)
    before, held = len(rig.history(job_id)), rig.counts(job_id)
    ended = ping(rig, job_id, word, "a", "x")
    assert ended["run_id"] != first and ended["status"] == ("success" if word == "success" else "failed")
    assert ping(rig, job_id, word, "a", "x") == ended
    with pytest.raises(Conflict):
        ping(rig, job_id, "start", "a")
    assert len(rig.history(job_id)) == before + 1 and rig.counts(job_id)[0] <= held[0]
    assert facts(rig, job_id, "reported") != [None]
    assert next(run for run in rig.history(job_id) if run["id"] == first) == closed, "what is over stays as it ended"


def test_a_clock_that_is_set_back_makes_two_starts_no_one(rig: Rig) -> None:
    job_id = watched(rig)
    first = ping(rig, job_id, "start")
    rig.client.set(NOW_KEY, START - HOUR)
    second = ping(rig, job_id, "start")
    assert second["run_id"] != first["run_id"]
    assert shown(rig, job_id) == [("running", None), ("failed", "never ended: the next run has begun")]


def test_a_minute_of_pings_does_not_last_when_the_clock_is_set_back(rig: Rig) -> None:
    job_id = watched(rig)
    rig.client.set(rig.keys.ping_count(job_id), 120, ex=3700)
    assert ping(rig, job_id)["status"] == "success"
    assert 0 < int(rig.client.ttl(rig.keys.ping_count(job_id))) <= 60


def test_a_run_that_the_history_has_no_room_for_is_answered_and_counts_once(rig: Rig) -> None:
    """It began before all that the history keeps."""
    rig.scripts = make_scripts(rig.client, rig.keys, Limits(history=1))
    know_heartbeats(rig)
    job_id = watched(rig)
    run_id = ping(rig, job_id, "start", "a")["run_id"]
    ping(rig, job_id)
    for _ in range(2):
        assert ping(rig, job_id, "fail", "a") == {"job_id": job_id, "run_id": run_id, "status": "failed"}
    assert rig.client.hget(rig.keys.job(job_id), "failures") == b"1"
    assert len(rig.history(job_id)) == 1 and rig.counts(job_id) == (0, 0)
    assert ping(rig, job_id, "log", "a", "late")["run_id"] == rig.history(job_id)[0]["id"]
    assert not rig.client.exists(rig.keys.run(run_id))


@pytest.mark.parametrize("word", ["start", "success", "fail", "log"])
def test_a_run_whose_record_was_taken_away_is_forgotten(rig: Rig, word: Word) -> None:
    job_id = watched(rig)
    ping(rig, job_id)
    lost = ping(rig, job_id, "start", "a")["run_id"]
    rig.client.delete(rig.keys.run(lost))
    assert ping(rig, job_id, word, "a", "text")["run_id"] != lost
    ping(rig, job_id, "start", "b")
    assert lost.encode() not in rig.client.hvals(rig.keys.pings(job_id))
    assert not rig.client.exists(rig.keys.run(lost))


def test_what_a_clock_ahead_has_noted_puts_off_no_missing_ping(rig: Rig) -> None:
    job_id = watched(rig, bot_config={"grace_seconds": 30})
    go(rig, 24 * HOUR)
    ping(rig, job_id)
    go(rig, 0)
    assert facts(rig, job_id, "reported", "since") == [START, START]
    rig.told()
    go(rig, MINUTE + 29_000)
    assert told(rig) == []
    go(rig, 2 * MINUTE + 30_000)
    assert told(rig) == [("breach", "ping")]


def test_a_job_that_was_switched_on_by_a_clock_ahead_is_late_in_time(rig: Rig) -> None:
    job_id = watched(rig, bot_config={"grace_seconds": 30})
    rig.client.hset(rig.keys.expectation(job_id), "since", START + 24 * HOUR)
    go(rig, 0)
    go(rig, 2 * MINUTE + 30_000)
    assert told(rig) == [("breach", "ping")]


def test_a_failure_after_the_grace_ends_the_silence_once(rig: Rig) -> None:
    job_id = watched(rig, bot_config={"grace_seconds": 30})
    go(rig, 90_000)
    assert told(rig) == [("breach", "ping")]
    for _ in range(2):
        ping(rig, job_id, "fail", "a", "x")
        go(rig, 91_000)
    assert told(rig) == [("failed", None), ("breach_over", "ping")]
    go(rig, 91_000 + 90_000)
    assert told(rig) == [("breach", "ping")]


def test_a_job_whose_schedule_has_ended_says_so_and_still_owes_its_last_ping(rig: Rig) -> None:
    job_id = watched(rig, bot_config={"grace_seconds": 30}, **AT_ONE)
    go(rig, 1_000)
    assert rig.jobs.get(job_id).data["state"] == "scheduled"
    go(rig, MINUTE)
    job = rig.jobs.get(job_id).data
    assert (job["state"], job["state_reason"], job["next_run_at"], job["health"]) == (
        "ended", "it never comes again", None, "ok",
    )  # fmt: skip
    assert [one["id"] for one in rig.jobs.list(limit=5, state="ended").data] == [job_id]
    go(rig, MINUTE + 30_000)
    assert told(rig) == [("breach", "ping")]
    ping(rig, job_id)
    go(rig, 2 * MINUTE)
    assert told(rig) == [("breach_over", "ping")]
    assert rig.jobs.get(job_id).data["state"] == "ended"
    go(rig, -HOUR)
    job = rig.jobs.get(job_id).data
    assert (job["state"], job["state_reason"]) == ("scheduled", None)


def test_an_ended_job_goes_on_with_another_schedule_and_stays_off_when_it_is_off(rig: Rig) -> None:
    job_id = watched(rig, **AT_ONE)
    go(rig, 2 * MINUTE)
    rig.jobs.toggle(job_id, {"enabled": False})
    go(rig, 3 * MINUTE)
    assert rig.jobs.get(job_id).data["state"] == "disabled"
    rig.jobs.update(job_id, {"enabled": True, "schedule_type": "interval", "schedule_config": {"minutes": 1}})
    assert rig.jobs.get(job_id).data["state"] == "scheduled"
    go(rig, 3 * MINUTE)
    assert rig.jobs.get(job_id).data["state"] == "scheduled"


def test_another_schedule_during_an_open_run_leaves_the_run_to_its_end(rig: Rig) -> None:
    job_id = watched(rig)
    run_id = ping(rig, job_id, "start", "a")["run_id"]
    rig.jobs.update(job_id, {"schedule_config": {"minutes": 5}})
    rig.jobs.toggle(job_id, {"enabled": False})
    assert ping(rig, job_id, "success", "a") == {"job_id": job_id, "run_id": run_id, "status": "success"}
    assert rig.counts(job_id) == (0, 0)
    go(rig, 24 * HOUR)
    assert told(rig) == []


def test_a_restored_job_takes_pings_as_a_new_one(rig: Rig) -> None:
    job_id = watched(rig)
    ping(rig, job_id, "start", "a")
    rig.jobs.delete(job_id)
    Deleted(rig.scripts, RedisClock(rig.client), CONFIGS).restore(job_id)
    assert rig.counts(job_id) == (0, 0)
    assert ping(rig, job_id, "success", "a")["status"] == "success"
    assert shown(rig, job_id) == [("success", None)]
