"""Provenance of a contact's values: which card of an address book brought them, so that they can go with it.

A card has *given* each value that it carries and that the contact did not have from a file, the API or a person. A
value that another card has also given stays as long as that card carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from service.contacts.cleaning import unique
from service.contacts.people import ParsedCard
from service.domain.people.contact import Contact
from service.domain.people.traits import says_less
from service.store.address_books import Given

_TEXTS = ("given_name", "family_name", "birthday", "language", "deceased")
"""Fields with a single value; the name is never empty."""
_LISTS = ("emails", "phones", "urls")
NOTHING: Given = {}


def carried(person: ParsedCard) -> Given:
    """Return every value that a card could give."""
    return _by_field(person.carried())


def together(cards: Iterable[Given]) -> Given:
    """Unite the values that several cards have given."""
    found: dict[str, tuple[str | bool, ...]] = {}
    for given in cards:
        for field, values in given.items():
            found[field] = tuple(dict.fromkeys((*found.get(field, ()), *values)))
    return found


def given_by(person: ParsedCard, contact: Contact | None, before: Given, others: Given) -> Given:
    """Return the values that a card has given once it is taken.

    Args:
        person: the card.
        contact: the card's contact as it is before; None if it is new.
        before: values that the card had given until now.
        others: values that other cards have given.
    """
    held = _held(contact)
    given: dict[str, tuple[str | bool, ...]] = {}
    for field, values in carried(person).items():
        known = (*before.get(field, ()), *others.get(field, ()))
        given[field] = tuple(value for value in values if value not in held.get(field, ()) or value in known)
    for field in person.unread & before.keys():
        given[field] = tuple(dict.fromkeys((*given.get(field, ()), *before[field])))
    year_from = {*before.get("birthday", ()), *others.get("birthday", ()), None}
    if _lacks_year(person, contact) not in year_from and person.birthday not in year_from:
        del given["birthday"]  # another source brought it, with its year
    return {field: values for field, values in given.items() if values}


def fields_of(person: ParsedCard, contact: Contact | None, before: Given, others: Given) -> dict[str, object]:
    """Return the contact's fields that a card changes: those that it carries, and those that lose a value.

    A value that the card had given and that cannot be read now stays. So does a year of birth that the card lacks and
    has not given. The arguments are those of `given_by`.
    """
    new = carried(person)
    gone = {field: values for field, values in before.items() if field not in person.unread}
    kept = {field: values for field, values in before.items() if field in person.unread}
    fields = person.carried() | _remaining(new, _held(contact), gone, together([others, kept]))
    full = _lacks_year(person, contact)
    if full and (full not in gone.get("birthday", ()) or full in others.get("birthday", ())):
        del fields["birthday"]
    return fields


def fields_without(contact: Contact, before: Given, others: Given) -> dict[str, object]:
    """Return the contact's fields that change when a card that had given `before` is gone."""
    return _remaining(NOTHING, _held(contact), before, others)


def _lacks_year(person: ParsedCard, contact: Contact | None) -> str | None:
    """Return the contact's birthday if it is the card's plus a year that the card lacks."""
    known = contact.birthday if contact else None
    return known if says_less(person.birthday, known) else None


def _remaining(new: Given, held: Given, gone: Given, others: Given) -> dict[str, object]:
    fields: dict[str, object] = {}
    for field in _TEXTS:
        if field not in new and set(held.get(field, ())) & set(gone.get(field, ())):
            still = others.get(field, ())
            if not set(held[field]) & set(still):
                fields[field] = still[0] if still else None
    for field in _LISTS:
        values = _remaining_list(*(given.get(field, ()) for given in (new, held, gone, others)))
        if values != held.get(field, ()):
            fields[field] = values
    return fields


def _remaining_list(
    new: tuple[str | bool, ...],
    held: tuple[str | bool, ...],
    gone: tuple[str | bool, ...],
    others: tuple[str | bool, ...],
) -> tuple[str | bool, ...]:
    """Unite a card's values with those that other cards have given; without any, all values that are not gone."""
    if new:
        return unique((*new, *(value for value in held if value in others)))  # type: ignore[arg-type]
    left = tuple(value for value in held if value not in gone or value in others)
    return left or (others if held else left)


def _held(contact: Contact | None) -> Given:
    if contact is None:
        return NOTHING
    return _by_field({field: getattr(contact, field) for field in (*_TEXTS, *_LISTS)})


def _by_field(fields: Mapping[str, object]) -> Given:
    found: dict[str, tuple[str | bool, ...]] = {}
    for field, value in fields.items():
        if field in _LISTS and isinstance(value, tuple) and value:
            found[field] = value
        elif field in _TEXTS and isinstance(value, str | bool) and value:
            found[field] = (value,)
    return found
