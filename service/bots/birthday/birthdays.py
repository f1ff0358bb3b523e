"""Whose birthday it is, within a window of days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, cast

from service.contacts.dates import EARLIEST_YEAR
from service.contacts.matching.identity import Known, with_traits
from service.domain.people.contact import Contact
from service.domain.people.traits import Traits

LeapDay = Literal["feb28", "mar1"]
OLDEST = 120
"""Nobody is taken to be older, in years: 1900 is another of the years that address books write for "unknown"."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """One person's birthday that is to be greeted.

    Args:
        day: the day on which it was, or is, celebrated.
        days_late: since then; 0 is today.
    """

    contact: Contact
    day: date
    days_late: int

    @property
    def key(self) -> str:
        """The ledger's: one entry for each contact and year; it is asked for all contacts that are the person."""
        return f"{self.contact.id}:{self.day.year}"

    @property
    def person(self) -> Known:
        """Who it is: one person may be several contacts, say once with a phone's UID and once without."""
        contact = self.contact
        traits = Traits(contact.name, contact.uids, contact.emails, contact.birthday)
        known = Known(contact.id, traits, contact.identities, contact.former_ids, parts=contact.parts)
        return with_traits(known, traits)

    @property
    def fields(self) -> dict[str, Any]:
        """What a template may say of it."""
        contact = self.contact
        firsts = {
            "email": next(iter(contact.emails), None),
            "phone": next(iter(contact.phones), None),
            "url": next(iter(contact.urls), None),
        }
        return firsts | {
            "name": contact.name,
            "given_name": contact.given_name,
            "family_name": contact.family_name,
            "birthday": without_unknown_year(contact.birthday, self.day),
            "age": age_on(contact.birthday, self.day),
            "days_late": self.days_late,
            "language": contact.language,
            "emails": list(contact.emails),
            "phones": list(contact.phones),
            "urls": list(contact.urls),
        }


def find(contacts: Any, today: date, days_back: int, leap_day: LeapDay) -> list[Greeting]:
    """Whose birthday it is `today`, then whose it was in the window, the oldest last; each person once.

    Args:
        contacts: a `ContactBook`; asked for the days of the window alone.
        today: the window's last day.
        days_back: how many days before it belong to the window.
        leap_day: when February 29 falls in common years.
    """
    latest: dict[tuple[int, int], tuple[int, date]] = {}
    for late in range(min(days_back, today.toordinal() - 1) + 1):
        day = today - timedelta(days=late)
        for month_day in celebrated_on(day, leap_day):
            latest.setdefault(month_day, (late, day))
    found = [_greeting(contact, latest) for contact in cast(Iterable[Contact], contacts.born_on(latest))]
    return sorted(found, key=lambda greeting: (greeting.days_late, greeting.contact.name, greeting.contact.id))


def _greeting(contact: Contact, latest: dict[tuple[int, int], tuple[int, date]]) -> Greeting:
    """The contact's newest birthday in the window."""
    birthday = str(contact.birthday)
    late, day = latest[int(birthday[-5:-3]), int(birthday[-2:])]
    return Greeting(contact, day, late)


def celebrated_on(day: date, leap_day: LeapDay) -> list[tuple[int, int]]:
    """The birthdays (month, day) that fall on `day`: in common years February 29 joins the day before or after it."""
    falls = [(day.month, day.day)]
    is_leap_year = (date(day.year, 3, 1) - timedelta(days=1)).day == 29
    if not is_leap_year and (day.month, day.day) == ((2, 28) if leap_day == "feb28" else (3, 1)):
        falls.append((2, 29))
    return falls


def age_on(birthday: str | None, day: date) -> int | None:
    """How old somebody becomes in the year of `day`; None if the year of birth is unknown or not before it."""
    shown = without_unknown_year(birthday, day)
    if shown is None or shown.startswith("--"):
        return None
    age = day.year - int(shown[:4])
    return age if age > 0 else None


def without_unknown_year(birthday: str | None, day: date) -> str | None:
    """A birthday as people may be told it on `day`: `--MM-DD` if its year cannot be anybody's year of birth."""
    if birthday is None or birthday.startswith("--"):
        return birthday
    year = int(birthday[:4])
    return birthday if year >= max(EARLIEST_YEAR, day.year - OLDEST) else f"-{birthday[4:]}"
