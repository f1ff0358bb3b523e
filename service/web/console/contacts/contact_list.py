"""List of contacts with search, pages and upcoming birthdays; and its export as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from unicodedata import combining, normalize
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from service.contacts.cleaning import MAX_NAME
from service.contacts.writing.exports import Kind
from service.domain.access.scopes import Scope
from service.store.counters import Reading
from service.usecases.contacts import ContactBook
from service.usecases.paging import MAX_PAGE
from service.web.api.contacts import send_file
from service.web.console.contacts.upcoming_birthdays import upcoming_birthdays
from service.web.console.page import Page, RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool, PooledResource

WINDOW = 2000
"""Contacts to sort together. A link leads to the next window."""
SEARCHED = 10_000
"""Contacts that one search reads. A link leads to the next window."""
PAGE = 50
DAYS_AHEAD, BIRTHDAYS = 30, 12
CHARSETS = (
    ("utf-8", "Unicode"), ("windows-1252", "Western European"), ("windows-1250", "Central European"),
    ("windows-1251", "Cyrillic"), ("koi8-r", "Cyrillic"), ("windows-1253", "Greek"), ("windows-1254", "Turkish"),
    ("windows-1255", "Hebrew"), ("windows-1256", "Arabic"), ("windows-1257", "Baltic"), ("macintosh", "old Mac"),
    ("shift_jis", "Japanese"), ("gbk", "Chinese, simplified"), ("big5", "Chinese, traditional"),
    ("euc-kr", "Korean"),
)  # fmt: skip
"""Encodings that the page offers, by their names on the web. The import knows more."""


class ContactList(RenderedPage):
    """`/contacts`.

    Args:
        contacts: The address book.
        reading: Reads the current counts from Redis; used for the time.
        limit_mb: The largest file that can be imported, MiB.
    """

    access = BY_SESSION.needing(get=Scope.CONTACTS)

    def __init__(self, pool: Pool, contacts: ContactBook, reading: Callable[[], Reading], limit_mb: int) -> None:
        super().__init__(pool)
        self._contacts = contacts
        self._reading = reading
        self._limit_mb = limit_mb

    def render(self, req: Request, resp: Response) -> None:
        """Show a page of the contacts that match the search, by name, and the upcoming birthdays."""
        asked = (query.text(req, "q") or "").strip()[:MAX_NAME]
        number = query.integer(req, "page", low=1, high=SEARCHED // PAGE, default=1)
        start = query.text(req, "cursor")
        found, more = self._window(start, asked.casefold())
        first = (number - 1) * PAGE
        today = datetime.fromtimestamp(self._reading().now / 1000, UTC).date()
        birthdays, more_birthdays = upcoming_birthdays(self._contacts, today, DAYS_AHEAD, BIRTHDAYS)
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

    def _window(self, cursor: str | None, wanted: str) -> tuple[list[dict[str, Any]], str | None]:
        """Return the contacts from `cursor` on with the text `wanted`, by name; and the cursor of the next window."""
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
    """Return the sort key of a name: É stands among the E, as in an address book."""
    return "".join(character for character in normalize("NFD", name.casefold()) if not combining(character))


def _text(contact: Mapping[str, Any]) -> str:
    """Return the text of a contact that a search looks at."""
    parts = (contact["name"], contact["birthday"] or "", *contact["emails"], *contact["phones"], *contact["urls"])
    return "\n".join(parts).casefold()


def _address(q: str, cursor: str | None, page: int) -> str:
    asked = {"q": q, "cursor": cursor, "page": page if page > 1 else None}
    given = {name: value for name, value in asked.items() if value}
    return "/contacts" + (f"?{urlencode(given)}" if given else "")


class ContactFile(PooledResource[ContactBook], Page):
    """`/contacts.vcf` and `/contacts.csv`.

    Args:
        contacts: The address book.
        pool: The threads that make it.
        kind: The file's format.
    """

    access = BY_SESSION.needing(get=Scope.CONTACTS)

    def __init__(self, contacts: ContactBook, pool: Pool, kind: Kind) -> None:
        super().__init__(contacts, pool)
        self._kind = kind

    async def on_get(self, req: Request, resp: Response) -> None:
        """Send all contacts as a file, like `/scheduler/contacts/export`."""
        await send_file(req, resp, self._source, self._kind, self._pool)

    on_head = on_get
