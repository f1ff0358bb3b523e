"""Planning epochs: all that a job's instants followed from, and for how long.

A job's plan changes with its schedule, its start or end, its calendar, when it is switched on or off, and when a clock
that was ahead is repaired. Each change ends an epoch. What was due and not yet decided then is decided by neither side:
the new plan begins later. Such instants were *dropped*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from service.domain.options import Options
from service.domain.schedules.definition import Interval, Schedule
from service.domain.schedules.workdays import Calendar


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch of a job.

    Args:
        since: its instants come strictly after this, epoch seconds.
        revision: of the job's definition.
        enabled: whether the job was on; off, it names no instant.
        anchor: what an interval counts from, epoch seconds.
        schedule: the job's; None if it cannot be read (any more).
        options: the job's.
        calendar: the job's, as it was; None without one.
        lacks_calendar: whether it had one that is not kept any more.
        decided: up to which instant it was decided when it ended, epoch seconds; None: nothing was.
        until_ms: when it ended; None: it lasts.
        by: who ended it, `{"actor", "name"}`; None if that is not known.
        cause: a word for an end that no person made: `calendar`, `clock`, `failures`.
        relabelled: the revisions before that had the same schedule, and up to when, ms; the oldest first.
    """

    since: int
    revision: int
    enabled: bool
    anchor: int
    schedule: Schedule | None
    options: Options
    calendar: Calendar | None = None
    lacks_calendar: bool = False
    decided: int | None = None
    until_ms: int | None = None
    by: Mapping[str, str] | None = None
    cause: str | None = None
    relabelled: tuple[tuple[int, int], ...] = ()

    def revision_at(self, instant: int) -> int:
        """Return the job's revision at an instant of the epoch: changes that no instant follows from begin no epoch."""
        return next((number for number, until_ms in self.relabelled if instant * 1000 < until_ms), self.revision)

    @property
    def is_readable(self) -> bool:
        """Whether its instants can be worked out."""
        return not self.enabled or (self.schedule is not None and not self.lacks_calendar)

    @property
    def follows_a_zone(self) -> bool:
        """Whether its instants follow from the rules of a zone whose clocks may change."""
        schedule = self.schedule
        if schedule is None or (isinstance(schedule, Interval) and self.calendar is None):
            return False
        members = getattr(schedule, "members", ())
        return any(one.timezone != "UTC" for one in (schedule, *(member.schedule for member in members)))


def first_revisions(epochs: Sequence[Epoch]) -> list[int]:
    """Return the first revision of each epoch, as far as the epoch before tells it; the newest epoch first."""
    return [*(one.revision + (one.cause is None) for one in epochs[1:]), 1]


def with_relabelled(epochs: Sequence[Epoch], made_at: Mapping[int, int]) -> list[Epoch]:
    """Tell each epoch which revisions it had.

    Args:
        epochs: newest first.
        made_at: revision -> when it was made, ms; as far as that is known.
    """
    return [
        replace(epoch, relabelled=tuple(
            (number, made_at[number + 1]) for number in range(first, epoch.revision) if number + 1 in made_at
        ))
        for epoch, first in zip(epochs, first_revisions(epochs), strict=True)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time in which one epoch names the instants.

    Args:
        epoch: that epoch.
        after: the stretch's instants come strictly after this, epoch seconds.
        until: the last second of it; None: it has no end.
        dropped: whether its instants were due and never decided, because the job was changed first.
    """

    epoch: Epoch
    after: int
    until: int | None
    dropped: bool = False


def stretches(epochs: Sequence[Epoch]) -> list[Stretch]:
    """Divide time among epochs, so that each instant belongs to one at most.

    Where epochs overlap, because the clock was set back in between, the later one counts.

    Args:
        epochs: newest first; the first one lasts.

    Returns:
        In order of time.
    """
    return sorted(_from_newest(epochs), key=lambda stretch: stretch.after)


def _from_newest(epochs: Sequence[Epoch]) -> Iterator[Stretch]:
    bound: int | None = None
    for epoch in epochs:
        if bound is None:
            yield Stretch(epoch, epoch.since, None)
            bound = epoch.since
            continue
        decided = min(bound, max(epoch.since, epoch.decided or 0))
        if epoch.since < decided:
            yield Stretch(epoch, epoch.since, decided)
        if decided < bound and epoch.since < bound:
            yield Stretch(epoch, max(epoch.since, decided), bound, dropped=True)
        bound = min(bound, epoch.since)
