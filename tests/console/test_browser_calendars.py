"""Calendars in a real browser: made, given to a job, seen in the preview and on the year's page, filled, deleted."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.support.chromium import PHONE, barriers, overflow
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]

EVENT = "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:{}\r\nSUMMARY:{}\r\nEND:VEVENT\r\n"
TIMED = "BEGIN:VEVENT\r\nDTSTART:20270301T100000Z\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\n"
FILE: FilePayload = {
    "name": "days.ics",
    "mimeType": "text/calendar",
    "buffer": ("BEGIN:VCALENDAR\r\n" + EVENT.format("20270217", "Works outing") + TIMED + "END:VCALENDAR\r\n").encode(),
}


@pytest.fixture(autouse=True)
def empty(installation: Installation) -> None:
    """Each test begins without jobs and calendars."""
    for job in installation.call("GET", "/jobs")[1]:
        installation.call("DELETE", f"/jobs/{job['id']}")
    for calendar in installation.call("GET", "/calendars")[1]:
        assert installation.call("DELETE", f"/calendars/{calendar['name']}")[0] == 204


def stored(installation: Installation, name: str) -> dict[str, object]:
    status, calendar = installation.call("GET", f"/calendars/{name}")
    assert status == 200, calendar
    return dict(calendar)


def test_a_calendar_is_made_and_closes_christmas_for_a_job(page: Page, installation: Installation) -> None:
    """From the empty list to the job, whose preview and whose calendar's year name the day."""
    page.goto("/calendars")
    page.get_by_role("link", name="New calendar").click()
    page.get_by_label("Name").fill("austria")
    page.get_by_role("checkbox", name="Saturday").uncheck()
    page.get_by_label("Public holidays of").select_option("AT")
    page.get_by_label("Further closed days").fill("2026-12-24\n2026-12-28 – 2027-01-02: Winter break\n")
    page.get_by_role("button", name="Create calendar").click()
    page.wait_for_url("**/calendars/austria")
    assert stored(installation, "austria") | {
        "weekdays_off": ["sun"], "country": "AT", "dates": ["2026-12-24"], "open_hours": None,
        "ranges": [{"from": "2026-12-28", "to": "2027-01-02", "why": "Winter break"}],
    } == stored(installation, "austria")  # fmt: skip
    page.goto("/calendars/austria?year=2026")
    expect(page.locator("ul.named")).to_contain_text("2026-12-25 Christmas Day")

    page.goto("/jobs/new?example=birthday")
    page.get_by_label("Name").fill("Rests at Christmas")
    page.get_by_role("radio", name="Once").check()
    page.get_by_label("Date and time").fill("2030-12-25T09:00")
    expect(page.get_by_label("On closed days")).to_be_hidden()
    page.get_by_label("Calendar of days off").select_option("austria")
    first = page.locator("#occurrences tbody tr").first
    expect(first).to_contain_text("closed: Christmas Day")
    page.get_by_label("On closed days").select_option("Move it to the next open day")
    expect(first).to_contain_text("2030-12-27")  # St. Stephen's Day is closed, too
    expect(first).to_contain_text("moved from Wed 2030-12-25")
    page.get_by_role("button", name="Create job").click()
    page.wait_for_url("**/jobs/*-*")
    (job,) = installation.call("GET", "/jobs")[1]
    assert (job["options"]["calendar"], job["options"]["on_closed"]) == ("austria", "next_open")

    page.goto("/calendars/austria/edit")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#messages")).to_contain_text(
        f'The calendar austria is used by job "Rests at Christmas" ({job["id"]})'
    )


def test_errors_stand_beside_their_fields_and_name_the_line(page: Page, installation: Installation) -> None:
    """Those of the page and those of the API; nothing is stored."""
    page.goto("/new-calendar")
    page.get_by_label("Name").fill("No Name")
    page.get_by_label("Public holidays of").select_option("DE")
    page.get_by_label("And of its subdivision").fill("9")
    page.get_by_label("Closes at").fill("18:00")
    days = page.get_by_label("Further closed days")
    days.fill("2026-12-24\n\nChristmas")
    save = page.get_by_role("button", name="Create calendar")
    save.click()
    expect(page.locator("#error-closed_days")).to_contain_text("Line 3 must begin with a date")
    expect(days).to_be_focused()
    days.fill("2026-12-24\n\n2026-02-30\n2026-03-02 – 2026-03-01")
    save.click()
    expect(page.locator("#error-closed_days")).to_contain_text("Line 3 must be a date")
    expect(page.locator("#error-closed_days")).to_contain_text("line 4 (to) must not be before", ignore_case=True)
    expect(page.locator("#error-name")).to_contain_text("Must be 1 to 63")
    expect(page.locator("#error-subdivision")).to_contain_text('"BY"')
    expect(page.locator("#error-open_hours-from")).to_contain_text("Must be a time of day")
    assert installation.call("GET", "/calendars")[1] == []


def test_a_calendar_is_changed_filled_by_a_file_and_deleted(page: Page, installation: Installation) -> None:
    """Only changed fields are sent; the days of a file are in the form at once."""
    fields = {"name": "office", "weekdays_off": ["sun"], "dates": ["2027-05-05"]}
    assert installation.call("POST", "/calendars", fields)[0] == 201
    page.goto("/calendars/office")
    page.get_by_role("link", name="Edit").click()
    assert installation.call("PUT", "/calendars/office", {"country": "AT"})[0] == 200  # somebody else, meanwhile
    page.get_by_label("Opens at").fill("08:00")
    page.get_by_label("Closes at").fill("18:00")
    page.get_by_label("File", exact=True).set_input_files(FILE)
    page.get_by_role("button", name="Add its days").click()
    expect(page.locator("#error-file")).to_have_text("Save your changes first.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Open 08:00–18:00.")).to_be_visible()
    assert stored(installation, "office")["country"] == "AT"

    page.goto("/calendars/office/edit")
    page.get_by_label("File", exact=True).set_input_files(FILE)
    page.get_by_role("button", name="Add its days").click()
    expect(page.locator("#report")).to_contain_text("days.ics: 1 added, 0 unchanged, 1 left out.")
    expect(page.get_by_label("Further closed days")).to_have_value("2027-02-17: Works outing\n2027-05-05")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No calendars")).to_be_visible()
    assert installation.call("GET", "/calendars/office")[0] == 404


def test_what_a_change_does_is_seen_before_it_is_saved(page: Page, installation: Installation) -> None:
    """Days and occurrences gained and lost, of the form and of a file; names are text; nothing is stored."""
    assert installation.call("POST", "/calendars", {"name": "office", "weekdays_off": ["sat", "sun"]})[0] == 201
    schedule = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}
    name = "<img src=x onerror=alert(1)> & Co"
    job = installation.make_job(name=name, options={"calendar": "office"}, **schedule)
    before = installation.call("GET", "/calendars/office")
    page.goto("/calendars/office/edit")
    told = page.get_by_role("region", name="What changes")
    expect(told).to_be_hidden()
    see = page.locator("#calendar-form").get_by_role("button", name="See what changes")
    see.click()
    expect(told).to_contain_text("Nothing would change.")
    page.get_by_role("checkbox", name="Saturday").uncheck()
    expect(told).to_be_hidden()
    see.click()
    expect(told).to_be_focused()
    expect(told).to_contain_text("Open again: 5")  # 52 or 53 Saturdays of a year
    expect(told).to_contain_text("1 job uses this calendar. 1 would run at other times")
    expect(told).to_contain_text(name)
    expect(told).to_contain_text("Sat 20")
    assert installation.call("GET", "/calendars/office") == before
    page.get_by_label("Opens at").fill("x")
    see.click()
    expect(page.locator("#error-open_hours-from")).to_contain_text("Must be a time of day")

    page.reload()
    page.get_by_role("button", name="Discard it").click()
    expect(page.locator("#draft")).to_have_count(0)
    page.get_by_label("File", exact=True).set_input_files(FILE)
    page.locator("#file-form").get_by_role("button", name="See what changes").click()
    expect(told).to_contain_text("The file: 1 range to add, 0 unchanged, 1 left out.")
    expect(told).to_contain_text("2027-02-17 Works outing")
    expect(page.locator("#report")).to_contain_text("Event 2: it is not an all-day event")
    assert installation.call("GET", "/calendars/office") == before
    assert barriers(page) == []

    page.goto(f"/jobs/{job}/edit")
    page.get_by_label("Time of day").fill("09:00")
    see = page.get_by_role("button", name="See what changes")
    see.click()
    expect(told).to_contain_text(re.compile("Gained: 2[0-3] occurrences"))
    expect(told).to_contain_text(re.compile("Lost: 2[0-3] occurrences"))
    expect(told).to_contain_text("09:00:00 +00:00")
    assert installation.call("GET", f"/jobs/{job}")[1]["revision"] == 1
    assert barriers(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert overflow(page) <= 0
    assert installation.call("PUT", f"/jobs/{job}", {"name": "Theirs"})[0] == 200  # somebody else, meanwhile
    see.click()
    expect(page.locator("#summary")).to_contain_text("Somebody else has changed this job")


@pytest.mark.parametrize("address", ["/new-calendar", "/calendars/office/edit"])
def test_the_forms_have_no_barriers_and_fit_the_phone(page: Page, installation: Installation, address: str) -> None:
    assert installation.call("POST", "/calendars", {"name": "office", "country": "AT"})[0] == 201
    page.goto(address)
    assert barriers(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert overflow(page) <= 0
