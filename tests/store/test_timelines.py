"""Upcoming occurrences for drawings, against what the engine decides and previews."""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.limits import Limits
from service.domain.access.scopes import ALL
from service.domain.timestamps import format_timestamp
from service.store.server.redis_clock import RedisClock
from service.usecases.foresight.timelines import Timelines
from tests.support.store_rig import Rig

DAY, HALF_HOUR = 86_400, 1_800
Json = dict[str, Any]
UNION: Json = {"schedules": [
    {"schedule_type": "interval", "schedule_config": {"minutes": 50}},
    {"schedule_type": "cron", "schedule_config": {"cron_expression": "7 * * * *"}},
]}  # fmt: skip


def shown(instants: list[int]) -> list[str]:
    return [format_timestamp(at) for at in instants]


def upcoming(rig: Rig, *ids: str, apart: int = 1) -> dict[str, list[int]]:
    found = Timelines(rig.scripts, rig.jobs.sorted).upcoming(ids, RedisClock(rig.client).now_ms() // 1000 + DAY, apart)
    return {job_id: [one.at for one in coming] for job_id, coming in found.items()}


def previewed(rig: Rig, job_id: str, count: int) -> list[str]:
    found: list[str] = rig.jobs.preview_job(job_id, from_=None, count=count)["occurrences"]
    return found


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("daily", {"hour": 8, "minute": 0}),
        ("daily", {"hour": 8, "minute": 0, "every": 1}),
        ("weekly", {"hour": 8, "minute": 0, "day_of_week": "mon,tue,wed,thu,fri,sat,sun"}),
        ("interval", {"minutes": 50}),
        ("cron", {"cron_expression": "*/40 * * * *", "timezone": "Europe/Vienna"}),
        ("rrule", {"rrule": "FREQ=MINUTELY;INTERVAL=25;COUNT=7"}),
        ("any", UNION),
    ],
)
def test_they_are_the_jobs_own(rig: Rig, kind: str, config: Json) -> None:
    """By its own anchor, also when it has been due before."""
    job_id = rig.make_job(schedule_type=kind, schedule_config=config)
    for decided in (False, True):
        if decided:
            rig.pretend_due(job_id, 1)
            rig.scheduler().enqueue_jobs()
        found = upcoming(rig, job_id)[job_id]
        assert found == sorted(set(found)) and found
        preview = previewed(rig, job_id, len(found))
        assert shown(found) == preview


def test_closed_ones_are_left_out_and_moved_ones_stand_where_they_land(rig: Rig) -> None:
    rig.calendars.create({"name": "office", "open_hours": {"from": "08:00", "to": "10:00"}})
    job_id = rig.make_job(
        schedule_type="cron", schedule_config={"cron_expression": "0 * * * *"}, options={"calendar": "office"}
    )
    found = upcoming(rig, job_id)[job_id]
    assert {at[11:13] for at in shown(found)} == {"08", "09"}


def test_changed_ones_come_where_they_will_be(rig: Rig) -> None:
    """A skipped one does not; a moved one is told with its own instant, also where it is the last that is left."""
    job_id = rig.make_job(schedule_type="cron", schedule_config={"cron_expression": "0 * * * *"})
    first, second, third = previewed(rig, job_id, 3)
    to = format_timestamp(upcoming(rig, job_id)[job_id][2] + 600)
    rig.edits.change(job_id, first, {"skip": True})
    rig.edits.change(job_id, second, {"move_to": f"{to}Z"})
    assert shown(upcoming(rig, job_id)[job_id][:2]) == [third, to] == previewed(rig, job_id, 2)
    until = RedisClock(rig.client).now_ms() // 1000 + DAY
    found = Timelines(rig.scripts, rig.jobs.sorted).upcoming([job_id], until, 1)[job_id]
    assert [format_timestamp(one.occurrence) for one in found if one.is_moved] == [second]


def test_a_job_of_every_second_costs_no_more_than_there_is_room_for(rig: Rig) -> None:
    job_id = rig.make_job(schedule_type="interval", schedule_config={"seconds": 1})
    found = upcoming(rig, job_id, apart=HALF_HOUR)[job_id]
    assert len(found) in (DAY // HALF_HOUR, DAY // HALF_HOUR + 1)
    assert len({at // HALF_HOUR for at in found}) == len(found)


def test_those_that_share_a_mark_are_counted_as_far_as_that_is_cheap(rig: Rig) -> None:
    """Every ten minutes: all; every second: none, and that is told."""
    often = rig.make_job(schedule_type="cron", schedule_config={"cron_expression": "*/10 * * * *"})
    always = rig.make_job(schedule_type="interval", schedule_config={"seconds": 1})
    until = RedisClock(rig.client).now_ms() // 1000 + DAY
    found = Timelines(rig.scripts, rig.jobs.sorted).upcoming([often, always], until, HALF_HOUR)
    first, *between, _ = found[often]
    assert all((one.number, one.last) == (3, one.at + 1200) for one in between)
    assert first.number in (1, 2, 3)
    assert all(one.number is None and one.last is None for one in found[always][1:])


def test_what_is_off_gone_damaged_or_not_the_callers_has_nothing(rig: Rig) -> None:
    """Nor has no job."""
    off, damaged, foreign = (rig.make_job(labels={"team": team}) for team in ("crm", "crm", "ops"))
    rig.jobs.toggle(off, {"enabled": False})
    rig.client.hset(rig.keys.job(damaged), "schedule_config", "{")
    assert upcoming(rig) == {}
    assert upcoming(rig, off, damaged, "gone", foreign).keys() == {foreign}
    person = act_for(Caller("k", "k", ALL, Limits(labels={"team": frozenset({"crm"})})))
    try:
        assert upcoming(rig, foreign) == {}
    finally:
        act_as_before(person)
