"""Use case of explanations: why did a job run at a time, or not?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from service.domain.fates.account import Account
from service.domain.fates.epochs import Epoch, Stretch
from service.domain.fates.fate import Fate
from service.domain.fates.instants import walk
from service.domain.fates.losses import IN_WORDS
from service.domain.fates.moments import Moment, clock, parse_moment, written
from service.domain.fates.sentences import arrived_sentence, off_sentence, sentence_of
from service.domain.schedules.zones import zone as zone_of
from service.domain.timestamps import format_timestamp
from service.errors import ScheduleError
from service.usecases.fates.occurrences import Occurrences, Reading, shown


class Explanations:
    """Explanations of single moments.

    Args:
        occurrences: reads the accounts.
    """

    def __init__(self, occurrences: Occurrences) -> None:
        self._occurrences = occurrences

    def explain(self, job_id: str, at: str) -> dict[str, Any]:
        """Say why a job ran, did not run, or was not due at a moment.

        Args:
            job_id: the job's id.
            at: the moment: `2027-03-28T08:30`, in the job's zone unless it has an offset; `08:30` is today's. Without
                seconds it finds the occurrence of that minute.

        Returns:
            `{"at", "local", "fate", "sentence", "nearest"}`, with the fields of the occurrence, if there is one, and
            those of other times that somebody moved there, in `moved_here`.

        Raises:
            NotFound: there is no such job.
            Conflict: its stored definition cannot be read.
            ValidationFailed: `at` is no moment.
        """
        read = self._occurrences.read(job_id)
        now = read.books.now_ms // 1000
        moment = parse_moment(at, _zone(read.account.epochs[0]), now)
        return _Answer(read, moment).answer()


class _Answer:
    """The answer about one moment.

    Args:
        read: the account.
        moment: the moment, in the job's present zone.
    """

    def __init__(self, read: Reading, moment: Moment) -> None:
        self._read, self._moment = read, moment
        self._account: Account = read.account
        self._zone = _zone(read.account.epochs[0])

    def answer(self) -> dict[str, Any]:
        fates = self._fates()
        first, last = self._moment.spans[0][0], self._moment.spans[-1][1]
        if fates:
            first, last = fates[0].at, fates[-1].at
        elif self._moment.lands_at is not None:  # another time's occurrence may be right there
            last = first - 1
        before, after = self._account.before(first), self._account.after(last)
        nearest = [one.at for one in (before, after) if one is not None]
        beginning = self._beginning(bool(fates))
        if fates:
            told = " ".join(f"{self._when(one.at)}: {self._sentence(one)}" for one in fates)
        elif self._moment.lands_at is not None and not self._elsewhere():
            told = self._nearest(nearest, "occurrences")
        else:
            told = f"{self._when(self._moment.at)}: {self._none(nearest)}"
        told = " ".join([told, *(arrived_sentence(self._account, one, self._zone) for one in self._arrived)])
        facts = shown(fates[0]) if fates else {
            "at": format_timestamp(self._moment.at), "local": None, "fate": None, "revision": None,
        }  # fmt: skip
        return {
            **facts,
            **({"moved_here": [shown(one) for one in self._arrived]} if self._arrived else {}),
            "sentence": f"{beginning}{told}",
            "nearest": {
                "before": None if before is None else format_timestamp(before.at),
                "after": None if after is None else format_timestamp(after.at),
            },
            "complete_since": format_timestamp(self._read.loss.at),
        }

    def _fates(self) -> list[Fate]:
        found = [one for first, last in self._moment.spans for one in self._account.fates(first - 1, last)]
        if self._moment.lands_at is None:
            return found
        return found if self._stands_for_the_gap(found) else []

    def _stands_for_the_gap(self, found: list[Fate]) -> bool:
        """Tell whether the occurrence right after a gap is that of the skipped time, by a clock that never changes."""
        if not found:
            return False
        epoch = found[0].epoch
        schedule: Any = epoch.schedule
        try:
            unchanging = replace(epoch, schedule=replace(schedule, timezone="UTC"), calendar=None, since=0)
        except TypeError:
            return True
        wall = int(self._moment.wall.replace(tzinfo=UTC).timestamp())
        return any(True for _ in walk(Stretch(unchanging, wall - 1, None), wall - 1, wall + 59))

    def _beginning(self, is_there: bool) -> str:
        """Say what is odd about the local time."""
        time, day = clock(self._moment.wall), self._moment.wall.date()
        if self._moment.lands_at is not None:
            gone = f"{time} does not exist on {day} in {self._zone.key}"
            landed = written(self._moment.lands_at, self._zone).partition(" ")[2]
            comes = "came" if self._moment.lands_at * 1000 <= self._account.now_ms else "comes"
            return f"{gone}: its occurrence {comes} at {landed}. " if is_there else f"{gone}. "
        if self._moment.comes_twice:
            which = "both times count" if len(self._fates()) > 1 else "the first time counts"
            return f"{time} comes twice on {day} in {self._zone.key}" + (f"; {which}. " if is_there else ". ")
        return ""

    def _when(self, instant: int) -> str:
        return f"{written(instant, self._zone)} in {self._zone.key}"

    def _sentence(self, fate: Fate) -> str:
        told = sentence_of(self._account, fate, self._zone)
        return f"{told} {self._known()}" if fate.word == "unknown" else told

    def _known(self) -> str:
        loss = self._read.loss
        return f"All is known since {written(loss.at, self._zone)}: {IN_WORDS[loss.why]}."

    # no occurrence

    def _none(self, nearest: list[int]) -> str:
        if found := self._elsewhere():
            return found
        return "the schedule has no occurrence then." + ("" if self._arrived else f" {self._nearest(nearest, 'ones')}")

    @cached_property
    def _arrived(self) -> list[Fate]:
        """The occurrences of other times that somebody moved to this one."""
        if self._moment.lands_at is not None:
            return []
        edits = [*(entry.edit for entry in self._account.entries), *(one.edit for one in self._account.plans.values())]
        moved = {
            edit.instant for edit in edits if edit is not None and edit.moved_to is not None
            and any(first <= edit.moved_to <= last for first, last in self._moment.spans)
        }  # fmt: skip
        found = (next(self._account.fates(instant - 1, instant), None) for instant in sorted(moved))
        return [one for one in found if one is not None and one.is_moved]

    def _elsewhere(self) -> str:
        """Say why there is no occurrence, if that does not follow from the schedule alone."""
        at, created_ms = self._moment.at, self._read.books.record.created_at
        if at <= created_ms // 1000:
            return f"the job did not exist yet. It was created at {written(created_ms // 1000, self._zone)}."
        epoch, former = self._epoch_at(at)
        if epoch is None or not epoch.is_readable:
            return f"it is not known any more if the schedule had an occurrence. {self._known()}"
        if not epoch.enabled:
            return off_sentence(epoch, self._zone, created_ms, None if former is None else former.by)
        if self._moment.lands_at is None and any(self._would_name(later) for later in self._later(epoch)):
            nearest = [one.at for one in (self._account.before(at), self._account.after(at)) if one is not None]
            return (
                f"the schedule was another one then (revision {epoch.revision_at(at)}), and had no occurrence. "
                f"{self._nearest(nearest, 'ones')}"
            )
        return ""

    def _epoch_at(self, at: int) -> tuple[Epoch | None, Epoch | None]:
        """Find the epoch of an instant, and the one before it."""
        epochs = self._account.epochs
        for place, epoch in enumerate(epochs):
            if epoch.since < at:
                return epoch, epochs[place + 1] if place + 1 < len(epochs) else None
        return None, None

    def _later(self, epoch: Epoch) -> Iterator[Epoch]:
        for one in self._account.epochs:
            if one is epoch:
                return
            yield one

    def _would_name(self, epoch: Epoch) -> bool:
        """Tell whether an epoch would have named the moment, had it lasted then."""
        if not epoch.enabled or not epoch.is_readable:
            return False
        always = replace(epoch, since=0)
        return any(True for first, last in self._moment.spans for _ in walk(Stretch(always, 0, None), first - 1, last))

    def _nearest(self, nearest: list[int], noun: str) -> str:
        if not nearest:
            return "No occurrence is near."
        if len(nearest) == 1:
            return f"The nearest one is {written(nearest[0], self._zone)}."
        return f"The nearest {noun} are {' and '.join(written(one, self._zone) for one in nearest)}."


def _zone(epoch: Epoch) -> ZoneInfo:
    try:
        return zone_of("UTC" if epoch.schedule is None else epoch.schedule.timezone)
    except ScheduleError:
        return zone_of("UTC")
