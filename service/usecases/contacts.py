"""The address book's use cases: what the API and the bots do with contacts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from service.contacts.bodies import parse_create, parse_update
from service.contacts.intake.imports import import_people
from service.contacts.intake.intake import Intake, traits_of
from service.contacts.intake.merging import merge
from service.contacts.intake.report import ImportReport
from service.contacts.intake.synced import SyncedBook
from service.contacts.matching.duplicate_list import DuplicateList
from service.contacts.matching.duplicates import Duplicates, Group
from service.contacts.matching.entries import Entry, Taken
from service.contacts.people import TooMuch
from service.contacts.reading.files import AS_FOUND, ReadOptions, read_people
from service.contacts.reading.lines import Readable
from service.contacts.writing import exports
from service.domain.ids import is_id
from service.domain.people.contact import Contact, Visit
from service.domain.timestamps import format_timestamp
from service.errors import Conflict, NotFound, ValidationFailed
from service.store.contacts import ContactStore
from service.store.keys import Keys
from service.store.scripts import Gate
from service.store.server.connection import Client

MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list: JSON-ready items, and the cursor that gets the next part; None at the end."""

    items: list[dict[str, Any]]
    next_cursor: str | None


class ContactBook:
    """The contacts of one installation.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        gate: passed before each use of Redis, see `service.store.server.startup_checks`; None where the process
            checks that itself.
    """

    def __init__(self, client: Client, keys: Keys, gate: Gate | None = None) -> None:
        self._client = client
        self._keys = keys
        self._store = ContactStore(client, keys, gate)
        self._duplicates = DuplicateList(self._store)
        self._intake = Intake(self._store)

    def import_stream(self, stream: Readable, options: ReadOptions = AS_FOUND) -> dict[str, Any]:
        """Takes in a vCard or CSV file, told by its content, in bounded memory.

        Importing again updates and never doubles, and overwrites only the fields that the file carries.

        Args:
            stream: the file's bytes; `read(n)` is all that is asked of it.
            options: what whoever sends it knows of it.

        Returns:
            `{"created", "updated", "unchanged", "skipped": [{"position", "reason"}, at most 1,000], "skipped_total",
            "warnings": [{"position", "name", "reason"}, at most 1,000], "warnings_total", "ignored_columns",
            "with_birthday", "with_address"}`.

        Raises:
            ValidationFailed: the file is empty or of another kind, and nothing was changed; or it has more than is
                taken in one go, and what came before that was imported; says how many.
            StoreUnavailable: Redis went away; what was written until then stays, and importing again completes it.
        """
        report = ImportReport()
        file = read_people(stream, options)
        stopped = import_people(file, self._intake, report, options.charset)
        if stopped is not None:
            raise _stopped(stopped, report)
        for reason in file.warnings:
            report.warn(reason)
        return report.as_dict(file.ignored_columns)

    def page(self, limit: int, cursor: str | None = None) -> Page:
        """At most `limit` (1–200) contacts, in the order of their ids.

        Raises:
            ValidationFailed: `limit` or `cursor` is none.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise ValidationFailed.of("limit", f"must be a number from 1 to {MAX_PAGE}")
        if cursor is not None and not is_id(cursor):
            raise ValidationFailed.of("cursor", "must be the next cursor of an earlier answer")
        found = self._store.page(cursor, limit + 1)
        more = found[limit - 1].id if len(found) > limit else None
        return Page([as_json(contact) for contact in found[:limit]], more)

    def get(self, contact_id: str) -> dict[str, Any]:
        """Raises NotFound for an unknown or malformed id."""
        contact = self._store.get(contact_id) if is_id(contact_id) else None
        if contact is None:
            raise NotFound(f"Contact {contact_id} not found")
        return as_json(contact)

    def create(self, body: object) -> dict[str, Any]:
        """Makes a contact.

        Raises:
            ValidationFailed: the body is not a contact's.
            Conflict: there is a contact who is the same by address and name, else by name and birthday.
        """
        fields = parse_create(body) | {"source": "api"}
        entry = Entry(traits_of({"uids": (), "emails": (), "birthday": None} | fields), fields)
        (taken,) = self._intake.take([entry], mode="create")
        if taken is None or taken.became == "exists":
            raise _exists(taken)
        return self.get(taken.contact.id)

    def update(self, contact_id: str, body: object) -> dict[str, Any]:
        """Changes the fields that the body names; the id stays. Raises ValidationFailed, NotFound."""
        self.get(contact_id)
        fields = parse_update(body)
        if self._intake.change(contact_id, fields) == "missing":
            raise NotFound(f"Contact {contact_id} not found")
        return self.get(contact_id)

    def merge(self, contact_id: str, body: object) -> dict[str, Any]:
        """Makes contacts parts of another one; see `service.contacts.intake.merging`.

        Returns:
            `{"contact", "left_out": [{"field", "value"}]}`.

        Raises:
            ValidationFailed: the body names something that cannot be merged; nothing was changed.
            NotFound: there is no such contact.
        """
        if not is_id(contact_id):
            raise NotFound(f"Contact {contact_id} not found")
        merged = merge(self._store, contact_id, body)
        left_out = [{"field": field, "value": value} for field, value in merged.left_out]
        return {"contact": self.get(merged.contact_id), "left_out": left_out}

    def duplicates(self, limit: int, cursor: str | None = None) -> Page:
        """At most `limit` groups of contacts that may be one person, `{"reasons", "contacts"}`.

        Raises:
            ValidationFailed: `cursor` is none.
        """
        if cursor is not None and not is_id(cursor):
            raise ValidationFailed.of("cursor", "must be the next cursor of an earlier answer")
        groups = [group for group in self.all_duplicates().groups if cursor is None or group.ids[0] > cursor]
        shown = self.shown_groups(groups[:limit])
        return Page(shown, groups[limit - 1].ids[0] if len(groups) > limit else None)

    def all_duplicates(self) -> Duplicates:
        """All groups of contacts that may be one person; in a large book this takes some seconds."""
        return self._duplicates.current()

    def shown_groups(self, groups: Sequence[Group]) -> list[dict[str, Any]]:
        """Groups with their contacts, JSON-ready."""
        found = {one.id: one for one in self._store.get_many(one for group in groups for one in group.ids)}
        return [
            {"reasons": list(group.reasons), "contacts": [as_json(found[one]) for one in group.ids if one in found]}
            for group in groups
        ]

    def delete(self, contact_id: str) -> None:
        """Raises NotFound for an unknown or malformed id."""
        if not is_id(contact_id) or not self._store.delete(contact_id):
            raise NotFound(f"Contact {contact_id} not found")

    def born_on(self, days: Iterable[tuple[int, int]]) -> list[Contact]:
        """Everybody whose birthday is on one of the days, (month, day) each; by an index, not a scan."""
        wanted = set(days)
        return [
            contact
            for contact in (self._store.born_on(wanted) if wanted else ())
            if contact.birthday and (int(contact.birthday[-5:-3]), int(contact.birthday[-2:])) in wanted
        ]

    def least_recently_visited(self, limit: int) -> list[Contact]:
        """At most `limit` contacts with a profile page: never visited ones first, then the longest ago."""
        return self._store.least_recently_visited(limit)

    def record_message(self, contact_id: str, at: int) -> None:
        """Notes that a message went out at `at`, epoch seconds; nothing if the contact is gone."""
        self._store.note_message(contact_id, at)

    def record_visit(self, contact_id: str, at: int, visit: Visit | None) -> None:
        """Notes what a visit at `at`, epoch seconds, found; nothing if the contact is gone. None: it was not asked."""
        self._store.note_visit(contact_id, at, visit)

    def synced(self, address: str) -> SyncedBook:
        """What is known here of an address book elsewhere."""
        return SyncedBook(self._client, self._keys, self._store, self._intake, address)

    def export(self, kind: exports.Kind) -> Iterator[bytes]:
        """Every contact as a file of this kind, in bounded memory; importing it again changes nothing."""
        return exports.written(self.all(), kind)

    def all(self) -> Iterator[Contact]:
        """Every contact, read page by page."""
        after: str | None = None
        while page := self._store.page(after, MAX_PAGE):
            yield from page
            after = page[-1].id


def _stopped(why: TooMuch, report: ImportReport) -> ValidationFailed:
    return ValidationFailed.of(
        "", f"The import stopped, since the file {why}. What came before stays: {report.counted()}. "
        "Send the rest in files of its own."
    )  # fmt: skip


def _exists(taken: Taken | None) -> Conflict:
    assert taken is not None
    known = taken.contact
    shared = "the name and an e-mail address" if taken.by_address else "the name and the birthday"
    if not taken.by_address and known.traits.birthday is None:
        shared = "the name, and nothing else is known of either"
    return Conflict(
        f"There is such a contact already: {known.id}, {known.traits.name}, who has or had {shared}. "
        "Change that contact, or give this one another name"
    )


def as_json(contact: Contact) -> dict[str, Any]:
    """The contact as the API answers it."""
    return {
        "id": contact.id,
        "name": contact.name,
        "given_name": contact.given_name,
        "family_name": contact.family_name,
        "birthday": contact.birthday,
        "emails": list(contact.emails),
        "phones": list(contact.phones),
        "urls": list(contact.urls),
        "language": contact.language,
        "deceased": contact.deceased,
        "source": contact.source,
        "last_messaged_at": _timestamp(contact.last_messaged_at),
        "last_visited_at": _timestamp(contact.last_visited_at),
        "page": _page(contact.visit) if contact.visit else None,
    }


def _page(visit: Visit) -> dict[str, Any]:
    return {
        "url": visit.url,
        "status": visit.status,
        "title": visit.title,
        "changed": visit.changed,
        "changed_at": _timestamp(visit.changed_at),
        "history": [
            {
                "status": period.status,
                "since": _timestamp(period.since),
                "until": _timestamp(period.until),
                "visits": period.visits,
            }
            for period in visit.history
        ],
    }


def _timestamp(at: int | None) -> str | None:
    return None if at is None else format_timestamp(at)
