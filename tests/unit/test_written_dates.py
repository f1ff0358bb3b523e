"""Dates of birth as files have them: what is read of each, and what is told of it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.contacts.dates import parse_birthday
from service.contacts.reading.written_dates import Reading, join_birthday, order_of, read_birthday

READ = {
    # numbers
    "1990/04/12": "1990-04-12", "1990.4.12": "1990-04-12", "1990 04 12": "1990-04-12", "1990-4-1": "1990-04-01",
    "12.04.1990": "1990-04-12", "1. 4. 1990": "1990-04-01", "31/12/1985": "1985-12-31", "12/31/1985": "1985-12-31",
    "31-12-1985": "1985-12-31", "19900412": "1990-04-12", "--0412": "--04-12", "12.04.": "--04-12",
    "25/12": "--12-25", "0000-04-12": "--04-12", "4/4/1604": "--04-04",
    # with a time, a zone, or what a program left behind
    "19560411230000": "1956-04-11", "195604112300": "1956-04-11", "19560411T230000Z": "1956-04-11",
    "1990-01-01;": "1990-01-01", "1985-04-12Z": "1985-04-12", "1985-04-12+02:00": "1985-04-12",
    "1985-04-12T": "1985-04-12", "1990-04-12T00:00:00.000Z": "1990-04-12", "1990-04-12 00:00:00": "1990-04-12",
    "25/12/1990 00:00": "1990-12-25", "12/25/1990 12:00:00 AM": "1990-12-25", "=\"1990-04-12\"": "1990-04-12",
    "'1990-04-12": "1990-04-12", "1990-04-12,": "1990-04-12",
    # names of months
    "4-Dec-1985": "1985-12-04", "Dec 4, 1990": "1990-12-04", "December 4th, 1990": "1990-12-04",
    "04DEC1990": "1990-12-04", "1990-Dec-04": "1990-12-04", "Wednesday, December 4, 1985": "1985-12-04",
    "Wed Dec 04 1985 00:00:00 GMT+0100 (CET)": "1985-12-04", "Mon, 04 Mar 1985 08:00:00 GMT": "1985-03-04",
    "May 4 1990": "1990-05-04", "December 4": "--12-04", "4 Dec": "--12-04", "4th of July 1976": "1976-07-04",
    "4 décembre 1990": "1990-12-04", "1er août 1990": "1990-08-01", "mardi 4 déc. 1990": "1990-12-04",
    "4 de diciembre de 1990": "1990-12-04", "12 ene 1990": "1990-01-12", "3 de setiembre": "--09-03",
    "4. Dezember 1990": "1990-12-04", "12. Mär. 1985": "1985-03-12", "3. Jänner 1990": "1990-01-03",
    "12 maggio 1990": "1990-05-12", "1° gennaio 1990": "1990-01-01", "4 de março de 1990": "1990-03-04",
    "12 out 1990": "1990-10-12", "4 maart 1990": "1990-03-04", "12 mei 1990": "1990-05-12",
    # other scripts, and marks that nobody sees
    "\u200e1990-04-12": "1990-04-12", "\u202a25/12/1990\u202c": "1990-12-25", "\ufeff1990-04-12": "1990-04-12",
    "1990\u201104\u201112": "1990-04-12", "12\u00a0avril\u00a01990": "1990-04-12", "１９９０-０４-１２": "1990-04-12",
    "١٩٩٠-٠٤-١٢": "1990-04-12", "1990年4月12日": "1990-04-12", "1990년 4월 12일": "1990-04-12",
}  # fmt: skip


@pytest.mark.parametrize("written", READ)
def test_a_date_is_read_however_it_is_written(written: str) -> None:
    """And nothing is told, since nothing was lost."""
    read = read_birthday(written)
    assert (read.date, read.warning) == (READ[written], None)


@pytest.mark.parametrize(
    "written",
    [
        "1985", "1985-04", "circa 1800", "NaN-NaN-NaN", "Invalid Date", "#VALUE!", "########", "soon", "Dec 1990",
        "April", "---12", "--04", "13/13/1990", "31.02.1990", "29 février 1991", "1990-13-04", "1991-02-29",
        "4 Smarch 1990", "12 Dec 14 Jan", "1/2/3", "123", "99999", "04/12/1990 or 05/12/1990", "y" * 10_000,
    ],
)  # fmt: skip
def test_what_is_no_date_is_told(written: str) -> None:
    """With its text, shortened, so that it can be found and mended."""
    read = read_birthday(written)
    assert read.date is None and not read.absent
    assert read.warning is not None and f"“{written[:60]}”" in read.warning


@pytest.mark.parametrize(
    "written", ["0000-00-00", "N/A", "n/a", "-", "--", "—", "null", "None", "unknown", "?", "00/00/0000", "1/0/1900",
                "0000-00-00 00:00:00", "keine Angabe", "#N/A", "."]
)  # fmt: skip
def test_a_sign_that_there_is_none_is_told_as_such(written: str) -> None:
    """It is no mistake of anybody's."""
    read = read_birthday(written)
    assert read.date is None and read.absent and read.warning is not None and "says that it is unknown" in read.warning


@pytest.mark.parametrize("written", ["", "  ", "0/0/00", "0.0.00", "00/00/00", "\u200e", "\ufeff "])
def test_nothing_is_told_of_nothing(written: str) -> None:
    """Nor of what Outlook writes in every row whose person has no birthday."""
    read = read_birthday(written)
    assert (read.date, read.warning) == (None, None)


@pytest.mark.parametrize(
    ("written", "day"),
    [("4/4/90", "--04-04"), ("12.04.90", "--04-12"), ("04-DEC-90", "--12-04"), ("25/12/'05", "--12-25"),
     ("90-04-12", "--04-12"), ("4 mars 85", "--03-04")],
)  # fmt: skip
def test_a_year_of_two_digits_is_unknown(written: str, day: str) -> None:
    """An age that is a hundred years off is worse than none; the day is certain."""
    read = read_birthday(written)
    assert read.date == day and read.warning is not None and "two-digit year" in read.warning


@pytest.mark.parametrize(
    ("written", "day"), [("32974", "1990-04-11"), ("20000", "1954-10-03"), ("45000.5", "2023-03-15")]
)
def test_a_spreadsheets_number_of_a_day_is_read_and_told(written: str, day: str) -> None:
    """Cells lose their format on the way."""
    read = read_birthday(written)
    assert read.date == day and read.warning is not None and day in read.warning


@pytest.mark.parametrize(
    ("written", "reading", "day", "is_told"),
    [
        ("3/4/1990", Reading("day"), "1990-04-03", False),
        ("3/4/1990", Reading("month"), "1990-03-04", False),
        ("3/4/1990", Reading(), "1990-03-04", True),
        ("3-4-1990", Reading("day"), "1990-04-03", False),
        ("3.4.1990", Reading("month"), "1990-04-03", False),
        ("3.4.1990", Reading("month", "month"), "1990-03-04", False),
        ("13/4/1990", Reading("month", "month"), "1990-04-13", False),
        ("3/4", Reading("day"), "--04-03", False),
    ],
)
def test_dates_that_can_be_read_both_ways_are_read_as_asked(
    written: str, reading: Reading, day: str, is_told: bool
) -> None:
    """If nobody says how, the month is first, and it is told."""
    read = read_birthday(written, reading)
    assert (read.date, read.warning is not None) == (day, is_told)


@pytest.mark.parametrize(
    ("written", "shown"),
    [("3/4/1990", "either"), ("\u200e3/4/1990 00:00", "either"), ("3-4-90", "either"), ("3/4", "either"),
     ("13/4/1990", "day"), ("4/13/1990", "month"), ("3.4.1990", "dotted"), ("4/4/1990", None), ("1990-04-03", None),
     ("0/0/00", None), ("32/1/1990", None), ("13/13/1990", None), ("Dec 4", None), ("", None)],
)  # fmt: skip
def test_a_date_shows_the_order_of_others(written: str, shown: str | None) -> None:
    """If it can be read in one way only."""
    assert order_of(written) == shown


@pytest.mark.parametrize(
    ("year", "month", "day", "read"),
    [
        ("1990", "4", "12", "1990-04-12"), ("1990", "04", "02", "1990-04-02"), ("", "4", "12", "--04-12"),
        ("0", "4", "12", "--04-12"), ("1990", "April", "12", "1990-04-12"), ("1990", "août", "1", "1990-08-01"),
        ("1990", "Dez.", "24.", "1990-12-24"), ("1976", "July", "4th", "1976-07-04"),
        ("unknown", "4", "12", "--04-12"), ("", "", "", None), ("-", "-", "-", None), ("0000", "00", "00", None),
    ],
)  # fmt: skip
def test_a_date_in_three_cells_is_put_together(year: str, month: str, day: str, read: str | None) -> None:
    """The month may be a name, and the year missing."""
    found = join_birthday(year, month, day)
    assert (found.date, found.warning) == (read, None)


@pytest.mark.parametrize(
    ("year", "month", "day", "read", "told"),
    [("1990", "", "", None, "no month"), ("1990", "4", "", None, "no day"), ("1990", "13", "1", None, "calendar"),
     ("90", "4", "12", "--04-12", "two-digit year"), ("ninety", "4", "12", "--04-12", "ninety"),
     ("", "4", "soon", None, "no day"), ("x", "13", "40", None, "calendar"),
     ("199", "4", "12", "--04-12", "199"), ("1990", "Smarch", "1", None, "no month")],
)  # fmt: skip
def test_what_is_missing_of_three_cells_is_told(year: str, month: str, day: str, read: str | None, told: str) -> None:
    """What is certain is kept."""
    found = join_birthday(year, month, day)
    assert found.date == read and found.warning is not None and told in found.warning


@pytest.mark.parametrize(
    "written",
    [
        "0001-01-01", "00010101", "1/1/0001", "01.01.0001", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z",
        "1/1/0001 12:00:00 AM", "1601-01-01", "01/01/1601", "16010101000000Z", "1 Jan 1601", "1753-01-01",
        "1753-01-01 00:00:00.000", "1899-12-30", "12/30/1899", "30.12.1899 00:00:00", "1899-12-30T00:00:00Z",
        "31 December 1899", "18991231", "1899/12/31", "1900-01-00", "1900-01-00 00:00:00", "1/0/1900", "00.01.1900",
        "4501-01-01", "1/1/4501", "01.01.4501 00:00", "4501-01-01T00:00:00Z", "9999-12-31", "2201-05-03", "3 May 2999",
    ],
)  # fmt: skip
def test_a_date_that_programs_write_where_none_is_known_is_no_birthday(written: str) -> None:
    """In whatever notation, with or without a time; it is told."""
    read = read_birthday(written)
    assert read.date is None and read.warning is not None and f"“{written}”" in read.warning


@pytest.mark.parametrize(("year", "month", "day"), [("1", "1", "1"), ("1899", "12", "30"), ("4501", "Jan", "1")])
def test_such_a_date_in_three_cells_is_none_either(year: str, month: str, day: str) -> None:
    """It is put together first."""
    found = join_birthday(year.zfill(4), month, day)
    assert found.date is None and found.warning is not None and "for an unknown date" in found.warning


@pytest.mark.parametrize(
    ("written", "day"),
    [("0001-05-03", "--05-03"), ("1601-01-02", "--01-02"), ("1604-01-01", "--01-01"), ("1899-12-29", "--12-29"),
     ("1899-05-03", "--05-03"), ("1900-01-01", "1900-01-01"), ("2200-12-31", "2200-12-31"), ("--01-01", "--01-01"),
     ("--12-30", "--12-30")],
)  # fmt: skip
def test_a_date_beside_them_is_one(written: str, day: str) -> None:
    """A year before 1900 is unknown, but the day is somebody's."""
    read = read_birthday(written)
    assert (read.date, read.warning) == (day, None)


def test_the_year_that_a_card_omits_is_no_sign_that_there_is_no_date() -> None:
    """Whoever was born on the first of January has a birthday, too."""
    assert read_birthday("1601-01-01", omitted_year=1601).date == "--01-01"


@pytest.mark.parametrize(
    "written",
    ["1990-04-12 - 1991-04-13", "1990-04-12 ::: 1991", "1990-04-12 1991", "1990-04-12 or later", "--04-12 ::: --04-13",
     "1990-04-12 / 1991-04-13", "19900412 19910413", "12.04.1990 13.04.1991", "1990-04-12T00:00:00 1991-04-13"],
)  # fmt: skip
def test_what_stands_behind_a_date_and_is_no_time_is_told(written: str) -> None:
    """The first date is taken, or none; never in silence."""
    read = read_birthday(written)
    assert read.date in (None, "1990-04-12", "--04-12")
    assert read.warning is not None and f"“{written}”" in read.warning


@pytest.mark.parametrize(
    "behind",
    ["T", "T00", "T0000", "T000000Z", "T00:00:00.000Z", "T00:00:00+02:00", " 00:00", " 0:00:00", " 00.00.00",
     " 12:00:00 AM", " 00:00:00 +0000 UTC", " 00:00:00 GMT+0100 (CET)", "T00:00:00+01:00[Europe/Paris]", " ;"],
)  # fmt: skip
def test_a_time_behind_a_date_is_not_told(behind: str) -> None:
    """Nothing is lost with it."""
    read = read_birthday(f"1990-04-12{behind}")
    assert (read.date, read.warning) == ("1990-04-12", None)


@given(st.text(max_size=80))
def test_no_text_fails(written: str) -> None:
    """Whatever it is, a date comes out that the API takes too, or none."""
    read = read_birthday(written)
    assert read.date is None or parse_birthday(read.date) == read.date
    order_of(written)
    join_birthday(written[:5], written[5:10], written[10:])


@given(
    st.dates(date(1901, 1, 1), date(2200, 12, 31)),
    st.sampled_from(["%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%Y/%m/%d", "%d-%b-%Y", "%Y%m%d000000"]),
)
def test_a_date_that_was_written_is_the_one_that_is_read(day: date, form: str) -> None:
    """For every day that there is."""
    assert read_birthday(day.strftime(form)).date == day.isoformat()


@pytest.mark.parametrize("written", ["12.04.1990", "1990/04/12", "4 Dec 1990", "N/A", "32974", "3/4/1990"])
def test_the_api_takes_none_but_the_documented_forms(written: str) -> None:
    """Whoever writes a program can write a date that has one meaning."""
    with pytest.raises(ValueError, match="1990-04-12"):
        parse_birthday(written)
