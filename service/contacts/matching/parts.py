"""Parts of a merged contact: the contacts of which it is made.

A merged contact always is what merging its parts gives: the first part's fields, missing ones (also the year of a
birthday) from the next parts, and all their addresses. Importing a card again changes its own part, and the contact
only where that part matters. So a file whose entries are parts of one contact changes nothing the second time, in any
order; a corrected card corrects the contact; and a person's changes stay.

For example, `Ada, --12-10, a@example.org` and `Ada, 1915-12-10, b@example.org` merge into `Ada, 1915-12-10` with both
addresses. If the second card's year becomes 1916, so does the contact's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from service.contacts.cleaning import MAX_VALUES
from service.domain.people.contact import Contact
from service.domain.people.names import name_key
from service.domain.people.traits import Traits, as_sent, normal_uid, says_less

SINGLES = ("name", "given_name", "family_name", "birthday", "language")
UNIONS = ("emails", "phones", "urls", "uids")
MOST_PARTS = 100
"""A further part replaces the last one."""
FIELDS = (*SINGLES, *UNIONS, "deceased")


@dataclass(frozen=True, slots=True)
class Part:
    """Contact before its merge, as its cards have changed it since.

    Args:
        id: the contact's; empty for a part that came later.
        fields: the fields that are not empty.
    """

    id: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def traits(self) -> Traits:
        """The traits that identify it."""
        fields = self.fields
        return Traits(
            fields.get("name", ""),
            tuple(fields.get("uids", ())),
            tuple(fields.get("emails", ())),
            fields.get("birthday"),
        )

    def with_card(self, traits: Traits, fields: Mapping[str, Any], forgets_year: bool = False) -> Part:
        """Return the part after a card; the arguments are those of `service.contacts.matching.decisions.Entry`."""
        known = {normal_uid(uid) for uid in self.traits.uids}
        uids = (*self.traits.uids, *(uid for uid in traits.uids if normal_uid(uid) not in known))
        carried = {name: value for name, value in fields.items() if name in FIELDS} | {"uids": uids}
        if not forgets_year and says_less(carried.get("birthday"), self.traits.birthday):
            del carried["birthday"]
        return Part(self.id, _filled({**self.fields, **carried}))


def parts_of(contacts: Iterable[Contact]) -> tuple[Part, ...]:
    """Return the parts of several contacts; an unmerged contact is its own only part."""
    return tuple(part for contact in contacts for part in from_text(contact.parts) or (part_of(contact),))


def part_of(contact: Contact) -> Part:
    """Return a contact as a part."""
    return Part(contact.id, _filled({name: getattr(contact, name) for name in FIELDS}))


def united(parts: Sequence[Part]) -> dict[str, Any]:
    """Merge the parts into the fields of one contact, empty fields included."""
    fields: dict[str, Any] = {
        name: next((part.fields[name] for part in parts if name in part.fields), None) for name in SINGLES
    }
    full = (part.traits.birthday for part in parts if says_less(fields["birthday"], part.traits.birthday))
    fields["birthday"] = next(full, fields["birthday"])
    for name in UNIONS:
        fields[name] = tuple(all_of(parts, name))[:MAX_VALUES]
    return fields | {"deceased": any(part.fields.get("deceased") for part in parts)}


def all_of(parts: Iterable[Part], name: str) -> list[str]:
    """Return each value of a list field once, those of the first part first."""
    return list(dict.fromkeys(value for part in parts for value in part.fields.get(name, ())))


def with_card(
    parts: Sequence[Part], traits: Traits, fields: Mapping[str, Any], forgets_year: bool = False
) -> tuple[tuple[Part, ...], dict[str, Any]]:
    """Return the parts after a card, and the fields of the contact that change with them.

    Args:
        parts: before the card.
        traits: of the card.
        fields: those that it carries; None or an empty list clears a field.
        forgets_year: whether a birthday without a year clears the known year.
    """
    before = united(parts)
    if parts and all(before[name] == value for name, value in fields.items() if name in FIELDS):
        return tuple(parts), {}  # it is the contact as a whole, as an export has it
    number = _whose(parts, traits)
    own = {part.id for part in parts}
    traits = replace(traits, uids=tuple(uid for uid in traits.uids if normal_uid(uid) not in own))
    now = list(parts)
    if number is None and len(parts) >= MOST_PARTS:
        number = len(parts) - 1
    if number is None:
        now.append(Part("").with_card(traits, fields))
    else:
        now[number] = now[number].with_card(traits, fields, forgets_year)
    after = united(now)
    return tuple(now), {name: value for name, value in after.items() if value != before[name]}


def _whose(parts: Sequence[Part], card: Traits) -> int | None:
    """Find the part of a card: by its UID, else by traits in common with a part that has no other UID."""
    uids = {normal_uid(uid) for uid in card.uids}
    for number, part in enumerate(parts):
        if uids & {part.id, *map(normal_uid, part.traits.uids)}:
            return number
    open_to = [(number, part.traits) for number, part in enumerate(parts) if not (uids and part.traits.uids)]
    for alike in (_name_and_address, _name_and_birthday, _name_alone):
        for number, traits in open_to:
            if alike(traits, card):
                return number
    return None


def _name(first: Traits, second: Traits) -> bool:
    return name_key(first.name) == name_key(second.name)


def _name_alone(first: Traits, second: Traits) -> bool:
    """Tell whether two parts, with an address each, share only the name."""
    return _name(first, second) and not (first.emails and second.emails)


def _address(first: Traits, second: Traits) -> bool:
    return bool(set(map(as_sent, first.emails)) & set(map(as_sent, second.emails)))


def _name_and_address(first: Traits, second: Traits) -> bool:
    return _name(first, second) and _address(first, second)


def _name_and_birthday(first: Traits, second: Traits) -> bool:
    return _name(first, second) and bool(first.month_day) and first.month_day == second.month_day


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items() if value}


def as_text(parts: Sequence[Part]) -> str:
    """Write parts as text."""
    return json.dumps([{"id": part.id, **part.fields} for part in parts], ensure_ascii=False)


def from_text(text: str) -> tuple[Part, ...]:
    """Read parts from text."""
    kept = json.loads(text) if text else []
    return tuple(Part(fields.pop("id"), fields) for fields in kept)
