"""Losses: from which instant on everything about a job's occurrences is known, and why not before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.fates.entries import OPEN, Entry
from service.domain.fates.epochs import Epoch
from service.domain.records import JobRecord

Why = Literal["created", "history", "epochs", "data", "tzdata", "holidays", "upgrade", "unreadable"]
IN_WORDS: dict[Why, str] = {
    "created": "the job was created then",
    "history": "older entries of its history are not kept",
    "epochs": "what its schedule was before is not kept",
    "data": "the data in Redis went back then",
    "tzdata": "other rules of time zones came then",
    "holidays": "other rules of public holidays came then",
    "upgrade": "an earlier release did not keep what its schedule was before",
    "unreadable": "what its schedule was before cannot be worked out any more",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss. `at`: the first instant after it, epoch seconds. `why`: a word."""

    at: int
    why: Why


@dataclass(frozen=True, slots=True)
class Installation:
    """What an installation says about its rules; times in ms, None for never.

    Args:
        epochs_at: since when epochs are kept; 0: since it began.
        tzdata_at: when other rules of time zones came.
        holidays_at: when other rules of holidays came.
        lost_at: when the data last went back.
    """

    epochs_at: int
    tzdata_at: int | None = None
    holidays_at: int | None = None
    lost_at: int | None = None


def complete_since(
    record: JobRecord, epochs: Sequence[Epoch], entries: Sequence[Entry], now_ms: int, *,
    may_be_trimmed: bool, was_voided: bool, installation: Installation,
) -> Loss:  # fmt: skip
    """Find the latest of all losses.

    Args:
        record: the job.
        epochs: newest first.
        entries: of its history, newest first.
        now_ms: the time.
        may_be_trimmed: whether older entries may have gone.
        was_voided: whether a clock that was ahead has made decisions about it.
        installation: see there.
    """
    created_ms, oldest_epoch, after_now = record.created_at, epochs[-1].since, now_ms // 1000 + 1
    losses = [Loss(created_ms // 1000, "created")]
    if oldest_epoch != created_ms // 1000:
        losses.append(Loss(oldest_epoch + 1, "epochs"))
    if may_be_trimmed:
        oldest = _oldest(entries)
        losses.append(Loss(after_now if oldest is None else oldest, "history"))
    losses += _unreadable(epochs, after_now)
    losses += _of_installation(installation, created_ms, epochs)
    if created_ms < installation.epochs_at:
        # Until then the last change of the definition shows, but neither those of its calendar nor repairs do.
        plain = not was_voided and all(one.calendar is None and not one.lacks_calendar for one in epochs)
        shows = plain and record.updated_at < installation.epochs_at
        losses.append(Loss(-(-(record.updated_at if shows else installation.epochs_at) // 1000), "upgrade"))
    return max(losses, key=lambda loss: loss.at)


def _oldest(entries: Sequence[Entry]) -> int | None:
    """Find the first occurrence of the oldest decision that is kept. Open runs stay while newer ended ones go."""
    ended = [entry for entry in entries if entry.is_decision and entry.status not in OPEN]
    return ended[-1].first if ended else None


def _unreadable(epochs: Sequence[Epoch], after_now: int) -> Iterator[Loss]:
    for place, epoch in enumerate(epochs):
        if not epoch.is_readable:
            yield Loss(epochs[place - 1].since + 1 if place else after_now, "unreadable")


def _of_installation(installation: Installation, created_ms: int, epochs: Sequence[Epoch]) -> Iterator[Loss]:
    def since(ms: int | None, why: Why) -> Iterator[Loss]:
        if ms is not None and ms > created_ms:
            yield Loss(-(-ms // 1000), why)

    yield from since(installation.lost_at, "data")
    if any(epoch.follows_a_zone for epoch in epochs):
        yield from since(installation.tzdata_at, "tzdata")
    if any(isinstance(one.calendar, WorkCalendar) and one.calendar.definition.country for one in epochs):
        yield from since(installation.holidays_at, "holidays")
