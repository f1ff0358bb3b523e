"""Explanations: a week with a change of clocks, a holiday, an outage, a change of the schedule, a job switched off,
pauses, and occurrences that somebody moved, skipped or set.

The sentences were written before the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import ALL
from service.domain.run_records import Outcome
from service.errors import ValidationFailed
from service.scheduler.pauses import PauseEnds
from service.store.jobs.epochs import note_planning
from service.usecases.fates.explaining import Explanations
from service.usecases.fates.occurrences import Occurrences
from service.usecases.pauses import Pauses
from tests.support.store_rig import Rig
from tests.support.virtual_time import MONOTONIC_KEY, NOW_KEY, VirtualRedis, virtual_time

VIENNA = "Europe/Vienna"


def utc(text: str) -> float:
    """Epoch seconds of `MM-DD HH:MM` of 2027, UTC."""
    return datetime.strptime(f"2027-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()


class Week:
    """Monday 22 to Monday 29 March 2027, with workers whose runs succeed at once."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.at("03-22 06:15")
        self.rig = Rig.on(client)
        note_planning(self.rig.scripts)
        self.scheduler = self.rig.scheduler()
        self.ends = PauseEnds(self.rig.scripts)

    def at(self, text: str) -> None:
        """Sets the clock, with no scheduler up."""
        self.now = utc(text)
        self.client.mset({NOW_KEY: int(self.now * 1000), MONOTONIC_KEY: int(self.now * 1000)})

    def live(self, text: str) -> None:
        """Lets time pass with a scheduler and workers."""
        end = utc(text)
        while self.now < end:
            self.now = min(end, self.now - self.now % 600 + 600)
            self.client.mset({NOW_KEY: int(self.now * 1000), MONOTONIC_KEY: int(self.now * 1000)})
            self.ends.step()
            self.scheduler.enqueue_jobs()
            for run_id in self.rig.queue():
                self.rig.runs.finish(run_id, self.rig.start(run_id), Outcome("success", None, {}))

    def pass_by(self) -> str:
        """The week. Returns the job."""
        works = {"name": "works", "ranges": [{"from": "2027-03-26", "to": "2027-03-26", "why": "Good Friday"}]}
        self.rig.calendars.create(works)
        job_id = self.rig.make_job(**schedule("30 2,8,20 * * *"), options={"calendar": "works"})
        self.change(job_id, "2027-03-23T08:30", move_to="2027-03-23T14:00", reason="the figures come later")
        self.live("03-23 20:00")
        self.at("03-25 06:00")  # an outage of a day and a half, until 07:00 in Vienna
        self.live("03-25 11:00")
        self.rig.jobs.update(job_id, schedule("30 2,9,20 * * *"))
        self.live("03-27 09:00")
        self.rig.jobs.toggle(job_id, {"enabled": False})
        self.live("03-27 17:00")
        self.rig.jobs.toggle(job_id, {"enabled": True})
        self.change(job_id, "2027-03-28T20:30", move_to="2027-03-28T07:00")
        self.pause(job_id, "03-28 06:00", "03-28 10:00", "the database moves", "skip")
        self.live("03-28 19:30")
        self.at("03-29 01:00")  # one is due, and nobody is up to decide it
        self.rig.jobs.update(job_id, schedule("30 2,10,20 * * *"))
        self.change(job_id, "2027-03-30T02:30", move_to="2027-03-30T06:00", reason="a quiet night")
        self.change(job_id, "2027-03-30T20:30", skip=True, reason="an audit")
        self.change(job_id, "2027-03-31T02:30", bot_config={"dry_run": True})
        self.pause(job_id, "03-29 08:00", "03-29 09:30", "the database moves back", "latest")
        self.live("03-29 10:00")
        self.pause(job_id, "03-29 10:00", "03-30 09:00", "stocktaking", "all")
        (lost,) = [run["id"] for run in self.rig.history(job_id) if run["scheduled_for"] == "2027-03-25T19:30:00"]
        self.client.delete(self.rig.keys.run(lost))
        return job_id

    def change(self, job_id: str, local: str, **wish: Any) -> None:
        """Changes one occurrence, by its time in Vienna."""
        instant = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(VIENNA)).astimezone(UTC)
        self.rig.edits.change(job_id, f"{instant:%Y-%m-%dT%H:%M:%S}", wish)

    def pause(self, job_id: str, since: str, until: str, reason: str, on_resume: str) -> None:
        """Pauses the job, as soon as it is `since`."""
        if utc(since) > self.now:
            self.live(since)
        ends = datetime.fromtimestamp(utc(until), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        body = {"scope": {"job_id": job_id}, "until": ends, "reason": reason, "on_resume": on_resume}
        Pauses(self.rig.scripts, ("echo",)).create(body)


def schedule(cron: str) -> dict[str, Any]:
    return {"schedule_type": "cron", "schedule_config": {"cron_expression": cron, "timezone": VIENNA}}


@pytest.fixture
def week(redis_client: Redis) -> Iterator[Week]:
    client = VirtualRedis(connection_pool=redis_client.connection_pool)
    token = act_for(Caller("k1", "Ada's key", ALL))
    client.mset({NOW_KEY: 0, MONOTONIC_KEY: 0})
    with virtual_time(client):
        yield Week(client)
    act_as_before(token)


SENTENCES = {
    "2027-03-21T08:30": "2027-03-21 08:30 in Europe/Vienna: the job did not exist yet. "
    "It was created at 2027-03-22 07:15.",
    "2027-03-22T08:30": "2027-03-22 08:30 in Europe/Vienna: it ran on time and succeeded.",
    "2027-03-22T08:30:00+01:00": "2027-03-22 08:30 in Europe/Vienna: it ran on time and succeeded.",
    "2027-03-22T07:30:00Z": "2027-03-22 08:30 in Europe/Vienna: it ran on time and succeeded.",
    "2027-03-22T12:00": "2027-03-22 12:00 in Europe/Vienna: the schedule has no occurrence then. "
    "The nearest ones are 2027-03-22 08:30 and 2027-03-22 20:30.",
    "2027-03-23T08:30": "2027-03-23 08:30 in Europe/Vienna: it was moved to 2027-03-23 14:00 by Ada's key (the figures "
    "come later). There, it ran on time and succeeded.",
    "2027-03-23T14:00": "2027-03-23 14:00 in Europe/Vienna: the schedule has no occurrence then. The one of 2027-03-23 "
    "08:30 was moved there by Ada's key (the figures come later): it ran on time and succeeded.",
    "2027-03-23T09:30": "2027-03-23 09:30 in Europe/Vienna: the schedule was another one then (revision 1), and had no "
    "occurrence. The nearest ones are 2027-03-23 08:30 and 2027-03-23 20:30.",
    "2027-03-24T02:30": "2027-03-24 02:30 in Europe/Vienna: it did not run. It was found later than "
    "misfire_grace_seconds allows (1 day).",
    "2027-03-24T20:30": "2027-03-24 20:30 in Europe/Vienna: it did not run. It was missed, and the occurrence of "
    "2027-03-25 02:30 ran for it, because catch_up is latest.",
    "2027-03-25T02:30": "2027-03-25 02:30 in Europe/Vienna: it ran 4 hours and 40 minutes late and succeeded. It was "
    "decided 4 hours and 40 minutes late: no scheduler was up, or Redis was away.",
    "2027-03-25T08:30": "2027-03-25 08:30 in Europe/Vienna: it ran on time and succeeded.",
    "2027-03-25T09:30": "2027-03-25 09:30 in Europe/Vienna: the schedule was another one then (revision 1), and had no "
    "occurrence. The nearest ones are 2027-03-25 08:30 and 2027-03-25 20:30.",
    "2027-03-25T20:30": "2027-03-25 20:30 in Europe/Vienna: it was decided, and its entry is gone: somebody else has "
    "written to Redis.",
    "2027-03-26T09:30": "2027-03-26 09:30 in Europe/Vienna: it did not run. The calendar works closes it: Good Friday.",
    "2027-03-26T08:30": "2027-03-26 08:30 in Europe/Vienna: the schedule has no occurrence then. "
    "The nearest ones are 2027-03-26 02:30 and 2027-03-26 09:30.",
    "2027-03-27T12:00": "2027-03-27 12:00 in Europe/Vienna: the job was disabled from 2027-03-27 10:00 to 2027-03-27 "
    "18:00, by Ada's key.",
    "2027-03-27T20:30": "2027-03-27 20:30 in Europe/Vienna: it ran on time and succeeded.",
    "2027-03-28T02:30": "02:30 does not exist on 2027-03-28 in Europe/Vienna: its occurrence came at 03:00. "
    "2027-03-28 03:00 in Europe/Vienna: it ran on time and succeeded.",
    "2027-03-28T03:00": "2027-03-28 03:00 in Europe/Vienna: it ran on time and succeeded.",
    "2027-03-28T02:15": "02:15 does not exist on 2027-03-28 in Europe/Vienna. "
    "The nearest occurrences are 2027-03-27 20:30 and 2027-03-28 03:00.",
    "2027-03-29T02:30": "2027-03-29 02:30 in Europe/Vienna: it did not run. It was due while no scheduler was up, and "
    "the job was changed before one came back, at 2027-03-29 03:00, by Ada's key.",
    "2027-03-28T07:00": "2027-03-28 07:00 in Europe/Vienna: the schedule has no occurrence then. The one of 2027-03-28 "
    "20:30 was moved there by Ada's key: it ran on time and succeeded.",
    "2027-03-28T09:30": "2027-03-28 09:30 in Europe/Vienna: it did not run. A pause by Ada's key covered it (the "
    "database moves).",
    "2027-03-28T20:30": "2027-03-28 20:30 in Europe/Vienna: it was moved to 2027-03-28 07:00 by Ada's key. There, it "
    "ran on time and succeeded.",
    "2027-03-29T10:30": "2027-03-29 10:30 in Europe/Vienna: it ran 1 hour late and succeeded. A pause by Ada's key "
    "held it (the database moves back).",
    "2027-03-29T20:30": "2027-03-29 20:30 in Europe/Vienna: its run will be held by a pause by Ada's key until "
    "2027-03-30 11:00 (stocktaking).",
    "20:30": "2027-03-29 20:30 in Europe/Vienna: its run will be held by a pause by Ada's key until 2027-03-30 "
    "11:00 (stocktaking).",
    "2027-03-30T02:30": "2027-03-30 02:30 in Europe/Vienna: it was moved to 2027-03-30 06:00 by Ada's key (a quiet "
    "night). There, its run will be held by a pause by Ada's key until 2027-03-30 11:00 (stocktaking).",
    "2027-03-30T06:00": "2027-03-30 06:00 in Europe/Vienna: the schedule has no occurrence then. The one of 2027-03-30 "
    "02:30 was moved there by Ada's key (a quiet night): its run will be held by a pause by Ada's key until 2027-03-30 "
    "11:00 (stocktaking).",
    "2027-03-30T10:30": "2027-03-30 10:30 in Europe/Vienna: its run will be held by a pause by Ada's key until "
    "2027-03-30 11:00 (stocktaking).",
    "2027-03-30T20:30": "2027-03-30 20:30 in Europe/Vienna: it will not run. It is skipped by Ada's key (an audit).",
    "2027-03-31T02:30": "2027-03-31 02:30 in Europe/Vienna: it is to come, in 1 day, 14 hours and 30 minutes. Settings "
    "of its own by Ada's key.",
    "2027-03-31T10:30": "2027-03-31 10:30 in Europe/Vienna: it is to come, in 1 day, 22 hours and 30 minutes.",
    "2027-10-31T02:30": "02:30 comes twice on 2027-10-31 in Europe/Vienna; the first time counts. "
    "2027-10-31 02:30 (+02:00) in Europe/Vienna: it is to come, in 215 days, 14 hours and 30 minutes.",
    "2027-10-31T02:30+01:00": "2027-10-31 02:30 (+01:00) in Europe/Vienna: the schedule has no occurrence then. "
    "The nearest ones are 2027-10-31 02:30 (+02:00) and 2027-10-31 10:30.",
}


def test_each_instant_of_the_week_has_its_sentence(week: Week) -> None:
    """In plain English, with the right times and names."""
    job_id = week.pass_by()
    explain = Explanations(Occurrences(week.rig.scripts)).explain
    assert {at: explain(job_id, at)["sentence"] for at in SENTENCES} == SENTENCES


def test_a_rehearsal_is_not_told_as_a_run(week: Week) -> None:
    """It ends as a success, though nothing was sent."""
    job_id = week.pass_by()
    week.live("03-31 05:00")
    said = Explanations(Occurrences(week.rig.scripts)).explain(job_id, "2027-03-31T02:30")["sentence"]
    assert "it was rehearsed on time and succeeded. Nothing was sent or written. Settings of its own by" in said


def test_an_explanation_has_its_facts_beside(week: Week) -> None:
    """The fate, the run and the nearest occurrences, for programs."""
    job_id = week.pass_by()
    explain = Explanations(Occurrences(week.rig.scripts)).explain
    found = explain(job_id, "2027-03-22T08:30")
    run = next(run for run in week.rig.history(job_id) if run["scheduled_for"] == "2027-03-22T07:30:00")
    assert (found["fate"], found["run_id"], found["status"]) == ("ran", run["id"], "success")
    assert found["nearest"] == {"before": None, "after": "2027-03-22T19:30:00"}
    none = explain(job_id, "2027-03-27T12:00")
    assert (none["fate"], none["at"]) == (None, "2027-03-27T11:00:00")
    assert none["nearest"] == {"before": "2027-03-27T08:30:00", "after": "2027-03-27T19:30:00"}


@pytest.mark.parametrize("at", ["", "soon", "2027-02-30T08:00", "25:00", "2027-03-22", "2027-03-22T08:30+25:00"])
def test_a_time_that_is_none_is_refused(week: Week, at: str) -> None:
    """With the forms that there are."""
    job_id = week.rig.make_job()
    with pytest.raises(ValidationFailed, match="08:30"):
        Explanations(Occurrences(week.rig.scripts)).explain(job_id, at)


def reasons(week: Week, options: dict[str, Any], at: str) -> str:
    """Why an occurrence at 08:00 did not run, with an outage from 07:50 to `at`."""
    job_id = week.rig.make_job(schedule_type="daily", schedule_config={"hour": 8, "minute": 0}, options=options)
    week.live("03-22 07:50")
    week.at(at)
    week.live(at[:-1] + "9")
    return str(Explanations(Occurrences(week.rig.scripts)).explain(job_id, "2027-03-22T08:00")["sentence"])


def test_a_skip_is_told_by_its_option(week: Week) -> None:
    assert reasons(week, {"misfire_grace_seconds": 3600}, "03-22 11:00") == (
        "2027-03-22 08:00 in UTC: it did not run. It was found later than misfire_grace_seconds allows (1 hour)."
    )


def test_what_is_missed_without_catching_up_is_told(week: Week) -> None:
    assert reasons(week, {"catch_up": "none"}, "03-22 11:00") == (
        "2027-03-22 08:00 in UTC: it did not run. It was missed, and the job does not catch up (catch_up: none)."
    )


def test_an_overlap_is_told(week: Week) -> None:
    """The limit and the option."""
    job_id = week.rig.make_job(schedule_type="daily", schedule_config={"hour": 8, "minute": 0})
    week.rig.start(week.rig.use.run_now(job_id), 10**9)
    week.live("03-22 09:00")
    assert Explanations(Occurrences(week.rig.scripts)).explain(job_id, "08:00")["sentence"] == (
        "2027-03-22 08:00 in UTC: it did not run. 1 run of the job was queued or under way, as many as "
        "max_concurrent_runs allows, and overlap is skip."
    )


@pytest.mark.parametrize("catch_up", ["latest", "none", "all"])
def test_a_run_that_a_newer_one_replaced_while_it_waited_is_told(week: Week, catch_up: str) -> None:
    """It was not missed. One that was, with the same options, is told as before."""
    options = {"overlap": "latest", "catch_up": catch_up}
    job_id = week.rig.make_job(schedule_type="cron", schedule_config={"cron_expression": "0 * * * *"}, options=options)
    explain = Explanations(Occurrences(week.rig.scripts)).explain
    week.rig.start(week.rig.use.run_now(job_id), 10**9)
    week.live("03-22 10:00")
    assert explain(job_id, "08:00")["sentence"] == (
        "2027-03-22 08:00 in UTC: it did not run. Its run was waiting for its turn when a newer one came due, and "
        "overlap is latest."
    )
    week.at("03-22 13:00")
    week.live("03-22 13:10")
    told = str(explain(job_id, "11:00")["sentence"])
    assert ("It was missed" in told) == (catch_up != "all")


def test_what_waited_is_told_apart_from_what_was_decided_late(week: Week) -> None:
    """A run that found no worker for ten minutes."""
    job_id = week.rig.make_job(schedule_type="daily", schedule_config={"hour": 8, "minute": 0})
    week.live("03-22 07:50")
    week.at("03-22 08:00")
    week.scheduler.enqueue_jobs()
    week.at("03-22 08:10")
    (run_id,) = week.rig.queue()
    explain = Explanations(Occurrences(week.rig.scripts)).explain
    assert explain(job_id, "08:00")["sentence"] == "2027-03-22 08:00 in UTC: its run is queued, for 10 minutes now."
    week.rig.runs.finish(run_id, week.rig.start(run_id), Outcome("failed", "no"))
    assert explain(job_id, "08:00")["sentence"] == (
        "2027-03-22 08:00 in UTC: it ran 10 minutes late and failed. It waited 10 minutes for a worker or for its turn."
    )


def test_what_is_not_known_any_more_is_told(week: Week) -> None:
    """Why, and since when all is known."""
    job_id = week.pass_by()
    week.client.hset(week.rig.keys.data, "lost_at", int(utc("03-28 00:00") * 1000))
    week.client.delete(*(week.rig.keys.run(run["id"]) for run in week.rig.history(job_id)))
    assert Explanations(Occurrences(week.rig.scripts)).explain(job_id, "2027-03-23T08:30")["sentence"] == (
        "2027-03-23 08:30 in Europe/Vienna: it is not known any more what became of it. All is known since "
        "2027-03-28 01:00: the data in Redis went back then."
    )
