"""The lines of a file whose encoding is not told, in bounded memory.

Everything is brought to bytes in an ASCII superset first (UTF-16 becomes UTF-8). Decoding comes later, logical line by
logical line: old writers fold lines in the middle of a multi-byte character.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Protocol

from service.web_encodings import codec_of

CHUNK = 64 * 1024
MAX_LINE = 64 * 1024
"""Bytes kept of one physical line; a photo may stand on a single line of megabytes, and is not wanted."""
_BLANK = re.compile(rb"[\r\n]{3,}")
_BOMS = (
    (codecs.BOM_UTF8, None),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Readable(Protocol):
    """Anything that bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def byte_lines(stream: Readable) -> Iterator[bytes]:
    """The lines of `stream` without their ends; `\\n`, `\\r\\n` and `\\r` all end one. Of blank lines some are kept."""
    tail = b""
    for chunk in _chunks(stream):
        lines = _BLANK.sub(b"\n\n", tail + chunk).splitlines(keepends=True)
        tail = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            yield line.rstrip(b"\r\n")[:MAX_LINE]
        if len(tail) > MAX_LINE:
            tail = tail[:MAX_LINE]
    for line in tail.splitlines():
        yield line


def decode(data: bytes, charset: str | None = None) -> str:
    """Text from bytes: in the `charset` that is named if the web knows it, else UTF-8, else Windows' Latin alphabet.
    Never fails."""
    for encoding in (codec_of(charset), "utf-8"):
        try:
            if encoding:
                return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", errors="replace")


def _chunks(stream: Readable) -> Iterator[bytes]:
    """`stream` in pieces, without its byte order mark, UTF-16 and UTF-32 as UTF-8."""
    head = stream.read(CHUNK)
    while head and len(head) < 4 and (more := stream.read(CHUNK)):
        head += more
    bom, encoding = next(((bom, name) for bom, name in _BOMS if head.startswith(bom)), (b"", _unmarked(head)))
    if encoding is None:
        yield head[len(bom) :]
        while chunk := stream.read(CHUNK):
            yield chunk
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    while head:
        yield decoder.decode(head).encode("utf-8", errors="replace")
        head = stream.read(CHUNK)
    yield decoder.decode(b"", final=True).encode("utf-8", errors="replace")


def _unmarked(head: bytes) -> str | None:
    """UTF-16 that came without a mark shows by its zero bytes."""
    if head[1:4:2] == b"\0\0" and head[:1] != b"\0":
        return "utf-16-le"
    if head[0:3:2] == b"\0\0" and head[1:2] != b"\0":
        return "utf-16-be"
    return None
