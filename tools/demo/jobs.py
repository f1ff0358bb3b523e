"""The jobs of the demonstration: of several kinds, teams and states, each with the occurrences that are behind it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import Any

from service.bots.registry import configs, load_bots
from service.domain import schedules
from service.domain.job import JobDefinition
from service.domain.job_requests import parse_create
from service.domain.options import Options
from service.domain.planning import new_record, plan_after
from service.domain.records import JobRecord
from service.domain.schedules.definition import Schedule
from service.domain.timestamps import format_timestamp

TEAMS = ("crm", "billing", "growth", "support", "partners", "events", "alumni", "press")
REGIONS = ("vienna", "graz", "bregenz", "berlin", "hamburg", "zurich", "milan", "paris", "madrid", "london", "oslo")
STAGES = ("live", "live", "live", "trial")
ZONES = ("Europe/Vienna", "Europe/Berlin", "Europe/London", "UTC", "America/New_York", "Asia/Tokyo")
SUBJECTS = ("key accounts", "new customers", "former colleagues", "suppliers", "speakers", "donors", "members")
DAY, HOUR = 86_400, 3_600
MINUTES_AHEAD = 5
"""No job is due in the first minutes, so that what is written is not overtaken while it is written."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of jobs.

    Args:
        share: how many of a hundred jobs are of this kind.
        verb: begins their names.
        fields: makes the fields of a definition that differ from kind to kind.
        period: about how far apart their occurrences are, s.
        past: how many runs are behind each.
    """

    share: int
    verb: str
    fields: Any
    period: int
    past: int


def _at(random: Random) -> dict[str, int]:
    return {"hour": random.randrange(5, 22), "minute": random.choice((0, 15, 30, 45))}


def _zoned(random: Random, kind: str, **config: Any) -> dict[str, Any]:
    return {"schedule_type": kind, "schedule_config": {**config, "timezone": random.choice(ZONES)}}


KINDS = (
    Kind(4, "Birthdays of", lambda random: _zoned(random, "daily", **_at(random)), DAY, 40),
    Kind(52, "Profiles of", lambda random: _zoned(random, "daily", **_at(random)), DAY, 40),
    Kind(16, "Weekly look at", lambda random: _zoned(
        random, "weekly", **_at(random), day_of_week=random.choice(("mon", "tue,thu", "fri"))), 7 * DAY, 12),
    Kind(8, "Hourly look at", lambda random: _zoned(
        random, "cron", cron_expression=f"{random.randrange(0, 60, 5)} 8-18 * * 1-5"), 3 * HOUR, 110),
    Kind(6, "Frequent look at", lambda _: {
        "schedule_type": "interval", "schedule_config": {"hours": 2, "minutes": 0}}, 2 * HOUR, 100),
    Kind(8, "Monthly round of", lambda random: _zoned(random, "monthly", day=random.randrange(1, 29), **_at(random)),
         31 * DAY, 6),
    Kind(2, "Once for", lambda random: _zoned(random, "once"), DAY, 1),
    Kind(4, "Shelved:", lambda random: _zoned(random, "daily", **_at(random)), DAY, 0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PastJob:
    """A job and the occurrences that are behind it.

    Args:
        record: the job, with its plan of now.
        behind: its occurrences up to now, oldest first, epoch seconds.
    """

    record: JobRecord
    behind: Sequence[int]


def jobs(count: int, runs: int, now: int, random: Random) -> Iterator[PastJob]:
    """Make jobs.

    Args:
        count: how many.
        runs: how many occurrences are behind them in all.
        now: epoch seconds.
        random: draws what differs.
    """
    drawn = random.choices(KINDS, [kind.share for kind in KINDS], k=count)
    pasts = _pasts(drawn, runs)
    known = configs(load_bots())
    for number, (kind, past) in enumerate(zip(drawn, pasts, strict=True)):
        yield _job(number, kind, past, now, random, known)


def _pasts(kinds: Sequence[Kind], runs: int) -> list[int]:
    """Return how many runs are behind each job: as its kind says, scaled so that they are `runs` in all."""
    wanted = sum(kind.past for kind in kinds) or 1
    pasts = [min(1, kind.past) if kind.past <= 1 else max(1, kind.past * runs // wanted) for kind in kinds]
    frequent = [index for index, kind in enumerate(kinds) if kind.past > 1] or [0]
    missing, turn = runs - sum(pasts), 0
    while missing and turn < 10 * runs:
        index, turn = frequent[turn % len(frequent)], turn + 1
        step = 1 if missing > 0 else -1
        if pasts[index] + step > 0:
            pasts[index] += step
            missing -= step
    return pasts


def _job(number: int, kind: Kind, past: int, now: int, random: Random, known: Mapping[str, Any]) -> PastJob:
    team, region = random.choice(TEAMS), random.choice(REGIONS)
    told = f"For the team {team}. Made by make demo-large; it only rehearses." if random.random() < 0.5 else None
    is_birthday = kind.verb.startswith("Birthdays")
    fields = kind.fields(random)
    if fields["schedule_type"] == "once":
        fields["schedule_config"]["at"] = _local(now - random.randrange(DAY, 20 * DAY))
    definition = parse_create(
        {
            "name": f"{kind.verb} {random.choice(SUBJECTS)}, {region.title()} {number + 1}",
            "description": told,
            "bot_type": "birthday" if is_birthday else "visitor", "enabled": bool(past),
            "bot_config": {"dry_run": True, **({} if is_birthday else {"limit": random.choice((5, 10, 20))})},
            "labels": {"team": team, "region": region, "stage": random.choice(STAGES)}, **fields,
        },
        known,
    )  # fmt: skip
    return _with_past(_id(random), definition, kind, past, now, random)


def _with_past(job_id: str, definition: JobDefinition, kind: Kind, past: int, now: int, random: Random) -> PastJob:
    """Have a job begin so early that as many occurrences as it should are behind it."""
    schedule = definition.schedule
    if not past:
        return PastJob(new_record(job_id, definition, (now - random.randrange(DAY, 90 * DAY)) * 1000), ())
    if definition.schedule_type == "interval":
        first = now - past * kind.period + random.randrange(MINUTES_AHEAD * 60, kind.period)
        behind = [first + turn * kind.period for turn in range(past)]
        created = first - kind.period
    else:
        behind = list(_occurrences(schedule, now - _longest(kind, past), now)[-past:])
        created = behind[0] - random.randrange(60, 300)
    record = new_record(job_id, definition, created * 1000)
    plan = plan_after(job_id, definition, behind[-1], record.plan.anchor)
    return PastJob(replace(record, plan=replace(plan, after=created)), behind)


def _longest(kind: Kind, past: int) -> int:
    """Return how far back one has to look for so many occurrences, s; the same for many jobs, which share them then."""
    return int(-(-(past + 8) // 10) * 10 * kind.period * 1.6) + 14 * DAY


@lru_cache(4096)
def _occurrences(schedule: Schedule, since: int, now: int) -> Sequence[int]:
    found, after = list[int](), since
    while (at := schedules.next_occurrence(schedule, Options(), after, after)) is not None and at <= now:
        found.append(at)
        after = at
    return found


def _local(at: int) -> str:
    return format_timestamp(at - at % 300)


def _id(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
