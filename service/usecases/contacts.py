"""Use cases of the address book, for the API, the console and the bots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
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
from service.domain.timestamps import format_ms
from service.errors import Conflict, NotFound, ValidationFailed
from service.store.audit import entries as audit
from service.store.audit.actions import ActionLog
from service.store.contacts import ContactStore
from service.store.keys import Keys
from service.store.quotas import too_many
from service.store.scripts import Gate, Limits
from service.store.server.connection import Client
from service.store.server.redis_clock import RedisClock
from service.store.watermark import require_memory
from service.usecases.contact_views import as_json
from service.usecases.paging import MAX_PAGE
from service.usecases.views import Page

FURTHEST_EAST_MS = 14 * 3_600_000
"""By how much the clocks of UTC+14 are ahead: nowhere is it later."""


class ContactBook:
    """The contacts of one installation.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        gate: opens when the startup checks have passed, see `service.store.server.startup_checks`; None where the
            process runs them itself.
        limits: the installation's: how many contacts there may be, and for the audit log.
    """

    def __init__(self, client: Client, keys: Keys, gate: Gate | None = None, limits: Limits | None = None) -> None:
        self._client = client
        self._keys = keys
        self._store = ContactStore(client, keys, gate, limits)
        self._duplicates = DuplicateList(self._store)
        self._intake = Intake(self._store)
        self._actions = ActionLog(client, keys, gate, limits)

    def import_stream(self, stream: Readable, options: ReadOptions = AS_FOUND) -> dict[str, Any]:
        """Import a vCard or CSV file in bounded memory. Its content tells which of the two it is.

        Importing a file again updates contacts and never doubles them. It overwrites only the fields that the file
        has.

        Args:
            stream: the file's bytes, read by `read(n)` alone.
            options: what the sender knows about the file.

        Returns:
            `{"created", "updated", "unchanged", "skipped": [{"position", "reason"}, at most 1,000], "skipped_total",
            "warnings": [{"position", "name", "reason"}, at most 1,000], "warnings_total", "ignored_columns",
            "with_birthday", "with_address"}`.

        Raises:
            ValidationFailed: the file is empty or of another kind, and nothing has changed. Or it has more entries
                than one import takes; the first ones were imported, and the message says how many.
            StoreFull: Redis is, or has become, nearly full. Earlier writes stay.
            StoreUnavailable: Redis went away. Earlier writes stay, and importing the file again completes them.
        """
        require_room = partial(require_memory, self._client, self._keys)
        require_room()
        report = ImportReport(self._store.most, format_ms(RedisClock(self._client).now_ms() + FURTHEST_EAST_MS)[:10])
        file = read_people(stream, options)
        noted = self._actions.note(audit.entry_of("contacts.import", "", {"finished": (None, False)}))
        try:
            stopped = import_people(file, self._intake, report, options.charset, require_room)
        except ValidationFailed:
            self._actions.conclude(noted, None)
            raise
        self._actions.conclude(noted, partial(_import_entry, report) if report.has_changed else None)
        if stopped is not None:
            raise _stopped(stopped, report)
        report.tell_left_out()
        for reason in file.warnings:
            report.warn(reason)
        return report.as_dict(file.ignored_columns)

    def page(self, limit: int, cursor: str | None = None) -> Page:
        """Read a page of contacts in the order of their ids.

        Args:
            limit: the most contacts on the page, 1–`MAX_PAGE`.
            cursor: the `next_cursor` of the page before.

        Raises:
            ValidationFailed: `limit` or `cursor` is invalid.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise ValidationFailed.of("limit", f"must be a number from 1 to {MAX_PAGE}")
        _check_cursor(cursor)
        found = self._store.page(cursor, limit + 1)
        more = found[limit - 1].id if len(found) > limit else None
        return Page([as_json(contact) for contact in found[:limit]], more)

    def get(self, contact_id: str) -> dict[str, Any]:
        """Read one contact.

        Raises:
            NotFound: there is no such contact.
        """
        contact = self._store.get(contact_id) if is_id(contact_id) else None
        if contact is None:
            raise _no_contact(contact_id)
        return as_json(contact)

    def create(self, body: object) -> dict[str, Any]:
        """Create a contact.

        Raises:
            ValidationFailed: the body is invalid.
            Conflict: the address book already has this person, by address and name, or by name and birthday; or there
                are as many contacts as `MAX_CONTACTS` allows.
        """
        fields = parse_create(body) | {"source": "api"}
        entry = Entry(traits_of({"uids": (), "emails": (), "birthday": None} | fields), fields)
        (taken,) = self._intake.take([entry], mode="create")
        if taken is None or taken.became == "exists":
            raise _exists(taken)
        if taken.became == "too_many":
            raise too_many("MAX_CONTACTS", self._store.most, "contacts")
        return self.get(taken.contact.id)

    def update(self, contact_id: str, body: object) -> dict[str, Any]:
        """Change the fields that the body names. The id stays.

        Raises:
            NotFound: there is no such contact.
            ValidationFailed: the body is invalid.
        """
        self.get(contact_id)
        fields = parse_update(body)
        if self._intake.change(contact_id, fields) == "missing":
            raise _no_contact(contact_id)
        return self.get(contact_id)

    def merge(self, contact_id: str, body: object) -> dict[str, Any]:
        """Merge contacts into another one; see `service.contacts.intake.merging`.

        Returns:
            `{"contact", "left_out": [{"field", "value"}]}`.

        Raises:
            ValidationFailed: the body names something that cannot be merged; nothing has changed.
            NotFound: there is no such contact.
        """
        if not is_id(contact_id):
            raise _no_contact(contact_id)
        merged = merge(self._store, contact_id, body)
        left_out = [{"field": field, "value": value} for field, value in merged.left_out]
        return {"contact": self.get(merged.contact_id), "left_out": left_out}

    def duplicates(self, limit: int, cursor: str | None = None) -> Page:
        """Read a page of groups of contacts that may be one person, `{"reasons", "contacts"}` each.

        Args:
            limit: the most groups on the page.
            cursor: the `next_cursor` of the page before.

        Raises:
            ValidationFailed: `cursor` is invalid.
        """
        _check_cursor(cursor)
        groups = [group for group in self.all_duplicates().groups if cursor is None or group.ids[0] > cursor]
        shown = self.shown_groups(groups[:limit])
        return Page(shown, groups[limit - 1].ids[0] if len(groups) > limit else None)

    def all_duplicates(self) -> Duplicates:
        """Find all groups of contacts that may be one person. In a large book this takes some seconds."""
        return self._duplicates.current()

    def shown_groups(self, groups: Sequence[Group]) -> list[dict[str, Any]]:
        """Return groups with their contacts, JSON-ready."""
        found = {one.id: one for one in self._store.get_many(one for group in groups for one in group.ids)}
        return [
            {"reasons": list(group.reasons), "contacts": [as_json(found[one]) for one in group.ids if one in found]}
            for group in groups
        ]

    def delete(self, contact_id: str) -> None:
        """Delete a contact.

        Raises:
            NotFound: there is no such contact.
        """
        if not is_id(contact_id) or not self._store.delete(contact_id):
            raise _no_contact(contact_id)

    def born_on(self, days: Iterable[tuple[int, int]]) -> list[Contact]:
        """Return everybody whose birthday is on one of the days, (month, day) each. An index finds them."""
        wanted = set(days)
        return [
            contact
            for contact in (self._store.born_on(wanted) if wanted else ())
            if contact.birthday and (int(contact.birthday[-5:-3]), int(contact.birthday[-2:])) in wanted
        ]

    def least_recently_visited(self, limit: int) -> list[Contact]:
        """Return at most `limit` contacts with a profile page, those not visited for the longest time first."""
        return self._store.least_recently_visited(limit)

    def record_message(self, contact_id: str, at: int) -> None:
        """Record that a message went out at `at`, epoch seconds. A deleted contact stays deleted."""
        self._store.note_message(contact_id, at)

    def record_visit(self, contact_id: str, at: int, visit: Visit | None) -> None:
        """Record a visit. A deleted contact stays deleted.

        Args:
            contact_id: the contact's id.
            at: when, epoch seconds.
            visit: what the visit found; None if the page was not asked.
        """
        self._store.note_visit(contact_id, at, visit)

    def synced(self, address: str) -> SyncedBook:
        """Return this installation's copy of the address book at a remote address."""
        return SyncedBook(self._client, self._keys, self._store, self._intake, address)

    def export(self, kind: exports.Kind) -> Iterator[bytes]:
        """Write all contacts as a file, in bounded memory. Importing the file again changes nothing."""
        return exports.written(self.all(), kind)

    def all(self) -> Iterator[Contact]:
        """Read all contacts, page by page."""
        after: str | None = None
        while page := self._store.page(after, MAX_PAGE):
            yield from page
            after = page[-1].id


def _check_cursor(cursor: str | None) -> None:
    if cursor is not None and not is_id(cursor):
        raise ValidationFailed.of("cursor", "must be the next cursor of an earlier answer")


def _no_contact(contact_id: str) -> NotFound:
    return NotFound(f"Contact {contact_id} not found")


def _import_entry(report: ImportReport) -> audit.Entry:
    return audit.entry_of("contacts.import", "", {name: (None, count) for name, count in report.changes.items()})


def _stopped(why: TooMuch, report: ImportReport) -> ValidationFailed:
    return ValidationFailed.of(
        "", f"The import stopped, because the file {why}. The entries before that are imported: {report.counted()}. "
        "Send the rest in separate files."
    )  # fmt: skip


def _exists(taken: Taken | None) -> Conflict:
    assert taken is not None
    known = taken.contact
    shared = "the same name and e-mail address" if taken.by_address else "the same name and birthday"
    if not taken.by_address and known.traits.birthday is None:
        shared = "the same name, and nothing else tells them apart"
    return Conflict(
        f"This contact already exists: {known.id}, {known.traits.name}, who has or had {shared}. "
        "Change that contact, or give this one another name"
    )
