"""Days off from iCalendar files, well-meant and hostile."""

from __future__ import annotations

import re
from datetime import date

import pytest

from service.domain.calendars.definition import parse_calendar
from service.domain.calendars.ics import Events, read_events, with_events
from service.domain.calendars.ics_text import EVENTS_LIMIT, FILE_LIMIT, LINES_LIMIT
from service.errors import ValidationFailed

TODAY = date(2026, 11, 26)


def file(*events: str) -> bytes:
    lines = "\r\n".join(f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTAMP:20260101T000000Z\r\n{event}\r\nEND:VEVENT"
                        for n, event in enumerate(events))  # fmt: skip
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n{lines}\r\nEND:VCALENDAR\r\n".encode()


def spans(*events: str) -> list[tuple[str, str, str | None]]:
    found = read_events(file(*(event.replace("|", "\r\n") for event in events)), TODAY)
    return [(span.first.isoformat(), span.last.isoformat(), span.why) for span in found.spans]


def skipped(event: str) -> str:
    found = read_events(file(event.replace("|", "\r\n")), TODAY)
    assert not found.spans
    ((position, why),) = found.skipped
    assert position == 1
    return why


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART;VALUE=DATE:20261224|DTEND;VALUE=DATE:20261227|SUMMARY:Shut", ("2026-12-24", "2026-12-26", "Shut")),
        ("DTSTART;VALUE=DATE:20261224|SUMMARY:Eve", ("2026-12-24", "2026-12-24", "Eve")),
        ("DTSTART;VALUE=DATE:20261224", ("2026-12-24", "2026-12-24", None)),
        ("DTSTART;VALUE=DATE:20261224|DTEND;VALUE=DATE:20261224|SUMMARY:a  b", ("2026-12-24", "2026-12-24", "a b")),
        ("DTSTART;VALUE=DATE:20261224|DURATION:P2D|SUMMARY:Two", ("2026-12-24", "2026-12-25", "Two")),
        ("DTSTART;VALUE=DATE:20261224|SUMMARY:" + "x" * 300, ("2026-12-24", "2026-12-24", "x" * 200)),
    ],
)  # fmt: skip
def test_an_all_day_event_is_a_span(event: str, expected: tuple[str, str, str | None]) -> None:
    """`DTEND` is the first day after it."""
    assert spans(event) == [expected]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("DTSTART:20261224T080000Z|DTEND:20261224T090000Z", "it is not an all-day event"),
        ("SUMMARY:Never", "it is not an all-day event"),
        ("DTSTART;VALUE=DATE:20261224|STATUS:CANCELLED", "it is cancelled"),
        ("DTSTART;VALUE=DATE:20261224|DTEND;VALUE=DATE:20361224", "it lasts 3653 days, not 1 to 366"),
        ("DTSTART;VALUE=DATE:20261224|DTEND;VALUE=DATE:20261223", "it lasts -1 days, not 1 to 366"),
        ("DTSTART;VALUE=DATE:20261224|RRULE:FREQ=SECONDLY", "it recurs in a way that is not read"),
        ("DTSTART;VALUE=DATE:20261224|RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "it recurs in a way"),
        ("DTSTART;VALUE=DATE:20261224|RRULE:FREQ=YEARLY;BYDAY=-1MO", "it recurs in a way that is not read"),
        ("DTSTART;VALUE=DATE:20261224|RRULE:FREQ=DAILY;COUNT=999999999", "it recurs in a way that is not read"),
        ("DTSTART;VALUE=DATE:20261224|RDATE;VALUE=DATE:20270101", "it recurs in a way that is not read"),
    ],
)
def test_what_is_left_out_is_told_with_why(event: str, why: str) -> None:
    assert skipped(event).startswith(why)


def test_an_event_of_each_year_is_read_ten_years_ahead() -> None:
    found = spans("DTSTART;VALUE=DATE:19701224|RRULE:FREQ=YEARLY|SUMMARY:Eve")
    assert [first[:4] for first, _, _ in found] == [str(year) for year in range(2025, 2037)]
    assert len(spans("DTSTART;VALUE=DATE:20261224|RRULE:FREQ=YEARLY;COUNT=3")) == 3
    assert len(spans("DTSTART;VALUE=DATE:20261224|RRULE:FREQ=YEARLY;UNTIL=20281231")) == 3
    leap = spans("DTSTART;VALUE=DATE:20240229|RRULE:FREQ=YEARLY")
    assert [first for first, _, _ in leap] == ["2028-02-29", "2032-02-29", "2036-02-29"]
    less = spans("DTSTART;VALUE=DATE:20261224|RRULE:FREQ=YEARLY;COUNT=3|EXDATE;VALUE=DATE:20271224")
    assert [first for first, _, _ in less] == ["2026-12-24", "2028-12-24"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00" * 100, b"hello", b"BEGIN:VCARD\r\nEND:VCARD\r\n", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
        b"x" * (FILE_LIMIT + 1), b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 100_000,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + b"X-A:1\r\n" * 70_000,
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nmore", b"BEGIN:VCALENDAR\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nBEGIN:VALARM\r\nEND:VEVENT\r\nEND:VALARM\r\nEND:VCALENDAR\r\n",
    ],
    ids=["empty", "zeros", "text", "a vCard", "cut", "long", "nested", "lines", "more", "END alone", "crossed"],
)  # fmt: skip
def test_what_is_no_such_file_or_too_long_is_refused(content: bytes) -> None:
    with pytest.raises(ValidationFailed, match=r"^body must"):
        read_events(content, TODAY)


def test_the_limit_on_events_is_the_one_that_is_told() -> None:
    """5,000 events with an alarm each are read, and 5,001 are not: other components do not count."""
    event = "DTSTART;VALUE=DATE:20261224\r\nBEGIN:VALARM\r\nEND:VALARM"
    assert len(read_events(file(*[event] * EVENTS_LIMIT), TODAY).spans) == 1
    with pytest.raises(ValidationFailed, match="at most 5,000 events and 60,000 lines"):
        read_events(file(*[event] * (EVENTS_LIMIT + 1)), TODAY)


def test_the_limit_on_lines_is_the_one_that_is_told() -> None:
    head, end = b"BEGIN:VCALENDAR\r\n", b"END:VCALENDAR\r\n"
    read_events(head + b"X-A:1\r\n" * (LINES_LIMIT - 2) + end, TODAY)
    with pytest.raises(ValidationFailed, match="at most 5,000 events and 60,000 lines"):
        read_events(head + b"X-A:1\r\n" * (LINES_LIMIT - 1) + end, TODAY)


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        (None, "utf-8"), (None, "utf-8-sig"), ("utf-8", "utf-8-sig"), ("UTF8", "utf-8"), ("iso-8859-1", "latin-1"),
        ("windows-1252", "cp1252"), ("utf-16le", "utf-16-le"), ("utf-16", "utf-16"), ("shift_jis", "cp932"),
    ],
)  # fmt: skip
def test_a_file_is_decoded_by_its_declared_charset(charset: str | None, encoding: str) -> None:
    summary = "元日" if encoding == "cp932" else "Mariä Empfängnis"
    content = file(f"DTSTART;VALUE=DATE:20261208\r\nSUMMARY:{summary}").decode().encode(encoding)
    assert [span.why for span in read_events(content, TODAY, charset).spans] == [summary]


@pytest.mark.parametrize(
    ("charset", "field", "told"),
    [
        (None, "body", r"must be UTF-8, and byte 131 is not; if it is in another encoding, name it: Content-Type"),
        ("utf-8", "body", r"must be UTF-8, and byte 131 is not$"),
        ("shift_jis", "body", r"must be Shift_JIS, and byte \d+ is not$"),
        ("klingon", "charset", r'must be an encoding such as utf-8 or windows-1252, not "klingon"'),
        ("unicode_escape", "charset", "must be an encoding"),
    ],
)
def test_what_cannot_be_decoded_is_refused(charset: str | None, field: str, told: str) -> None:
    """Never read with U+FFFD in the place of letters."""
    content = file("DTSTART;VALUE=DATE:20261208\r\nSUMMARY:Mariä Empfängnis").decode().encode("latin-1")
    with pytest.raises(ValidationFailed) as refused:
        read_events(content, TODAY, charset)
    (error,) = refused.value.errors
    assert error.field == field
    assert re.search(told, error.message), error.message


def test_an_event_is_told_by_its_lines_however_they_are_folded() -> None:
    folded = "DTSTART;VALUE\r\n =DATE:2026\r\n\t1224\r\nSUMM\r\n ARY:Christ\r\n mas"
    content = b"\r\n" + file(folded).replace(b"BEGIN:VEVENT", b"begin:vEV\r\n ENT").replace(b"\r\n", b"\n")
    assert [(span.first, span.why) for span in read_events(content, TODAY).spans] == [(date(2026, 12, 24), "Christmas")]


def test_an_event_that_is_too_long_is_left_out_alone() -> None:
    dates = ",".join(["20270101"] * 3_000)
    long = f"DTSTART;VALUE=DATE:20261224\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:{dates}"
    found = read_events(file(long, "DTSTART;VALUE=DATE:20261226\r\nDESCRIPTION:" + "x" * 100_000), TODAY)
    assert (found.skipped, len(found.spans)) == (((1, "it is too long"),), 1)


@pytest.mark.parametrize(
    "event",
    [
        "DTSTART;VALUE=DATE:99991231|DTEND;VALUE=DATE:00010101", "DTSTART;VALUE=DATE:20261332",
        "DTSTART;VALUE=DATE:20261224|RRULE:FREQ=YEARLY;INTERVAL=0", "DTSTART;VALUE=DATE:20261224|RRULE:COUNT=x",
        "DTSTART;VALUE=DATE:00010101|RRULE:FREQ=YEARLY", "DTSTART;VALUE=DATE:99991231|RRULE:FREQ=YEARLY",
        "DTSTART;VALUE=DATE:20261224|RRULE:FREQ=YEARLY;COUNT=-5", "DTSTART;VALUE=DATE:20261224|DURATION:P999999999999D",
        "DTSTART;VALUE=DATE:20261224|DTSTART;VALUE=DATE:20261225", "DTSTART;VALUE=DATE:20261224|EXDATE:garbage",
        "DTSTART;VALUE=DATE:99991231|DURATION:P300D", "DTSTART;VALUE=DATE:20261224|SUMMARY:a|SUMMARY:b",
        "DTSTART;VALUE=DATE:20261224|RRULE:FREQ=YEARLY;UNTIL=20281231,20291231|RRULE:FREQ=DAILY",
        "DTSTART;VALUE=DATE:20261224|SUMMARY:\x07\u202e", "DTSTART;TZID=Nowhere/Land:20261224T000000",
    ],
)  # fmt: skip
def test_a_hostile_event_spoils_nothing(event: str) -> None:
    """It is read, left out or refused, and never an error; what is read can be stored."""
    good = "DTSTART;VALUE=DATE:20261226|SUMMARY:Good"
    content = file(*(one.replace("|", "\r\n") for one in (event, good)))
    try:
        found = read_events(content, TODAY)
    except ValidationFailed:
        return
    changed, _ = with_events(parse_calendar({"name": "a"}), found)
    assert "Good" in [span.why for span in changed.ranges]
    assert parse_calendar(changed.answer()) == changed


def test_adding_a_file_again_changes_nothing() -> None:
    events = read_events(file("DTSTART;VALUE=DATE:20261224\r\nSUMMARY:Eve"), TODAY)
    once, added = with_events(parse_calendar({"name": "a", "weekdays_off": ["sun"]}), events)
    assert (added, with_events(once, events)) == (1, (once, 0))
    assert once.answer()["ranges"] == [{"from": "2026-12-24", "to": "2026-12-24", "why": "Eve"}]


def test_a_calendar_takes_no_more_than_it_may_have() -> None:
    events = [f"DTSTART;VALUE=DATE:19700101\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:{n}" for n in range(300)]
    found: Events = read_events(file(*events), TODAY)
    with pytest.raises(ValidationFailed, match="at most 2000 ranges, not 3600"):
        with_events(parse_calendar({"name": "a"}), found)
