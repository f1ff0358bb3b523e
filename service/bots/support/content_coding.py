"""What an answer holds, decoded as far as it was asked for, and bounded however small it was made on its way.

A client that decodes whatever a server claims takes gigabytes in from a few bytes, and more with each layer. So `gzip`
alone is asked for (`ACCEPTED`), a single layer is taken off, in pieces, and what else a server sends is refused.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx

ACCEPTED = "gzip"
"""What to ask for as `Accept-Encoding`."""
PIECE = 64 * 1024
"""Bytes that are decoded at a time, at most."""
_MAGIC = b"\x1f"
"""With which each member begins."""
MAX_MEMBERS = 1_000
"""Files in one; empty ones cost time and are worth nothing."""
_GZIP = frozenset({"gzip", "x-gzip"})
"""One and the same (RFC 9110, 8.4.1.3)."""


class Undecodable(httpx.DecodingError):
    """The content is not what was asked for; says so without any word of the server's."""


def pieces(response: httpx.Response, accepted: bool = True) -> Iterator[bytes]:
    """The content, in pieces of at most 64 KiB; whoever reads it stops when it is enough.

    Args:
        response: unread.
        accepted: whether `gzip` was asked for.

    Raises:
        Undecodable: it is coded in a way that was not asked for, or its gzip is broken.
    """
    codings = content_codings(response)
    if not codings:
        return response.iter_raw(PIECE)
    if len(codings) > 1 or not _GZIP.issuperset(codings) or not accepted:
        raise Undecodable("the answer is encoded in a way that was not asked for (Content-Encoding)")
    return _gunzipped(response.iter_raw(16 * 1024))


def content_codings(response: httpx.Response) -> list[str]:
    """Those that were applied, in order; `identity` is none."""
    told = response.headers.get("content-encoding", "").lower().split(",")
    return [coding for token in told if (coding := token.strip()) not in ("", "identity")]


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What one gzip file of one or more members (RFC 1952, 2.2) holds."""
    member, members = None, 0
    for chunk in chunks:
        rest = chunk
        while rest:
            if member is not None and member.eof:
                if rest[:1] != _MAGIC:
                    return  # padding, which every reader of gzip passes over
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
