"""What the engine takes to find an occurrence, by type of schedule: `python -m bench.planning [ROUNDS]`.

Each type is asked for an occurrence that nobody has asked for, for the following ones, and again for one that it has
found. All types are asked in turn, in each round anew; a figure is the least of all rounds, because whatever else the
machine does only adds. A ratio is to `cron`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from service.domain.calendars.definition import parse_calendar
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.options import Options
from service.domain.schedules import next_occurrence
from service.domain.schedules.definition import parse_schedule

ROUNDS = 4
NOW = 1_795_766_400
AHEAD, AGAIN = 40, 20_000
"""Occurrences in a row, and how often one is asked for again."""
APART = 58 * 86_400
"""Seconds from one measurement to the next, none of which meets what another one has found. With more rounds than these
they would go beyond 2037, where zones have rules in place of tables, and are slower."""
ZONE = {"timezone": "Europe/Vienna"}
CRON = {"cron_expression": "30 8 * * 1-5", **ZONE}
RULE = {"rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=8;BYMINUTE=30", "dtstart": "2026-01-01T08:30:00", **ZONE}
NOON = {"hour": 12, "minute": 0, **ZONE}
UNION = {"schedules": [{"schedule_type": "cron", "schedule_config": CRON},
                       {"schedule_type": "daily", "schedule_config": NOON}]}  # fmt: skip
MANY = {"schedules": [{"schedule_type": "cron", "schedule_config": {**CRON, "cron_expression": f"{minute} 8 * * 1-5"}}
                      for minute in range(20)],
        "except": [{"schedule_type": "weekly", "schedule_config": {**NOON, "hour": 8, "day_of_week": "wed"}}],
        }  # fmt: skip
TYPES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "cron": ("cron", CRON), "daily": ("daily", NOON), "daily, every 2": ("daily", {**NOON, "every": 2}),
    "monthly": ("monthly", {**NOON, "day": "last_workday"}), "interval": ("interval", {"hours": 1}),
    "rrule": ("rrule", RULE), "any of 2": ("any", UNION), "any of 20": ("any", MANY),
}  # fmt: skip
CALENDAR = {"name": "office", "weekdays_off": ["sat", "sun"], "dates": ["2026-12-24", "2026-12-25"]}


def main(rounds: int) -> None:
    """Prints the figures, least of so many rounds."""
    calendar = WorkCalendar(parse_calendar(CALENDAR))
    ways: dict[str, tuple[Options, WorkCalendar | None]] = {
        "": (Options(), None), ", with a calendar": (Options(calendar="office"), calendar),
        ", moved": (Options(calendar="office", on_closed="next_open"), calendar),
    }  # fmt: skip
    asked = {
        f"{name}{way}": partial(next_occurrence, parse_schedule(*made), options, anchor=NOW, calendar=its)
        for way, (options, its) in ways.items() for name, made in TYPES.items()
        if not way or name in ("cron", "rrule", "any of 2")
    }  # fmt: skip
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
    for number in range(rounds):
        for place, (name, ask) in enumerate(asked.items()):
            found[name].append(measured(ask, NOW + (number * len(asked) + place) * APART))
    least = {name: tuple(map(min, zip(*figures, strict=True))) for name, figures in found.items()}
    print(f"{'µs':24}{'the next':>10}{'ratio':>8}{'again':>10}{'ratio':>8}")
    for name, (ahead, again) in least.items():
        ratios = ahead / least["cron"][0], again / least["cron"][1]
        print(f"{name:24}{ahead:10.2f}{ratios[0]:8.2f}{again:10.3f}{ratios[1]:8.2f}")


def measured(ask: Callable[..., int | None], start: int) -> tuple[float, float]:
    """The CPU of one occurrence that was never asked for, and of one that was, µs."""
    after: int | None = start
    begun = time.thread_time()
    for _ in range(AHEAD):
        assert after is not None
        after = ask(after=after)
    ahead = time.thread_time() - begun
    begun = time.thread_time()
    for _ in range(AGAIN):
        ask(after=start)
    return ahead / AHEAD * 1e6, (time.thread_time() - begun) / AGAIN * 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
