"""The ping that a heartbeat job owes next, and whether it is missing. Pure.

A ping is due at the first open occurrence after the job's last report, and missing once the grace is over. If this
service was away before that, the grace begins again when it is back, since it may have missed the ping. What was not
missing by earlier rules (another calendar, say) is settled, and later rules do not make it missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.domain.expectations.paused_time import Stretch, deadline, is_paused
from service.domain.notices import length
from service.domain.timestamps import format_ms

EARLY_MS = 5_000
"""A report this long before an occurrence is that occurrence's: clocks of two machines differ."""
MOST_WALKED = 1_000
"""Occurrences within pauses that are passed over."""
PAUSED_LOOKS_MS = (4_000, 60_000)
AWAY_LOOKS_MS = 10_000
"""How often a job is looked at while nobody takes its pings."""


@dataclass(frozen=True, slots=True)
class Away:
    """A time in which nobody could take pings, ms.

    Args:
        began: when it began.
        ended: when it ended; None if it lasts.
    """

    began: int
    ended: int | None


@dataclass(frozen=True, slots=True)
class Awaited:
    """What follows from a heartbeat job's definition and its reports. All times are ms, unless they say otherwise.

    Args:
        grace: how long after an occurrence a ping is missing.
        begins: since when the schedule is as it is, or the job switched on.
        reported: when a ping has ended a run last; None if none has.
        settled: up to when occurrences are known to owe nothing any more; None if that is not known.
        follows_reports: whether the schedule counts from the last report (an interval).
        following: returns the first open occurrence strictly after an instant, epoch seconds, if it counts from
            another; None without one.
        is_on: whether the job is enabled. Once it has ended, it still owes the pings that were due before.
        has_ended: whether its schedule has no occurrence any more, be it open or closed.
        away: the last outage of this service, if there was one.
    """

    grace: int
    begins: int
    reported: int | None
    settled: int | None
    follows_reports: bool
    following: Callable[[int, int], int | None]
    is_on: bool = True
    has_ended: bool = False
    away: Away | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """What a job owes.

    Args:
        missing: the sentence about a ping that is missing; None if none is.
        look_at: when to look again, at the latest.
        settled: see `Awaited`.
        next_at: the next occurrence from now on; None without one.
        is_paused: whether nothing can be said, since the job is paused, or nobody takes its pings.
    """

    missing: str | None
    look_at: int | None
    settled: int | None
    next_at: int | None
    is_paused: bool = False


def owed(awaited: Awaited, paused: Sequence[Stretch], now: int) -> Owed:
    """Work out which ping a job owes, and whether it is missing.

    Args:
        awaited: the job's schedule and reports.
        paused: when it was paused, in order and apart: then it owes none, and its grace stands still.
        now: the time.
    """
    base = max(awaited.begins, awaited.reported or 0)
    after = base
    if awaited.reported is not None and base == awaited.reported and not awaited.follows_reports:
        after += EARLY_MS
    after = max(after, awaited.settled or 0)
    coming = _not_paused(awaited, after, base, paused)
    next_at = _not_paused(awaited, max(after, now), base, paused)
    if is_paused(paused, now):
        return Owed(None, _look_while_paused(awaited, coming, paused, now), awaited.settled, next_at, is_paused=True)
    until = None if coming is None else deadline(coming, awaited.grace, paused)
    if coming is None or until is None:
        return Owed(None, None, awaited.settled, next_at)
    on_time, away = until, awaited.away
    if away is not None and away.began < until:
        if away.ended is None and now >= until:
            return Owed(None, now + AWAY_LOOKS_MS, awaited.settled, next_at, is_paused=True)
        if away.ended is not None and away.ended > coming:
            until = max(until, deadline(away.ended, awaited.grace, paused) or until)
    if now >= until:
        return Owed(_sentence(awaited, coming), next_at, awaited.settled, next_at)
    looks = [at for at in (until, next_at) if at is not None]
    settled = _settled(awaited, paused, now) if until == on_time else awaited.settled
    return Owed(None, min(looks), settled, next_at)


def _not_paused(awaited: Awaited, after: int, base: int, paused: Sequence[Stretch]) -> int | None:
    """Find the first open occurrence after an instant at which the job is not paused, ms."""
    at = after // 1000
    for _ in range(MOST_WALKED):
        found = awaited.following(at, -(-base // 1000))
        if found is None:
            return None
        covering = [end for since, end in paused if since <= found * 1000 and (end is None or found * 1000 < end)]
        if not covering:
            return found * 1000
        if covering[0] is None:
            return None
        at = max(found, (covering[0] - 1) // 1000)
    return None


def _settled(awaited: Awaited, paused: Sequence[Stretch], now: int) -> int | None:
    """Return up to when occurrences owe nothing: those whose grace is over, if no pause has stretched it."""
    known = now - awaited.grace
    if deadline(known, awaited.grace, paused) != now:
        return awaited.settled
    return max(awaited.settled or 0, known)


def _look_while_paused(awaited: Awaited, coming: int | None, paused: Sequence[Stretch], now: int) -> int:
    """Return when to look again, so that nothing is told late after the pause, whose end may come any time."""
    least, most = PAUSED_LOOKS_MS
    left = min(most, awaited.grace)
    if coming is not None and coming <= now:
        over = [(since, now if end is None else end) for since, end in paused]
        until = deadline(coming, awaited.grace, over)
        left = left if until is None else min(left, until - now)
    return now + max(least, left)


def _sentence(awaited: Awaited, due: int) -> str:
    last = "none has come yet"
    if awaited.reported is not None:
        last = f"the last one came at {format_ms(awaited.reported)} UTC"
    return f"no ping for {format_ms(due)} UTC came within the grace of {length(awaited.grace)}; {last}"
