"""The report of clock changes over Redis: which jobs stand in it, for whom, and how the overview counts them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.limits import Limits
from service.domain.access.scopes import ALL
from service.domain.foresight.clock_changes import Meeting
from service.domain.timestamps import parse_timestamp
from service.store.jobs.coming import ComingJob
from service.usecases.foresight import clock_changes
from service.usecases.foresight.clock_changes import ClockChanges, Soon
from service.usecases.lists.sorted_jobs import SortedJobs
from tests.support.store_rig import Rig

NOW_MS = parse_timestamp("2027-03-25T00:00:00", "") * 1000
"""Three days before the clocks of Europe go forward."""
AT_NIGHT = {"hour": 2, "minute": 30, "timezone": "Europe/Vienna"}


class Clock:
    """A clock that stands still."""

    def now_ms(self) -> int:
        return NOW_MS


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    return Rig.on(redis_client)


@pytest.fixture
def use(rig: Rig) -> ClockChanges:
    return ClockChanges(rig.scripts, SortedJobs(rig.scripts, ()), Clock())


@pytest.fixture
def limited() -> Iterator[Caller]:
    """Acts for a caller who sees the jobs of one team."""
    who = Caller("key-1", "CRM", ALL, Limits({"team": frozenset({"crm"})}))
    token = act_for(who)
    yield who
    act_as_before(token)


def nightly(rig: Rig, **fields: Any) -> str:
    """Creates a job that is due at a time that is skipped."""
    return rig.make_job(**{"schedule_type": "daily", "schedule_config": AT_NIGHT, **fields})


def names(report: dict[str, Any]) -> list[str]:
    return [one["job_name"] for one in report["changes"]]


def test_enabled_jobs_that_meet_a_change_stand_in_it(rig: Rig, use: ClockChanges) -> None:
    """Soonest first; others do not: disabled, ended, damaged, in another zone, at another time, at an interval."""
    first = nightly(rig, name="b")
    nightly(rig, name="a", options={"jitter_seconds": 5})
    nightly(rig, name="off", enabled=False)
    nightly(rig, name="elsewhere", schedule_config={**AT_NIGHT, "timezone": "UTC"})
    nightly(rig, name="by day", schedule_config={**AT_NIGHT, "hour": 8})
    rig.make_job(name="each minute")
    rig.client.hset(rig.keys.job(nightly(rig, name="damaged")), "schedule_config", "?")
    rig.client.hset(rig.keys.job(nightly(rig, name="broken")), "state", "broken")
    report = use.report(45)
    assert names(report) == ["a", "b"]
    assert (report["until"], report["count"]) == ("2027-05-09T00:00:00", 2)
    assert report["changes"][1]["job_id"] == first
    assert report["changes"][1]["sentence"] == ("02:30 does not exist on 2027-03-28 in Europe/Vienna: runs at 03:00")
    assert names(use.report(3)) == []
    assert names(use.report(4)) == ["a", "b"]


def test_a_caller_with_limits_sees_its_own(rig: Rig, use: ClockChanges, limited: Caller) -> None:
    """In the list and in the count."""
    nightly(rig, name="ours", labels={"team": "crm"})
    assert names(use.report(45)) == ["ours"]
    token = act_for(Caller("root", "root", ALL))
    nightly(rig, name="theirs", labels={"team": "sales"})
    nightly(rig, name="nobody's")
    assert (use.report(45)["count"], use.soon(NOW_MS).jobs) == (3, 3)
    act_as_before(token)
    assert (names(use.report(45)), use.soon(NOW_MS).jobs) == (["ours"], 1)


def test_the_list_is_cut_and_the_count_is_whole(rig: Rig, use: ClockChanges, monkeypatch: pytest.MonkeyPatch) -> None:
    """The soonest are listed."""
    monkeypatch.setattr(clock_changes, "LISTED", 2)
    for name in "cab":
        nightly(rig, name=name)
    report = use.report(366)
    assert (names(report), report["count"]) == (["a", "b"], 6)


def test_jobs_alike_are_looked_at_once(rig: Rig, use: ClockChanges, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of jobs with one schedule cost one look."""
    looked_at = []
    met = clock_changes._met

    def noted(job: ComingJob, now: int, until: int) -> list[Meeting]:
        looked_at.append(job.id)
        return met(job, now, until)

    monkeypatch.setattr(clock_changes, "_met", noted)
    for _ in range(20):
        nightly(rig)
    assert use.report(45)["count"] == 20
    assert len(looked_at) == 1


def test_the_overviews_count_is_kept_for_a_while(rig: Rig, use: ClockChanges) -> None:
    """It is asked for every few seconds; a new job counts a little later."""
    assert use.soon(NOW_MS) == Soon(0, None)
    nightly(rig)
    assert use.soon(NOW_MS + clock_changes.KEPT_MS - 1) == Soon(0, None)
    assert use.soon(NOW_MS + clock_changes.KEPT_MS) == Soon(1, "2027-03-28T01:00:00")
    assert use.soon(NOW_MS) == Soon(1, "2027-03-28T01:00:00"), "a clock that was set back keeps nothing"
