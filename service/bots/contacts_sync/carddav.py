"""An address book on a CardDAV server (RFC 6352): finding it, listing its changes (RFC 6578), and reading its cards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

import httpx

from service.bots.contacts_sync.dav import AnswerBroken, BookFailed, Dav
from service.bots.contacts_sync.dav_answers import Resource

MAX_CARDS = 200_000
"""The most cards of an address book. More would not fit into memory."""
MAX_BOOKS = 100
"""The most address books of one user."""
MAX_NAME = 100
"""The most characters of a name in an error."""
WELL_KNOWN = "/.well-known/carddav"
_XML = '<?xml version="1.0" encoding="utf-8"?>'
_NAMES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
_ABOUT = (
    f"{_XML}<propfind {_NAMES}><prop><resourcetype/><displayname/><supported-report-set/><current-user-principal/>"
    "<C:addressbook-home-set/></prop></propfind>"
)
_LIST = f"{_XML}<propfind {_NAMES}><prop><resourcetype/><getetag/></prop></propfind>"
_SYNC = (
    f"{_XML}<sync-collection {_NAMES}><sync-token>%s</sync-token><sync-level>1</sync-level>"
    "<prop><getetag/></prop></sync-collection>"
)
_GET = f"{_XML}<C:addressbook-multiget {_NAMES}><prop><getetag/><C:address-data/></prop>%s</C:addressbook-multiget>"
_LOST_TOKEN = frozenset({400, 403, 409, 410, 412})
"""The answers of servers to an invalid or expired token."""
_NO_SYNC = frozenset({400, 403, 405, 409, 415, 422, 500, 501, 507})
"""The answers of servers that do not sync after all."""
_CUT_OFF = "the server cut off its list of cards"
_FOR_ALL = frozenset({401, 404, 405, 429, 501, 503})
"""Refusals of the whole request, whatever cards it names."""


class TokenLost(Exception):
    """The server cannot list the changes since the token any more. The whole address book has to be read."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card as the server sent it, or the reason why its text is missing.

    Args:
        href: its path.
        etag: its version.
        text: the vCard.
        reason: why there is no text.
        gone: whether the card does not exist any more.
    """

    href: str
    etag: str = ""
    text: str | None = None
    reason: str = ""
    gone: bool = False


@dataclass(slots=True)
class Changes:
    """The changes since a token, or everything.

    Args:
        versions: the etag of each card, by its path.
        gone: the paths of cards that do not exist any more.
        token: the state that these changes lead to; None if the server does not say.
        more: whether there are more changes after `token`.
    """

    versions: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    token: str | None = None
    more: bool = False


class CardDav:
    """One address book.

    Args:
        dav: its server.
        url: its address.
        name: its name for people.
        syncs: whether the server lists the changes since a token.
    """

    def __init__(self, dav: Dav, url: httpx.URL, name: str, syncs: bool) -> None:
        self._dav = dav
        self.url = url
        self.name = name
        self._syncs = syncs

    @property
    def address(self) -> str:
        """Identifies the address book, however it was reached."""
        return f"{self.url.host}:{self.url.port or ''}{self._path(str(self.url))}"

    def everything(self) -> Changes:
        """Return every card's version."""
        if self._syncs:
            try:
                return self._whole_sync()
            except BookFailed as error:
                if error.status not in _NO_SYNC:
                    raise
        changes = Changes()
        with self._dav.ask("PROPFIND", self.url, _LIST, depth="1") as answer:
            for resource in answer:
                self._note(resource, changes)
        if changes.more:
            raise BookFailed(_CUT_OFF)
        return changes

    def since(self, token: str) -> Changes:
        """Return the changes since `token`, or the first part of them.

        Raises:
            TokenLost: the server cannot list them.
        """
        try:
            return self._sync(token, Changes())
        except BookFailed as error:
            if error.status in _LOST_TOKEN | _NO_SYNC:
                raise TokenLost from None
            raise

    def _whole_sync(self) -> Changes:
        changes = self._sync("", Changes())
        while changes.more:
            before = changes.token
            if not before or (self._sync(before, changes).token == before and changes.more):
                raise BookFailed(_CUT_OFF)
        return changes

    def _sync(self, token: str, changes: Changes) -> Changes:
        changes.more = False
        with self._dav.ask("REPORT", self.url, _SYNC % escape(token)) as answer:
            for resource in answer:
                self._note(resource, changes)
            changes.token = answer.token or None
        return changes

    def _note(self, resource: Resource, changes: Changes) -> None:
        path, book = self._path(resource.href), self._path(str(self.url)) or ""
        if path is not None and path.rstrip("/") == book.rstrip("/"):
            changes.more = changes.more or resource.status == 507
        elif path is None or path.endswith("/") or resource.kinds:
            return
        elif resource.status == 404:
            changes.versions.pop(path, None)
            changes.gone.append(path)
        else:
            changes.versions[path] = resource.etag  # empty if the server does not say: the card is there all the same
        if max(len(changes.versions), len(changes.gone)) > MAX_CARDS:
            raise BookFailed(f"the address book has more than {MAX_CARDS:,} cards")

    def cards(self, hrefs: Sequence[str]) -> Iterator[Card]:
        """Yield the cards at these paths, each once.

        A card that cannot be read affects no other: the rest of a failed request is asked for again in halves.
        """
        left = dict.fromkeys(hrefs)
        try:
            links = "".join(f"<href>{escape(href)}</href>" for href in hrefs)
            with self._dav.ask("REPORT", self.url, _GET % links, depth="1") as answer:
                for resource in answer:
                    path = self._path(resource.href)
                    if path in left:
                        del left[path]
                        yield _card(path, resource)
        except BookFailed as error:
            if error.status in _FOR_ALL or (error.status is None and not isinstance(error, AnswerBroken)):
                raise
            if len(hrefs) == 1:
                why = "the answer for it cannot be read" if isinstance(error, AnswerBroken) else str(error)
                yield from (Card(href, reason=f"the card could not be read: {why}") for href in left)
            else:
                yield from self._halves(list(left))
        else:
            for href in left:
                yield Card(href, reason="the server did not send the card")

    def _halves(self, hrefs: list[str]) -> Iterator[Card]:
        middle = (len(hrefs) + 1) // 2
        for half in (hrefs[:middle], hrefs[middle:]):
            if half:
                yield from self.cards(half)

    def _path(self, href: str) -> str | None:
        """Return a link's path in one spelling; None if it leads elsewhere."""
        try:
            path = self._dav.at(href, self.url).raw_path.decode("ascii").partition("?")[0]
        except BookFailed:
            return None
        return "/".join(quote(unquote(part), safe="@:!$&'()*+,;=~-._") for part in path.split("/"))


def _card(path: str, resource: Resource) -> Card:
    if resource.status in (404, 410):
        return Card(path, gone=True)
    if resource.card is None:
        return Card(path, reason="the server sent no vCard")
    return Card(path, resource.etag, resource.card)


def find(dav: Dav, name: str | None = None) -> CardDav:
    """Return the address book at `CONTACTS_URL`, or the one of its user.

    Args:
        dav: the server.
        name: the address book's name, or the last part of its path, if there are several.

    Raises:
        BookFailed: there is no address book, or there are several and not exactly one has this name.
    """
    home, book = _home(dav)
    if book is not None and name is None:
        return book
    books = [book] if home is None and book is not None else _books(dav, home)
    chosen = [one for one in books if name in (None, one.name, _last_part(one.url))]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(f"“{(one.name or _last_part(one.url))[:MAX_NAME]}”" for one in books)
    if not books:
        raise BookFailed("the user in CONTACTS_URL has no address book")
    if name is None:
        raise BookFailed(f"there are several address books; set the job's address_book to one of {names}")
    raise BookFailed(f"“{name}” does not name exactly one address book; there are {names}")


def _home(dav: Dav) -> tuple[httpx.URL | None, CardDav | None]:
    """Find the user's address books, or the address book that `CONTACTS_URL` itself names (RFC 6764, 6)."""
    failed: BookFailed | None = None
    for place in (dav.url, dav.url.copy_with(raw_path=WELL_KNOWN.encode()), dav.url.copy_with(raw_path=b"/")):
        try:
            url, about = _about(dav, place)
            if about.is_address_book:
                return None, CardDav(dav, dav.at(about.href, url), about.name, about.syncs)
            if about.home is None and about.principal is not None:
                url, about = _about(dav, dav.at(about.principal, url))
            if about.home is not None:
                return dav.at(about.home, url), None
        except BookFailed as error:
            if error.status is None or error.status in (401, 429, 503):
                raise
            failed = failed or error
    raise failed or BookFailed("there is no address book at CONTACTS_URL, nor does it lead to one")


def _about(dav: Dav, url: httpx.URL) -> tuple[httpx.URL, Resource]:
    about: Resource | None = None
    with dav.ask("PROPFIND", url, _ABOUT) as answer:
        for resource in answer:
            about = about or resource
    if about is None:
        raise BookFailed("the server sent nothing about CONTACTS_URL", 404)
    return answer.url, about


def _books(dav: Dav, home: httpx.URL | None) -> list[CardDav]:
    if home is None:
        return []
    books: list[CardDav] = []
    with dav.ask("PROPFIND", home, _ABOUT, depth="1") as answer:
        for resource in answer:
            if resource.is_address_book:
                books.append(CardDav(dav, dav.at(resource.href, answer.url), resource.name, resource.syncs))
                if len(books) > MAX_BOOKS:
                    raise BookFailed(f"the server has more than {MAX_BOOKS} address books there")
    return books


def _last_part(url: httpx.URL) -> str:
    return unquote(url.path.rstrip("/").rpartition("/")[2])
