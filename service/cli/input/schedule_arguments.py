"""Options of a schedule, which `jobs create`, `jobs edit` and `preview` share, and the words that a shell completes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated

import typer

from service.cli.client.completing import complete_calendars, one_of
from service.cli.input.schedule_texts import DAYS, MONTH_DAYS, MONTHS


class ShortMonths(StrEnum):
    """Where a month lacks the day of `--monthly`."""

    LAST_DAY = "last_day"
    SKIP = "skip"


class ClosedDays(StrEnum):
    """What becomes of an occurrence on a closed day."""

    SKIP = "skip"
    NEXT_OPEN = "next_open"
    PREVIOUS_OPEN = "previous_open"


def calendar_options(calendar: str | None, on_closed: ClosedDays | None) -> dict[str, str | None]:
    """Return the `options` that the flags of calendars set; an empty name takes the calendar away."""
    options: dict[str, str | None] = {} if calendar is None else {"calendar": calendar or None}
    return options if on_closed is None else {**options, "on_closed": on_closed.value}


def _list_of(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Complete the last word of a list such as `mon,wed`."""
    known = list(words)

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        used = before.split(",")
        return [f"{before}{comma}{word}" for word in known if word.startswith(last) and word not in used]

    return complete


def _zones(incomplete: str) -> list[str]:
    from service.domain.schedules.zones import zone_names  # here, because the domain takes a while to load

    return sorted(name for name in zone_names() if name.startswith(incomplete))


_NTH = [f"{nth}-{day}" for nth in ("1st", "2nd", "3rd", "4th", "5th", "last") for day in DAYS]

At = Annotated[
    str | None,
    typer.Option("--at", metavar="HH:MM", help="Every day at this time, or at several: 08:00,17:30."),
]
On = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="DAYS", help="With --at: only on these days, such as mon,wed,fri, mon-fri or weekends.",
        autocompletion=_list_of([*DAYS, "weekdays", "weekends"]),
    ),
]  # fmt: skip
Every = Annotated[
    str | None,
    typer.Option(
        "--every", metavar="2h30m", help="At this interval, in w, d, h, m and s. With --at: every 10d, or 2w with --on."
    ),
]
Once = Annotated[
    list[str] | None,
    typer.Option(
        "--once",
        metavar="TIME",
        help="At this time, such as 2026-12-24T18:00, or with --at on this date; repeatable.",
    ),
]
Monthly = Annotated[
    str | None,
    typer.Option(
        "--monthly", metavar="DAY", autocompletion=one_of([*MONTH_DAYS, *_NTH]),
        help="With --at: on this day of each month, such as 15, last, first-workday, last-fri or 2nd-tue.",
    ),
]  # fmt: skip
Months = Annotated[
    str | None,
    typer.Option(
        "--months", metavar="MONTHS", autocompletion=_list_of(MONTHS),
        help="With --monthly: only in these months, such as jan,apr,jul,oct or mar-oct.",
    ),
]  # fmt: skip
ShortMonth = Annotated[
    ShortMonths | None,
    typer.Option("--short-months", help="With --monthly 29 to 31: what a shorter month does (default: last_day)."),
]
Rule = Annotated[
    str | None,
    typer.Option("--rrule", metavar="RULE", help="By this rule of RFC 5545, such as 'FREQ=WEEKLY;BYDAY=MO;BYHOUR=8'."),
]
Start = Annotated[
    str | None, typer.Option("--dtstart", metavar="TIME", help="With --rrule: from when the rule counts.")
]
Cron = Annotated[
    str | None,
    typer.Option(
        "--cron", metavar="EXPR", help="By this cron expression, such as '0 8-18 * * 1-5'.",
        autocompletion=one_of(["@hourly", "@daily", "@weekly", "@monthly", "@yearly"]),
    ),
]  # fmt: skip
CalendarName = Annotated[
    str | None,
    typer.Option(
        "--calendar", metavar="NAME", help="The calendar that says which days are closed; '' takes it away.",
        autocompletion=complete_calendars,
    ),
]  # fmt: skip
OnClosed = Annotated[
    ClosedDays | None,
    typer.Option("--on-closed", help="With a calendar: what happens on a closed day (default: skip)."),
]
Zone = Annotated[
    str | None,
    typer.Option(
        "--timezone", metavar="ZONE", help="The time zone, such as Europe/Vienna (default: UTC).", autocompletion=_zones
    ),
]
