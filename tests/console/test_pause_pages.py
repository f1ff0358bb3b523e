"""Pauses in the console: the banner of every page, the page of pauses, and the marks of paused jobs."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from tests.support.browsing import Browser, signed_in, words
from tests.support.servers.valkey import ValkeyServer

HOSTILE = "<script>alert(1)</script>"
JOB = {
    "name": "a job", "bot_type": "visitor", "schedule_type": "interval", "schedule_config": {"hours": 1},
    "labels": {"team": "crm"},
}  # fmt: skip


@pytest.fixture
def browser(redis_client: Redis, valkey_server: ValkeyServer) -> Browser:
    return signed_in(valkey_server.url)


def made(browser: Browser, path: str, body: dict[str, Any]) -> str:
    answer = browser.send("POST", f"/scheduler/{path}", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def test_every_page_has_a_banner_while_a_pause_is_in_force(browser: Browser) -> None:
    """And the reason as it is, not as markup."""
    job_id = made(browser, "jobs", JOB)
    pages = ("/", "/jobs", f"/jobs/{job_id}", "/runs", "/contacts", "/access", "/pauses", "/calendars")
    assert not any("Paused: " in words(browser.get(page)) for page in pages)
    pause_id = made(browser, "pauses", {"scope": "all", "reason": HOSTILE, "until": "2999-01-01T00:00:00"})
    for page in pages:
        told = browser.get(page)
        assert "Paused: all jobs" in words(told) and "2999-01-01 00:00:00 UTC" in told.text, page
        assert HOSTILE not in told.text, page
    assert browser.send("DELETE", f"/scheduler/pauses/{pause_id}").status_code == 200
    assert not any("Paused: all jobs" in words(browser.get(page)) for page in pages)


def test_the_banner_counts_what_it_does_not_show(browser: Browser) -> None:
    for number in range(5):
        made(browser, "pauses", {"scope": "all", "reason": f"reason {number}"})
    told = words(browser.get("/jobs"))
    # Two of the same millisecond stand in the order of their ids.
    shown = [f"reason {number}" in told for number in range(5)]
    assert sum(shown) == 3 and "2 more pauses" in told


def test_a_paused_job_is_marked_and_says_why(browser: Browser) -> None:
    job_id, other = made(browser, "jobs", JOB), made(browser, "jobs", {**JOB, "name": "other", "labels": {}})
    made(browser, "pauses", {"scope": {"label": {"team": "crm"}}, "reason": "works", "until": "2999-01-01T00:00:00"})
    page, plain = browser.get(f"/jobs/{job_id}").text, browser.get(f"/jobs/{other}").text
    assert page.count('class="status paused"') == 12, "the job, its next run, and its next ten occurrences"
    assert "What is due meanwhile is skipped" in page
    assert 'class="status paused"' not in plain
    assert browser.get("/jobs").text.count('class="status paused"') == 1
    assert "paused: works, by the root key. It would be due in" in browser.get("/").text


def test_a_job_that_is_paused_without_an_end_has_no_next_run(browser: Browser) -> None:
    """On its page, in the list and on the timeline, where nobody can move it; its form for backfills says so, too."""
    job_id = made(browser, "jobs", {**JOB, "schedule_config": {"minutes": 50}})
    next_run = browser.send("GET", f"/scheduler/jobs/{job_id}").json["next_run_at"].replace("T", " ")
    assert f"Next run {next_run} UTC" in words(browser.get(f"/jobs/{job_id}"))
    assert "data-movable" in browser.get("/").text
    made(browser, "pauses", {"scope": {"job_id": job_id}, "reason": HOSTILE, "on_resume": "latest"})
    page = browser.get(f"/jobs/{job_id}")
    assert "until somebody ends the pause" in words(page) and f"Next run {next_run} UTC" not in words(page)
    assert "by the root key" in words(page) and "End the pause" in words(page) and HOSTILE not in page.text
    assert page.text.count('class="status paused"') == 12, "the job, its next run, and its next ten occurrences"
    listed = browser.get("/jobs").text
    assert f"{next_run} UTC" not in listed
    assert "data-movable" not in browser.get("/").text and HOSTILE not in browser.get("/").text
    assert "A backfill runs all the same" in words(browser.get(f"/jobs/{job_id}/backfills"))


def test_a_pause_on_a_label_that_no_job_has_says_so(browser: Browser) -> None:
    made(browser, "jobs", JOB)
    for label in ({"team": "crm"}, {"team": "cmr"}):
        made(browser, "pauses", {"scope": {"label": label}, "reason": "works"})
    made(browser, "jobs", {**JOB, "labels": {}})
    made(browser, "pauses", {"scope": {"bot_type": "birthday"}, "reason": "works"})
    made(browser, "pauses", {"scope": "all", "reason": "works"})
    told = words(browser.get("/pauses"))
    assert told.count("no job has this label now") == 1
    for count in ("1 job now", "0 jobs now", "2 jobs now"):
        assert told.count(count) == 1, count


def test_a_limited_key_is_told_that_wider_pauses_may_cover_its_jobs(browser: Browser) -> None:
    """Whoever may not read a pause must not read that there is none."""
    made(browser, "jobs", JOB)
    made(browser, "pauses", {"scope": "all", "reason": "works"})
    terms = {"name": "crm", "scopes": ["read", "run"], "labels": {"team": ["crm"]}}
    browser.sign_in(browser.send("POST", "/scheduler/keys", terms).json["key"])
    told = words(browser.get("/pauses"))
    assert "Nothing is paused" not in told and "A wider pause may cover your jobs; their list says so." in told
    assert 'class="status paused"' in browser.get("/jobs").text


def test_the_form_says_in_which_zone_its_end_is_read(browser: Browser) -> None:
    """That of the job; for several that of the reader, whose browser knows it."""
    job_id = made(browser, "jobs", {**JOB, "schedule_type": "daily",
                                    "schedule_config": {"hour": 8, "minute": 0, "timezone": "Asia/Tokyo"}})  # fmt: skip
    assert "Until (Asia/Tokyo)" in words(browser.get(f"/pauses?job={job_id}"))
    assert "Until ( UTC )" in words(browser.get("/pauses")) and "data-own-zone" in browser.get("/pauses").text


def test_the_form_begins_with_what_the_address_names(browser: Browser) -> None:
    job_id = made(browser, "jobs", JOB)
    assert f'href="/pauses?job={job_id}"' in browser.get(f"/jobs/{job_id}").text
    form = browser.get(f"/pauses?job={job_id}").text
    assert f'id="job_id" value="{job_id}"' in form and 'value="job_id" checked' in form
    assert 'href="/pauses?label=team:crm"' in browser.get("/jobs?label=team:crm").text
    assert 'href="/pauses?bot=visitor">Pause these' in browser.get("/jobs?bot=visitor").text
    for wider in ("label=team:crm&q=x", "label=team:crm&bot=visitor", "bot=visitor&state=failing", "q=x"):
        assert 'href="/pauses">Pauses' in browser.get(f"/jobs?{wider}").text, (
            "a pause would take more than the list has"
        )
    form = browser.get("/pauses?label=team:crm").text
    assert 'value="label" checked' in form and 'value="team:crm"' in form
    assert 'value="bot_type" checked' in browser.get("/pauses?bot=visitor").text
    assert 'value="all" checked' in browser.get("/pauses?job=nobody").text


def test_the_page_lists_pauses_in_force_and_those_that_are_over(browser: Browser) -> None:
    job_id = made(browser, "jobs", JOB)
    over = made(browser, "pauses", {"scope": {"job_id": job_id}, "reason": "was short"})
    assert browser.send("DELETE", f"/scheduler/pauses/{over}").status_code == 200
    pause_id = made(browser, "pauses", {"scope": {"bot_type": "visitor"}, "reason": "goes on"})
    page = browser.get("/pauses").text
    assert f'data-request="DELETE /scheduler/pauses/{pause_id}"' in page and over not in page
    assert "was short" in page and f'<a href="/jobs/{job_id}">a job</a>' in page
