"""The five fields of a cron expression, and the names that crontab(5) knows."""

from __future__ import annotations

from dataclasses import dataclass, field

MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}
DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Args:
        low, high: the numbers that it takes; 7 is Sunday again.
        cycle: how many different ones they are.
        unit: seconds from one to the next; 0 where they differ.
        whole: what the field goes through, in words.
        names: that stand for numbers.
    """

    name: str
    low: int
    high: int
    cycle: int
    unit: int
    whole: str
    names: dict[str, int] = field(default_factory=dict)


FIELDS = (
    Field("minute", 0, 59, 60, 60, "an hour"),
    Field("hour", 0, 23, 24, 3600, "a day"),
    Field("day-of-month", 1, 31, 31, 86400, "a month"),
    Field("month", 1, 12, 12, 0, "a year", MONTHS),
    Field("day-of-week", 0, 7, 7, 86400, "a week", DAYS),
)
