"""The content of an HTTP answer, decoded within bounds.

A client that decodes whatever a server claims can turn a few bytes into gigabytes, and more with each layer. So a
request accepts `gzip` alone (`ACCEPTED`), one layer is decoded, in pieces, and any other coding is refused.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx

ACCEPTED = "gzip"
"""The value of `Accept-Encoding` to send."""
PIECE = 64 * 1024
"""The most bytes that are decoded at a time."""
_MAGIC = b"\x1f"
"""The first byte of each member."""
MAX_MEMBERS = 1_000
"""The most members of a file. Empty ones cost time and bring nothing."""
_GZIP = frozenset({"gzip", "x-gzip"})
"""Two names of one coding (RFC 9110, 8.4.1.3)."""


class Undecodable(httpx.DecodingError):
    """The content is not coded as the request accepts. The message has no word of the server's."""


def pieces(response: httpx.Response, accepted: bool = True) -> Iterator[bytes]:
    """Return the content in pieces of at most 64 KiB. The caller stops when it has enough.

    Args:
        response: the unread response.
        accepted: whether the request accepted `gzip`.

    Raises:
        Undecodable: the request did not accept the coding, or the gzip data are broken.
    """
    codings = content_codings(response)
    if not codings:
        return response.iter_raw(PIECE)
    if len(codings) > 1 or not _GZIP.issuperset(codings) or not accepted:
        raise Undecodable("the answer has a Content-Encoding that we did not ask for")
    return _gunzipped(response.iter_raw(16 * 1024))


def content_codings(response: httpx.Response) -> list[str]:
    """Return the applied codings in order, without `identity`."""
    told = response.headers.get("content-encoding", "").lower().split(",")
    return [coding for token in told if (coding := token.strip()) not in ("", "identity")]


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content of a gzip file of one or more members (RFC 1952, 2.2)."""
    member, members = None, 0
    for chunk in chunks:
        rest = chunk
        while rest:
            if member is not None and member.eof:
                if rest[:1] != _MAGIC:
                    return  # padding, which every reader of gzip ignores
                member = None
            if member is None:
                member, members = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16), members + 1
            if members > MAX_MEMBERS:
                raise Undecodable("the answer's gzip has too many parts")
            try:
                piece = member.decompress(rest, PIECE)
            except zlib.error:
                raise Undecodable("the answer's gzip is broken") from None
            if piece:
                yield piece
            rest = member.unused_data if member.eof else member.unconsumed_tail
    if member is not None and not member.eof:
        raise Undecodable("the answer's gzip is cut off")
