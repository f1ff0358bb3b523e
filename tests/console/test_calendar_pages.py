"""The pages of calendars: the list, and a year with its closed days."""

from __future__ import annotations

import re
from typing import Any

import pytest
from redis import Redis

from tests.support.browsing import Browser, signed_in, words
from tests.support.store_rig import Rig


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    """The installation behind the pages."""
    return Rig.on(redis_client)


@pytest.fixture
def browser(rig: Rig, valkey_server: Any) -> Browser:
    """Somebody signed in."""
    return signed_in(valkey_server.url)


def test_without_calendars_the_page_says_how_to_create_one(browser: Browser) -> None:
    answer = browser.get("/calendars")
    assert answer.status_code == 200 and "bot-scheduler calendars create office" in words(answer)


def test_the_year_shows_each_closed_day_and_why(rig: Rig, browser: Browser) -> None:
    rig.calendars.create({
        "name": "office", "description": "<b>Ours</b>", "weekdays_off": ["sun"], "country": "AT",
        "ranges": [{"from": "2026-12-28", "to": "2026-12-30", "why": "<script>works</script>"}],
        "open_hours": {"from": "08:00", "to": "18:00"},
    })  # fmt: skip
    answer = browser.get("/calendars/office?year=2026")
    text = answer.text
    assert "<script>works" not in text and "<b>Ours" not in text
    assert len(re.findall(r'<table class="month">', text)) == 12
    closed = rig.calendars.days("office", "2026-01-01", "2026-12-31")["days"]
    shown = re.findall(r'class="closed" title="([0-9-]+): ', text)
    assert shown == [day["date"] for day in closed]
    assert "2026-12-25 Christmas Day" in words(answer)
    assert "Open 08:00–18:00." in words(answer)
    listed = words(browser.get("/calendars"))
    assert "office" in listed and "Holidays of AT" in listed


def test_a_calendar_that_runs_out_is_told_on_the_overview_too(rig: Rig, browser: Browser) -> None:
    rig.calendars.create({"name": "old", "dates": ["2020-01-01"]})
    for path in ("/", "/calendars/old", "/calendars"):
        assert "runs out" in words(browser.get(path)).lower(), path


def test_a_job_of_which_all_is_closed_says_so_and_has_no_mark_to_come(rig: Rig, browser: Browser) -> None:
    """On its page, in the list and on the overview's timeline."""
    rig.calendars.create({"name": "office", "open_hours": {"from": "08:00", "to": "18:00"}})
    job = rig.make_job(
        name="nightly", schedule_type="cron", schedule_config={"cron_expression": "*/5 3 * * *"},
        options={"calendar": "office"},
    )  # fmt: skip
    assert "none: all that is to come falls on closed days or hours" in words(browser.get(f"/jobs/{job}"))
    assert "nightly" in words(browser.get("/jobs"))
    assert not re.search(r"due in \d", browser.get("/").text)
    rig.jobs.update(job, {"options": {}})
    assert re.search(r"due in \d", browser.get("/").text)


@pytest.mark.parametrize("path", ["/calendars/nothing", "/calendars/No%20Name"])
def test_an_unknown_calendar_is_a_page_that_says_so(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("year", ["1969", "2101", "x"])
def test_a_year_beyond_the_tables_is_refused(rig: Rig, browser: Browser, year: str) -> None:
    rig.calendars.create({"name": "office"})
    assert browser.get(f"/calendars/office?year={year}").status_code == 400


def test_a_closed_run_says_why_in_lists(rig: Rig, browser: Browser) -> None:
    rig.calendars.create({"name": "shut", "ranges": [{"from": "2020-01-01", "to": "2090-01-01", "why": "Works"}]})
    job_id = rig.make_job(bot_type="birthday", options={"calendar": "shut"})
    rig.pretend_due(job_id, 1)
    rig.scheduler().enqueue_jobs()
    assert "closed: Works" in words(browser.get("/runs"))


def test_the_forms_show_the_calendar_and_choose_its_country_by_name(rig: Rig, browser: Browser) -> None:
    """As text: what a calendar says enters no page as markup."""
    rig.calendars.create({
        "name": "office", "description": "</textarea><script>ran()", "weekdays_off": ["sun"], "country": "US",
        "ranges": [{"from": "2026-12-28", "to": "2026-12-30", "why": "\"><script>works()"}],
    })  # fmt: skip
    text = browser.get("/calendars/office/edit").text
    assert "<script>ran" not in text and "<script>works" not in text
    assert '<option value="US" selected>United States (US)</option>' in text
    assert re.findall(r'value="(\w{3})" checked', text) == ["sun"]
    assert 'data-request="PUT /scheduler/calendars/office"' in text
    assert re.findall(r'value="(\w{3})" checked', browser.get("/new-calendar").text) == ["sat", "sun"]
    assert browser.get("/calendars/nothing/edit").status_code == 404


def test_the_form_of_a_job_offers_the_calendars(rig: Rig, browser: Browser) -> None:
    rig.calendars.create({"name": "office"})
    job_id = rig.make_job(bot_type="birthday", options={"calendar": "office", "on_closed": "next_open"})
    text = browser.get(f"/jobs/{job_id}/edit").text
    assert "<option selected>office</option>" in text and '<option value="next_open" selected>' in text
    assert text.count('data-path="options.calendar"') == text.count('data-path="options.on_closed"') == 1
    assert "<option>office</option>" in browser.get("/jobs/new").text
