"""Times as people type them: `2h`, `yesterday`, a date, or a timestamp of the API's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from service.cli.exits import Exit, Failure
from service.cli.input.schedule_texts import parsed_duration
from service.cli.output.escaping import quoted

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{1,2}:\d{2}))?")
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_YEAR = re.compile(r"\d{4}-")
"""The beginning of each timestamp that the API takes."""


def instant(text: str, now: datetime, *, past: bool, flag: str = "A time") -> str:
    """Write a time as the API takes it. It judges those that are of no form known here.

    Args:
        text: `2h` or `1d12h` (before now, or after now where that is meant or with a plus), `now`, `today`,
            `yesterday` or `tomorrow` (00:00 UTC), a date (00:00), a date and a minute, or a timestamp.
        now: The time, in UTC.
        past: Whether a duration without a sign counts backwards.
        flag: What an error calls it.

    Raises:
        Failure: The text has none of these forms.
    """
    word = text.strip().lower()
    if word == "now":
        return _written(now)
    if word in _DAYS:
        return _written(now.replace(hour=0, minute=0, second=0) + timedelta(days=_DAYS[word]))
    span = parsed_duration(word.lstrip("+-"))
    if span is not None:
        backwards = word.startswith("-") or (past and not word.startswith("+"))
        return _written(_moved(text, now, timedelta(**span) * (-1 if backwards else 1)))
    if (day := _DATE.fullmatch(text.strip())) is not None:
        return f"{day[1]}T{day[2] or '00:00':0>5}:00"
    if not _YEAR.match(text.strip()):
        known = "a span such as 2h or 7d, now, today, yesterday, tomorrow, a date or 2027-01-15T08:00:00"
        raise Failure(Exit.USAGE, f"{flag} takes {known}, not {quoted(text)}")
    return text


def _moved(text: str, now: datetime, by: timedelta) -> datetime:
    try:
        return now + by
    except OverflowError:
        raise Failure(Exit.USAGE, f"{quoted(text)} from now is no time that there is") from None


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}"


def past(option: typer.CallbackParam, text: str | None) -> str | None:
    """Write a time that may be over as the API takes it; `2h` is two hours ago, by this machine's clock."""
    return None if text is None else instant(text, datetime.now(UTC), past=True, flag=option.opts[0])


def to_come(option: typer.CallbackParam, text: str | None) -> str | None:
    """Write a time that is to come as the API takes it; `2h` counts from now, by this machine's clock."""
    return None if text is None else instant(text, datetime.now(UTC), past=False, flag=option.opts[0])


_FORMS = "2h, 7d, yesterday, a date, or 2027-01-15T08:00:00 (UTC without an offset)"
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", callback=past, help=f"From this time on: {_FORMS}.")
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", callback=past, help="Before this time, in the same forms.")
]
FailedSince = Annotated[
    str | None,
    typer.Option(
        "--failed-since", metavar="TIME", callback=past,
        help="Instead: all runs that failed since then (2h, yesterday, a date), 100 of a job at most.",
    ),
]  # fmt: skip
