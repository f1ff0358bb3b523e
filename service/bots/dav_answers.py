"""What a WebDAV server says of its resources (RFC 4918, 13), read while it arrives, one resource at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

DAV = "{DAV:}"
CARD = "{urn:ietf:params:xml:ns:carddav}"
_STATUS = re.compile(r"HTTP/[\d.]+ (\d{3})")


class NotDav(Exception):
    """The answer is not one of WebDAV, or broke off."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of an answer; what the server did not say is None or empty.

    Args:
        href: as the server writes it.
        status: of the resource as a whole.
        etag: its version.
        card: its vCard.
        name: for people.
        kinds: the tags of its resource type.
        reports: the tags of the reports that it gives.
        principal, home: where the user, and the user's address books, are found.
    """

    href: str
    status: int
    etag: str
    card: str | None
    name: str
    kinds: frozenset[str]
    reports: frozenset[str]
    principal: str | None
    home: str | None

    @property
    def is_address_book(self) -> bool:
        return f"{CARD}addressbook" in self.kinds

    @property
    def syncs(self) -> bool:
        """Whether it tells what has changed since a token (RFC 6578)."""
        return f"{DAV}sync-collection" in self.reports


class Multistatus:
    """Reads one answer. Neither entities nor anything from elsewhere is read, and what was told is not kept.

    Feed it what arrives; each call gives the resources that are complete by then.
    """

    def __init__(self) -> None:
        # huge_tree stays off: it caps one text at 10 MB and the depth at 256
        self._parser = etree.XMLPullParser(
            events=("end",), resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
        )
        self.token: str | None = None
        """Up to which change the answer tells, once it is read."""

    def feed(self, data: bytes) -> Iterator[Resource]:
        """Raises NotDav if it is not XML."""
        try:
            self._parser.feed(data)
            yield from self._read()
        except etree.XMLSyntaxError:
            raise NotDav from None

    def close(self) -> None:
        """Raises NotDav if the answer broke off, or is XML of another kind."""
        try:
            root = self._parser.close()
        except etree.XMLSyntaxError:
            raise NotDav from None
        if root is None or root.tag != f"{DAV}multistatus":
            raise NotDav

    def _read(self) -> Iterator[Resource]:
        for _, element in self._parser.read_events():
            parent = element.getparent()
            if parent is None or parent.tag != f"{DAV}multistatus":
                continue
            if element.tag == f"{DAV}response":
                yield _resource(element)
            elif element.tag == f"{DAV}sync-token":
                self.token = _text(element)
            element.clear()
            while element.getprevious() is not None:
                del parent[0]


def _resource(response: etree._Element) -> Resource:
    found: dict[str, etree._Element] = {}
    for propstat in response.iterfind(f"{DAV}propstat"):
        if _status(propstat) // 100 == 2:
            found.update({str(prop.tag): prop for prop in propstat.iterfind(f"{DAV}prop/*")})
    reports = found.get(f"{DAV}supported-report-set")
    kinds = found.get(f"{DAV}resourcetype")
    card = found.get(f"{CARD}address-data")
    return Resource(
        href=_text(response.find(f"{DAV}href")),
        status=_status(response),
        etag=_text(found.get(f"{DAV}getetag")),
        card=None if card is None else "".join(map(str, card.itertext())),
        name=_text(found.get(f"{DAV}displayname")),
        kinds=frozenset() if kinds is None else frozenset(str(kind.tag) for kind in kinds),
        reports=frozenset() if reports is None else frozenset(str(tag.tag) for tag in reports.iter(f"{DAV}*")),
        principal=_link(found.get(f"{DAV}current-user-principal")),
        home=_link(found.get(f"{CARD}addressbook-home-set")),
    )


def _status(element: etree._Element) -> int:
    match = _STATUS.match(_text(element.find(f"{DAV}status")))
    return int(match[1]) if match else 200


def _text(element: etree._Element | None) -> str:
    return "" if element is None else "".join(map(str, element.itertext())).strip()


def _link(element: etree._Element | None) -> str | None:
    return None if element is None else _text(element.find(f"{DAV}href")) or None
