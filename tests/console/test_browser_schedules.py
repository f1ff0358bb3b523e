"""The form's tabs: every kind of schedule, as a person fills it in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.chromium import PHONE, barriers, overflow
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]

VIENNA = {"timezone": "Europe/Vienna"}
"""The reader's zone, which the form presets."""
EIGHT = {"hour": 8, "minute": 0}


def once(page: Page) -> None:
    page.get_by_label("Date and time").fill("2027-12-24T18:00")


def dates(page: Page) -> None:
    once(page)
    page.get_by_label("Further dates").fill("2027-12-31 23:30\n\n2028-01-01T00:00:30\n")


def ten_days(page: Page) -> None:
    seen(page, "Every … days").fill("10")
    expect(page.locator("#hint-days")).to_be_visible()


def other_week(page: Page) -> None:
    seen(page, "Every … weeks").fill("2")
    page.get_by_role("checkbox", name="Monday").uncheck()
    page.get_by_role("checkbox", name="Tuesday").check()


def last_friday(page: Page) -> None:
    page.get_by_label("On", exact=True).select_option("Weekday of the month")
    page.get_by_label("Which one").select_option("Last")
    page.get_by_label("Weekday", exact=True).select_option("Friday")
    expect(page.get_by_label("In shorter months")).to_be_hidden()


def quarters(page: Page) -> None:
    page.get_by_label("On", exact=True).select_option("Last working day")
    for month in ("Jan", "Feb", "Apr", "May", "Jul", "Aug", "Oct", "Nov"):
        page.get_by_role("checkbox", name=month).uncheck()


def thirty_first(page: Page) -> None:
    expect(page.get_by_label("In shorter months")).to_be_hidden()
    page.get_by_label("Day", exact=True).fill("31")
    page.get_by_label("In shorter months").select_option("Not at all")


def ten_days_of_real_time(page: Page) -> None:
    seen(page, "Every … days").fill("10")
    page.get_by_label("hours", exact=True).fill("0")


def rule(page: Page) -> None:
    page.get_by_label("Recurrence rule").fill("FREQ=DAILY;COUNT=3")
    page.get_by_label("The rule starts").fill("2027-02-01T09:00")


@pytest.mark.parametrize(
    ("tab", "fill", "kind", "config", "first", "said"),
    [
        ("Once", once, "once", {"at": "2027-12-24T18:00:00"}, "2027-12-24 18:00:00", "2027-12-24"),
        (
            "Once", dates, "once", {"dates": ["2027-12-24T18:00:00", "2027-12-31T23:30:00", "2028-01-01T00:00:30"]},
            "2027-12-24 18:00:00", "3 dates",
        ),
        ("Daily", ten_days, "daily", {**EIGHT, "every": 10}, "08:00:00", "Every 10 days"),
        ("Weekly", other_week, "weekly", {**EIGHT, "every": 2, "day_of_week": "tue"}, "Tue", "Every 2 weeks"),
        (
            "Monthly", last_friday, "monthly", {**EIGHT, "day": {"nth": "last", "weekday": "fri"}},
            "Fri", "the last Friday",
        ),
        (
            "Monthly", quarters, "monthly", {**EIGHT, "day": "last_workday", "months": [3, 6, 9, 12]},
            "08:00:00", "the last working day of March",
        ),
        ("Monthly", thirty_first, "monthly", {**EIGHT, "day": 31, "short_months": "skip"}, "-31", "the 31st"),
        ("Interval", ten_days_of_real_time, "interval", {"days": 10}, "+00:00", "Every 10 days"),
        (
            "Rule", rule, "rrule", {"rrule": "FREQ=DAILY;COUNT=3", "dtstart": "2027-02-01T09:00:00"},
            "2027-02-01 09:00:00", "",
        ),
    ],
)  # fmt: skip
def test_a_tab_makes_its_schedule(
    page: Page, installation: Installation, tab: str, fill: Callable[[Page], None], kind: str, config: dict[str, Any],
    first: str, said: str,
) -> None:  # fmt: skip
    """The preview says it and shows its times while it is filled in; the job has it as the API knows it."""
    page.goto("/jobs/new")
    page.get_by_label("Name", exact=True).fill(f"Tab {tab}")
    page.get_by_role("radio", name=tab, exact=True).check()
    fill(page)
    expect(page.locator("#occurrences tbody tr").first).to_contain_text(first)
    expect(page.locator("#sentence")).to_contain_text(said)
    job = created(page, installation)
    assert (job["schedule_type"], job["schedule_config"]) == (kind, config | ({} if kind == "interval" else VIENNA))


def test_a_heartbeat_is_asked_what_it_takes_and_each_expectation_has_a_field(
    page: Page, installation: Installation
) -> None:  # fmt: skip
    """Retries and overlaps are offered to jobs that run here alone."""
    page.goto("/jobs/new")
    page.get_by_label("Name", exact=True).fill("A crontab elsewhere")
    page.locator("details").evaluate_all("(all) => all.forEach((one) => { one.open = true; })")
    retries, done = page.locator("#options-max_retries"), page.locator("#options-expect-finish_by")
    expect(retries).to_be_visible()
    page.get_by_label("Bot", exact=True).select_option("heartbeat")
    expect(retries).to_be_hidden()
    expect(page.locator("#options-expect-result")).to_be_hidden()
    done.fill("07:30")
    job = created(page, installation)
    assert (job["bot_type"], job["options"]["expect"]["finish_by"], job["health"]) == ("heartbeat", "07:30", "ok")


def test_what_is_wrong_with_a_schedule_is_told_beside_all_else(page: Page) -> None:
    """The API looks at the name first; the preview has looked at the schedule before. Each is told once."""
    page.goto("/jobs/new")
    page.get_by_role("radio", name="Once", exact=True).check()
    page.get_by_label("Date and time").first.fill("2026-01-20T10:00")
    late = page.locator("[data-error=schedule_config]:visible")
    expect(late).to_have_text("Must have a time that is still to come")
    page.get_by_role("button", name="Create job").click()
    expect(page.locator("#error-name")).to_have_text("Must not be empty")
    expect(late).to_have_text("Must have a time that is still to come")
    expect(page.locator("#summary")).to_contain_text("2 fields have errors")
    page.get_by_label("Name", exact=True).fill("Late")
    page.get_by_role("button", name="Create job").click()
    expect(page.locator("#summary")).to_contain_text("One field has an error")
    expect(late).to_have_text("Must have a time that is still to come")


@pytest.mark.parametrize(("typed", "stored"), [("auto", "auto"), ("10 min", 600)])
def test_how_long_a_run_may_take_is_a_duration_or_one_word(
    page: Page, installation: Installation, typed: str, stored: Any
) -> None:  # fmt: skip
    """The form says so of anything else, and shows again what was typed."""
    page.goto("/jobs/new")
    page.get_by_label("Name", exact=True).fill(f"Slow {typed}")
    page.locator("details").evaluate_all("(all) => all.forEach((one) => { one.open = true; })")
    longest = page.get_by_label("Slow if a run takes longer than")
    longest.fill("soon")
    page.get_by_role("button", name="Create job").click()
    expect(page.locator("#error-options-expect-longest_seconds")).to_contain_text("10 min or 1 h 30 min, or auto")
    longest.fill(typed)
    job = created(page, installation)
    assert job["options"]["expect"]["longest_seconds"] == stored
    page.goto(f"/jobs/{job['id']}/edit")
    expect(page.locator("#options-expect-longest_seconds")).to_have_value(typed)


def test_several_schedules_are_one_job(page: Page, installation: Installation) -> None:
    """At eight, and at noon on Mondays, but not on 1 February 2027; each with its own type, name and settings."""
    page.goto("/jobs/new")
    page.get_by_label("Name", exact=True).fill("Several")
    page.get_by_role("radio", name="Several").check()
    first = page.get_by_role("group", name="Schedule 1")
    expect(first.get_by_label("Time of day")).to_have_value("08:00")
    expect(first.get_by_role("button", name="Remove")).to_be_hidden()
    page.get_by_role("button", name="Add a schedule").click()
    second = page.get_by_role("group", name="Schedule 2")
    second.get_by_label("Type").select_option("Cron")
    second.get_by_label("Cron expression").fill("0 12 * * mon")
    second.get_by_label("Name (optional)").fill("noon")
    second.get_by_text("Settings of the bot at these times").click()
    second.get_by_label("Settings of the bot", exact=True).fill('{"dry_run": true}')
    page.get_by_role("button", name="Add an exception").click()
    exception = page.get_by_role("group", name="Exception 1")
    expect(exception.get_by_label("Type")).to_have_value("once")
    exception.get_by_label("Date and time").fill("2027-02-01T12:00")
    expect(exception.get_by_text("Settings of the bot at these times")).to_be_hidden()
    expect(page.locator("#occurrences tbody tr").filter(has_text="12:00:00").first).to_contain_text("noon")
    config = created(page, installation)["schedule_config"]
    assert config == {
        "schedules": [
            {"schedule_type": "daily", "schedule_config": EIGHT | VIENNA},
            {
                "schedule_type": "cron", "schedule_config": {"cron_expression": "0 12 * * mon"} | VIENNA,
                "name": "noon", "bot_config": {"dry_run": True},
            },
        ],
        "except": [{"schedule_type": "once", "schedule_config": {"at": "2027-02-01T12:00:00"} | VIENNA}],
    }  # fmt: skip


def test_an_edit_keeps_what_it_does_not_change(page: Page, installation: Installation) -> None:
    """The spelling of a schedule that nobody touched, and the other members of one that somebody did."""
    spelled: list[tuple[str, dict[str, Any]]] = [
        ("once", {"dates": ["2027-12-24T18:00"], "timezone": "UTC"}),
        ("weekly", {**EIGHT, "day_of_week": " Fri, mon", "every": 1}),
        ("monthly", {**EIGHT, "day": 31, "months": list(range(1, 13)), "short_months": "last_day"}),
        ("interval", {"hours": 48, "minutes": 0}),
        ("any", {"schedules": [member("daily", EIGHT, name="x", bot_config={"limit": 5}), member("daily", EIGHT)]}),
    ]
    for kind, config in spelled:
        job = make(installation, kind, config)
        page.goto(f"/jobs/{job['id']}/edit")
        page.get_by_label("Description").fill("changed")
        saved = changed(page, installation, job)
        assert (saved["description"], saved["schedule_config"]) == ("changed", config)
    page.goto(f"/jobs/{job['id']}/edit")
    page.get_by_role("group", name="Schedule 2").get_by_label("Time of day").fill("09:30")
    saved = changed(page, installation, job)
    assert saved["schedule_config"] == {
        "schedules": [
            member("daily", EIGHT, name="x", bot_config={"limit": 5}), member("daily", {"hour": 9, "minute": 30}),
        ],
    }  # fmt: skip
    page.goto(f"/jobs/{job['id']}/edit")
    page.get_by_role("group", name="Schedule 1").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("button", name="Add a schedule")).to_be_focused()
    saved = changed(page, installation, job)
    assert saved["schedule_config"] == {"schedules": [member("daily", {"hour": 9, "minute": 30})]}


def test_the_form_of_a_stored_job_shows_when_that_is_due(page: Page, installation: Installation) -> None:
    """Counted from when it was planned, not from now."""
    job = make(installation, "daily", {**EIGHT, "every": 10})
    now = int(installation.client.time()[0])
    installation.client.hset(installation.keys.job(job["id"]), "anchor", now - 3 * 86400)
    page.goto(f"/jobs/{job['id']}/edit")
    moved = installation.call("GET", f"/jobs/{job['id']}/preview?count=1")[1]["local"][0]
    expect(page.locator("#occurrences tbody tr").first).to_contain_text(moved[:10])
    seen(page, "Every … days").fill("9")
    expect(page.locator("#sentence")).to_contain_text("Every 9 days")
    seen(page, "Every … days").fill("10")
    expect(page.locator("#occurrences tbody tr").first).to_contain_text(moved[:10])


def test_the_first_of_several_is_what_was_described_so_far(page: Page) -> None:
    """Its type, its time, its days."""
    page.goto("/jobs/new")
    page.get_by_role("radio", name="Weekly").check()
    other_week(page)
    seen(page, "Time of day").fill("21:15")
    page.get_by_role("radio", name="Several").check()
    first = page.get_by_role("group", name="Schedule 1")
    expect(first.get_by_label("Type")).to_have_value("weekly")
    expect(first.get_by_label("Time of day")).to_have_value("21:15")
    expect(page.locator("#sentence")).to_contain_text("Every 2 weeks on Tuesday at 21:15 (Europe/Vienna)")


@pytest.mark.parametrize(
    ("tab", "label", "value", "path", "told"),
    [
        ("Once", "Further dates", "tomorrow", "schedule_config.at", "Must be a local time such as"),
        ("Monthly", "Day", "32", "schedule_config.day", "1 to 31"),
        ("Monthly", "Day", "", "schedule_config.day", "Must be a day from 1 to 31"),
        ("Daily", "Every … days", "367", "schedule_config.every", "1 to 366"),
        ("Rule", "Recurrence rule", "FREQ=SOMETIMES", "schedule_config.rrule", "SOMETIMES"),
        ("Rule", "Time zone", "CEST", "schedule_config.timezone", "Europe/Berlin"),
    ],
)
def test_an_error_is_told_beside_its_field(page: Page, tab: str, label: str, value: str, path: str, told: str) -> None:
    """While it is typed; it goes once the field is right."""
    page.goto("/jobs/new")
    page.get_by_role("radio", name=tab, exact=True).check()
    if tab == "Once":
        once(page)
    field = seen(page, label)
    was = field.input_value()
    field.fill(value)
    place = page.locator(f'[data-error="{path}"]:visible')
    expect(place).to_contain_text(told)
    expect(page.locator("#sentence")).to_have_text("This schedule is not valid yet.")
    field.fill(was)
    expect(place).to_have_count(0)


def test_an_error_in_one_of_several_is_told_there(page: Page) -> None:
    """Beside the field of that schedule alone; saving leads to it."""
    page.goto("/jobs/new")
    page.get_by_label("Name", exact=True).fill("Wrong")
    page.get_by_role("radio", name="Several").check()
    page.get_by_role("button", name="Add a schedule").click()
    second = page.get_by_role("group", name="Schedule 2")
    second.get_by_label("Type").select_option("Cron")
    second.get_by_label("Cron expression").fill("0 8 * * MONDAY")
    expect(errors(second)).to_contain_text('write "0 8 * * mon" instead')
    expect(errors(page.get_by_role("group", name="Schedule 1"))).to_have_count(0)
    page.get_by_role("button", name="Create job").click()
    expect(second.get_by_label("Cron expression")).to_be_focused()


@pytest.mark.parametrize("tab", ["Once", "Weekly", "Monthly", "Interval", "Rule", "Several"])
def test_a_tab_is_for_everybody(page: Page, tab: str) -> None:
    """axe-core finds nothing serious or critical, and nothing is wider than a phone."""
    page.goto("/jobs/new")
    page.get_by_role("radio", name=tab).check()
    if tab == "Several":
        page.get_by_role("button", name="Add an exception").click()
    if tab == "Monthly":
        last_friday(page)
    expect(page.locator(".preview[aria-busy]")).to_have_count(0)
    assert barriers(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert overflow(page) <= 0
    assert barriers(page) == []


def seen(page: Page, label: str) -> Locator:
    """The input of the chosen tab; others may have the same label."""
    return page.get_by_label(label, exact=True).locator("visible=true")


def errors(part: Locator) -> Locator:
    """The errors that somebody sees in a part of the form."""
    return part.locator("[data-error]:visible")


def member(kind: str, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schedule_type": kind, "schedule_config": config, **more}


def make(installation: Installation, kind: str, config: dict[str, Any]) -> dict[str, Any]:
    """Makes a visitor's job with this schedule."""
    body = {"name": f"{kind} to edit", "bot_type": "visitor", "bot_config": {}, **member(kind, config)}
    status, job = installation.call("POST", "/jobs", body)
    assert status == 201, json.dumps(job)
    return dict(job)


def created(page: Page, installation: Installation) -> dict[str, Any]:
    """Creates the job of the form."""
    page.get_by_role("button", name="Create job").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}$"))
    return dict(installation.call("GET", f"/jobs/{page.url.rpartition('/')[2]}")[1])


def changed(page: Page, installation: Installation, job: dict[str, Any]) -> dict[str, Any]:
    """Saves the form of the job."""
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**/jobs/{job['id']}")
    return dict(installation.call("GET", f"/jobs/{job['id']}")[1])
