"""Text of an iCalendar file (RFC 5545, 3.1): decoded, unfolded and split into its events, before any is parsed.

A file comes from anywhere and is read beside requests that must not wait. So everything is bounded here, and only the
lines that tell of days off are handed on: a parser that makes objects of a whole file holds Python's lock for long.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterator

from service.domain.input.refusals import echo
from service.domain.web_encodings import codec_of, name_of
from service.errors import ValidationFailed

FILE_LIMIT = 2**20
"""The longest file, in bytes."""
EVENTS_LIMIT, LINES_LIMIT = 5_000, 60_000
"""Most events, and most lines, of a file."""
EVENT_LENGTH = 20_000
"""Most characters that an event's lines may have together; a longer event is empty."""
SUMMARY_LENGTH = 2_000
"""Characters of a summary that are read."""
_DEPTH = 10
"""Most components within each other."""


def decoded(file: bytes, charset: str | None) -> str:
    """Decode a file: by the declared encoding, else as UTF-8 (RFC 5545, 3.1.4).

    Raises:
        ValidationFailed: it is too long, or not in this encoding, or nobody knows the encoding.
    """
    if len(file) > FILE_LIMIT:
        raise ValidationFailed.of("body", f"must be at most {FILE_LIMIT // 2**20} MiB long")
    codec = codec_of(charset or "utf-8")
    if codec is None:
        raise ValidationFailed.of("charset", f"must be an encoding such as utf-8 or windows-1252, not {echo(charset)}")
    try:
        return file.removeprefix(codecs.BOM_UTF8 if codec == "utf-8" else b"").decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        advice = "" if charset else "; if it is in another encoding, name it: Content-Type: text/calendar; charset=…"
        raise ValidationFailed.of("body", f"must be {name_of(codec)}, and byte {error.start} is not{advice}") from None


def events_in(text: str, wanted: Collection[str]) -> list[str]:
    """Split a file into its events.

    Args:
        text: the whole file.
        wanted: the names of the properties to keep, in upper case.

    Returns:
        Each event as a component of its own, with the wanted properties alone; an empty text for one that is too long.

    Raises:
        ValidationFailed: it is no iCalendar file, or has too many events or lines.
    """
    if text.count("\n") > LINES_LIMIT:
        raise _too_many()
    if not text.lstrip()[:15].upper().startswith("BEGIN:VCALENDAR"):
        raise ValidationFailed.of("body", "must be an iCalendar file (.ics), which begins with BEGIN:VCALENDAR")
    within: list[str] = []
    event: list[str] = []
    found: list[str] = []
    for number, line in _unfolded(text):
        name, value = _name(line), line.partition(":")[2].strip().upper()
        if name == "BEGIN":
            within.append(value)
            if within == ["VCALENDAR", "VEVENT"]:
                event = []
        elif name == "END":
            if not within or within.pop() != value:
                raise _damaged(number, f"END:{value[:40]} has no BEGIN")
            if within == ["VCALENDAR"] and value == "VEVENT":
                found.append(_component(event))
        elif within == ["VCALENDAR", "VEVENT"] and name in wanted:
            event.append(line[:SUMMARY_LENGTH] if name == "SUMMARY" else line)
        elif not within and line.strip():
            raise _damaged(number, "it is outside of BEGIN:VCALENDAR and END:VCALENDAR")
        if len(found) > EVENTS_LIMIT:
            raise _too_many()
        if len(within) > _DEPTH:
            raise _damaged(number, f"it is in more than {_DEPTH} components")
    if within:
        raise ValidationFailed.of("body", f"must be a whole iCalendar file: it does not end with END:{within[0][:40]}")
    return found


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Yield the file's logical lines, each with the number of its first physical one."""
    first, parts = 1, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        if parts and line[:1] in (" ", "\t"):
            parts.append(line[1:])
            continue
        if parts:
            yield first, "".join(parts)
        first, parts = number, [line]
    yield first, "".join(parts)


def _name(line: str) -> str:
    """Return the name of a line's property, in upper case."""
    end = min(place for place in (line.find(":"), line.find(";"), len(line)) if place >= 0)
    return line[: min(end, 40)].strip().upper()


def _component(lines: list[str]) -> str:
    if sum(map(len, lines)) > EVENT_LENGTH:
        return ""
    return "\r\n".join(("BEGIN:VEVENT", *lines, "END:VEVENT", ""))


def _damaged(line: int, why: str) -> ValidationFailed:
    return ValidationFailed.of("body", f"must be a valid iCalendar file; line {line} is not: {why}")


def _too_many() -> ValidationFailed:
    return ValidationFailed.of("body", f"must have at most {EVENTS_LIMIT:,} events and {LINES_LIMIT:,} lines")
