"""Lines of a file of unknown encoding, in bounded memory.

All input first becomes bytes in a superset of ASCII (UTF-16 becomes UTF-8). Decoding comes later, one logical line at a
time: old programs fold lines in the middle of a multi-byte character.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Protocol, cast

from service.domain.web_encodings import codec_of

CHUNK = 64 * 1024
MAX_LINE = 64 * 1024
"""Bytes kept of one physical line; a photo, which is not read, may be a single line of megabytes."""
MAX_IN_MEMORY = 1 << 20
"""Bytes of a stream without seek above which a temporary file holds it."""
_BLANK = re.compile(rb"[\r\n]{3,}")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Readable(Protocol):
    """Source of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end."""


class Lines:
    """Lines of a stream from its position on, which can be read more than once; see `byte_lines`.

    Args:
        stream: read in place if it can seek, else copied first (beyond a MiB to a temporary file).
        codec: Python's name of the encoding that the client gives; used here if it is a kind of UTF-16.
    """

    def __init__(self, stream: Readable, codec: str | None = None) -> None:
        self._stream = _rewindable(stream)
        self._start = self._stream.tell()
        self._wide = codec if codec is not None and codec.startswith("utf-16") else None
        self.marked = _mark(self._stream.read(4), None)[1]
        """The encoding that the first bytes show, Python's name of it; None if they show none."""

    def __iter__(self) -> Iterator[bytes]:
        self._stream.seek(self._start)
        return byte_lines(self._stream, self._wide)

    def beginning(self) -> bytes:
        """Return the first bytes, unchanged."""
        self._stream.seek(self._start)
        return self._stream.read(CHUNK)

    def chunks(self) -> Iterator[bytes]:
        """Yield the same bytes, many lines at a time."""
        self._stream.seek(self._start)
        return _chunks(self._stream, self._wide)

    def is_utf8(self) -> bool:
        """Tell quickly whether all of it is valid UTF-8."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            for chunk in self.chunks():
                if not chunk.isascii() or decoder.getstate()[0]:
                    decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return True

    def hold(self, *texts: bytes) -> bool:
        """Tell quickly whether it contains one of the texts, in capital or small letters."""
        sought = {cased for text in texts for cased in (text.upper(), text.lower())}
        tail = b""
        for chunk in self.chunks():
            piece = tail + chunk
            if any(text in piece for text in sought):
                return True
            tail = chunk[-max(map(len, texts)) :]
        return False


def byte_lines(stream: Readable, wide: str | None = None) -> Iterator[bytes]:
    """Yield the lines of a stream without their ends: LF, CR LF or CR. Some blank lines are left out.

    Args:
        stream: the bytes.
        wide: the kind of UTF-16 that it has, unless its first bytes show another encoding.
    """
    tail = b""
    for chunk in _chunks(stream, wide):
        lines = _BLANK.sub(b"\n\n", tail + chunk).splitlines(keepends=True)
        tail = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            yield line.rstrip(b"\r\n")[:MAX_LINE]
        if len(tail) > MAX_LINE:
            tail = tail[:MAX_LINE]
    for line in tail.splitlines():
        yield line


def decode(data: bytes, charset: str | None = None) -> str:
    """Decode bytes: in `charset` if the web knows it, else in UTF-8, else in Windows' Latin alphabet. Never fails."""
    for encoding in (codec_of(charset), "utf-8"):
        try:
            if encoding:
                return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", errors="replace")


def _chunks(stream: Readable, wide: str | None) -> Iterator[bytes]:
    """Yield a stream in pieces, without its byte order mark; UTF-16 and UTF-32 become UTF-8."""
    head = stream.read(CHUNK)
    while head and len(head) < 4 and (more := stream.read(CHUNK)):
        head += more
    length, encoding = _mark(head, wide)
    if encoding in (None, "utf-8"):
        yield head[length:]
        while chunk := stream.read(CHUNK):
            yield chunk
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    head = head[length:]
    while head:
        yield decoder.decode(head).encode("utf-8", errors="replace")
        head = stream.read(CHUNK)
    yield decoder.decode(b"", final=True).encode("utf-8", errors="replace")


def _mark(head: bytes, wide: str | None) -> tuple[int, str | None]:
    """Return the length of the byte order mark, and the encoding that it, or UTF-16's zero bytes, show; else `wide`."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return len(mark), encoding
    if head[1:4:2] == b"\0\0" and head[:1] != b"\0":
        return 0, "utf-16-le"
    if head[0:3:2] == b"\0\0" and head[1:2] != b"\0":
        return 0, "utf-16-be"
    return 0, wide


def _rewindable(stream: Readable) -> IO[bytes]:
    if callable(seekable := getattr(stream, "seekable", None)) and seekable():
        return cast(IO[bytes], stream)
    aside = cast(IO[bytes], SpooledTemporaryFile(max_size=MAX_IN_MEMORY))  # noqa: SIM115 - goes with its last reader
    while chunk := stream.read(CHUNK):
        aside.write(chunk)
    aside.seek(0)
    return aside
