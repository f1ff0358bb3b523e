"""Parser of a WebDAV server's answers (RFC 4918, 13): reads them as they arrive, one resource at a time.

Memory holds one resource at a time, bounded in each way in which an answer can be large: text, elements, depth, names.
The parser is expat, which tells how much of an unfinished tag it holds, so that a tag of a million attributes is
refused before it is complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from service.domain.web_encodings import codec_of

DAV = "{DAV:}"
CARD = "{urn:ietf:params:xml:ns:carddav}"
MAX_TEXT = 10 * 1024 * 1024
"""The most characters of one resource, such as a card with its photo."""
MAX_BYTES = 24 * 1024 * 1024
"""The most bytes of one resource: twice its characters in UTF-16, and more if many are escaped."""
MAX_ELEMENTS = 5_000
"""The most elements of one resource."""
MAX_DEPTH = 50
MAX_NAMES = 500
"""The most different names, and prefixes, in an answer, since the parser keeps each."""
MAX_TAG = 128 * 1024
"""The most bytes of one tag with its attributes, or of one comment."""
MAX_WORD = 4_000
"""The most characters of a token. A longer etag counts as unknown."""
PIECE = 64 * 1024
_STATUS = re.compile(r"HTTP/[\d.]+ (\d{3})")


class NotDav(Exception):
    """The answer is not WebDAV, or broke off."""


class Oversized(NotDav):
    """A part of the answer is larger than any legitimate one. The message says which."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of an answer. A value that the server did not send is None or empty.

    Args:
        href: its path, as the server writes it.
        status: the status of the resource as a whole.
        etag: its version.
        card: its vCard.
        name: its name for people.
        kinds: the tags of its resource type.
        reports: the tags of the reports that it offers.
        principal: the path of the user.
        home: the path of the user's address books.
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
        """Whether it is an address book."""
        return f"{CARD}addressbook" in self.kinds

    @property
    def syncs(self) -> bool:
        """Whether the server lists its changes since a token (RFC 6578)."""
        return f"{DAV}sync-collection" in self.reports


class Multistatus:
    """Parser of one answer. It reads no document type, so neither entities nor anything from elsewhere.

    Feed it the data as they arrive. Each call yields the resources that are complete by then.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._prefixes = set[str | None]()
        self._parser = expat.ParserCreate(namespace_separator="}", intern=self._names)
        self._parser.buffer_text = True
        self._parser.XmlDeclHandler = self._declared
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartNamespaceDeclHandler = self._named
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._depth = self._elements = self._text = self._fed = self._began = 0
        self._builder: TreeBuilder | None = None
        self._complete: list[Resource] = []
        self.token: str | None = None
        """The state that the answer leads to, once it is read."""

    def feed(self, data: bytes) -> Iterator[Resource]:
        """Parse some data and yield the resources that are complete.

        Raises:
            NotDav: the data are not XML, are XML of another kind, or have a part that is too large.
        """
        for start in range(0, len(data), PIECE):
            self._parse(data[start : start + PIECE])
            yield from self._complete
            self._complete.clear()

    def close(self) -> None:
        """Finish the parsing.

        Raises:
            NotDav: the answer broke off.
        """
        self._parse(b"", final=True)

    def _parse(self, piece: bytes, final: bool = False) -> None:
        try:
            self._parser.Parse(piece, final)
        except (expat.ExpatError, LookupError, ValueError):  # the last two are about an encoding
            raise NotDav from None
        self._fed += len(piece)
        if not final and self._fed - self._parser.CurrentByteIndex > MAX_TAG:
            raise Oversized("a tag")
        if self._builder is not None and self._fed - self._began > MAX_BYTES:
            raise Oversized("a resource")
        if len(self._names) > MAX_NAMES or len(self._prefixes) > MAX_NAMES:
            raise Oversized("its list of names")

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and codec_of(encoding) is None:  # expat would ask Python for it
            raise NotDav

    def _refuse(self, *declared: object) -> None:
        raise NotDav

    def _named(self, prefix: str | None, uri: str) -> None:
        self._prefixes.add(prefix)

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        tag = "{" + name if "}" in name else name
        if self._depth == 0:
            if tag != f"{DAV}multistatus":
                raise NotDav
        elif self._depth == 1:
            self._builder, self._elements, self._text, self._began = TreeBuilder(), 0, 0, self._fed
        self._depth += 1
        self._elements += 1
        if self._elements > MAX_ELEMENTS or self._depth > MAX_DEPTH:
            raise Oversized("a resource")
        if self._builder is not None:
            self._builder.start(tag, {})  # we need no attribute

    def _data(self, text: str) -> None:
        if self._builder is not None:
            self._text += len(text)
            if self._text > MAX_TEXT:
                raise Oversized("a resource")
            self._builder.data(text)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._builder is None:
            return
        self._builder.end("{" + name if "}" in name else name)
        if self._depth == 1:
            element, self._builder = self._builder.close(), None
            if element.tag == f"{DAV}response":
                self._complete.append(_resource(element))
            elif element.tag == f"{DAV}sync-token":
                self.token = _text(element)
                if len(self.token) > MAX_WORD:
                    raise Oversized("its token")


def _resource(response: Element) -> Resource:
    properties: dict[str, Element] = {}
    for propstat in response.iterfind(f"{DAV}propstat"):
        if _status(propstat) // 100 == 2:
            properties.update({prop.tag: prop for prop in propstat.iterfind(f"{DAV}prop/*")})
    reports = properties.get(f"{DAV}supported-report-set")
    kinds = properties.get(f"{DAV}resourcetype")
    card = properties.get(f"{CARD}address-data")
    etag = _text(properties.get(f"{DAV}getetag"))
    return Resource(
        href=_text(response.find(f"{DAV}href")),
        status=_status(response),
        etag=etag if len(etag) <= MAX_WORD else "",
        card=None if card is None else "".join(card.itertext()),
        name=_text(properties.get(f"{DAV}displayname")),
        kinds=frozenset() if kinds is None else frozenset(kind.tag for kind in kinds),
        reports=frozenset() if reports is None else frozenset(tag.tag for tag in reports.iterfind(f".//{DAV}*")),
        principal=_link(properties.get(f"{DAV}current-user-principal")),
        home=_link(properties.get(f"{CARD}addressbook-home-set")),
    )


def _status(element: Element) -> int:
    match = _STATUS.match(_text(element.find(f"{DAV}status")))
    return int(match[1]) if match else 200


def _text(element: Element | None) -> str:
    return "" if element is None else "".join(element.itertext()).strip()


def _link(element: Element | None) -> str | None:
    return None if element is None else _text(element.find(f"{DAV}href")) or None
