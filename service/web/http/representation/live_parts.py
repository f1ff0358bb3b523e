"""Live parts of a page: an open page is sent those that have changed, and no others.

A live part is an element with an id and the attribute `data-live`. An open page names the parts that it shows, each
with the digest of the version that it has, in `X-Live-Parts`: `health=5f0c… day=*`. The answer has the parts whose
digest differs, and in the same header the digests of all. `*` stands for a part that the page does not want now.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

import falcon
from falcon.asgi import Request, Response

HEADER = "X-Live-Parts"
NOT_NOW = "*"
LONGEST_HEADER = 2_000
"""A longer header names no part."""

_START = re.compile(r'<([a-z]+)(?=[^<>]*\sdata-live[\s>])[^<>]*\sid="([^"<>]+)"[^<>]*>')
_DIGEST_BYTES = 6


def live_parts(page: str) -> Iterator[tuple[str, str]]:
    """Find the live parts of a page: id, text. In the templates' output, `<` and `>` stand for tags alone.

    >>> dict(live_parts('<p>a</p><div data-live id="x"><div>b</div></div>'))
    {'x': '<div data-live id="x"><div>b</div></div>'}
    """
    place = 0
    while (start := _START.search(page, place)) is not None:
        place = _end(page, start[1], start.end())
        yield start[2], page[start.start() : place]


def _end(page: str, tag: str, place: int) -> int:
    """Find where an element ends whose start tag ends at a place."""
    depth = 1
    for found in re.compile(rf"<(/?){tag}(?=[\s>])[^<>]*>").finditer(page, place):
        depth += -1 if found[1] else 1
        if not depth:
            return found.end()
    return len(page)


def send_changed_parts(req: Request, resp: Response) -> bool:
    """Leave of a page that is in `resp.data` the live parts that its reader lacks; 204 if there are none.

    Returns:
        False if the request does not ask for parts; then the page stays whole.
    """
    asked = req.get_header(HEADER)
    if asked is None or len(asked) > LONGEST_HEADER or resp.status_code != 200:
        return False
    known = _known(asked)
    parts = dict(live_parts((resp.data or b"").decode()))
    digests = {name: _digest(text) for name, text in parts.items()}
    changed = [text for name, text in parts.items() if known.get(name) not in (NOT_NOW, digests[name])]
    resp.set_header(HEADER, " ".join(f"{name}={digest}" for name, digest in digests.items()))
    resp.set_header("Cache-Control", "no-store")
    resp.data = "".join(changed).encode()
    if not changed:
        resp.status = falcon.HTTP_204
        resp.data = resp.content_type = None
    return True


def _known(header: str) -> Mapping[str, str]:
    return dict(one.partition("=")[::2] for one in header.split())


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
