"""Search of an address book for contacts that may be one person.

The search reads each contact once and keeps 8 bytes a key and 16 an id of it. It compares only contacts with a key in
common. So 100,000 contacts take some seconds and 10 MB.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, islice
from uuid import UUID

from service.contacts.matching.alike import keys_of, reasons
from service.domain.people.contact import Contact

MOST_LOOKED_AT = 500_000
"""Most contacts that a search reads, in the order of their ids."""
MOST_GROUPS = 1_000
MOST_TOGETHER = 50
"""Most contacts with one key that are compared, and most of a group: a merge takes no more."""
TOGETHER = 500
"""Contacts that are compared at a time."""
SORTED_TOGETHER = 250_000
"""Keys that are sorted at a time, as numbers of 32 bytes each."""
_INDEX_BITS = 20
_HASHES = (1 << (64 - _INDEX_BITS)) - 1

Look = Callable[[Sequence[str]], Iterable[Contact]]
"""Reads the existing contacts among some ids."""


@dataclass(frozen=True, slots=True)
class Group:
    """Group of contacts that may be one person.

    Args:
        ids: in order.
        reasons: why they may be, each once.
    """

    ids: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Result of a search.

    Args:
        groups: by their first ids, which differ.
        has_more: whether there are more groups, or contacts that were not compared.
    """

    groups: tuple[Group, ...]
    has_more: bool


def find(everybody: Iterable[Contact], look: Look) -> Duplicates:
    """Find groups of contacts that may be one person.

    Args:
        everybody: all contacts, in any order.
        look: reads some of them again.
    """
    sieve = _Sieve()
    has_more = not sieve.fill(everybody)
    groups = _Groups()
    for some in _in_batches(sieve.suspects()):
        found = {one.id: one for one in look(list(dict.fromkeys(one for ids in some for one in ids)))}
        for ids in some:
            groups.compare([found[one] for one in ids if one in found])
        if len(groups) > MOST_GROUPS:
            has_more = True
            break
    return Duplicates(tuple(groups.listed()[:MOST_GROUPS]), has_more)


def confirmed(groups: Iterable[Group], look: Look) -> Iterator[Group]:
    """Return the groups as they are now, without contacts that were merged, deleted or changed since."""
    for some in _in_batches(list(group.ids) for group in groups):
        found = {one.id: one for one in look([one for ids in some for one in ids])}
        for ids in some:
            again = _Groups()
            again.compare([found[one] for one in ids if one in found])
            yield from again.listed()


class _Sieve:
    """Keys of all contacts, as numbers."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._keys = array("Q")

    def fill(self, everybody: Iterable[Contact]) -> bool:
        """Take the keys of everybody. Returns False if there were more contacts than are compared."""
        for number, one in enumerate(everybody):
            if number >= MOST_LOOKED_AT:
                return False
            self._ids += UUID(one.id).bytes
            self._keys.extend({(hash(key) & _HASHES) << _INDEX_BITS | number for key in keys_of(one)})
        return True

    def suspects(self) -> Iterator[list[str]]:
        """Return the contacts with a key in common, some of them by chance."""
        slices = 1 + len(self._keys) // SORTED_TOGETHER
        for number in range(slices):
            ordered = sorted(key for key in self._keys if (key >> _INDEX_BITS) % slices == number)
            for _, keys in groupby(ordered, lambda key: key >> _INDEX_BITS):
                together = list(islice(keys, MOST_TOGETHER))
                if len(together) > 1:
                    yield [self._id(key & ((1 << _INDEX_BITS) - 1)) for key in together]

    def _id(self, number: int) -> str:
        return str(UUID(bytes=bytes(self._ids[16 * number : 16 * number + 16])))


class _Groups:
    """Groups as far as they are known: a forest in which each contact leads to the first of its group."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._reasons: dict[str, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def compare(self, some: Sequence[Contact]) -> None:
        """Group the contacts that may be one person."""
        for one, other in combinations(some, 2):
            if found := reasons(one, other):
                self._join(one.id, other.id, found)

    def _join(self, one: str, other: str, found: Iterable[str]) -> None:
        first, second = (self._first.get(contact_id, contact_id) for contact_id in sorted((one, other)))
        members = self._members.setdefault(first, [first])
        told = self._reasons.setdefault(first, {})
        if first != second:
            if len(members) + len(self._members.get(second, [second])) > MOST_TOGETHER:
                return
            members += self._members.pop(second, [second])
            told.update(self._reasons.pop(second, {}))
        for member in members:
            self._first[member] = first
        told.update(dict.fromkeys(found))

    def listed(self) -> list[Group]:
        """Return the groups by their first ids."""
        found = (
            Group(tuple(sorted(members)), tuple(self._reasons[first]))
            for first, members in self._members.items()
            if len(members) > 1
        )
        return sorted(found, key=lambda group: group.ids)


def _in_batches(suspects: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    batch: list[list[str]] = []
    size = 0
    for ids in suspects:
        batch.append(ids)
        size += len(ids)
        if size >= TOGETHER:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
