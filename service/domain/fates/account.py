"""Accounts: what the schedule named compared with what the history records, instant by instant."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from service.domain.fates.entries import Entry
from service.domain.fates.epochs import Epoch, Stretch, stretches
from service.domain.fates.fate import LOST, Fate, FateWord, Plan
from service.domain.fates.instants import walk
from service.domain.pauses.pause import Pause, first_covering
from service.domain.schedules import due_ms
from service.domain.schedules.closed.closed_days import next_coming

GRACE_MS = 15_000
"""How long after its due instant an occurrence may await its decision before it counts as unaccounted: another
scheduler takes over within that."""


@dataclass(frozen=True)
class Account:
    """The account of one job.

    Args:
        job_id: part of the jitter's seed.
        epochs: newest first; the first one lasts.
        entries: of the history, those about occurrences.
        now_ms: when both were read.
        last_decided: the newest decided occurrence, epoch seconds; None before the first.
        complete_since: from which instant on everything is known, epoch seconds.
        plans: what people have decided about single instants, and the scheduler has not yet.
        pauses: those in force that are for the job, first the one that decides.
    """

    job_id: str
    epochs: Sequence[Epoch]
    entries: Sequence[Entry]
    now_ms: int
    last_decided: int | None
    complete_since: int
    plans: Mapping[int, Plan] = field(default_factory=dict)
    pauses: Sequence[Pause] = ()

    @cached_property
    def stretches(self) -> list[Stretch]:
        """Which epoch names the instants of which time, in order; without what cannot be worked out any more."""
        return [one for one in stretches(self.epochs) if one.epoch.is_readable]

    # what the history records

    @cached_property
    def singles(self) -> Mapping[int, list[Entry]]:
        """The decisions about one instant each, those that stand first."""
        found = defaultdict[int, list[Entry]](list)
        for entry in self.entries:
            if entry.is_decision and not entry.is_folded:
                found[entry.first].append(entry)
        for of_one in found.values():
            of_one.sort(key=lambda entry: entry.is_void)
        return found

    @cached_property
    def folds(self) -> list[Entry]:
        """The decisions about several instants each, in order; those that are void last."""
        folds = [entry for entry in self.entries if entry.is_decision and entry.is_folded]
        return sorted(folds, key=lambda entry: (entry.is_void, entry.first))

    @cached_property
    def _standing(self) -> list[Entry]:
        return [entry for entry in self.folds if not entry.is_void]

    def _fold_of(self, instant: int) -> Entry | None:
        """Find the entry that stands for an instant among others; folds that stand overlap only by outside hands."""
        place = bisect_right(self._standing, instant, key=lambda entry: entry.first)
        for entry in [*self._standing[max(0, place - 1) : place], *self.folds[len(self._standing) :]]:
            if entry.first <= instant <= entry.last:
                return entry
        return None

    @cached_property
    def others(self) -> Mapping[int, Entry]:
        """Runs that made up for an instant later, and were not asked for by hand; the newest of each."""
        made_up = [entry for entry in self.entries if entry.trigger == "backfill" and entry.counts]
        return {entry.first: entry for entry in reversed(made_up)}

    @cached_property
    def repairs(self) -> Mapping[int, Entry]:
        """The newest run of each instant that was made for it later, by hand or by a backfill; retries included."""
        made = [entry for entry in self.entries if entry.is_repair and entry.counts]
        return {entry.first: entry for entry in reversed(made)}

    @cached_property
    def _backfilled(self) -> Mapping[int, Entry]:
        """The same, of backfills alone."""
        made = [entry for entry in self.entries if entry.is_repair and entry.again_of is None and entry.counts]
        return {entry.first: entry for entry in reversed(made)}

    @cached_property
    def carried_out(self) -> frozenset[int]:
        """The instants for which something ran, or still will, whoever asked for it."""
        return frozenset(entry.first for entry in self.entries if entry.counts)

    @cached_property
    def retries(self) -> Mapping[int, Entry]:
        """The last retry of each instant's first run."""
        found: dict[int, Entry] = {}
        for entry in self.entries:
            if (
                entry.trigger == "retry" and not entry.is_repair
                and entry.attempt >= (found[entry.first].attempt if entry.first in found else 0)
            ):  # fmt: skip
                found[entry.first] = entry
        return found

    def entry_of(self, instant: int) -> Entry | None:
        """Find the entry about an instant."""
        single = next(iter(self.singles.get(instant, ())), None)
        if (single is not None and not single.is_void) or instant in self.plans:
            return single
        fold = self._fold_of(instant)
        if fold is not None and not fold.is_void:
            return fold
        return self.others.get(instant) or single or fold

    # both sides

    def fates(self, after: int, until: int) -> Iterator[Fate]:
        """Yield the fates of the instants strictly after `after` and up to `until`, epoch seconds, in order."""
        for stretch in self.stretches:
            for instant in walk(stretch, after, until):
                yield self._fate(stretch, instant)

    def before(self, instant: int, reach: Sequence[int] = (3600, 86_400, 8 * 86_400, 400 * 86_400)) -> Fate | None:
        """Find the last instant strictly before another one, within the longest reach, seconds."""
        for seconds in reach:
            start = instant - 1 - seconds
            for stretch in reversed(self.stretches):
                found = None
                for found in walk(stretch, start, instant - 1):  # noqa: B007
                    pass
                if found is not None:
                    return self._fate(stretch, found)
        return None

    def after(self, instant: int, reach: int = 3660 * 86_400) -> Fate | None:
        """Find the first instant strictly after another one, within a reach, seconds."""
        return next(self.fates(instant, instant + reach), None)

    def is_awaited(self, epoch: Epoch, instant: int) -> bool:
        """Tell whether an instant may still await its decision: it is due in the future, or was a moment ago."""
        return due_ms(self.job_id, instant, epoch.options) + GRACE_MS > self.now_ms

    def _fate(self, stretch: Stretch, instant: int) -> Fate:
        epoch, entry = stretch.epoch, self.entry_of(instant)
        if entry is not None:
            return self._recorded(instant, epoch, entry)
        plan = self.plans.get(instant)
        if plan is not None and not (stretch.dropped and plan.fate in LOST):
            reason = None if plan.edit is not None and plan.fate not in ("skipped", "paused") else plan.reason
            return Fate(instant, plan.fate, epoch, None, None, reason, plan.closed, None, plan.moved_to, plan.by,
                        plan.edit, plan.pause)  # fmt: skip
        if stretch.dropped:
            return Fate(instant, "dropped", epoch, reason=epoch.cause or "changed", by=epoch.by)
        if self.is_awaited(epoch, instant):
            return self._to_come(instant, epoch)
        if instant < self.complete_since:
            return Fate(instant, "unknown", epoch)
        return Fate(instant, "overdue" if instant > (self.last_decided or 0) else "unaccounted", epoch)

    def _recorded(self, instant: int, epoch: Epoch, entry: Entry) -> Fate:
        if entry.is_held and entry.pause is not None and entry.held_by != entry.pause.get("id"):
            holds = next((one for one in self.pauses if one.id == entry.held_by), None)
            entry = entry if holds is None else replace(entry, pause=holds.told())
        repair, backfilled = self.repairs.get(instant), self._backfilled.get(instant)
        by_hand = repair if repair is not None and repair.again_of is not None else None
        if entry.is_repair:  # of a backfill, where nothing was decided
            last = backfilled if backfilled is not None and backfilled.trigger == "retry" else None
            return replace(_recorded(instant, epoch, entry, last), again=by_hand)
        if entry.counts:
            return replace(_recorded(instant, epoch, entry, self.retries.get(instant)), again=repair)
        last = self.retries.get(instant) if backfilled is None else None
        return replace(_recorded(instant, epoch, entry, last), made_up=backfilled, again=by_hand)

    def _to_come(self, instant: int, epoch: Epoch) -> Fate:
        assert epoch.schedule is not None
        found = next_coming(epoch.schedule, epoch.options, instant - 1, epoch.anchor, epoch.calendar)
        moved_from = found.moved_from if found is not None and found.at == instant else None
        if found is not None and found.at == instant and found.closed is not None:
            return Fate(instant, "closed", epoch, closed=found.closed, moved_from=moved_from)
        pause = first_covering(self.pauses, due_ms(self.job_id, instant, epoch.options))
        if pause is None:
            return Fate(instant, "coming", epoch, moved_from=moved_from)
        return Fate(
            instant, "paused", epoch, reason="paused", moved_from=moved_from, by=pause.by, pause=pause.told()
        )  # fmt: skip


def _recorded(instant: int, epoch: Epoch, entry: Entry, last: Entry | None) -> Fate:
    word: FateWord = "ran" if entry.ran else "skipped"
    if entry.is_held or (entry.pause is not None and not entry.ran):
        word = "paused"
    elif entry.reason == "closed":
        word = "closed"
    elif entry.ran and entry.moved_to is not None:
        word = "moved"
    by: Any = entry.by
    if word == "paused":
        by = None if entry.pause is None else entry.pause.get("by")
    elif entry.edit is not None and (entry.reason == "edited" or word == "moved"):
        by = entry.edit.by
    return Fate(instant, word, epoch, entry, last, entry.reason, entry.closed, None, entry.moved_to,
                by if isinstance(by, dict) else None, entry.edit, entry.pause)  # fmt: skip
