"""Counts of an account: how many instants the schedule named in a span, and how many the history knows nothing of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.fates.account import GRACE_MS, Account
from service.domain.fates.epochs import Stretch
from service.domain.fates.fate import LOST
from service.domain.fates.instants import MOST_WALKED, named


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of one span, up to now and as far back as everything is known.

    Args:
        named: instants that the schedule named.
        unaccounted: those of them without an entry.
        doubled: entries beyond the first of an instant.
        strays: occurrences of entries that no epoch names.
    """

    named: int
    unaccounted: int
    doubled: int
    strays: int


def totals(account: Account, after: int, until: int) -> Totals:
    """Count the instants strictly after `after` and up to `until`, epoch seconds, that should have an entry by now.

    Raises:
        TooMany: they are too many to look at.
    """
    after, until = max(after, account.complete_since - 1), min(until, (account.now_ms - GRACE_MS) // 1000)
    return _Count(account, after, until).totals()


class _Count:
    """One count of a span.

    Args:
        account: the account.
        after: the span's instants come strictly after this, epoch seconds.
        until: and not after this.
    """

    def __init__(self, account: Account, after: int, until: int) -> None:
        self._account = account
        self._after, self._until = after, until
        self._named: list[Sequence[int]] = []
        self._dropped: list[Sequence[int]] = []
        open_plans = {at: plan for at, plan in account.plans.items() if account.entry_of(at) is None}
        self._plans = {at for at, plan in open_plans.items() if plan.fate not in LOST}
        # No fold covers these. Nobody has decided the lost ones (anew), so that no void entry covers them either.
        self._open = open_plans.keys()
        self._lost = self._open - self._plans
        left = MOST_WALKED
        for stretch in account.stretches:
            found = named(stretch, after, until, left)
            left -= 0 if isinstance(found, range) else len(found)
            if stretch.dropped:
                self._dropped.append(found)
            elif found:
                self._named.append(self._without_awaited(stretch, found))

    def _without_awaited(self, stretch: Stretch, found: Sequence[int]) -> Sequence[int]:
        """Leave out the last instants, if their jitter may not be over."""
        end = len(found)
        while end and self._account.is_awaited(stretch.epoch, found[end - 1]):
            end -= 1
        return found[:end]

    def totals(self) -> Totals:
        total = sum(map(len, self._named)) - sum(self._names(one) for one in self._plans)
        alone, void, doubled, strays = self._of_singles()
        together, beyond, taken = self._of_folds(alone)
        made_up_for = void | {one for one in self._account.others if self._names(one)}
        further = [
            one for one in made_up_for - alone if not any(first <= one <= last for first, last in taken)
        ]  # what is decided anew, or was run later, may be one of a folded entry's instants
        covered = len(alone) + together + len(further)
        return Totals(total, max(0, total - covered), doubled, strays + beyond)

    def _of_singles(self) -> tuple[set[int], set[int], int, int]:
        """Return the instants with entries of their own, those with void ones alone, the doubles and the strays."""
        covered, void, doubled, strays = set[int](), set[int](), 0, 0
        for instant, entries in self._account.singles.items():
            if not self._after < instant <= self._until:
                continue
            standing = [entry for entry in entries if not entry.is_void]
            if self._names(instant):
                if standing or instant not in self._lost:
                    (covered if standing else void).add(instant)
                doubled += max(0, len(standing) - 1)
            elif standing and not self._is_dropped(instant) and not self._is_awaited(instant):
                strays += sum(1 for entry in standing if not entry.is_ahead)  # an earlier epoch has named that
        return covered, void, doubled, strays

    def _of_folds(self, alone: set[int]) -> tuple[int, int, list[tuple[int, int]]]:
        """Return how many instants folded entries stand for, how many more than there are, and the spans of these."""
        covered, beyond = 0, 0
        self._apart = sorted(alone | {one for one in self._open if self._names(one)})
        taken: list[tuple[int, int]] = []
        for entry in self._account.folds:
            start, end = max(entry.first, self._after + 1), min(entry.last, self._until)
            if start > end:
                continue
            there = sum(self._left(*gap) for gap in _gaps(start, end, taken))
            taken.append((start, end))
            if entry.is_void:  # those that were decided anew have entries of their own
                covered += there
                continue
            covered += min(there, entry.occurrences)
            if (start, end) == (entry.first, entry.last) and not self._is_awaited(end):
                beyond += max(0, entry.occurrences - there)
        return covered, beyond, taken

    def _left(self, start: int, end: int) -> int:
        """Count the instants from `start` to `end` that have no entry of their own."""
        alone = bisect_right(self._apart, end) - bisect_left(self._apart, start)
        return sum(bisect_right(some, end) - bisect_left(some, start) for some in self._named) - alone

    def _names(self, instant: int) -> bool:
        return any(_has(some, instant) for some in self._named)

    def _is_dropped(self, instant: int) -> bool:
        return any(_has(some, instant) for some in self._dropped)

    def _is_awaited(self, instant: int) -> bool:
        """Tell whether an instant is left out because it is due only now, although it is decided already."""
        return any(
            stretch.after < instant
            and (stretch.until is None or instant <= stretch.until)
            and self._account.is_awaited(stretch.epoch, instant)
            for stretch in self._account.stretches
        )


def _has(some: Sequence[int], instant: int) -> bool:
    if isinstance(some, range):
        return instant in some
    place = bisect_left(some, instant)
    return place < len(some) and some[place] == instant


def _gaps(start: int, end: int, taken: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what is left of a span of whole seconds without others."""
    left = [(start, end)]
    for first, last in taken:
        left = [
            part
            for begin, stop in left
            for part in ((begin, min(stop, first - 1)), (max(begin, last + 1), stop))
            if part[0] <= part[1]
        ]
    return left
