"""Looks through an address book for contacts that may be one person.

Everybody is read once and leaves no more behind than 8 bytes a key and 16 an id; only those who have a key in common
with somebody are looked at closer. So 100,000 contacts cost some seconds and 10 MB.
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
"""Contacts that are looked through; those after them, by their ids, are left out."""
MOST_GROUPS = 1_000
MOST_TOGETHER = 50
"""Contacts with one key that are compared; also of a group, for a merge takes no more."""
TOGETHER = 500
"""Contacts that are looked at closer in one go."""
SORTED_TOGETHER = 250_000
"""Keys that are sorted in one go, as numbers of 32 bytes each."""
_INDEX_BITS = 20
_HASHES = (1 << (64 - _INDEX_BITS)) - 1

Look = Callable[[Sequence[str]], Iterable[Contact]]
"""Those of the ids that are there."""


@dataclass(frozen=True, slots=True)
class Group:
    """Contacts that may be one person.

    Args:
        ids: in order.
        reasons: why, each once.
    """

    ids: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What was found.

    Args:
        groups: by their first ids, which are different.
        has_more: there are more groups than are given, or contacts that were not looked at.
    """

    groups: tuple[Group, ...]
    has_more: bool


def find(everybody: Iterable[Contact], look: Look) -> Duplicates:
    """Who may be one person.

    Args:
        everybody: in any order.
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
    """The groups as they are now: those who were merged, deleted or changed are in none any more."""
    for some in _in_batches(list(group.ids) for group in groups):
        found = {one.id: one for one in look([one for ids in some for one in ids])}
        for ids in some:
            again = _Groups()
            again.compare([found[one] for one in ids if one in found])
            yield from again.listed()


class _Sieve:
    """Everybody's keys, as numbers."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._keys = array("Q")

    def fill(self, everybody: Iterable[Contact]) -> bool:
        """False if there were more than are looked at."""
        for number, one in enumerate(everybody):
            if number >= MOST_LOOKED_AT:
                return False
            self._ids += UUID(one.id).bytes
            self._keys.extend({(hash(key) & _HASHES) << _INDEX_BITS | number for key in keys_of(one)})
        return True

    def suspects(self) -> Iterator[list[str]]:
        """Those with a key in common; keys may be in common by chance, too."""
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
    """Who belongs together, as far as it is known: a forest in which each leads to the first of its group."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._reasons: dict[str, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def compare(self, some: Sequence[Contact]) -> None:
        """Puts those together who may be one person."""
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
        """By their first ids."""
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
