"""Whose birthday it is, and in which order they are greeted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from service.bots.birthday import BirthdayConfig, age_on, celebrated_on, find
from service.bots.greetings import compose
from service.contacts import Contact


class Born:
    """An address book of birthdays alone."""

    def __init__(self, *birthdays: str) -> None:
        self.contacts = [Contact(id=birthday, name=birthday, birthday=birthday) for birthday in birthdays]

    def born_on(self, days: Iterable[tuple[int, int]]) -> list[Contact]:
        """Like the real one's."""
        wanted = {f"{month:02d}-{day:02d}" for month, day in days}
        return [contact for contact in self.contacts if str(contact.birthday)[-5:] in wanted]


def found(today: str, *birthdays: str, **config: Any) -> list[tuple[str, str, int]]:
    """Who is found: birthday, the day it was celebrated, days late."""
    greetings = find(Born(*birthdays), BirthdayConfig(**config), date.fromisoformat(today))
    return [(str(g.contact.birthday), g.day.isoformat(), g.days_late) for g in greetings]


def test_todays_birthdays_are_found_and_no_others() -> None:
    """With the year of birth known or not."""
    assert found("2025-04-12", "1990-04-12", "--04-12", "1990-04-11", "1990-04-13") == [
        ("--04-12", "2025-04-12", 0),
        ("1990-04-12", "2025-04-12", 0),
    ]


def test_late_ones_follow_the_oldest_last() -> None:
    """The window has max_days_late days before today."""
    days = ["--04-05", "--04-04", "--04-11", "--04-12"]
    assert found("2025-04-12", *days, process_late=True) == [
        ("--04-12", "2025-04-12", 0),
        ("--04-11", "2025-04-11", 1),
        ("--04-05", "2025-04-05", 7),
    ]
    assert found("2025-04-12", *days, process_late=True, max_days_late=1)[-1][0] == "--04-11"


def test_the_window_reaches_back_over_new_year() -> None:
    """A birthday of December belongs to the year in which it was."""
    assert found("2026-01-02", "--12-30", "--01-01", process_late=True) == [
        ("--01-01", "2026-01-01", 1),
        ("--12-30", "2025-12-30", 3),
    ]


def test_nobody_is_found_twice_in_a_window_of_a_year() -> None:
    """Today's counts, not last year's."""
    assert found("2025-04-12", "--04-12", process_late=True, max_days_late=365) == [("--04-12", "2025-04-12", 0)]


@pytest.mark.parametrize(
    ("today", "leap_day", "is_celebrated"),
    [
        ("2024-02-29", None, True),
        ("2024-02-28", None, False),
        ("2024-03-01", "mar1", False),
        ("2025-02-28", None, True),
        ("2025-02-28", "feb28", True),
        ("2025-02-28", "mar1", False),
        ("2025-03-01", "mar1", True),
        ("2025-03-01", None, False),
        ("2100-02-28", None, True),
    ],
)
def test_leap_day_falls_where_the_job_says(today: str, leap_day: str | None, is_celebrated: bool) -> None:
    """On February 28 or March 1 in common years, on itself in leap years."""
    assert bool(found(today, "2000-02-29", leap_day=leap_day)) is is_celebrated


def test_leap_day_is_celebrated_once_a_year() -> None:
    """On exactly one day of each year, under either rule."""
    for year in (2023, 2024, 2025, 2100):
        days = [date.fromordinal(date(year, 1, 1).toordinal() + n) for n in range(365)]
        for rule in ("feb28", "mar1"):
            assert sum((2, 29) in celebrated_on(day, rule) for day in days) == 1


def test_age_is_known_only_with_the_year_of_birth() -> None:
    """And is never nought or below."""
    day = date(2025, 4, 12)
    assert age_on("1990-04-12", day) == 35
    assert age_on("--04-12", day) is None
    assert age_on("2025-04-12", day) is None
    assert age_on(None, day) is None


def test_the_config_is_answered_with_the_contracts_fields() -> None:
    """What is optional beyond them is answered only where it was given."""
    assert BirthdayConfig().model_dump(mode="json") == {
        "dry_run": False,
        "process_late": False,
        "max_days_late": 7,
        "max_messages_per_run": 10,
    }
    rehearsal = BirthdayConfig(dry_run=True, today="2025-04-12", leap_day="mar1").model_dump(mode="json")
    assert (rehearsal["today"], rehearsal["leap_day"]) == ("2025-04-12", "mar1")
    assert BirthdayConfig.model_validate(rehearsal).today == "2025-04-12"


@pytest.mark.parametrize(
    "config",
    [
        {"max_days_late": 0},
        {"max_days_late": 366},
        {"max_messages_per_run": 0},
        {"max_messages_per_run": "5"},
        {"dry_run": 1},
        {"today": "2025-04-12"},
        {"dry_run": True, "today": "2025-02-30"},
        {"leap_day": "feb29"},
        {"unknown": True},
    ],
)
def test_a_config_that_makes_no_sense_is_refused(config: dict[str, Any]) -> None:
    """Out of range, of another type, unknown, or a day to rehearse in a live run."""
    with pytest.raises(ValidationError):
        BirthdayConfig.model_validate(config)


def words(**fields: object) -> tuple[str, str]:
    """A message with these fields."""
    base: dict[str, object] = {"name": "Amelia Rivers", "given_name": "Amelia", "age": None, "days_late": 0}
    return compose("en", base | fields)


def test_messages_say_what_is_known() -> None:
    """The given name, else the whole; the age where the year of birth is known; how late it is."""
    assert words()[0] == "Happy birthday, Amelia!"
    assert "35" in words(age=35)[1]
    assert "being" not in words()[1]
    assert "Amelia Rivers" in words(given_name=None)[1]
    assert "yesterday" in words(days_late=1)[1]
    assert "3 days ago" in words(days_late=3)[1]
    assert "belated" in words(days_late=3)[0]


def test_a_name_cannot_run_code_or_break_the_subject() -> None:
    """It is a value of the template, never a part of it; a subject is one line."""
    subject, body = words(given_name="{{ 7 * 7 }}\nBcc: x@example.org")
    assert "{{ 7 * 7 }}" in subject + body
    assert "\n" not in subject


def test_a_language_without_templates_falls_back_to_english() -> None:
    """However the tag is spelt."""
    fields: dict[str, object] = {"name": "A", "given_name": "A", "age": None, "days_late": 0}
    for language in ("xx", "de-AT", "../..", "", None):
        assert compose(language, fields)[0] == "Happy birthday, A!"
