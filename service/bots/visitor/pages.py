"""The title and the visible text of a page.

Pages come from anywhere, so the parser must take time in proportion to their size, whatever they hold. lxml's parser
does, if it feeds a target that builds no tree: a megabyte of unclosed or endlessly nested tags takes it a quarter of a
second. The standard library's parser takes 40 s for 240 KB of `<!--`, and tree builders are quadratic in the depth of
nesting.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from lxml import etree

from service.domain.web_encodings import codec_of, decoded

_INVISIBLE = frozenset({"script", "style", "noscript", "template", "svg", "head"})
_HTML = re.compile(r"\s*(text/html|application/xhtml\+xml)\b", re.IGNORECASE)
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
MAX_TITLE = 200


class _Reader:
    """Target of the parser's events. Every start has its end, in order, however the page was written."""

    def __init__(self) -> None:
        self.title: list[str] = []
        self.text: list[str] = []
        self._inside: list[str] = []
        self._titled = False

    def start(self, tag: str, attributes: Any) -> None:
        if tag in _INVISIBLE or (tag == "title" and "svg" not in self._inside):
            self._inside.append(tag)

    def end(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()
            self._titled = self._titled or tag == "title"

    def data(self, data: str) -> None:
        if not self._inside:
            self.text.append(data)
        elif self._inside[-1] == "title" and not self._titled:
            self.title.append(data)

    def close(self) -> None:
        """Nothing is left to do."""


def read_page(body: bytes, content_type: str) -> tuple[str | None, str]:
    """Return the title of an HTML page, if it has one, and a hash of the page's visible text.

    Args:
        body: the received bytes, possibly cut short.
        content_type: the server's `Content-Type`.
    """
    if not _HTML.match(content_type):
        return None, sha256(body).hexdigest()
    reader = _Reader()
    parser = etree.HTMLParser(target=reader, encoding="utf-8")
    try:
        parser.feed(_text(body, content_type).replace("\0", " ").encode("utf-8", "replace"))
        parser.close()
    except etree.LxmlError:
        pass  # an empty page, or one nested too deeply: the text so far counts
    title = " ".join("".join(reader.title).split())[:MAX_TITLE]
    return title or None, sha256(" ".join(" ".join(reader.text).split()).encode("utf-8", "replace")).hexdigest()


def _text(body: bytes, content_type: str) -> str:
    told = _CHARSET.search(content_type)
    if told:
        return decoded(body, told[1])
    meta = _CHARSET.search(body[:1024].decode("ascii", "replace"))
    # we found it in ASCII, so the page is not UTF-16, whatever it says (HTML, 13.2.3.2)
    utf_16 = meta is not None and (codec_of(meta[1]) or "").startswith("utf-16")
    return decoded(body, meta[1] if meta and not utf_16 else None)
