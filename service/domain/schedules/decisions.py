"""Decisions about one job's due occurrences: which run, which are skipped, and which comes next."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from service.domain.options import Options
from service.domain.schedules.closed.closed_days import next_open
from service.domain.schedules.definition import Interval, Schedule
from service.domain.schedules.occurrences import closing_of, next_occurrence
from service.domain.schedules.stepping import Without
from service.domain.schedules.workdays import Calendar

PLAN_LIMIT = 1000
"""Most occurrences that one plan runs, and that it decides where it has to look at each."""
CATCH_UP_LIMIT = 1000
"""The newest due occurrences that `catch_up: all` runs."""
ON_TIME_MS = 30_000
"""An occurrence later than this has been missed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about an occurrence, or about neighbours that are skipped for the same reason.

    `occurrence` and `last_occurrence`: the first and the last of them, epoch seconds. `occurrences`: how many.
    `reason`: of a skip, `misfire` (later than its grace), `coalesced` (a newer one runs for it) or `missed`
    (`catch_up` is `none`), `closed` (by the job's calendar). `waits`: the run waits its turn whatever `overlap` says.
    `closed`: the closed day's name.
    """

    action: Literal["run", "skip"]
    occurrence: int
    last_occurrence: int
    occurrences: int
    reason: str | None
    waits: bool
    closed: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Decisions in the order of their occurrences.

    `last_decided`: every occurrence at or before it, epoch seconds, is decided. `next`: the first that is not; it may
    be due already, when more were due than one plan holds; None: this was the last.
    """

    decisions: tuple[Decision, ...]
    last_decided: int
    next: int | None


def jitter_seconds(job_id: str, occurrence: int, options: Options) -> int:
    """Draw the delay of an occurrence, 0 to `options.jitter_seconds`, from its identity: the same for everyone."""
    if options.jitter_seconds == 0:
        return 0
    digest = hashlib.sha256(f"{job_id}:{occurrence}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % (options.jitter_seconds + 1)


def due_ms(job_id: str, occurrence: int, options: Options) -> int:
    """Return when an occurrence is due, its jitter included, epoch milliseconds."""
    return (occurrence + jitter_seconds(job_id, occurrence, options)) * 1000


def plan(
    job_id: str, schedule: Schedule, options: Options, first: int, anchor: int, now_ms: int,
    calendar: Calendar | None = None, edited: frozenset[int] = frozenset(),
) -> Plan:  # fmt: skip
    """Decide every occurrence that is due.

    Args:
        job_id: part of the jitter's seed.
        schedule: the job's.
        options: the job's.
        first: its first undecided occurrence, epoch seconds.
        anchor: its interval's anchor, epoch seconds.
        now_ms: the time, epoch milliseconds.
        calendar: the job's, if it has one.
        edited: occurrences that somebody has changed, epoch seconds: each has a decision of its own, and is passed over
            here. No other one is coalesced, or late, because of it.

    Returns:
        A plan of at most 1,000 runs; where more than 1,000 occurrences of a cron schedule are due, it holds the first
        of them and goes on from `next`. A long stretch of an interval's is decided without looking at each.
    """

    def due(occurrence: int) -> int:
        return due_ms(job_id, occurrence, options)

    def passing(last: int, upcoming: int | None) -> tuple[int, int | None]:
        while upcoming is not None and upcoming in edited and due(upcoming) <= now_ms:
            last, upcoming = upcoming, next_occurrence(schedule, options, upcoming, anchor, calendar)
        return last, upcoming

    if calendar is not None:
        return _plan_by_calendar(job_id, schedule, options, first, anchor, now_ms, calendar, edited)
    reached = _reached(schedule, options, first, anchor, now_ms // 1000, calendar, edited)
    total = bisect_right(reached, now_ms, key=due)
    if total == 0:
        ended = options.ends_at_s is not None and first >= options.ends_at_s
        return Plan((), *passing(first - 1, None if ended else first))
    held = total if isinstance(schedule, Interval) else min(total, PLAN_LIMIT)
    late = min(held, bisect_left(reached, now_ms - options.misfire_grace_seconds * 1000, key=due))
    on_time = now_ms - due(reached[total - 1]) <= ON_TIME_MS
    decisions = [*_skip(reached, 0, late, "misfire"), *_within_grace(reached, late, held, total, options, on_time)]
    last = reached[held - 1]
    return Plan(tuple(decisions), *passing(last, next_occurrence(schedule, options, last, anchor, calendar)))


def _reached(
    schedule: Schedule, options: Options, first: int, anchor: int, now: int, calendar: Calendar | None,
    edited: frozenset[int],
) -> Sequence[int]:  # fmt: skip
    """List the occurrences from `first` on that would be due by now without jitter.

    These are all of an interval's; of others, as many as show which of a plan's are among the newest.
    """
    ends = options.ends_at_s
    if isinstance(schedule, Interval):
        every = range(first, now + 1 if ends is None else min(now + 1, ends), schedule.seconds)
        return Without(every, edited) if edited else every
    wanted = PLAN_LIMIT + (CATCH_UP_LIMIT if options.catch_up == "all" else 1)
    found: list[int] = []
    upcoming: int | None = first
    while upcoming is not None and upcoming <= now and len(found) < wanted and (ends is None or upcoming < ends):
        if upcoming not in edited:
            found.append(upcoming)
        upcoming = next_occurrence(schedule, options, upcoming, anchor, calendar)
    return found


def _plan_by_calendar(
    job_id: str, schedule: Schedule, options: Options, first: int, anchor: int, now_ms: int, calendar: Calendar,
    edited: frozenset[int],
) -> Plan:  # fmt: skip
    """Decide as `plan` does, looking at each occurrence: those that the calendar closes are skipped, however late."""

    def due(occurrence: int) -> int:
        return due_ms(job_id, occurrence, options)

    reached: list[int] = []
    upcoming: int | None = first
    decided = first - 1
    while upcoming is not None and len(reached) < PLAN_LIMIT and due(upcoming) <= now_ms:
        if options.ends_at_s is not None and upcoming >= options.ends_at_s:
            upcoming = None
            break
        decided = upcoming
        if upcoming not in edited:
            reached.append(upcoming)
        upcoming = next_occurrence(schedule, options, upcoming, anchor, calendar)
    if not reached:
        return Plan((), decided, upcoming)
    reason = closing_of(schedule, options, calendar).reason
    closed = {occurrence: why for occurrence in reached if (why := reason(occurrence)) is not None}
    runs = [occurrence for occurrence in reached if occurrence not in closed]
    further, last = 0, decided
    wanted = CATCH_UP_LIMIT if options.catch_up == "all" else 1
    while runs and further < wanted and (found := next_open(schedule, options, last, anchor, calendar)) is not None:
        if due(found.at) > now_ms:
            break
        further, last = further + (found.at not in edited), found.at
    late = bisect_left(runs, now_ms - options.misfire_grace_seconds * 1000, key=due)
    on_time = bool(runs) and not further and now_ms - due(runs[-1]) <= ON_TIME_MS
    decisions = [
        *_skip(runs, 0, late, "misfire"),
        *_within_grace(runs, late, len(runs), len(runs) + further, options, on_time),
    ]
    return Plan(tuple(_merged(reached, decisions, closed)), decided, upcoming)


def _merged(reached: Sequence[int], decisions: Sequence[Decision], closed: dict[int, str]) -> Iterator[Decision]:
    """Put decisions about closed occurrences among the others, so that no skip spans one of another reason."""
    of_open = (decision for decision in decisions for _ in range(decision.occurrences))

    def verdict(occurrence: int) -> Decision:
        if occurrence in closed:
            return Decision("skip", occurrence, occurrence, 1, "closed", False, closed[occurrence])
        return next(of_open)

    verdicts = [(occurrence, verdict(occurrence)) for occurrence in reached]

    def alike(pair: tuple[int, Decision]) -> tuple[object, ...]:
        decision = pair[1]
        return (decision.action, decision.reason, decision.closed, pair[0] if decision.action == "run" else None)

    for _, group in groupby(verdicts, key=alike):
        its = list(group)
        first, like = its[0]
        if like.action == "run":
            yield like
        else:
            yield Decision("skip", first, its[-1][0], len(its), like.reason, False, like.closed)


def _within_grace(
    reached: Sequence[int], start: int, held: int, total: int, options: Options, on_time: bool
) -> Iterator[Decision]:
    """Decide `reached[start:held]`, none of which is too late, knowing that `reached[:total]` are due."""
    if start == held:
        return
    if options.catch_up == "all":
        newest = min(held, max(start, total - CATCH_UP_LIMIT))
        yield from _skip(reached, start, newest, "coalesced")
        alone = total == 1 and on_time
        yield from (_run(occurrence, waits=not alone) for occurrence in reached[newest:held])
        return
    reason = "coalesced" if options.catch_up == "latest" else "missed"
    runs = held == total and (options.catch_up == "latest" or on_time)
    yield from _skip(reached, start, held - 1 if runs else held, reason)
    if runs:
        yield _run(reached[held - 1], waits=False)


def _run(occurrence: int, *, waits: bool) -> Decision:
    return Decision("run", occurrence, occurrence, 1, None, waits)


def _skip(reached: Sequence[int], start: int, stop: int, reason: str) -> Iterator[Decision]:
    if start < stop:
        yield Decision("skip", reached[start], reached[stop - 1], stop - start, reason, False)
