"""Instants that a job's epochs name, by the one engine of schedules. The history is not asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from service.domain.fates.epochs import Epoch, Stretch
from service.domain.schedules import next_occurrence
from service.domain.schedules.closed.closed_days import next_coming, next_open
from service.domain.schedules.definition import Interval

MOST_WALKED = 100_000
"""Most instants of one account that are found one by one; those of an interval are counted without that."""


class TooMany(Exception):
    """A span names more instants than one account can look at."""


def named(stretch: Stretch, after: int, until: int, most: int = MOST_WALKED) -> Sequence[int]:
    """List the instants of a stretch within a span.

    Args:
        stretch: the stretch.
        after: they come strictly after this, epoch seconds.
        until: and not after this.
        most: how many may be found one by one.

    Returns:
        In order; of a plain interval a range, however long.

    Raises:
        TooMany: there are more than `most`.
    """
    after, until = _within(stretch, after, until)
    if not stretch.epoch.enabled or after >= until:
        return ()
    if _is_regular(stretch.epoch):
        return _regular(stretch.epoch, after, until)
    found: list[int] = []
    for instant in _walk(stretch.epoch, after, until):
        if len(found) == most:
            raise TooMany
        found.append(instant)
    return found


def walk(stretch: Stretch, after: int, until: int) -> Iterator[int]:
    """Yield the same one by one, however many there are."""
    after, until = _within(stretch, after, until)
    if not stretch.epoch.enabled or after >= until:
        return iter(())
    return iter(_regular(stretch.epoch, after, until)) if _is_regular(stretch.epoch) else _walk(
        stretch.epoch, after, until
    )  # fmt: skip


def walk_open(stretch: Stretch, after: int, until: int) -> Iterator[int]:
    """Yield those of them that the calendar does not close, whether or not the job was on."""
    epoch = stretch.epoch
    assert epoch.schedule is not None
    after, until = _within(stretch, after, until)
    while after < until:
        found = next_open(epoch.schedule, epoch.options, after, epoch.anchor, epoch.calendar, until)
        if found is None or found.at > until:
            return
        yield found.at
        after = found.at


def is_open(epoch: Epoch, instant: int) -> bool:
    """Tell whether an epoch's calendar leaves open an instant that the epoch names."""
    if epoch.schedule is None or epoch.calendar is None:
        return True
    found = next_coming(epoch.schedule, epoch.options, instant - 1, epoch.anchor, epoch.calendar)
    return found is None or found.at != instant or found.closed is None


def _within(stretch: Stretch, after: int, until: int) -> tuple[int, int]:
    return max(after, stretch.after), until if stretch.until is None else min(until, stretch.until)


def _is_regular(epoch: Epoch) -> bool:
    moves = epoch.calendar is not None and epoch.options.on_closed != "skip"
    return isinstance(epoch.schedule, Interval) and not moves


def _regular(epoch: Epoch, after: int, until: int) -> range:
    schedule, ends = epoch.schedule, epoch.options.ends_at_s
    assert isinstance(schedule, Interval)
    first = next_occurrence(schedule, epoch.options, after, epoch.anchor, epoch.calendar)
    if first is None or first > until:
        return range(0)
    return range(first, until + 1 if ends is None else min(until + 1, ends), schedule.seconds)


def _walk(epoch: Epoch, after: int, until: int) -> Iterator[int]:
    assert epoch.schedule is not None
    found = next_occurrence(epoch.schedule, epoch.options, after, epoch.anchor, epoch.calendar)
    while found is not None and found <= until:
        yield found
        found = next_occurrence(epoch.schedule, epoch.options, found, epoch.anchor, epoch.calendar)
