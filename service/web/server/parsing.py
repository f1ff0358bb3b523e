"""Parsing of what a client sends into requests, by uvicorn's parser and within our limits."""

from __future__ import annotations

import urllib.parse
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.web.server import heads
from service.web.server.heads import HEAD_BYTES, LINE_BYTES
from service.web.server.refusals import CHUNK, Refused, refusal_of

OVERHEAD_BYTES = 64 * 1024
OVERHEAD_RATIO = 16
"""How long the sizes, extensions and trailers of a body's chunks may be altogether: a constant, and more per byte."""
_CONNECT = b"CONNECT"


class Parsing(HttpToolsProtocol):
    """The parser's part of a connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.url = b""
        self.head_bytes = 0
        """How much has come of a head that is not complete."""
        self.is_in_body = False
        """The body of the latest request has not come whole."""
        self._overhead = 0

    def feed(self, piece: bytes) -> bytes:
        """Parse the next bytes, whose requests begin by `begin`.

        Returns:
            Bytes to parse again.

        Raises:
            Refused: the client must not send this, and nothing behind it will be read.
        """
        if self.is_in_body:
            self._overhead += len(piece)
        else:
            self.head_bytes += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade() + piece[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            raise refusal_of(error) from None
        self._check_bounds()
        return b""

    def begin(self, method: bytes, version: str, asks_for_continue: bool) -> None:
        """Begin to answer a request whose head is complete."""
        raise NotImplementedError

    def on_message_begin(self) -> None:
        """Begin a request; the parser calls this."""
        super().on_message_begin()
        self.head_bytes = max(1, self.head_bytes)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header.

        Trailers are left out, and so are names with underscores, which WSGI takes for the same name with dashes.
        """
        if not self.is_in_body and b"_" not in name:
            self.headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Check the head and begin to answer."""
        self.head_bytes = self._overhead = 0
        method, version = self.parser.get_method(), self.parser.get_http_version()
        asks_for_continue = heads.check(method, self.url, version, self.headers)
        if not self._asks_for_upgrade():
            self._complete_scope(method, version)
            self.begin(method, version, asks_for_continue)
            self.is_in_body = True

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._overhead -= (OVERHEAD_RATIO + 1) * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self.is_in_body = False
        if not self._asks_for_upgrade():
            super().on_message_complete()

    def _complete_scope(self, method: bytes, version: str) -> None:
        raw_path, _, query = self.url.partition(b"?")
        path = raw_path.decode("ascii")
        self.scope["method"] = method.decode("ascii")
        self.scope["http_version"] = version
        self.scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        self.scope["raw_path"] = raw_path
        self.scope["query_string"] = query

    def _asks_for_upgrade(self) -> bool:
        return self.parser.should_upgrade() and self.parser.get_method() != _CONNECT

    def _without_upgrade(self) -> bytes:
        """Return the head of a request that asks for another protocol, as it would be without that.

        We offer no other protocol and may ignore the wish (RFC 9110, section 7.8). The parser would end the request
        with its head.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version()
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        if method == _CONNECT:
            return b""
        fields = [b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade"]
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version.encode(), b"".join(fields))

    def _check_bounds(self) -> None:
        if self.is_in_body:
            if self._overhead > OVERHEAD_BYTES:
                raise Refused(400, CHUNK)
        elif self.head_bytes:
            if len(self.url) > LINE_BYTES:
                raise heads.too_long()
            if self.head_bytes > HEAD_BYTES:
                raise heads.too_many()
