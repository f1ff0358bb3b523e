"""Births and deaths that programs write in properties of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.contacts.reading.headings import columns_of

_BIRTHDAYS = ("bday", "x-birthday", "x-evolution-birthday")
_DEATHS = ("deathdate", "x-deathdate", "x-death-date", "x-evolution-deathdate", "deathplace")
_ANDROIDS_EVENT = "vnd.android.cursor.item/contact_event"
_ANDROIDS_BIRTHDAY = "3"


@dataclass(frozen=True, slots=True)
class Property:
    """Property of a card.

    Args:
        group: the prefix of its name, before a dot, in lower case; Apple groups properties with it.
        name: in lower case.
        params: each parameter's values, by its name in capitals.
        marks: parameters without a name, in lower case; 2.1 has them.
    """

    group: str
    name: str
    params: dict[str, list[str]]
    marks: list[str]
    value: str


Contents = Mapping[str, Sequence[Property]]
"""A card's properties by their names."""


def birthdays(contents: Contents) -> list[Property]:
    """Return the properties with a date of birth; of several kinds, the first one with a value."""
    for name in _BIRTHDAYS:
        if found := [line for line in contents.get(name, ()) if line.value.strip()]:
            return found
    return [event for line in contents.get("x-android-custom", ()) if (event := _androids_birthday(line))]


def tells_of_death(contents: Contents) -> bool:
    """Tell whether the card has a date or place of death, with any value."""
    if any(line.value.strip() for name in _DEATHS for line in contents.get(name, ())):
        return True
    dated = {line.group for line in contents.get("x-abdate", ()) if line.group and line.value.strip()}
    return bool(dated) and any(line.group in dated and _is_death(line.value) for line in contents.get("x-ablabel", ()))


def _androids_birthday(line: Property) -> Property | None:
    """Return the birthday of `vnd.android.cursor.item/contact_event;1990-04-12;3;…`: type, date, kind of event."""
    what, written, kind, *_ = [*line.value.split(";"), "", "", ""]
    if what.strip().lower() != _ANDROIDS_EVENT or kind.strip() != _ANDROIDS_BIRTHDAY or not written.strip():
        return None
    return Property("", line.name, {}, [], written)


def _is_death(label: str) -> bool:
    """Tell whether a label means a death: Apple's own is `_$!<Death>!$_`, people write theirs in any language."""
    return "deceased" in columns_of([label.strip().removeprefix("_$!<").removesuffix(">!$_")]).fields
