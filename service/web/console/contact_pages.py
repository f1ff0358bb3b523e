"""The address book: its contacts, their coming birthdays, and the form of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from unicodedata import combining, normalize
from urllib.parse import urlencode

import falcon

from service.contacts.cleaning import MAX_NAME, MAX_VALUES
from service.contacts.matching.duplicates import MOST_GROUPS
from service.contacts.writing.exports import Kind
from service.store.counters import Reading
from service.usecases.contacts import ContactBook
from service.usecases.paging import MAX_PAGE
from service.web.api.contacts import send_file
from service.web.console.coming_birthdays import coming
from service.web.console.form_fields import Field
from service.web.console.page import Page, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.request_slots import DownloadResource, RequestSlots, SlowResource

WINDOW = 2000
"""Contacts that are sorted together; beyond, one goes on to the next so many."""
SEARCHED = 10_000
"""Contacts that a search looks through at once."""
PAGE, GROUPS = 50, 20
DAYS_AHEAD, BIRTHDAYS = 30, 12
CHARSETS = (
    ("utf-8", "Unicode"), ("windows-1252", "Western European"), ("windows-1250", "Central European"),
    ("windows-1251", "Cyrillic"), ("koi8-r", "Cyrillic"), ("windows-1253", "Greek"), ("windows-1254", "Turkish"),
    ("windows-1255", "Hebrew"), ("windows-1256", "Arabic"), ("windows-1257", "Baltic"), ("macintosh", "old Mac"),
    ("shift_jis", "Japanese"), ("gbk", "Chinese, simplified"), ("big5", "Chinese, traditional"),
    ("euc-kr", "Korean"),
)  # fmt: skip
"""Encodings that a file may be said to have, as the web calls them; the import knows more."""


class ContactList(Page):
    """`/contacts`

    Args:
        reading: what is measured now; asked for the time alone.
        limit_mb: the longest file that can be imported, MiB.
    """

    access = BY_SESSION

    def __init__(self, contacts: ContactBook, reading: Callable[[], Reading], limit_mb: int) -> None:
        self._contacts = contacts
        self._reading = reading
        self._limit_mb = limit_mb

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of those that the address asks for, by name, and whose birthday comes."""
        asked = (query.text(req, "q") or "").strip()[:MAX_NAME]
        number = query.integer(req, "page", low=1, high=SEARCHED // PAGE, default=1)
        start = query.text(req, "cursor")
        found, more = self._window(start, asked.casefold())
        first = (number - 1) * PAGE
        today = datetime.fromtimestamp(self._reading().now / 1000, UTC).date()
        birthdays, more_birthdays = coming(self._contacts, today, DAYS_AHEAD, BIRTHDAYS)
        show(
            resp,
            "contacts.html",
            "/contacts",
            q=asked,
            contacts=found[first : first + PAGE],
            first=first + 1,
            total=len(found),
            number=number,
            pages=[(page + 1, _address(asked, start, page + 1)) for page in range(-(-len(found) // PAGE))],
            start=start,
            more=None if more is None else _address(asked, more, 1),
            span=SEARCHED if asked else WINDOW,
            birthdays=birthdays,
            more_birthdays=more_birthdays,
            days_ahead=DAYS_AHEAD,
            limit_mb=self._limit_mb,
            charsets=CHARSETS,
        )

    on_head = on_get

    def _window(self, cursor: str | None, wanted: str) -> tuple[list[dict[str, Any]], str | None]:
        """The contacts from `cursor` on that have `wanted` in them, by name; and where those begin that it left out."""
        found: list[dict[str, Any]] = []
        for _ in range((SEARCHED if wanted else WINDOW) // MAX_PAGE):
            page = self._contacts.page(MAX_PAGE, cursor)
            found += [contact for contact in page.data if wanted in _text(contact)]
            cursor = page.next_cursor
            if cursor is None:
                break
        found.sort(key=lambda contact: (collated(contact["name"]), contact["id"]))
        return found, cursor


def collated(name: str) -> str:
    """By what a name is sorted: É is among the E, as in an address book."""
    return "".join(character for character in normalize("NFD", name.casefold()) if not combining(character))


def _text(contact: Mapping[str, Any]) -> str:
    """What a search looks at."""
    parts = (contact["name"], contact["birthday"] or "", *contact["emails"], *contact["phones"], *contact["urls"])
    return "\n".join(parts).casefold()


def _address(q: str, cursor: str | None, page: int) -> str:
    asked = {"q": q, "cursor": cursor, "page": page if page > 1 else None}
    given = {name: value for name, value in asked.items() if value}
    return "/contacts" + (f"?{urlencode(given)}" if given else "")


class ContactFile(DownloadResource[ContactBook], Page):
    """`/contacts.vcf` and `/contacts.csv`"""

    access = BY_SESSION

    def __init__(self, contacts: ContactBook, slots: RequestSlots, kind: Kind) -> None:
        super().__init__(contacts, slots)
        self._kind = kind

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return all contacts as a file, as `/scheduler/contacts/export` does."""
        self.send(req, resp)

    def on_head(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Prepare the file."""
        send_file(resp, self._source, self._kind)


class DuplicateContacts(SlowResource[ContactBook], Page):
    """`/contacts/duplicates`"""

    access = BY_SESSION

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Groups of contacts that may be one person, side by side."""
        number = query.integer(req, "page", low=1, high=MOST_GROUPS // GROUPS, default=1)
        with self._slots.held():
            found = self._source.all_duplicates()
            pages = max(1, -(-len(found.groups) // GROUPS))
            number = min(number, pages)  # those of the last page may be merged
            groups = self._source.shown_groups(found.groups[(number - 1) * GROUPS : number * GROUPS])
        show(
            resp,
            "duplicates.html",
            "/contacts",
            groups=groups,
            total=len(found.groups),
            more=found.has_more,
            number=number,
            pages=[(page, f"/contacts/duplicates?page={page}") for page in range(1, pages + 1)],
        )

    on_head = on_get


class NewContact(Page):
    """`/contacts/new`"""

    access = BY_SESSION

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """An empty form."""
        show(resp, "contact_form.html", "/contacts", contact=None, fields=form_of({}))

    on_head = on_get


class EditContact(Page):
    """`/contacts/{contact_id}`"""

    access = BY_SESSION

    def __init__(self, contacts: ContactBook) -> None:
        self._contacts = contacts

    def on_get(self, req: falcon.Request, resp: falcon.Response, contact_id: str) -> None:
        """The form as the contact is, and what the bots have noted of it."""
        contact = self._contacts.get(contact_id)
        show(resp, "contact_form.html", "/contacts", contact=contact, fields=form_of(contact))

    on_head = on_get


_HINTS = {
    "given_name": "What a greeting begins with.",
    "birthday": "Such as 1990-04-12, or --04-12 where the year is unknown.",
    "emails": f"The first is written to. At most {MAX_VALUES}.",
    "urls": "Addresses that begin with http:// or https://; the first is visited.",
    "language": "In which to greet, such as fr or de-AT.",
    "deceased": "Nobody greets them any more, and their birthday is not among those that come.",
}
_LABELS = {"emails": "E-mail addresses", "phones": "Phone numbers", "urls": "Web pages", "deceased": "Has died"}
_TEXTS = ("name", "given_name", "family_name", "birthday", "language")
_LISTS = ("emails", "phones", "urls")


def form_of(contact: Mapping[str, Any]) -> list[Field]:
    """A contact's fields; what is empty is taken away when it is saved."""
    return [
        *(_field(name, "text", contact.get(name) or "") for name in _TEXTS),
        *(_field(name, "lines", "\n".join(contact.get(name, ()))) for name in _LISTS),
        _field("deceased", "check", bool(contact.get("deceased"))),
    ]


def _field(name: str, kind: str, value: str | bool) -> Field:
    label = _LABELS.get(name, name.replace("_", " ").capitalize())
    longest = MAX_NAME if kind == "text" else None
    return Field(name, name, kind, label, _HINTS.get(name, ""), value, optional=False, longest=longest)
