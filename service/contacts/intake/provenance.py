"""What of a contact came from which card of an address book, so that it goes when the card carries it no more.

A card has *given* what it carries and the contact did not have from elsewhere: from a file, the API, or a hand here.
What another card has given, too, stays as long as that one carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from service.contacts.cleaning import unique
from service.contacts.people import ParsedCard
from service.domain.people.contact import Contact
from service.domain.people.traits import says_less
from service.store.address_books import Given

_TEXTS = ("given_name", "family_name", "birthday", "language", "deceased")
"""Of which a contact has one each; a name it always has."""
_LISTS = ("emails", "phones", "urls")
NOTHING: Given = {}


def carried(person: ParsedCard) -> Given:
    """All that a card could give."""
    return _by_field(person.carried())


def together(cards: Iterable[Given]) -> Given:
    """What several cards have given."""
    found: dict[str, tuple[str | bool, ...]] = {}
    for given in cards:
        for field, values in given.items():
            found[field] = tuple(dict.fromkeys((*found.get(field, ()), *values)))
    return found


def given_by(person: ParsedCard, contact: Contact | None, before: Given, others: Given) -> Given:
    """What a card has given once it is taken.

    Args:
        contact: whose the card is, before it is taken; None if there is none yet.
        before: what the card had given until now.
        others: what other cards have given.
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
        del given["birthday"]  # the contact has it from elsewhere, with its year
    return {field: values for field, values in given.items() if values}


def fields_of(person: ParsedCard, contact: Contact | None, before: Given, others: Given) -> dict[str, object]:
    """What becomes of a contact's fields by a card: those that it carries, and those that lose something.

    What the card had given and cannot be read now stays; so does a year of birth that the card lacks and has not given.
    Other arguments as for `given_by`.
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
    """What becomes of a contact's fields when a card that had given `before` is gone."""
    return _remaining(NOTHING, _held(contact), before, others)


def _lacks_year(person: ParsedCard, contact: Contact | None) -> str | None:
    """The contact's birthday, if it is the card's and has a year that the card's lacks."""
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
    """A card's values and, of those that are there, what other cards have given; without any, all that is not gone."""
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
