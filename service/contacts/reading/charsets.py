"""Detection of a file's encoding, on the whole file, before its people are read.

UTF-8 is certain: hardly any text in another encoding is valid UTF-8. The client names other encodings, or the names in
the file tell them (`service.contacts.reading.guessing`). A warning reports a guess, and unreadable lines.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from quopri import decodestring as decode_quoted

from service.contacts.reading.guessing import better, guess, next_best
from service.contacts.reading.lines import Lines
from service.domain.web_encodings import codec_of, name_of
from service.errors import ValidationFailed

MAX_WORDS = 500
"""Most non-ASCII words for a guess."""
MAX_JOINED = 8 * 1024
"""Most bytes of a folded line that are joined."""
_SHOWN = 5
_ESCAPE = b"\x1b$"
"""Starts Japanese in ISO-2022-JP."""
_MANY_BYTES = frozenset({"gb18030", "big5hkscs", "cp932", "cp949", "euc-jp"})
"""Encodings in which a name may happen to be valid UTF-8."""
_WORD = re.compile(rb"[0-9@-~]{0,20}[\x80-\xff][0-9@-~\x80-\xff]{0,60}")
_HEAD = re.compile(rb"(?:[\w-]+\.)?(?!BEGIN|END)[\w/-]+(?=[:;])", re.IGNORECASE)
_NAMES_CHARSET = re.compile(rb"[^:]*;CHARSET=", re.IGNORECASE)
_QUOTED = re.compile(rb"[^:]*QUOTED-PRINTABLE", re.IGNORECASE)
_QUOTED_BYTE = re.compile(rb"=([89A-F][0-9A-F])", re.IGNORECASE)
_CODE_PAGES = {
    "cp437": "437 cp437 ibm437 dos437 cspc8codepage437",
    "cp850": "850 cp850 ibm850 dos850 cspc850multilingual",
    "cp852": "852 cp852 ibm852 dos852 cspcp852",
}
"""Code pages of DOS, without a label on the web. A client may name one for a file; a card, page or server may not."""
_UNKNOWN = "must be a web encoding such as windows-1250, or a DOS encoding: ibm437, ibm850 or ibm852"


@dataclass(frozen=True, slots=True)
class FileText:
    """Decoder of a file's lines.

    Args:
        codecs: tried in this order; bytes that none of them can read are replaced.
        warnings: about guesses and unreadable lines, a sentence each.
    """

    codecs: tuple[str, ...] = ("utf-8",)
    warnings: tuple[str, ...] = ()

    def decode(self, line: bytes) -> str:
        """Decode bytes. Never fails."""
        return _decoded(line, self.codecs)

    def naming(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a vCard's lines; a property that is not in UTF-8 gets the name of its encoding, as in vCard 2.1."""
        if self.codecs == ("utf-8",):
            yield from lines
            return
        if (page := self.codecs[-1]) in _CODE_PAGES:
            yield from (_in_utf8(part, page, parts[0]) for parts in _unfolded(lines) for part in parts)
            return
        mark = f";CHARSET={name_of(self.codecs[-1])}".encode()
        for parts in _unfolded(lines):
            if _is_beyond(whole := _evidence(parts)) and self.codecs[_first(whole, self.codecs)] != "utf-8":
                parts[0] = _HEAD.sub(lambda head: head[0] + mark, parts[0], count=1)
            yield from parts


@dataclass(slots=True)
class _Look:
    """Result of reading a file's non-ASCII lines in one encoding.

    `valid`: the number of valid lines. `broken`: the numbers of the first invalid lines, `broken_total` in all.
    `words`: from the invalid lines; without any, from the valid ones.
    """

    codec: str
    valid: int = 0
    broken_total: int = 0
    broken: list[int] = field(default_factory=list)
    words: dict[bytes, None] = field(default_factory=dict)
    fine: dict[bytes, None] = field(default_factory=dict)
    escapes: bool = False

    def add(self, number: int, line: bytes) -> None:
        try:
            line.decode(self.codec)
            self.valid += 1
            words = self.fine
        except UnicodeDecodeError:
            self.broken_total += 1
            if len(self.broken) < _SHOWN:
                self.broken.append(number)
            words = self.words
        if (wanted := MAX_WORDS - len(words)) > 0:
            words.update((word[0], None) for word in islice(_WORD.finditer(line), wanted))


def file_codec_of(charset: str) -> str:
    """Return Python's codec for the encoding that a client names.

    Raises:
        ValidationFailed: the name is neither an encoding of the web nor a code page of DOS.
    """
    label = charset.strip().lower().replace("-", "").replace("_", "")
    page = next((codec for codec, labels in _CODE_PAGES.items() if label in labels.split()), None)
    if (codec := codec_of(charset) or page) is None:
        raise ValidationFailed.of("charset", _UNKNOWN)
    return codec


def survey(lines: Lines, is_vcard: bool, charset: str | None = None) -> FileText:
    """Detect the encoding of a file.

    Args:
        lines: of the file.
        is_vcard: whether lines may be folded, in quoted-printable, and name an encoding of their own, which they keep.
        charset: the name of the encoding that the client gives.

    Raises:
        ValidationFailed: `charset` is unknown, most of the file cannot be read in it, or its first bytes show another.
    """
    named = None if charset is None else file_codec_of(charset)
    if lines.marked is not None:
        return _marked(lines.marked, charset, named)
    if named is None and lines.is_utf8() and not lines.hold(_ESCAPE, *((b"QUOTED-PRINTABLE",) if is_vcard else ())):
        return FileText()
    found = _look(lines, is_vcard, "utf-8")
    if named is None:
        return _told_apart(found)
    if named.startswith("utf-16"):
        return FileText()
    return _named(str(charset), named, found, found if named == "utf-8" else _look(lines, is_vcard, named))


def _marked(marked: str, charset: str | None, named: str | None) -> FileText:
    if named is None or named == marked or marked[:6] == named[:6] == "utf-16":
        return FileText()
    raise ValidationFailed.of(
        "charset", f"is {charset}, but the file is in {marked.upper()}, as its first bytes show; leave charset out"
    )


def _look(lines: Lines, is_vcard: bool, codec: str) -> _Look:
    found = _Look(codec)
    number = 0
    for parts in _unfolded(lines) if is_vcard else ([line] for line in lines):
        whole = _evidence(parts) if is_vcard else parts[0]
        if _is_beyond(whole):
            found.add(number + 1, whole)
        elif _ESCAPE in whole:
            found.escapes = True
        number += len(parts)
    return found


def _told_apart(found: _Look) -> FileText:
    if found.escapes and not found.valid and not found.broken_total:
        return FileText(("iso-2022-jp",), (_guessed("iso-2022-jp", ()),))
    if not found.broken_total:
        return FileText()
    codec = guess(found.words)
    if found.valid > found.broken_total or (found.valid == found.broken_total and codec not in _MANY_BYTES):
        shown = f"{_lines(found)} not in UTF-8, unlike the rest of the file; read as {name_of(codec)}"
        return FileText(("utf-8", codec), (shown + _example(found.words, codec),))
    codecs = (codec,) if codec in _MANY_BYTES else ("utf-8", codec)
    return FileText(codecs, (_guessed(codec, found.words),))


def _named(charset: str, named: str, utf8: _Look, found: _Look) -> FileText:
    if found.broken_total and found.broken_total >= found.valid:
        if utf8.valid and not utf8.broken_total:
            raise ValidationFailed.of("charset", f"is {charset}, but the file is in UTF-8; leave charset out")
        raise ValidationFailed.of(
            "charset", f"is {charset}, but {_lines(found)} not in it, most of the lines that depend on it; "
            "leave charset out to detect the encoding"
        )  # fmt: skip
    if named == "utf-8":
        return _told_apart(found)
    warnings = []
    if found.broken_total:
        warnings.append(f"{_lines(found)} not in {charset}, and may have been read wrongly")
    if utf8.valid > utf8.broken_total:
        warnings.append(
            f"the file was read as {charset}, as requested, but it is valid UTF-8, which is rarely a coincidence"
        )
    elif utf8.words and (likelier := better(utf8.words, named)) is not None:
        warnings.append(
            f"the file was read as {charset}, as requested, but looks like {name_of(likelier)}"
            + _example(utf8.words, named, likelier)
        )
    return FileText((named,), tuple(warnings))


def _guessed(codec: str, words: Collection[bytes]) -> str:
    return (
        f"the file is not in UTF-8 and does not name its encoding, so it was read as {name_of(codec)}"
        f"{_example(words, codec)}; if names are wrong, import it again with another encoding, "
        f"such as charset={name_of(next_best(words, codec))}"
    )


def _example(words: Iterable[bytes], *codecs: str) -> str:
    """Return a word that may be a name, as each codec reads it."""
    longest = max(words, key=lambda word: sum(byte > 127 for byte in word[:20]), default=None)
    if longest is None:
        return ""
    first, *others = (f"“{longest[:40].decode(codec, 'replace')}”" for codec in codecs)
    return f" (for example {first}{''.join(f' would be {other}' for other in others)})"


def _lines(found: _Look) -> str:
    """Name the broken lines, with the verb that follows."""
    shown = ", ".join(map(str, found.broken))
    more = found.broken_total - len(found.broken)
    if more:
        return f"lines {shown} and {more:,} more are"
    return f"lines {shown} are" if len(found.broken) > 1 else f"line {shown} is"


def _decoded(data: bytes, codecs: tuple[str, ...]) -> str:
    for codec in codecs:
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    return data.decode(codecs[-1], "replace")


def _first(data: bytes, codecs: tuple[str, ...]) -> int:
    """Return the number of the first codec in which the data are valid; else of the last."""
    for index, codec in enumerate(codecs[:-1]):
        try:
            data.decode(codec)
            return index
        except UnicodeDecodeError:
            continue
    return len(codecs) - 1


def _is_beyond(line: bytes) -> bool:
    return not line.isascii()


def _in_utf8(part: bytes, page: str, head: bytes) -> bytes:
    """Convert a vCard line from a single-byte code page to UTF-8; a line that names its own encoding stays."""
    if _NAMES_CHARSET.match(head):
        return part
    if _QUOTED.match(head):
        part = _QUOTED_BYTE.sub(lambda found: bytes.fromhex(found[1].decode()), part)
    return part.decode(page, "replace").encode("utf-8") if _is_beyond(part) else part


def _unfolded(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the physical lines of each logical line; beyond `MAX_JOINED` bytes the rest come on their own."""
    parts: list[bytes] = []
    size = 0
    for line in lines:
        goes_on = line[:1] in (b" ", b"\t") or (parts and parts[-1].endswith(b"=") and _QUOTED.match(parts[0]))
        if parts and not (goes_on and size < MAX_JOINED):
            yield parts
            parts, size = [], 0
        parts.append(line)
        size += len(line)
    if parts:
        yield parts


def _evidence(parts: list[bytes]) -> bytes:
    """Return the part of a logical line that shows the file's encoding: nothing if the line names its own."""
    head = parts[0]
    if len(parts) == 1 and head.isascii() and b"=" not in head:
        return head
    if _NAMES_CHARSET.match(head):
        return b""
    if _QUOTED.match(head):
        return decode_quoted(b"".join(part[:-1] if part.endswith(b"=") else part for part in parts))
    return b"".join([head, *(part[1:] for part in parts[1:])])
