"""List of what is to come, of all jobs that its reader may see."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from service.usecases.foresight import timelines
from service.web.console.foresight import coming
from tests.console.test_pages import HOSTILE, check, make_job
from tests.support.browsing import Browser, installation, words
from tests.support.servers.valkey import ValkeyServer

HOURLY = {"bot_type": "visitor", "schedule_type": "cron", "schedule_config": {"cron_expression": "0 * * * *"}}


@pytest.fixture
def browser(redis_client: Redis, valkey_server: ValkeyServer) -> Browser:
    """Signed in, with a job of each hour, one of every other hour, and one that is off."""
    browser = Browser(installation(valkey_server.url))
    browser.sign_in()
    make_job(browser, **HOURLY, name="Of the team", labels={"team": "crm"})
    make_job(browser, **{**HOURLY, "schedule_config": {"cron_expression": "30 */2 * * *"}}, name=HOSTILE)
    make_job(browser, **HOURLY, name="Switched off", enabled=False)
    return browser


def test_it_lists_what_is_due_in_order(browser: Browser) -> None:
    """Of enabled jobs, counted; tomorrow, too; with a link in the navigation of each page."""
    page = browser.get("/coming")
    check(page)
    assert "36 occurrences in the next 24 hours." in words(page)
    times = re.findall(r'<td class="nowrap"><time datetime="([^"]+)"', page.text)
    assert len(times) == 24 + 12 and times == sorted(times)
    assert "Switched off" not in page.text and HOSTILE not in page.text
    assert "72 occurrences in the next 48 hours." in words(browser.get("/coming?hours=48"))
    assert '<a href="/coming" data-key="n">Coming</a>' in browser.get("/jobs").text


def test_a_label_narrows_it(browser: Browser) -> None:
    """One that no job has is told, and one that is malformed."""
    page = browser.get("/coming?label=team:crm")
    assert "24 occurrences in the next 24 hours." in words(page)
    assert 'href="/coming?hours=48&amp;label=team%3Acrm"' in page.text
    assert "No enabled job with this label is due in the next 24 hours." in words(browser.get("/coming?label=team:x"))
    assert "“Labels” must" in words(browser.get("/coming?label=team"))


def test_what_is_left_out_is_told(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timelines, "OF_ONE_JOB", 10)
    told = words(browser.get("/coming"))
    assert "20 occurrences in the next 24 hours. Of 2 jobs that run often, only the first ones are listed" in told
    monkeypatch.setattr(coming, "SHOWN", 7)
    page = browser.get("/coming?q=the+of")
    assert "The first 7 occurrences of the next 24 hours; more follow." in words(page)
    assert 'href="/coming?hours=24&amp;q=the+of&amp;most=14#more">Show more' in page.text
    monkeypatch.setattr(coming, "MOST", 14)
    longest = browser.get("/coming?most=14")
    assert longest.text.partition('id="more"')[0].count("Why?</a>") == 7, "where the reader goes on"
    assert "The first 14 occurrences" in words(longest) and "Show more" not in longest.text
    assert "This page lists no more." in words(longest)
    assert browser.get("/coming?most=15").status_code == 400


def test_words_of_a_name_narrow_it(browser: Browser) -> None:
    page = browser.get("/coming?q=TEAM+of")
    assert "24 occurrences in the next 24 hours." in words(page) and 'value="TEAM of"' in page.text
    assert "No enabled job that this search finds is due" in words(browser.get("/coming?q=nobody"))


def test_a_moved_and_a_paused_one_say_so(browser: Browser) -> None:
    (job, *_) = browser.send("GET", "/scheduler/jobs?label=team:crm").json
    instant = job["next_run_at"]
    later = f"{datetime.fromisoformat(instant) + timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}"
    moved = browser.send("PUT", f"/scheduler/jobs/{job['id']}/occurrences/{instant}", {"move_to": later})
    assert moved.status_code == 200, moved.text
    pause = {"scope": {"job_id": job["id"]}, "reason": HOSTILE}
    assert browser.send("POST", "/scheduler/pauses", pause).status_code == 201
    page = browser.get("/coming")
    check(page)
    assert "moved from" in words(page) and page.text.count('class="status paused"') == 24


def test_a_later_day_is_listed_in_the_zone_of_its_reader(browser: Browser) -> None:
    """From its first instant, which counts; with jobs that are due before, too, and one that comes only then."""
    day = datetime.now(UTC).date() + timedelta(days=2)
    sparse = {"schedule_type": "once", "schedule_config": {"at": f"{day}T12:34:56"}}
    make_job(browser, **{**HOURLY, **sparse}, name="Only then")
    page = browser.get(f"/coming?since={day}&zone=Asia/Tokyo")
    check(page)
    begin = datetime.combine(day, datetime.min.time()) - timedelta(hours=9)
    hours = [begin + timedelta(hours=number) for number in range(24)]
    alone = datetime.combine(day, datetime.min.time()) + timedelta(hours=12, minutes=34, seconds=56)
    expected = [*hours, *(at + timedelta(minutes=30) for at in hours if at.hour % 2 == 0), alone]
    listed = re.findall(r'<td class="nowrap"><time datetime="([^"]+)Z"', page.text)
    assert listed == [f"{at:%Y-%m-%dT%H:%M:%S}" for at in sorted(expected)]
    assert f"{len(listed)} occurrences in the 24 hours from {begin:%Y-%m-%d %H:%M:%S} UTC ." in words(page)
    assert f'href="/coming?hours=48&amp;since={day}&amp;zone=Asia%2FTokyo"' in page.text
    assert "From ( Asia/Tokyo )" in words(page) and f'value="{day}"' in page.text


def test_days_that_are_over_or_at_the_end_of_time_break_nothing(browser: Browser) -> None:
    told = words(browser.get("/coming?since=2001-01-01"))
    assert "36 occurrences in the next 24 hours. 2001-01-01 has begun already, so the list begins now." in told
    check(browser.get("/coming?since=9999-12-30&hours=48"))
    for wrong in ("since=tomorrow", "since=9999-12-31&zone=America/Lima&since=1", "since=2099-01-01&zone=Mars"):
        assert browser.get(f"/coming?{wrong}").status_code == 400


def test_jobs_beyond_those_that_are_searched_are_told(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them are left out of a list that begins now."""
    monkeypatch.setattr(timelines, "SEARCHED", 1)
    monkeypatch.setattr(coming, "SEARCHED", 1)
    day = datetime.now(UTC).date() + timedelta(days=3)
    told = words(browser.get(f"/coming?since={day}"))
    assert "The service looked at 1 job, not at 1 other: search for a job, or for labels." in told
    assert "36 occurrences in the next 24 hours." in words(browser.get("/coming"))
