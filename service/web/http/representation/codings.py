"""Content codings: which ones a request accepts (RFC 9110, 12.5.3), and their compressors."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import brotli

BROTLI, GZIP, IDENTITY = "br", "gzip", "identity"
LEAST_BYTES = 1024
"""Shorter bodies are sent as they are: they fit into one packet either way."""
LONGEST_HEADER = 1000
"""A longer Accept-Encoding counts as malformed, so that reading one costs little."""

_FAST = {GZIP: 1, BROTLI: 3}
_SMALL = {GZIP: 9, BROTLI: 11}
_WINDOW_BITS = 18
"""Brotli looks back 256 KiB: beyond, it would save little and hold 4 MiB of memory for each answer under way."""
_GZIP_FORMAT = 16 + zlib.MAX_WBITS
_ITEM = re.compile(
    r"(?P<coding>[!#$%&'*+.^_`|~0-9A-Za-z-]+)"
    r"(?:[ \t]*;[ \t]*[qQ]=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)
_UNNAMED = 0.0005
"""The weight of an identity that the request does not name: acceptable, but any other coding is preferred."""


class Compressor(Protocol):
    """Compresses a body piece by piece."""

    def process(self, piece: bytes, /) -> bytes:
        """Take the next piece of the body. Return what is ready to be sent, which may be nothing."""

    def flush(self) -> bytes:
        """Return the rest of all pieces up to now, so that the receiver can decode them all."""

    def finish(self) -> bytes:
        """End the body. Return its rest."""


@lru_cache(maxsize=128)
def acceptable(header: str) -> tuple[str, ...]:
    """Return the codings that `Accept-Encoding` accepts, the preferred one first.

    Of equal weights, brotli goes before gzip, and both before identity. If nothing of ours is acceptable, or the header
    is malformed, that leaves identity: an answer in it is more use than a refusal.
    """
    given = _weights(header)
    others = given.get("*", 0.0)
    weights = {coding: given.get(coding, others) for coding in (BROTLI, GZIP)}
    weights[IDENTITY] = given.get(IDENTITY, given.get("*", _UNNAMED))
    ranked = sorted(weights, key=lambda coding: -weights[coding])
    return tuple(coding for coding in ranked if weights[coding]) or (IDENTITY,)


def _weights(header: str) -> Mapping[str, float]:
    """Read the weight of each coding that the header names; nothing if it is malformed."""
    found: dict[str, float] = {}
    for part in header.split(",") if len(header) <= LONGEST_HEADER else ():
        item = part.strip(" \t")
        if not item:  # RFC 9110, 5.6.1.2: empty elements are ignored
            continue
        matched = _ITEM.fullmatch(item)
        if matched is None:
            return {}
        coding = matched["coding"].lower()
        coding = GZIP if coding == "x-gzip" else coding  # RFC 9110, 8.4.1.3
        weight = 1.0 if matched["weight"] is None else float(matched["weight"])
        found[coding] = min(weight, found.get(coding, weight))
    return found


def choose(header: str, size: int) -> str:
    """Choose the coding of a body.

    Args:
        header: the request's Accept-Encoding.
        size: the body's length, in bytes.

    Returns:
        `br`, `gzip` or `identity`.
    """
    codings = acceptable(header)
    return IDENTITY if size < LEAST_BYTES and IDENTITY in codings else codings[0]


def compressor(coding: str) -> Compressor:
    """Make a fast compressor of a coding."""
    if coding == BROTLI:
        made: Compressor = brotli.Compressor(quality=_FAST[BROTLI], lgwin=_WINDOW_BITS)
        return made
    return _Gzip(_FAST[GZIP])


def compressed(body: bytes, coding: str) -> bytes:
    """Compress a whole body fast."""
    made = compressor(coding)
    return made.process(body) + made.finish()


def squeezed(body: bytes, coding: str) -> bytes:
    """Compress a body as far as it goes, which takes a hundred times as long."""
    if coding == BROTLI:
        return bytes(brotli.compress(body, quality=_SMALL[BROTLI]))
    return zlib.compress(body, _SMALL[GZIP], wbits=_GZIP_FORMAT)


class _Gzip:
    """zlib's compressor by the names that brotli's has."""

    def __init__(self, level: int) -> None:
        self._inner = zlib.compressobj(level, wbits=_GZIP_FORMAT)
        self.process = self._inner.compress

    def flush(self) -> bytes:
        return self._inner.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._inner.flush()
