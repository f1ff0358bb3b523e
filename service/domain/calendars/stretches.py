"""Stretches of days: spans that may overlap, cut so that one of them holds on each day.

Thousands of spans may cover the same years. Cut once, they fill a year in as many steps as it has days.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days from `first` to `last`, both included, by their ordinals, and why they are closed."""

    first: int
    last: int
    why: str


def cut(spans: Sequence[Stretch]) -> list[Stretch]:
    """Cut spans so that none overlaps another, and order them. Where several hold, the last of those given counts.

    Args:
        spans: in any order that says which counts.
    """
    starting = sorted(range(len(spans)), key=lambda number: spans[number].first, reverse=True)
    bounds = sorted({bound for one in spans for bound in (one.first, one.last + 1)})
    found: list[Stretch] = []
    holding: list[int] = []  # a heap, of which the last one given is the first
    for begin, end in pairwise(bounds):
        while starting and spans[starting[-1]].first <= begin:
            heappush(holding, -starting.pop())
        while holding and spans[-holding[0]].last < begin:
            heappop(holding)
        if holding:
            found.append(Stretch(begin, end - 1, spans[-holding[0]].why))
    return found


def days_of(stretches: Sequence[Stretch], first: int, last: int) -> Iterator[tuple[int, str]]:
    """Yield the days from `first` to `last` that are in a stretch, with why.

    Args:
        stretches: as `cut` returns them.
        first: a day's ordinal.
        last: another one's, included.
    """
    place = bisect_left(stretches, first, key=lambda one: one.last)
    while place < len(stretches) and stretches[place].first <= last:
        one = stretches[place]
        yield from ((day, one.why) for day in range(max(first, one.first), min(last, one.last) + 1))
        place += 1
