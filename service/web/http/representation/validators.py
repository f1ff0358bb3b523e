"""Entity tags of lists and pages, and 304 for clients that have the current version (RFC 9110, 8.8.3 and 13.1.2).

A tag is a digest of all that the answer shows, so every web process makes the same one. It is weak, because the body's
bytes differ with its content coding.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode

import falcon
from falcon.asgi import Request, Response

REVALIDATED = "private, no-cache"
"""The Cache-Control of lists: clients may keep them, and ask each time whether they still hold. Proxies may not."""

_DIGEST_BYTES = 18
"""144 bits; a multiple of three, so that base64 needs no padding."""
_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def tag_of(body: bytes, more: str = "") -> str:
    """Make the weak tag of an answer.

    Args:
        body: what it shows, without any content coding.
        more: what it shows in its headers.

    Returns:
        The tag, such as `W/"LPJNul-wow4m6DsqxbninhsW"`.
    """
    digest = hashlib.sha256(body, usedforsecurity=False)
    if more:
        digest.update(more.encode())
    return f'W/"{urlsafe_b64encode(digest.digest()[:_DIGEST_BYTES]).decode()}"'


def matches(if_none_match: str, tag: str) -> bool:
    """Tell whether `If-None-Match` names a tag, by weak comparison. A malformed header names nothing."""
    if if_none_match.strip(" \t") == "*":
        return True
    bare = tag.removeprefix("W/")
    return bare in _TAG.findall(if_none_match) and not _TAG.sub("", if_none_match).strip(" \t,")


def revalidate(req: Request, resp: Response) -> None:
    """Tag a good answer that is complete in `resp.data`; make it 304 if the client has it already.

    A link to the next page is part of what a list shows.
    """
    show_tag(req, resp, tag_of(resp.data or b"", resp.get_header("Link") or ""))


def show_tag(req: Request, resp: Response, tag: str) -> None:
    """Send a tag with a good answer; make it 304 if the client has that version already."""
    resp.set_header("ETag", tag)
    if resp.get_header("Cache-Control") is None:
        resp.set_header("Cache-Control", REVALIDATED)
    asked = req.get_header("If-None-Match")
    if asked is not None and matches(asked, tag):
        resp.status = falcon.HTTP_304
        resp.data = resp.content_type = None
