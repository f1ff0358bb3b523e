"""Pages of calendars: the list, and a calendar's year with its closed days and why."""

from __future__ import annotations

from calendar import Calendar as Weeks
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.calendars import Calendars
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

SHOWN = 1_000
"""Calendars on the page: all that there can be."""
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a month's table. `why`: it is closed; None if it is open."""

    number: int
    date: str
    why: str | None


@dataclass(frozen=True, slots=True)
class Month:
    """A month's table: weeks of seven days, from Monday on; None where a day is another month's."""

    name: str
    weeks: list[list[Day | None]]


class CalendarList(RenderedPage):
    """`/calendars`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, calendars: Calendars) -> None:
        super().__init__(pool)
        self._calendars = calendars

    def render(self, req: Request, resp: Response) -> None:
        """Show all calendars, and how to create one."""
        show(resp, "calendars.html", "/jobs", calendars=self._calendars.page(SHOWN).data)


class CalendarYear(RenderedPage):
    """`/calendars/{name}`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, calendars: Calendars) -> None:
        super().__init__(pool)
        self._calendars = calendars

    def render(self, req: Request, resp: Response, name: str) -> None:
        """Show a year of the calendar, month by month, and the closed days that are no weekdays off with why."""
        calendar = self._calendars.get(name)
        year = query.integer(req, "year", low=1970, high=2100, default=self._calendars.year())
        found = self._calendars.days(name, f"{year}-01-01", f"{year}-12-31")["days"]
        closed = {day["date"]: day["why"] for day in found}
        named = [day for day in found if day["why"] not in _WEEKDAYS]
        show(
            resp, "calendar.html", "/jobs", calendar=calendar, year=year, named=named, total=len(found),
            months=[_month(year, month, closed) for month in range(1, 13)],
        )  # fmt: skip


_WEEKDAYS = frozenset(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))


def _month(year: int, month: int, closed: Mapping[str, str]) -> Month:
    def day(number: int) -> Day | None:
        if number == 0:
            return None
        text = date(year, month, number).isoformat()
        return Day(number, text, closed.get(text))

    weeks: Any = Weeks().monthdayscalendar(year, month)
    return Month(_MONTHS[month - 1], [[day(number) for number in week] for week in weeks])
