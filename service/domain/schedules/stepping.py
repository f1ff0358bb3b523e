"""Sequences of an interval's occurrences without some of them, however long they are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from typing import overload


class Without(Sequence[int]):
    """A range without some of its members; neither is ever listed.

    Args:
        every: the range.
        left_out: the members that it does not have; others do not matter.
    """

    def __init__(self, every: range, left_out: Collection[int]) -> None:
        self._every = every
        places = sorted(every.index(one) for one in left_out if one in every)
        self._before = [place - earlier for earlier, place in enumerate(places)]
        """For each one left out, how many of those that stay come before it."""

    def __len__(self) -> int:
        return len(self._every) - len(self._before)

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> list[int]: ...

    def __getitem__(self, place: int | slice) -> int | list[int]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if place < 0:
            place += len(self)
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._every[place + bisect_right(self._before, place)]
