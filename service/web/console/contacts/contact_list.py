"""List of contacts with search, pages and upcoming birthdays; and its export as a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from falcon.asgi import Request, Response

from service.contacts.cleaning import MAX_NAME
from service.contacts.writing.exports import Kind
from service.domain.access.scopes import Scope
from service.store.counters import Reading
from service.usecases.contacts import ContactBook
from service.usecases.lists.listed_contacts import ListedContacts
from service.web.api.contacts import send_file
from service.web.console.contacts.upcoming_birthdays import upcoming_birthdays
from service.web.console.page import FAR, Page, RenderedPage, pages_near, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool, PooledResource

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
        listed: The list of its contacts.
        reading: Reads the current counts from Redis; used for the time.
        limit_mb: The largest file that can be imported, MiB.
    """

    access = BY_SESSION.needing(get=Scope.CONTACTS)

    def __init__(
        self, pool: Pool, contacts: ContactBook, listed: ListedContacts, reading: Callable[[], Reading], limit_mb: int
    ) -> None:
        super().__init__(pool)
        self._contacts = contacts
        self._listed = listed
        self._reading = reading
        self._limit_mb = limit_mb

    def render(self, req: Request, resp: Response) -> None:
        """Show a page of the contacts that match the search, by name, and the upcoming birthdays."""
        asked = (query.text(req, "q") or "").strip()[:MAX_NAME]
        number = query.integer(req, "page", low=1, high=FAR, default=1)
        found = self._listed.page(PAGE, (number - 1) * PAGE, asked)
        today = datetime.fromtimestamp(self._reading().now / 1000, UTC).date()
        birthdays, more_birthdays = upcoming_birthdays(self._contacts, today, DAYS_AHEAD, BIRTHDAYS)
        show(
            resp,
            "contacts.html",
            "/contacts",
            q=asked,
            contacts=found.shown,
            first=(number - 1) * PAGE + 1,
            total=found.total,
            number=number,
            pages=pages_near(number, -(-found.total // PAGE), lambda page: _address(asked, page)),
            birthdays=birthdays,
            more_birthdays=more_birthdays,
            days_ahead=DAYS_AHEAD,
            limit_mb=self._limit_mb,
            charsets=CHARSETS,
        )


def _address(q: str, page: int) -> str:
    return query.address("/contacts", {"q": q, "page": page if page > 1 else None})


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
