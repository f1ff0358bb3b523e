"""How birthdays are written in address books, and what is read from them."""

from __future__ import annotations

import pytest

from service.contacts.dates import parse_birthday


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1990-04-12", "1990-04-12"),
        ("19900412", "1990-04-12"),
        ("1990-4-2", "1990-04-02"),
        ("1990-04-12T00:00:00Z", "1990-04-12"),
        ("19900412T230000+0200", "1990-04-12"),
        ("1990-04-12 00:00:00", "1990-04-12"),
        ("--04-12", "--04-12"),
        ("--0412", "--04-12"),
        ("--0229", "--02-29"),
        ("1604-04-12", "--04-12"),
        ("0000-04-12", "--04-12"),
        ("0001-04-12", "--04-12"),
        ("00010412", "--04-12"),
        ("1899-12-30", "--12-30"),
        ("1800-02-29", "--02-29"),
        ("1900-04-12", "1900-04-12"),
        ("  1990-04-12  ", "1990-04-12"),
        ("", None),
    ],
)
def test_every_way_of_writing_a_birthday_is_read(text: str, expected: str | None) -> None:
    """Basic, extended, with a time, without a year, and with a year that stands for none."""
    assert parse_birthday(text) == expected


def test_the_year_that_a_card_omits_is_unknown() -> None:
    """Apple's parameter names the year that stands for "unknown" in this card."""
    assert parse_birthday("1804-02-29", omitted_year=1804) == "--02-29"
    assert parse_birthday("1990-04-12", omitted_year=1604) == "1990-04-12"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("---12", "has a day, but no month"),
        ("circa 1990", "is not a date"),
        ("1990", "has no day"),
        ("1990-04", "has no day"),
        ("--04", "has no day"),
        ("1991-02-29", "does not exist"),
        ("1990-13-01", "does not exist"),
        ("12/04/1990", "is not a date"),
    ],
)
def test_what_is_no_birthday_is_refused_by_name(text: str, reason: str) -> None:
    """The reason repeats the text, so that it can be found and mended."""
    with pytest.raises(ValueError, match=reason) as refusal:
        parse_birthday(text)
    assert text in str(refusal.value)
