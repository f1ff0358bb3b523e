"""Whose birthday comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from service.bots.birthday.birthdays import age_on, celebrated_on
from service.domain.people.contact import Contact
from service.usecases.contacts import ContactBook


@dataclass(frozen=True, slots=True)
class Birthday:
    """One person's coming birthday.

    Args:
        day: when it is celebrated; February 29 on the 28th in common years, as the birthday bot does unless told.
        days: until then; 0 is today.
        age: what the person becomes; None if the year of birth is unknown.
    """

    contact: Contact
    day: date
    days: int
    age: int | None

    @property
    def when(self) -> str:
        """In words: `today`, `tomorrow`, `in 5 days`."""
        return {0: "today", 1: "tomorrow"}.get(self.days, f"in {self.days} days")


def coming(contacts: ContactBook, today: date, days: int, most: int) -> tuple[list[Birthday], bool]:
    """The birthdays of the living from `today` on, the next first.

    Days are asked for one by one, so that of a large address book little more is read than is shown.

    Args:
        days: how many days are looked at, today's included.
        most: how many birthdays are wanted.

    Returns:
        At most `most` birthdays, and whether there are more.
    """
    found: list[Birthday] = []
    for ahead in range(days):
        day = today + timedelta(days=ahead)
        born = contacts.born_on(celebrated_on(day, "feb28"))
        found += [
            Birthday(contact, day, ahead, age_on(contact.birthday, day))
            for contact in sorted(born, key=lambda contact: contact.name.casefold())
            if not contact.deceased
        ]
        if len(found) > most:
            return found[:most], True
    return found, False
