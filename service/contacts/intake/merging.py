"""Merging of contacts, as a person decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from service.contacts.intake.card_changes import SOURCE as SYNCED
from service.contacts.intake.intake import MOST_TRIES, too_busy, traits_of
from service.contacts.matching.identity import Known, merged, with_traits
from service.contacts.matching.parts import MOST_PARTS, SINGLES, as_text, part_of, parts_of, united
from service.domain.ids import is_id
from service.domain.people.contact import Contact, profile_of
from service.errors import FieldError, NotFound, ValidationFailed
from service.store.audit.entries import entry_of
from service.store.contacts import ContactStore, Write

LISTS = ("emails", "phones", "urls")
MOST_MERGED = 50
"""Most contacts that are merged into one, in one request and in all."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Result of a merge.

    Args:
        contact_id: of the merged contact.
        left_out: fields and values of the others that the merged contact does not keep.
    """

    contact_id: str
    left_out: tuple[tuple[str, str], ...]


def merge(store: ContactStore, contact_id: str, body: object) -> Merged:
    """Make the contacts that a body names parts of another one, in one step.

    The contact keeps its own fields and takes those that it lacks, also the year of its birthday; lists are united.
    Everything that led to the others now leads to it: cards of synced address books, entries of files, the ledger.

    Args:
        store: the contacts in Redis.
        contact_id: of the contact that stays.
        body: `{"from": [ids]}`, as it was sent.

    Raises:
        ValidationFailed: the body is not `{"from": [ids]}`, or names a contact that cannot be merged.
        NotFound: there is no such contact.
    """
    ids = _parse(contact_id, body)
    for _ in range(MOST_TRIES):
        contacts = {contact.id: contact for contact in store.get_many([contact_id, *ids])}
        if contact_id not in contacts:
            raise NotFound(f"Contact {contact_id} not found")
        target, others = contacts.pop(contact_id), [contacts.get(one) for one in ids]
        _require(target, ids, others)
        found = [other for other in others if other is not None]
        fields = united([part_of(one) for one in (target, *found)])
        if _write(store, target, found, fields):
            return Merged(contact_id, tuple(_left_out(found, fields)))
    raise too_busy()


def _parse(contact_id: str, body: object) -> list[str]:
    if not isinstance(body, dict):
        raise ValidationFailed.of("", "The body must be a JSON object.")
    errors = [
        FieldError(str(key), 'is not a field of a merge, which has "from" alone') for key in body if key != "from"
    ]
    ids = body.get("from")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_MERGED:
        errors.append(FieldError("from", f"must be a list of the ids of 1–{MOST_MERGED} contacts"))
        ids = []
    for number, one in enumerate(ids):
        if not is_id(one):
            errors.append(FieldError(f"from[{number}]", "must be the id of a contact"))
        elif one == contact_id:
            errors.append(FieldError(f"from[{number}]", f"is the contact itself: {one}"))
        elif one in ids[:number]:
            errors.append(FieldError(f"from[{number}]", f"is named twice: {one}"))
    if errors:
        raise ValidationFailed(errors)
    return ids


def _require(target: Contact, ids: Sequence[str], others: Sequence[Contact | None]) -> None:
    errors = []
    for number, (one, other) in enumerate(zip(ids, others, strict=True)):
        if other is None and one in target.former_ids:
            errors.append(FieldError(f"from[{number}]", f"is a part of this contact already: {one}"))
        elif other is None:
            errors.append(FieldError(f"from[{number}]", f"is no contact: {one}"))
    if errors:
        raise ValidationFailed(errors)
    found = [other for other in others if other is not None]
    if len({*target.former_ids, *(one for other in found for one in (other.id, *other.former_ids))}) > MOST_MERGED:
        raise ValidationFailed.of("from", f"is too many: a contact can be made of {MOST_MERGED} others in all")
    if len(parts_of([target, *found])) > MOST_PARTS:
        raise ValidationFailed.of("from", f"is too many: a contact can be made of {MOST_PARTS} cards in all")


def _write(store: ContactStore, target: Contact, others: Sequence[Contact], fields: Mapping[str, Any]) -> bool:
    """Write the merged contact. Returns False if one of the contacts has changed meanwhile."""
    whole = with_traits(reduce(merged, map(_known, others), _known(target)), traits_of(fields))
    made_of = as_text(parts_of([target, *others]))
    pairs = {**fields, "parts": made_of, "had": ""}
    write = Write(target.id, pairs, whole.identities, whole.former_ids, target.identities)
    # Values from a file or the API stay, also when the address book no longer has them.
    lasting = next((one.source for one in (target, *others) if one.source != SYNCED), target.source)
    page = profile_of(fields["urls"])
    visit = next((one.visit for one in others if one.visit is not None and one.visit.url == page), None)
    seen = [(other.id, other.identities) for other in others]
    entry = entry_of("contact.merge", target.id, {"merged": (None, [other.id for other in others])})
    return store.absorb(write, seen, lasting or "", None if target.visit else visit, entry)


def _known(contact: Contact) -> Known:
    fields = {"name": contact.name, "uids": contact.uids, "emails": contact.emails, "birthday": contact.birthday}
    return Known(contact.id, traits_of(fields), contact.identities, contact.former_ids)


def _left_out(others: Sequence[Contact], fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """List each value of the others that the fields lack, once."""
    told = set()
    for name in (*SINGLES, *LISTS):
        kept = fields[name] if name in LISTS else (fields[name],)
        for other in others:
            had = getattr(other, name)
            for value in had if name in LISTS else (had,):
                if value and value not in kept and (name, value) not in told:
                    told.add((name, value))
                    yield name, value
