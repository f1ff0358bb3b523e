"""Coming changes of clocks in the console: a line on the overview, and the list to which it leads."""

from __future__ import annotations

import pytest
from redis import Redis

from service.usecases.foresight import clock_changes as use
from service.web.console import clock_changes as page
from tests.support.browsing import Browser, installation
from tests.support.servers.valkey import ValkeyServer

HOSTILE = "<script>alert(1)</script>"
AT_NIGHT = {"hour": 2, "minute": 30, "timezone": "Europe/Vienna"}


@pytest.fixture
def browser(redis_client: Redis, valkey_server: ValkeyServer) -> Browser:
    """Signed in, with a job that meets each change of clocks."""
    browser = Browser(installation(valkey_server.url))
    browser.sign_in()
    body = {"name": HOSTILE, "bot_type": "visitor", "schedule_type": "daily", "schedule_config": AT_NIGHT}
    assert browser.send("POST", "/scheduler/jobs", body).status_code == 201
    return browser


@pytest.mark.parametrize(("days", "is_told"), [(366, True), (0, False)])
def test_the_overview_leads_to_the_list_in_time(browser: Browser, monkeypatch: pytest.MonkeyPatch, days: int,
                                                is_told: bool) -> None:  # fmt: skip
    """A week ahead; the test's week is a year or nothing, since nobody knows when it runs."""
    monkeypatch.setattr(use, "SOON_DAYS", days)
    overview = browser.get("/").text
    assert ('<a href="/clock-changes">1 job</a>' in overview) == is_told
    assert ("Clocks change " in overview) == is_told


def test_the_list_says_what_happens(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far ahead as the address says; with a link to each job, and its name as it is, not as markup."""
    listed = browser.get("/clock-changes?days=366").text
    assert "02:30 does not exist on " in listed
    assert "02:30 comes twice on " in listed
    assert HOSTILE not in listed
    monkeypatch.setattr(page, "SHOWN", 1)
    listed = browser.get("/clock-changes?days=366").text
    assert "1 more job not shown" in listed and "bot-scheduler clock-changes --days 366" in listed
    assert '<a class="button" href="/clock-changes?days=366" aria-current="page">366 days</a>' in listed


def test_an_empty_list_says_so(browser: Browser) -> None:
    """In place of a table."""
    (job,) = browser.send("GET", "/scheduler/jobs").json
    assert browser.send("DELETE", f"/scheduler/jobs/{job['id']}").status_code == 204
    listed = browser.get("/clock-changes").text
    assert "No job meets a clock change" in listed and "in the next 45 days." in listed


@pytest.mark.parametrize("days", ["0", "367", "x", "-1"])
def test_other_days_are_refused(browser: Browser, days: str) -> None:
    refused = browser.get(f"/clock-changes?days={days}")
    assert refused.status_code == 400 and "must be a whole number from 1 to 366" in refused.text
