"""What a page shows: its title, and its visible text."""

from __future__ import annotations

import re
from codecs import lookup
from hashlib import sha256
from html.parser import HTMLParser

_INVISIBLE = frozenset({"script", "style", "noscript", "template", "svg", "head"})
_HTML = re.compile(r"\s*(text/html|application/xhtml\+xml)\b", re.IGNORECASE)
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
MAX_TITLE = 200


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self.text: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _INVISIBLE or tag == "title":
            self._inside.append(tag)
        elif tag == "body":
            self._inside.clear()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside and self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[-1] == "title":
            if "svg" not in self._inside:
                self.title.append(data)
        elif not self._inside:
            self.text.append(data)


def read_page(body: bytes, content_type: str) -> tuple[str | None, str]:
    """The title, if it is HTML that has one, and a hash of what the page shows.

    Args:
        body: what was received, possibly cut short.
        content_type: as the server told it.
    """
    if not _HTML.match(content_type):
        return None, sha256(body).hexdigest()
    reader = _Reader()
    reader.feed(_decoded(body, content_type))
    reader.close()
    title = " ".join("".join(reader.title).split())[:MAX_TITLE]
    return title or None, sha256(" ".join(" ".join(reader.text).split()).encode("utf-8", "replace")).hexdigest()


def _decoded(body: bytes, content_type: str) -> str:
    named = _CHARSET.search(content_type) or _CHARSET.search(body[:1024].decode("ascii", "replace"))
    try:
        charset = lookup(named[1]).name if named else "utf-8"
        return body.decode(charset, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")
