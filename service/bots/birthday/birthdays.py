"""Birthdays within a window of days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from service.bots.support.address_book import BirthdayIndex
from service.contacts.dates import EARLIEST_YEAR
from service.contacts.matching.identity import Known, with_traits
from service.domain.people.contact import Contact
from service.domain.people.traits import Traits

LeapDay = Literal["feb28", "mar1"]
OLDEST = 120
"""The greatest age in years. Address books also write years such as 1900 for "unknown"."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """One person's birthday, to be greeted.

    Args:
        contact: the person.
        day: the day on which the birthday is celebrated.
        days_late: days since then; 0 is today.
    """

    contact: Contact
    day: date
    days_late: int

    @property
    def key(self) -> str:
        """The ledger's key, for each contact and year. The ledger asks for it under all ids of the person."""
        return f"{self.contact.id}:{self.day.year}"

    @property
    def person(self) -> Known:
        """Who the contact is. One person may be several contacts, say one with a phone's UID and one without."""
        contact = self.contact
        traits = Traits(contact.name, contact.uids, contact.emails, contact.birthday)
        known = Known(contact.id, traits, contact.identities, contact.former_ids, parts=contact.parts)
        return with_traits(known, traits)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that a template may use."""
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


def find(contacts: BirthdayIndex, today: date, days_back: int, leap_day: LeapDay) -> list[Greeting]:
    """Return the birthdays of `today`, then those of the days before, the oldest last. Each person is there once.

    Args:
        contacts: the address book; asked for the days of the window alone.
        today: the window's last day.
        days_back: how many earlier days belong to the window.
        leap_day: when people born on February 29 celebrate in common years.
    """
    latest: dict[tuple[int, int], tuple[int, date]] = {}
    for late in range(min(days_back, today.toordinal() - 1) + 1):
        day = today - timedelta(days=late)
        for month_day in celebrated_on(day, leap_day):
            latest.setdefault(month_day, (late, day))
    greetings = [_greeting(contact, latest) for contact in contacts.born_on(latest)]
    return sorted(greetings, key=lambda greeting: (greeting.days_late, greeting.contact.name, greeting.contact.id))


def _greeting(contact: Contact, latest: dict[tuple[int, int], tuple[int, date]]) -> Greeting:
    """Return the contact's latest birthday in the window."""
    birthday = str(contact.birthday)
    late, day = latest[int(birthday[-5:-3]), int(birthday[-2:])]
    return Greeting(contact, day, late)


def celebrated_on(day: date, leap_day: LeapDay) -> list[tuple[int, int]]:
    """Return the birthdays (month, day) celebrated on `day`.

    In common years, February 29 joins the day before or after it.
    """
    falls = [(day.month, day.day)]
    is_leap_year = (date(day.year, 3, 1) - timedelta(days=1)).day == 29
    if not is_leap_year and (day.month, day.day) == ((2, 28) if leap_day == "feb28" else (3, 1)):
        falls.append((2, 29))
    return falls


def age_on(birthday: str | None, day: date) -> int | None:
    """Return the age that a person reaches in the year of `day`.

    It is None if the year of birth is unknown or not before that year.
    """
    shown = without_unknown_year(birthday, day)
    if shown is None or shown.startswith("--"):
        return None
    age = day.year - int(shown[:4])
    return age if age > 0 else None


def without_unknown_year(birthday: str | None, day: date) -> str | None:
    """Return a birthday to show on `day`: `--MM-DD` if its year cannot be a living person's year of birth."""
    if birthday is None or birthday.startswith("--"):
        return birthday
    year = int(birthday[:4])
    return birthday if year >= max(EARLIEST_YEAR, day.year - OLDEST) else f"-{birthday[4:]}"
