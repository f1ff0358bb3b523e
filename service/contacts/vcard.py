"""Reads vCard files, 3.0 and 4.0 (and 2.1 as far as it is alike), one card at a time.

Lines are unfolded and chosen here, on bytes; `vobject` parses each card alone, so that a bad card costs itself only.
Properties that are not wanted (photos of megabytes, notes with raw line breaks) are dropped before they are parsed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import vobject
from vobject.vcard import splitFields

from service.contacts.lines import Readable, byte_lines, decode
from service.contacts.people import (
    ParsedCard,
    Skipped,
    clean_email,
    clean_language,
    clean_phone,
    clean_text,
    clean_url,
    parse_birthday,
    unique,
)

MAX_CARD = 256 * 1024
"""Bytes that the wanted properties of one card may have."""

logging.getLogger("vobject.base").setLevel(logging.CRITICAL)  # it prints the lines that it cannot read

_WANTED = frozenset(
    {
        *("VERSION", "UID", "KIND", "X-ADDRESSBOOKSERVER-KIND", "N", "FN", "NICKNAME", "ORG", "BDAY"),
        *("EMAIL", "TEL", "URL", "X-SOCIALPROFILE", "LANG"),
    }
)
_PROPERTY = re.compile(rb"(?:[\w-]+\.)?([\w-]+)[:;]")
_BEGIN = re.compile(rb"\s*BEGIN\s*:\s*VCARD\s*", re.IGNORECASE)
_END = re.compile(rb"\s*END\s*:\s*VCARD\s*", re.IGNORECASE)
_QUOTED_PRINTABLE = re.compile(rb"[^:]*QUOTED-PRINTABLE", re.IGNORECASE)
_CHARSET = re.compile(rb"[^:]*;CHARSET=\"?([\w.:-]+)", re.IGNORECASE)


@dataclass(slots=True)
class _Card:
    """A card as far as it has been read: the wanted logical lines, and what is wrong with it.

    `dropping`: the property that is being read is not wanted. `quoted`: it is in quoted-printable, of which
    `soft_broken` says that it goes on in the next line.
    """

    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    dropping: bool = False
    quoted: bool = False
    soft_broken: bool = False
    fault: str | None = None

    def add(self, line: bytes) -> None:
        """Takes the next physical line in."""
        name = _PROPERTY.match(line)
        if self.soft_broken:
            self._go_on(b"\n" + line)
        elif line[:1] in (b" ", b"\t"):
            self._go_on(line[1:])
        elif name:
            self.dropping = name[1].upper().decode() not in _WANTED
            self.quoted = bool(_QUOTED_PRINTABLE.match(line))
            if not self.dropping:
                self.lines.append(line)
        elif line.strip() and not self.dropping:
            self.fault = self.fault or f"the line “{decode(line[:60])}” is not one of a vCard"
        self.soft_broken = self.quoted and line.endswith(b"=")
        self._weigh(0 if self.dropping else len(line))

    def _go_on(self, more: bytes) -> None:
        if not self.dropping and self.lines:
            self.lines[-1] += more

    def _weigh(self, added: int) -> None:
        self.size += added
        if self.size > MAX_CARD:
            self.fault = f"the card has over {MAX_CARD // 1024} KiB without its photo"
            self.lines.clear()


def read(stream: Readable) -> Iterator[ParsedCard | Skipped]:
    """The people in a vCard file, in bounded memory.

    Args:
        stream: the file's bytes, in UTF-8, UTF-16 or a Latin alphabet.

    Yields:
        A `ParsedCard`, or a `Skipped` with its reason, for each card in turn.
    """
    return read_lines(byte_lines(stream))


def read_lines(lines: Iterator[bytes]) -> Iterator[ParsedCard | Skipped]:
    """Like `read`, from the file's lines."""
    position = 0
    card: _Card | None = None
    for line in lines:
        if _BEGIN.fullmatch(line):
            if card is not None:
                yield Skipped(position, "the card has no END:VCARD before the next one begins")
            position, card = position + 1, _Card()
        elif card is None:
            continue
        elif _END.fullmatch(line):
            yield _parse(position, card)
            card = None
        else:
            card.add(line)
    if card is not None:
        yield Skipped(position, "the file ends before the card's END:VCARD")


def _parse(position: int, card: _Card) -> ParsedCard | Skipped:
    if card.fault:
        return Skipped(position, card.fault)
    text = "\n".join(["BEGIN:VCARD", *map(_decoded, card.lines), "END:VCARD", ""])
    try:
        parsed = vobject.readOne(text, transform=False, allowQP=True)
    except Exception as error:  # noqa: BLE001 - vobject lets whatever its parts raise through
        return Skipped(position, f"the card cannot be read: {clean_text(str(error), 200)}")
    try:
        return _person(position, parsed.contents)
    except ValueError as error:
        return Skipped(position, str(error))


def _decoded(line: bytes) -> str:
    """A logical line as vobject takes it: 2.1's parameters for plain text dropped, quoted-printable in capitals."""
    charset = _CHARSET.match(line)
    text = decode(line, charset[1].decode("ascii") if charset else None)
    head, colon, value = text.partition(":")
    head = re.sub(r";(?:ENCODING=)?[78]BIT\b", "", head, flags=re.IGNORECASE)
    head = re.sub(r"QUOTED-PRINTABLE", "QUOTED-PRINTABLE", head, flags=re.IGNORECASE)
    return head + colon + value


_Contents = dict[str, list[Any]]


def _person(position: int, contents: _Contents) -> ParsedCard:
    """Raises ValueError if the card is no person's, or has a birthday that is no date."""
    kind = (_values(contents, "kind") + _values(contents, "x-addressbookserver-kind") + ["individual"])[0]
    if kind.strip().lower() in ("group", "org", "organization", "location", "application", "device"):
        raise ValueError(f"the card is of the kind “{kind.strip().lower()}”, not a person's")
    family, given, composed = _names(contents)
    emails = unique(map(clean_email, _values(contents, "email")))
    names = [*_values(contents, "fn"), composed, *_values(contents, "nickname"), *_organisations(contents), *emails]
    name = next((cleaned for text in names if (cleaned := clean_text(text))), None)
    if name is None:
        raise ValueError("the card has neither a name nor an e-mail address")
    return ParsedCard(
        position=position,
        name=name,
        uid=next((clean_text(uid, 500) for uid in _values(contents, "uid")), None),
        given_name=given,
        family_name=family,
        birthday=_birthday(contents),
        emails=emails,
        phones=unique(map(clean_phone, _values(contents, "tel"))),
        urls=unique(map(clean_url, _values(contents, "url") + _values(contents, "x-socialprofile"))),
        language=next(iter(unique(map(clean_language, _values(contents, "lang")))), None),
    )


def _names(contents: _Contents) -> tuple[str | None, str | None, str]:
    """Family name, given name, and the whole name put together from the structured one."""
    parts = [_joined(part) for part in splitFields(next(iter(_values(contents, "n")), ""))] + [""] * 5
    family, given, additional, prefix, suffix = parts[:5]
    return clean_text(family), clean_text(given), f"{prefix} {given} {additional} {family} {suffix}"


def _organisations(contents: _Contents) -> list[str]:
    return [" ".join(map(_joined, splitFields(value))) for value in _values(contents, "org")]


def _joined(part: str | list[str]) -> str:
    return part if isinstance(part, str) else " ".join(part)


def _birthday(contents: _Contents) -> str | None:
    for line in contents.get("bday", []):
        omitted = line.params.get("X-APPLE-OMIT-YEAR", [""])[0]
        birthday = parse_birthday(str(line.value), int(omitted) if omitted.isdecimal() else None)
        if birthday:
            return birthday
    return None


def _values(contents: _Contents, name: str) -> list[str]:
    """A property's values as text, the preferred one first."""
    lines = sorted(contents.get(name, []), key=_preference)
    return [str(line.value) for line in lines if isinstance(line.value, str)]


def _preference(line: Any) -> int:
    """1 is the most preferred; 4.0 says `PREF=1`, 3.0 `TYPE=pref`, 2.1 just `PREF`."""
    rank = line.params.get("PREF", [""])[:1]
    if rank and rank[0].isdecimal():
        return int(rank[0])
    types = [*line.params.get("TYPE", []), *line.singletonparams]
    return 1 if "pref" in (kind.lower() for kind in types) else 101
