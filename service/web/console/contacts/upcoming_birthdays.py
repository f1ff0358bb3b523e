"""Find the contacts whose birthdays come next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from service.bots.birthday.birthdays import age_on, celebrated_on
from service.domain.people.contact import Contact
from service.usecases.contacts import ContactBook


@dataclass(frozen=True, slots=True)
class Birthday:
    """One person's next birthday.

    Args:
        contact: The person.
        day: The day of the celebration. February 29 is celebrated on the 28th in common years, which is the birthday
            bot's default too.
        days: Days until then; 0 is today.
        age: The person's age on that day. None if the year of birth is unknown.
    """

    contact: Contact
    day: date
    days: int
    age: int | None

    @property
    def when(self) -> str:
        """The day in words: `today`, `tomorrow`, `in 5 days`."""
        return {0: "today", 1: "tomorrow"}.get(self.days, f"in {self.days} days")


def upcoming_birthdays(
    contacts: ContactBook, today: date, days: int, most: int
) -> tuple[list[Birthday], list[Birthday]]:
    """Find the birthdays of living people, the next first.

    It reads day by day, and so little more of a large address book than the page shows.

    Args:
        contacts: The address book.
        today: The first day.
        days: How many days to search, including today.
        most: The most birthdays to return.

    Returns:
        The birthdays; and those left out, up to the end of the last day that was read.
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
            break
    return found[:most], found[most:]
