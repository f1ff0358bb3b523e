"""Advice on what to write instead of a cron expression that is invalid in crontab(5).

Other schedulers have seconds, years, full names and letters of their own. The advice translates what crontab(5) can
express, and names the nearest expression for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from service.domain.input.refusals import ECHO_LIMIT, echo, listed
from service.domain.schedules.cron_tables import DAYS, FIELDS, NICKNAMES, Field
from service.domain.schedules.intervals import LONGEST_INTERVAL, as_interval

_Reads = Callable[[str], bool]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_EVERY = re.compile(r"(@)?every[\s_]+(.+)|rate\((.+)\)", re.IGNORECASE)
_DURATION = re.compile(
    r"(?:(\d{1,9})\s*)?(s|m|h|d|w|(?:sec|second|min|minute|hr|hour|day|week)s?)(?=\d|\s|$)\s*", re.IGNORECASE
)
_ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+((?!(?:CRON_)?TZ=).+)", re.IGNORECASE)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_YEAR = re.compile(r"(?:19|20)\d\d(?:[-,/].*)?")
LOOKALIKES = str.maketrans(
    {"–": "-", "—": "-", "−": "-", "，": ",", "；": ",", ";": ",", "∗": "*", "＊": "*", "ı": "i", "İ": "I"}
)
"""Signs and letters that keyboards and word processors write in the place of those of crontab(5)."""
_FULL = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february", "march",
    "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_RANGE = re.compile(r"([0-9]{1,4}|[a-z]{3})-([0-9]{1,4}|[a-z]{3})(?:/([0-9]{1,4}))?")

_LAST = "the last day of a month"
_WORKDAY = "the workday nearest to a date"
_NTH = "the nth weekday of a month"
_LAST_WORKDAY = "the last workday of a month"
_LAST_OF_ITS_KIND = "the last weekday of its kind in a month"
_MONTHLY = {_LAST, _NTH, _LAST_WORKDAY, _LAST_OF_ITS_KIND}
"""What the schedule type `monthly` can say."""
_CHANCE = "a value that the scheduler chooses (options.jitter_seconds spreads the runs)"
_OTHERS: tuple[tuple[str, str, str, str], ...] = (
    # field, its term, the nearest that can be said, and what cannot be said
    ("day-of-month", r"l", "28", _LAST),
    ("day-of-month", r"l-\d+", "28", "so many days before the last day of a month"),
    ("day-of-month", r"lw|wl", "28", _LAST_WORKDAY),
    ("day-of-month", r"(\d{1,2})w|w(\d{1,2})", r"\1\2", _WORKDAY),
    ("day-of-week", r"l", "sat", ""),
    ("day-of-week", r"(\d|[a-z]{3})l", r"\1", _LAST_OF_ITS_KIND),
    ("day-of-week", r"(\d|[a-z]{3})#.*", r"\1", _NTH),
    ("", r"\?", "*", ""),
    ("", r"h/(\d+)", r"*/\1", _CHANCE),
    ("", r"h\((\d+-\d+)\)(/\d+)", r"\1\2", _CHANCE),
    ("", r"h\((\d+)-\d+\)|(\d+)~\d+", r"\1\2", _CHANCE),
    ("", r"h|~", "", _CHANCE),
    ("day-of-week", r"(?:every)?weekdays?|workdays?", "mon-fri", ""),
    ("day-of-week", r"weekends?", "sat,sun", ""),
)


def advice(text: str, reads: _Reads) -> str:
    """Write the rest of a refusal's sentence.

    Args:
        text: a refused expression.
        reads: tells whether crontab(5) accepts an expression.

    Returns:
        `; write "0 8 * * mon" instead`, or nothing where the meaning cannot be guessed.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(map(reads, lines)):
        return "; create a job for each line"
    told = next(_told(" ".join(text.split()).strip("'\"`“”"), reads), "")
    return f"; {told}" if told else ""


def weekdays_meant(text: str) -> str:
    """Translate days of the week in another spelling (`Monday; Tue`, `mon-fri`, `weekdays`) to crontab(5)'s field."""
    days = re.sub(r"(?:[,;/|&+\s]|\band\b)+", ",", text.translate(LOOKALIKES).lower())
    return _field(FIELDS[4], days, [])


def _told(text: str, reads: _Reads) -> Iterator[str]:
    """Yield all advice on a text, the likeliest first."""
    if wrapped := re.fullmatch(r"cron\(([^()]+)\)", text, re.IGNORECASE):
        text = wrapped[1].strip()
    yield from _of_words(text)
    if found := _ZONE.fullmatch(text):
        rest = next(_told(found[2], reads), f"write {echo(found[2])}" if reads(found[2]) else "leave it out here")
        yield f"{rest.removesuffix(' instead')}, and name the zone in the field timezone: {echo(found[1])}"
    parts = text.translate(LOOKALIKES).lower().split()
    if len(parts) == 5:
        yield from _mended(parts, reads)
    elif len(parts) > 5:
        yield from _shortened(parts, reads)


def _of_words(text: str) -> Iterator[str]:
    """Guess the meaning of a text that has no fields."""
    nickname = NICKNAMES.get(f"@{text.lower().lstrip('@')}")
    if nickname:
        yield f'write "{nickname}" instead'
    if text.lower() == "@reboot":
        yield "no schedule fires at a start: run the job by hand, with POST /scheduler/jobs/{id}/run"
    if found := _EVERY.fullmatch(text):
        if seconds := _seconds(found[2] or found[3]):
            yield f"use {as_interval(seconds)} instead"
        elif found[1]:
            yield 'use the schedule type "interval" instead'
    if found := _CLOCK.fullmatch(text):
        yield f'use the schedule type "daily" with {{"hour": {int(found[1])}, "minute": {int(found[2])}}} instead'


def _seconds(text: str) -> int:
    """Return the seconds of `1h30m`, `5 minutes` or `hour`; 0 if no interval can have that length."""
    found = list(_DURATION.finditer(text))
    if "".join(match[0] for match in found) != text:
        return 0
    total = sum(int(match[1] or 1) * _UNITS[match[2][0].lower()] for match in found)
    return total if total <= LONGEST_INTERVAL else 0


# Too many fields


def _shortened(parts: list[str], reads: _Reads) -> Iterator[str]:
    first_five, without_first = _as_mended(parts, slice(0, 5), reads), _as_mended(parts, slice(1, 6), reads)
    last = parts[-1]
    if len(parts) == 6 and (every := re.fullmatch(r"\*/([2-9]|[1-9]\d)", parts[0])) and set(parts[1:]) <= {"*", "?"}:
        yield f"leave out the seconds, which come first; for every {every[1]} of them use {as_interval(int(every[1]))}"
    if len(parts) == 6 and _YEAR.fullmatch(last):
        yield f"leave out the year, which comes last{first_five}"
    if len(parts) == 6 and re.fullmatch(r"[-*?,/\d]+|[-\w,#]{3,}", last):
        year = f", or the year, which comes last{first_five}" if last == "*" and first_five != without_first else ""
        yield f"leave out the seconds, which come first{without_first}{year}"
    if len(parts) == 7 and re.fullmatch(r"[-*,/\d]+", last):
        yield f"leave out the seconds, which come first, and the year, which comes last{without_first}"
    if reads(" ".join(parts[:5])):
        yield f"leave out everything after the fifth field{first_five}"


def _as_mended(parts: list[str], part: slice, reads: _Reads) -> str:
    """Advise `: write "0 8 * * *"`; nothing where the meaning cannot be guessed.

    With a `?` the days of the week count from Sunday = 1 in some schedulers, and from 0 in others.
    """
    fields = parts[part]
    if "?" in parts and re.search(r"\d", fields[4]):
        return ", and name the days of the week (mon to sun), since their numbers differ"
    return next((f": {told.removesuffix(' instead')}" for told in _mended(fields, reads)), "")


# Invalid fields


def _mended(parts: list[str], reads: _Reads) -> Iterator[str]:
    missing: list[str] = []
    fields = [_field(field, part, missing) for field, part in zip(FIELDS, parts, strict=True)]
    text = " ".join(fields)
    if len(text) > ECHO_LIMIT or not reads(text):
        return
    if missing:
        elsewhere = ', but the schedule type "monthly" has one' if _MONTHLY.issuperset(missing) else ""
        yield f"crontab(5) has no way to say {listed(dict.fromkeys(missing))}{elsewhere}; the nearest is {echo(text)}"
    else:
        yield f"write {echo(text)} instead"


def _field(field: Field, part: str, missing: list[str]) -> str:
    return ",".join(_term(field, term, missing) for term in part.split(",") if term)


def _term(field: Field, term: str, missing: list[str]) -> str:
    spelt_otherwise = r"[a-z]{4,}|\b(?:mo|tu|we|th|fr|sa|su)\b" if field.names is DAYS else r"[a-z]{4,}"
    term = re.sub(spelt_otherwise, lambda word: _short(word[0]), term)
    for name, pattern, nearest, lacking in _OTHERS:
        found = re.fullmatch(pattern, term)
        if found and name in ("", field.name):
            if lacking:
                missing.append(lacking)
            return found.expand(nearest) or str(field.low)
    if found := re.fullmatch(r"(\d{1,4})/(\d{1,4})", term):
        return f"{found[1]}-{field.high}/{found[2]}"
    found = _RANGE.fullmatch(term)
    return _unrolled(field, found[1], found[2], int(found[3] or 1), term) if found else term


def _short(word: str) -> str:
    """Shorten Monday, mondays, mo and so on to `mon`; other words stay as they are."""
    stem = word.rstrip("s") if len(word) > 3 else word
    return next((name[:3] for name in _FULL if name.startswith(stem)), word)


def _unrolled(field: Field, first: str, last: str, step: int, term: str) -> str:
    """Rewrite a range that goes round the end of its field: `fri,sat,sun,mon`, `22-23,0-6`."""
    low, high = _number(field, first), _number(field, last)
    if low is None or high is None or step < 1 or low <= high:
        return term
    end = field.low + field.cycle
    values = [(value - field.low) % field.cycle + field.low for value in range(low, high + field.cycle + 1, step)]
    names = {number: name.lower() for name, number in field.names.items()}
    if not first.isdigit() and not last.isdigit():
        return ",".join(names[value] for value in values)
    if step > 1 or values[0] == field.low:
        return ",".join(map(str, values)) if step > 1 else _span(values[0], values[-1])
    return f"{_span(values[0], end - 1)},{_span(field.low, values[-1])}"


def _span(first: int, last: int) -> str:
    return f"{first}-{last}" if first < last else str(first)


def _number(field: Field, text: str) -> int | None:
    number = int(text) if text.isdigit() else field.names.get(text.upper())
    return number if number is not None and field.low <= number <= field.high else None
