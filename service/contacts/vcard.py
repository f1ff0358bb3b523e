"""Reads vCard files, 2.1, 3.0 and 4.0, as the programs that write them really do, one card at a time.

Lines are unfolded, chosen and taken apart here, and `vobject` reads what is structured in them, so that a bad card
costs itself only. Properties that are not wanted (photos of megabytes, notes with raw line breaks) are dropped before
that. vobject's reader of whole cards is passed by: it takes twice the time, and cuts `FN:Rivers, Amelia` at the comma.
So is its reader of lines: a lost colon behind a parameter with twenty equals signs costs it hours.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from quopri import decodestring as decode_quoted

from vobject.vcard import splitFields

from service.contacts.cleaning import (
    clean_email,
    clean_language,
    clean_phone,
    clean_text,
    clean_url,
    unique,
)
from service.contacts.lines import Readable, byte_lines, decode
from service.contacts.people import ParsedCard, Skipped
from service.contacts.written_dates import AS_USUAL, NO_BIRTHDAY, Birthday, Reading, read_birthday

MAX_CARD = 256 * 1024
"""Bytes that the wanted properties of one card may have."""

_WANTED = frozenset(
    {
        *("VERSION", "UID", "KIND", "X-ADDRESSBOOKSERVER-KIND", "N", "FN", "NICKNAME", "ORG", "BDAY"),
        *("EMAIL", "TEL", "URL", "X-SOCIALPROFILE", "LANG"),
    }
)
_PROPERTY = re.compile(rb"(?:[\w-]+\.)?([\w/-]+)[:;]")  # the slash is KDE's
_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?\s*BEGIN\s*:\s*VCARD\s*", re.IGNORECASE)
_END = re.compile(rb"\s*END\s*:\s*VCARD\s*", re.IGNORECASE)
_AGENT = re.compile(rb"(?:[\w-]+\.)?AGENT(?:;[^:]*)?:\s*", re.IGNORECASE)
"""A card of somebody else follows inside of this one; vCard 2.1 has that."""
_QUOTED_PRINTABLE = re.compile(rb"[^:]*QUOTED-PRINTABLE", re.IGNORECASE)
_STRUCTURED = frozenset({"n", "org"})
"""Their parts are told apart before what is escaped in them is read."""
_LINE = re.compile(r"(?:[\w-]+\.)?([\w-]+)((?:;(?:\"[^\"]*+\"|[^\";:])*+)*+):(.*)", re.ASCII | re.DOTALL)
_PARAMETER = re.compile(r";((?:\"[^\"]*+\"|[^\";])*+)")
_PARAMETER_VALUE = re.compile(r"\"([^\"]*+)\"|([^\",]++)")
"""None of these tries anything twice, so that no line takes longer than its length."""
_ESCAPED = re.compile(r"\\([\\;,nN\"])")
_CHARSET = re.compile(rb"[^:]*;CHARSET=(?:\"([\w.:-]+)|([\w.-]+))", re.IGNORECASE)


@dataclass(slots=True)
class _Card:
    """A card as far as it has been read: the wanted logical lines, and what is wrong with it.

    `dropping`: the property that is being read is not wanted. `quoted`: it is in quoted-printable, of which
    `soft_broken` says that it goes on in the next line.
    """

    lines: list[bytearray] = field(default_factory=list)
    size: int = 0
    dropping: bool = False
    quoted: bool = False
    soft_broken: bool = False
    fault: str | None = None
    last: bytes = b""

    def add(self, line: bytes) -> None:
        """Takes the next physical line in."""
        name = _PROPERTY.match(line)
        self.last = line
        if self.soft_broken:
            self._go_on(b"\n" + line)
        elif line[:1] in (b" ", b"\t"):
            self._go_on(line[1:])
        elif name:
            self.dropping = name[1].upper().decode() not in _WANTED
            self.quoted = bool(_QUOTED_PRINTABLE.match(line))
            if not self.dropping:
                self.lines.append(bytearray(line))
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


def read_lines(lines: Iterable[bytes], dates: Reading = AS_USUAL) -> Iterator[ParsedCard | Skipped]:
    """Like `read`, from the file's lines.

    Args:
        dates: how those that can be read both ways are read.
    """
    position = nested = 0
    card: _Card | None = None
    for line in lines:
        if nested:
            nested += bool(_BEGIN.fullmatch(line)) - bool(_END.fullmatch(line))
        elif _BEGIN.fullmatch(line):
            if card is not None and _AGENT.fullmatch(card.last):
                nested = 1
                continue
            if card is not None:
                yield Skipped(position, "the card has no END:VCARD before the next one begins")
            position, card = position + 1, _Card()
        elif card is None:
            continue
        elif _END.fullmatch(line):
            yield _parse(position, card, dates)
            card = None
        else:
            card.add(line)
    if card is not None:
        yield Skipped(position, "the file ends before the card's END:VCARD")


def _parse(position: int, card: _Card, dates: Reading) -> ParsedCard | Skipped:
    if card.fault:
        return Skipped(position, card.fault)
    contents: _Contents = {}
    try:
        for line in card.lines:
            found = _property(bytes(line))
            contents.setdefault(found.name, []).append(found)
    except Exception as error:  # noqa: BLE001 - whatever a card holds costs the card alone
        return Skipped(position, f"the card cannot be read: {clean_text(str(error), 200)}")
    try:
        return _person(position, contents, dates)
    except ValueError as error:
        return Skipped(position, str(error))
    except Exception as error:  # noqa: BLE001 - likewise
        return Skipped(position, f"the card cannot be read ({type(error).__name__})")


@dataclass(frozen=True, slots=True)
class _Property:
    """One property of a card.

    Args:
        name: in lower case.
        params: each parameter's values, by its name in capitals.
        marks: parameters without a name, in lower case; 2.1 has them.
    """

    name: str
    params: dict[str, list[str]]
    marks: list[str]
    value: str


def _property(line: bytes) -> _Property:
    """A property from its logical line. Raises ValueError, or whatever a decoder does, if it is none."""
    charset = _CHARSET.match(line)
    named = (charset[1] or charset[2]).decode("ascii") if charset else None
    found = _LINE.fullmatch(decode(line, named))
    if found is None:
        raise ValueError(f"the line “{decode(line[:60])}” is not one of a vCard")
    params: dict[str, list[str]] = {}
    marks: list[str] = []
    for parameter in _PARAMETER.findall(found[2]):
        key, equals, values = parameter.partition("=")
        given = [quoted or plain for quoted, plain in _PARAMETER_VALUE.findall(values)]
        if given:
            params.setdefault(key.strip().upper(), []).extend(given)
        elif key.strip() and not equals:
            marks.append(key.strip().lower())
    name, value = found[1].replace("_", "-"), found[3]
    if _QUOTED_PRINTABLE.match(line):
        quoted = value.encode("utf-8").replace(b"=\n", b"")
        value = decode(decode_quoted(quoted), (params.get("CHARSET") or ["utf-8"])[0])
    elif "base64" in marks or {"b", "base64"} & {encoding.lower() for encoding in params.get("ENCODING", [])}:
        value = decode(b64decode(value), (params.get("CHARSET") or ["utf-8"])[0])
    name = name.lower()
    return _Property(name, params, marks, value if name in _STRUCTURED else _ESCAPED.sub(_unescaped, value))


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] in "nN" else match[1]


_Contents = dict[str, list[_Property]]


def _person(position: int, contents: _Contents, dates: Reading) -> ParsedCard:
    """Raises ValueError if the card is no person's."""
    kind = (_values(contents, "kind") + _values(contents, "x-addressbookserver-kind") + ["individual"])[0]
    if kind.strip().lower() in ("group", "org", "organization", "location", "application", "device"):
        raise ValueError(f"the card is of the kind “{kind.strip().lower()}”, not a person's")
    family, given, composed = _names(contents)
    emails = unique(map(clean_email, _values(contents, "email")))
    names = [*_values(contents, "fn"), composed, *_values(contents, "nickname"), *_organisations(contents), *emails]
    name = next((cleaned for text in names if (cleaned := clean_text(text))), None)
    if name is None:
        raise ValueError("the card has neither a name nor an e-mail address")
    birthday = _birthday(contents, dates)
    return ParsedCard(
        position=position,
        name=name,
        uid=next((clean_text(uid, 500) for uid in _values(contents, "uid")), None),
        given_name=given,
        family_name=family,
        birthday=birthday.date,
        emails=emails,
        phones=unique(map(clean_phone, _values(contents, "tel"))),
        urls=unique(map(clean_url, _values(contents, "url") + _values(contents, "x-socialprofile"))),
        language=next(iter(unique(map(clean_language, _values(contents, "lang")))), None),
        warnings=(birthday.warning,) if birthday.warning else (),
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


def _birthday(contents: _Contents, dates: Reading) -> Birthday:
    """The first that is a date; else what is told of the others."""
    found = NO_BIRTHDAY
    for line in contents.get("bday", []):
        omitted = line.params.get("X-APPLE-OMIT-YEAR", [""])[0]
        birthday = read_birthday(line.value, dates, int(omitted) if omitted.isdecimal() else None)
        if birthday.date:
            return birthday
        found = birthday if found.warning is None else found
    return found


def _values(contents: _Contents, name: str) -> list[str]:
    """A property's values as text, the preferred one first."""
    lines = sorted(contents.get(name, []), key=_preference)
    return [line.value for line in lines]


def _preference(line: _Property) -> int:
    """1 is the most preferred; 4.0 says `PREF=1`, 3.0 `TYPE=pref`, 2.1 just `PREF`."""
    rank = (line.params.get("PREF") or [""])[0]
    if rank.isdecimal():
        return int(rank[:3])
    types = [kind for given in line.params.get("TYPE", []) for kind in given.lower().split(",")]
    return 1 if "pref" in types or "pref" in line.marks else 101
