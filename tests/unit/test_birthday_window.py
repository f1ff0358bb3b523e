"""Whose birthday it is, and in which order they are greeted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from service.bots.birthday.birthdays import Greeting, LeapDay, age_on, celebrated_on, find
from service.bots.birthday.bot import BirthdayConfig
from service.domain.people.contact import Contact


class Born:
    """An address book of birthdays alone."""

    def __init__(self, *birthdays: str) -> None:
        self.contacts = [Contact(id=birthday, name=birthday, birthday=birthday) for birthday in birthdays]

    def born_on(self, days: Iterable[tuple[int, int]]) -> list[Contact]:
        """Like the real one's."""
        wanted = {f"{month:02d}-{day:02d}" for month, day in days}
        return [contact for contact in self.contacts if str(contact.birthday)[-5:] in wanted]


def found(today: str, *birthdays: str, days_back: int = 0, leap_day: LeapDay = "feb28") -> list[tuple[str, str, int]]:
    """Who is found: birthday, the day it was celebrated, days late."""
    greetings = find(Born(*birthdays), date.fromisoformat(today), days_back, leap_day)
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
    assert found("2025-04-12", *days, days_back=7) == [
        ("--04-12", "2025-04-12", 0),
        ("--04-11", "2025-04-11", 1),
        ("--04-05", "2025-04-05", 7),
    ]
    assert found("2025-04-12", *days, days_back=1)[-1][0] == "--04-11"


@pytest.mark.parametrize(
    ("today", "birthday", "days_back", "celebrated", "days_late"),
    [
        ("2025-12-31", "--12-31", 0, "2025-12-31", 0),
        ("2026-01-01", "--12-31", 0, None, 0),
        ("2026-01-01", "--12-31", 1, "2025-12-31", 1),
        ("2026-01-01", "--01-01", 7, "2026-01-01", 0),
        ("2026-01-02", "--12-30", 3, "2025-12-30", 3),
        ("2026-01-02", "--12-30", 2, None, 0),
        ("2026-01-07", "1990-12-31", 7, "2025-12-31", 7),
        ("2025-12-31", "--01-01", 7, None, 0),
        ("2025-12-31", "--01-01", 365, "2025-01-01", 364),
        ("2025-02-28", "--02-29", 0, "2025-02-28", 0),
        ("2025-03-01", "--02-29", 1, "2025-02-28", 1),
        ("2025-03-07", "--02-29", 7, "2025-02-28", 7),
        ("2025-03-08", "--02-29", 7, None, 0),
        ("2024-03-01", "--02-29", 1, "2024-02-29", 1),
        ("2024-03-01", "--02-28", 2, "2024-02-28", 2),
        ("2024-03-07", "--02-29", 7, "2024-02-29", 7),
        ("2024-02-28", "--02-29", 365, "2023-02-28", 365),
        ("2000-03-01", "1996-02-29", 1, "2000-02-29", 1),
        ("2100-03-01", "2096-02-29", 1, "2100-02-28", 1),
    ],
)
def test_the_window_reaches_back_over_new_year_and_leap_days(
    today: str, birthday: str, days_back: int, celebrated: str | None, days_late: int
) -> None:
    """A birthday belongs to the year in which it was celebrated, and counts as late from that day on."""
    expected = [] if celebrated is None else [(birthday, celebrated, days_late)]
    assert found(today, birthday, days_back=days_back) == expected
    before = date.fromisoformat(today) - date.fromisoformat(celebrated) if celebrated else None
    assert before is None or before.days == days_late


@pytest.mark.parametrize(
    ("today", "days_back", "celebrated"),
    [
        ("2025-02-28", 0, None),
        ("2025-03-01", 0, "2025-03-01"),
        ("2025-03-03", 2, "2025-03-01"),
        ("2024-03-01", 0, None),
        ("2024-03-01", 1, "2024-02-29"),
        ("2100-03-01", 0, "2100-03-01"),
    ],
)
def test_a_leap_day_on_march_1(today: str, days_back: int, celebrated: str | None) -> None:
    """In common years alone; late ones count from March 1."""
    assert [day for _, day, _ in found(today, "--02-29", days_back=days_back, leap_day="mar1")] == (
        [celebrated] if celebrated else []
    )


def test_who_was_born_on_a_leap_day_is_greeted_once_a_year_whatever_the_rule() -> None:
    """The ledger's key names the year, so that changing the rule in between greets nobody twice."""
    born = Born("--02-29")
    keys = {
        greeting.key
        for rule in ("feb28", "mar1")
        for day in (date(2025, 2, 28), date(2025, 3, 1))
        for greeting in find(born, day, 0, rule)
    }
    assert keys == {"--02-29:2025"}


def test_nobody_is_found_twice_in_a_window_of_a_year() -> None:
    """Today's counts, not last year's."""
    assert found("2025-04-12", "--04-12", days_back=365) == [("--04-12", "2025-04-12", 0)]


@pytest.mark.parametrize(
    ("today", "leap_day", "is_celebrated"),
    [
        ("2024-02-29", "feb28", True),
        ("2024-02-28", "feb28", False),
        ("2024-03-01", "mar1", False),
        ("2025-02-28", "feb28", True),
        ("2025-02-28", "mar1", False),
        ("2025-03-01", "mar1", True),
        ("2025-03-01", "feb28", False),
        ("2100-02-28", "feb28", True),
    ],
)
def test_leap_day_falls_where_the_job_says(today: str, leap_day: LeapDay, is_celebrated: bool) -> None:
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


@pytest.mark.parametrize(
    ("birthday", "today", "age", "shown"),
    [
        ("0001-04-12", "2026-04-12", None, "--04-12"),
        ("1604-02-29", "2026-02-28", None, "--02-29"),
        ("1899-04-12", "2015-04-12", None, "--04-12"),
        ("1900-04-12", "2026-04-12", None, "--04-12"),
        ("1900-04-12", "2020-04-12", 120, "1900-04-12"),
        ("1900-04-12", "2021-04-12", None, "--04-12"),
        ("1906-04-12", "2026-04-12", 120, "1906-04-12"),
        ("1905-12-31", "2026-12-31", None, "--12-31"),
        ("2026-04-12", "2026-04-12", None, "2026-04-12"),
        ("9999-04-12", "2026-04-12", None, "9999-04-12"),
    ],
)
def test_an_age_over_120_or_a_year_below_1900_is_no_age(birthday: str, today: str, age: int | None, shown: str) -> None:
    """The year is one that exporters write for "unknown", and no letter tells it."""
    day = date.fromisoformat(today)
    assert age_on(birthday, day) == age
    fields = Greeting(Contact(id="1", name="Ada", birthday=birthday), day, 0).fields
    assert (fields["age"], fields["birthday"]) == (age, shown)


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
    assert "deliver_to" not in rehearsal
    more: dict[str, Any] = {"deliver_to": "me", "on_unknown_delivery": "resend", "language": "fr"}
    more["templates"] = {"fr": {"on_time": "Salut\n\n{{ name }}"}}
    answered = BirthdayConfig.model_validate(more).model_dump(mode="json")
    assert {name: answered[name] for name in more} == more
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
        {"deliver_to": "everybody"},
        {"on_unknown_delivery": "ask"},
        {"language": "*"},
        {"templates": {"": {}}},
        {"templates": {"french": {}}},
        {"templates": {"fr": {}, "FR": {}}},
        {"templates": {"fr": {"early": "x"}}},
        {"templates": {"fr": {"on_time": "only a subject"}}},
        {"unknown": True},
    ],
)
def test_a_config_that_makes_no_sense_is_refused(config: dict[str, Any]) -> None:
    """Out of range, of another type, unknown, or a day to rehearse in a live run."""
    with pytest.raises(ValidationError):
        BirthdayConfig.model_validate(config)
