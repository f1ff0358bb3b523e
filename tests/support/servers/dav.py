"""A small CardDAV server that can be made to answer oddly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from xml.sax.saxutils import escape

from tests.support.servers.http import QuietHandler, serving

BOOK = "/book/"
_NAMES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


Raw = Callable[[BaseHTTPRequestHandler], None]
"""Answers byte by byte."""


@dataclass
class Asked:
    """A request: its method and path, what it asks for ("propfind", "sync-collection", "addressbook-multiget"), and
    what it names."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def kind(self) -> str:
        match = re.search(r"<(?:C:)?(propfind|sync-collection|addressbook-multiget)\b", self.body)
        return match[1] if match else ""

    @property
    def hrefs(self) -> list[str]:
        return re.findall(r"<href>([^<]*)</href>", self.body)


@dataclass
class DavServer:
    """What it has, how it answers, and what it was asked.

    Args:
        cards: by their paths, the version and the text of each.
        odd: asked first; what it answers to a request, or None.
        syncs: whether it says that it tells changes.
        writes: how it writes a path in its answers.
    """

    address: str = ""
    cards: dict[str, tuple[str, str]] = field(default_factory=dict)
    odd: Callable[[Asked], Said | Raw | None] = lambda asked: None
    syncs: bool = False
    writes: Callable[[str], str] = str
    asked: list[Asked] = field(default_factory=list)

    def asked_for(self, kind: str) -> list[Asked]:
        """The requests of a kind."""
        return [asked for asked in self.asked if asked.kind == kind]

    def url(self, path: str = BOOK, user: str = "ada:geheim@") -> str:
        """The CONTACTS_URL that leads here."""
        return self.address.replace("http://", f"http://{user}") + path

    def answer(self, asked: Asked) -> Said | Raw:
        """To one request."""
        self.asked.append(asked)
        said = self.odd(asked)
        if said is not None:
            return said
        if asked.path != BOOK:
            return Said(404)
        if asked.kind == "propfind" and asked.headers.get("Depth") == "0":
            report = "<supported-report><report><sync-collection/></report></supported-report>" if self.syncs else ""
            kinds = "<resourcetype><collection/><C:addressbook/></resourcetype>"
            return multistatus(found(BOOK, f"{kinds}<supported-report-set>{report}</supported-report-set>"))
        if asked.kind in ("propfind", "sync-collection"):
            etags = [
                found(self.writes(path), f"<resourcetype/><getetag>{etag}</getetag>")
                for path, (etag, _) in self.cards.items()
            ]
            book = found(BOOK, "<resourcetype><collection/></resourcetype>") if asked.kind == "propfind" else ""
            return multistatus(book, *etags, token="t1" if asked.kind == "sync-collection" else None)
        if asked.kind == "addressbook-multiget":
            return multistatus(*(self.card(href) for href in asked.hrefs))
        return Said(400)

    def card(self, href: str) -> str:
        """A card as a multiget answers it."""
        if href not in self.cards:
            return f"<response><href>{href}</href><status>HTTP/1.1 404 Not Found</status></response>"
        etag, text = self.cards[href]
        return found(self.writes(href), f"<getetag>{etag}</getetag><C:address-data>{escape(text)}</C:address-data>")


def found(path: str, props: str) -> str:
    """One resource of an answer."""
    status = "<status>HTTP/1.1 200 OK</status>"
    return f"<response><href>{path}</href><propstat><prop>{props}</prop>{status}</propstat></response>"


def multistatus(*responses: str, token: str | None = None) -> Said:
    """An answer of several resources."""
    end = "" if token is None else f"<sync-token>{token}</sync-token>"
    return Said(207, f'<?xml version="1.0"?><multistatus {_NAMES}>{"".join(responses)}{end}</multistatus>')


@contextmanager
def dav_server() -> Iterator[DavServer]:
    """A running server with an empty address book."""
    served = DavServer()

    class Handler(QuietHandler):
        def do_PROPFIND(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            said = served.answer(Asked(self.command, self.path, dict(self.headers), body))
            if not isinstance(said, Said):
                return said(self)
            with suppress(OSError):  # whoever asked may have hung up
                self.send_response(said.status)
                for name, value in {"Content-Length": str(len(said.body.encode())), **said.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said.body.encode())
                if int(said.headers.get("Content-Length", 0)) > len(said.body.encode()):
                    self.close_connection = True

        do_REPORT = do_PROPFIND  # noqa: N815 - the method's name

    with serving(Handler) as served.address:
        yield served
