"""vCard files, 2.1, 3.0 and 4.0, as programs really write them, one card at a time.

This module unfolds lines, chooses the relevant ones (`card_lines`) and splits them; `vobject` reads names with escapes.
An unreadable value is left out, with a warning; an unreadable card is skipped. Two parts of vobject are not used. Its
reader of whole cards takes twice the time, and cuts `FN:Rivers, Amelia` at the comma. Its reader of lines takes hours
for a lost colon after a parameter with twenty equals signs.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from hashlib import sha256
from quopri import decodestring as decode_quoted

from vobject.vcard import splitFields

from service.contacts.cleaning import (
    MAX_NAME,
    MAX_VALUES,
    clean_language,
    clean_text,
    clean_url,
    emails_in,
    is_nothing,
    phones_in,
    unique,
)
from service.contacts.people import ParsedCard, Skipped
from service.contacts.reading.card_dates import Contents, Property, birthdays, tells_of_death
from service.contacts.reading.card_lines import RawCard, cards_in, name_of, quote
from service.contacts.reading.lines import Readable, byte_lines, decode
from service.contacts.reading.written_dates import AS_USUAL, Reading, read_birthday

MAX_UID = 500
_QUOTED_PRINTABLE = re.compile(rb"[^:]*QUOTED-PRINTABLE", re.IGNORECASE)
_STRUCTURED = frozenset({"n", "org"})
"""Structured properties: they are split before their escapes are read."""
_LINE = re.compile(r"(?:([\w-]+)\.)?([\w-]+)((?:;(?:\"[^\"]*+\"|[^\";:])*+)*+):(.*)", re.ASCII | re.DOTALL)
_PARAMETER = re.compile(r";((?:\"[^\"]*+\"|[^\";])*+)")
_PARAMETER_VALUE = re.compile(r"\"([^\"]*+)\"|([^\",]++)")
"""None of these patterns backtracks, so that the time follows the length of the line."""
_ESCAPED = re.compile(r"\\([\\;:,nN\"])")
_ESCAPED_COLON = re.compile(r"\\(.)", re.DOTALL)
_CHARSET = re.compile(rb"[^:]*;CHARSET=(?:\"([\w.:-]+)|([\w.-]+))", re.IGNORECASE)
_PLURALS = {"EMAIL": "e-mail addresses", "TEL": "phone numbers", "URL": "URLs"}
_FIELDS = {
    "EMAIL": "emails",
    "TEL": "phones",
    "URL": "urls",
    "BDAY": "birthday",
    "X-BIRTHDAY": "birthday",
    "X-EVOLUTION-BIRTHDAY": "birthday",
    "LANG": "language",
    "LANGUAGE": "language",
}
_NO_PERSON = frozenset({"group", "org", "organization", "location", "application", "device"})


def read(stream: Readable) -> Iterator[ParsedCard | Skipped]:
    """Read the people in a vCard file, in bounded memory.

    Args:
        stream: the file's bytes, in UTF-8, UTF-16 or a Latin alphabet.

    Yields:
        A `ParsedCard`, or a `Skipped` with its reason, for each card in turn.
    """
    return read_lines(byte_lines(stream))


def read_lines(lines: Iterator[bytes], dates: Reading = AS_USUAL) -> Iterator[ParsedCard | Skipped]:
    """Read people as `read` does, from the file's lines.

    Args:
        lines: of the file.
        dates: how to read dates that can be read both ways.
    """
    return (_read(card, dates) for card in cards_in(lines))


def _read(card: RawCard, dates: Reading) -> ParsedCard | Skipped:
    if card.fault:
        return Skipped(card.position, card.fault)
    try:
        return _person(card, _contents(card), dates)
    except _NotTaken as error:
        return Skipped(card.position, str(error))
    except Exception as error:  # noqa: BLE001 - whatever a card holds costs the card alone
        return Skipped(card.position, f"the card cannot be read ({type(error).__name__})")


class _NotTaken(ValueError):
    """The card is not a person's; the message says why."""


def _property(line: bytes) -> Property:
    """Parse a property from its logical line. Raises ValueError, or a decoder's error, if it is invalid."""
    charset = _CHARSET.match(line)
    named = (charset[1] or charset[2]).decode("ascii") if charset else None
    found = _LINE.fullmatch(decode(line, named))
    if found is None:
        raise ValueError("it has no colon")
    params: dict[str, list[str]] = {}
    marks: list[str] = []
    for parameter in _PARAMETER.findall(found[3]):
        key, equals, values = parameter.partition("=")
        given = [quoted or plain for quoted, plain in _PARAMETER_VALUE.findall(values)]
        if given:
            params.setdefault(key.strip().upper(), []).extend(given)
        elif key.strip() and not equals:
            marks.append(key.strip().lower())
    name, value = found[2].replace("_", "-"), found[4]
    if _QUOTED_PRINTABLE.match(line):
        quoted = value.encode("utf-8").replace(b"=\n", b"")
        value = decode(decode_quoted(quoted), (params.get("CHARSET") or ["utf-8"])[0])
    elif "base64" in marks or {"b", "base64"} & {encoding.lower() for encoding in params.get("ENCODING", [])}:
        value = decode(b64decode(value), (params.get("CHARSET") or ["utf-8"])[0])
    name = name.lower()
    plain = name in _STRUCTURED or "\\" not in value
    return Property((found[1] or "").lower(), name, params, marks, value if plain else _ESCAPED.sub(_unescaped, value))


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] in "nN" else match[1]


def _contents(card: RawCard) -> Contents:
    """Return the card's properties by name, without unreadable ones."""
    contents: dict[str, list[Property]] = {}
    for line in card.lines:
        try:
            found = _property(bytes(line))
        except Exception:  # noqa: BLE001 - whatever a line holds costs the line alone
            card.lose(name_of(line), f"the line {quote(line)} cannot be read and was left out")
        else:
            contents.setdefault(found.name, []).append(found)
    return contents


def _person(card: RawCard, contents: Contents, dates: Reading) -> ParsedCard:
    """Read the person of a card. Raises _NotTaken if the card is not a person's."""
    kind = _first(contents, "kind", "x-addressbookserver-kind").lower()
    if kind in _NO_PERSON:
        raise _NotTaken(f"the card is of the kind “{kind}”, not a person's")
    family, given, composed = _names(contents)
    emails = _listed(card, contents, "EMAIL", "e-mail address", emails_in)
    names = [*_values(contents, "fn"), composed, *_values(contents, "nickname"), *_organisations(contents), *emails]
    name = next((text for text in names if clean_text(text)), None)
    if name is None:
        raise _NotTaken("the card has neither a name nor an e-mail address")
    phones = _listed(card, contents, "TEL", "phone number", phones_in)
    urls = _listed(card, contents, "URL", "URL", _urls_in)
    return ParsedCard(
        position=card.position,
        name=_short(card, "name", name) or "",
        uid=_uid(_first(contents, "uid")),
        given_name=_short(card, "given name", given),
        family_name=_short(card, "family name", family),
        birthday=_birthday(card, birthdays(contents), dates),
        emails=emails,
        phones=phones,
        urls=unique((*urls, *map(clean_url, _values(contents, "socialprofile", "x-socialprofile")))),
        language=_language(card, _values(contents, "lang", "language")),
        deceased=tells_of_death(contents) or None,
        warnings=card.warnings,
        unread=frozenset(_FIELDS[name] for name in card.unread if name in _FIELDS),
    )


def _names(contents: Contents) -> tuple[str, str, str]:
    """Return family name, given name, and the whole name made of the structured one."""
    parts = [*_split(next(iter(_values(contents, "n")), "")), "", "", "", "", ""]
    family, given, additional, prefix, suffix = parts[:5]
    return family, given, f"{prefix} {given} {additional} {family} {suffix}"


def _organisations(contents: Contents) -> list[str]:
    return [" ".join(_split(value)) for value in _values(contents, "org")]


def _split(value: str) -> list[str]:
    """Split a structured value into its parts; the components of a part are joined."""
    if "\\" not in value:
        return value.replace(",", " ").split(";")
    value = _ESCAPED_COLON.sub(lambda escaped: ":" if escaped[1] == ":" else escaped[0], value)
    return [part if isinstance(part, str) else " ".join(part) for part in splitFields(value)]


def _listed(
    card: RawCard, contents: Contents, name: str, what: str, find: Callable[[str, list[str]], list[str]]
) -> tuple[str, ...]:
    """Return the addresses or numbers in the values of a property, each once. Warnings tell of losses."""
    lost: list[str] = []
    found = dict.fromkeys(one for value in _values(contents, name.lower()) for one in find(value, lost))
    for text in lost:
        card.lose(name, f"the {what} {_quote(text)} cannot be used and was left out")
    if len(found) > MAX_VALUES:
        card.warn(f"only {MAX_VALUES} of {len(found):,} {_PLURALS[name]} were taken")
    return tuple(found)[:MAX_VALUES]


def _urls_in(text: str, lost: list[str]) -> list[str]:
    url = clean_url(text)
    if url is None and not is_nothing(text) and text.strip().lower() not in ("http://", "https://"):
        lost.append(text)
    return [url] if url else []


def _language(card: RawCard, values: list[str]) -> str | None:
    language = next(iter(unique(map(clean_language, values))), None)
    if language is None and (written := next((text for text in values if text.strip()), None)):
        card.lose("LANG", f"the language {_quote(written)} is not a tag such as fr or de-AT and was left out")
    return language


def _short(card: RawCard, what: str, text: str) -> str | None:
    name = clean_text(text, len(text))
    if name is not None and len(name) > MAX_NAME:
        card.warn(f"the {what} {_quote(name)} was cut to {MAX_NAME} characters")
    return clean_text(name or "")


def _uid(text: str) -> str | None:
    """Shorten a UID that is too long to one that nobody else has."""
    uid = clean_text(text, len(text))
    if uid is None or len(uid) <= MAX_UID:
        return uid
    return f"{uid[: MAX_UID - 65]}-{sha256(uid.encode('utf-8', 'replace')).hexdigest()}"


def _birthday(card: RawCard, lines: list[Property], dates: Reading) -> str | None:
    """Return the first readable birthday, or one that adds the year to it. Warnings tell of others."""
    found = [birthday for line in lines if (birthday := _date(card, line, dates))]
    chosen = next((date for date in found if found[0][:2] == "--" and date[-5:] == found[0][-5:] and date != found[0]),
                  found[0] if found else None)  # fmt: skip
    for other in dict.fromkeys(found):
        if other != chosen and (chosen is None or other != f"--{chosen[-5:]}"):
            card.warn(f"the card has another birthday, {other}, which was left out")
    return chosen


def _date(card: RawCard, line: Property, dates: Reading) -> str | None:
    calendar = (line.params.get("CALSCALE") or ["gregorian"])[0]
    if calendar.lower() != "gregorian":
        card.lose(
            "BDAY", f"the birthday {_quote(line.value)} is of another calendar ({_quote(calendar)}) and was left out"
        )
        return None
    omitted = line.params.get("X-APPLE-OMIT-YEAR", [""])[0]
    year = int(omitted) if omitted.isdecimal() and len(omitted) <= 4 else None
    read = read_birthday(line.value, dates, year)
    if read.warning is not None and read.date is None:
        card.lose("BDAY", read.warning)
    elif read.warning is not None:
        card.warn(read.warning)
    return read.date


def _quote(text: str) -> str:
    return f"“{clean_text(text, 60) or ''}”"


def _first(contents: Contents, *names: str) -> str:
    """Return the first of the properties' values that is not empty; else an empty text."""
    return next((value.strip() for value in _values(contents, *names) if value.strip()), "")


def _values(contents: Contents, *names: str) -> list[str]:
    """Return the properties' values as text, the preferred one of each first."""
    return [line.value for name in names if name in contents for line in sorted(contents[name], key=_preference)]


def _preference(line: Property) -> int:
    """Return the preference of a line, 1 first: `PREF=1` in 4.0, `TYPE=pref` in 3.0, just `PREF` in 2.1."""
    rank = (line.params.get("PREF") or [""])[0]
    if rank.isdecimal():
        return int(rank[:3])
    types = [kind for given in line.params.get("TYPE", []) for kind in given.lower().split(",")]
    return 1 if "pref" in types or "pref" in line.marks else 101
