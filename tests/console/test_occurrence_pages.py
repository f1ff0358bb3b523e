"""Page of a job's occurrences: their fates, what is unaccounted for, and the question why."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from service.domain.fates.fate import FATES
from service.web.console.history.occurrences import REHEARSED, TONES
from tests.console.test_pages import HOSTILE, Markup, check, make_job
from tests.support.browsing import Browser, installation, words
from tests.support.store_rig import Rig

MINUTELY = {"schedule_type": "interval", "schedule_config": {"minutes": 1}, "bot_type": "webhook",
            "bot_config": {"url": "http://x.example"}, "name": HOSTILE}  # fmt: skip


def in_minutes(minutes: int) -> str:
    return f"{datetime.now(UTC) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}"


@pytest.fixture
def browser(redis_client: Redis, valkey_server: Any) -> Browser:
    """Signed in, on an empty server."""
    browser = Browser(installation(valkey_server.url))
    assert browser.sign_in().status_code == 303
    return browser


@pytest.fixture
def decided(browser: Browser, redis_client: Redis) -> str:
    """A job with one decided occurrence, 100 s ago, as the first after its creation."""
    job_id = make_job(browser, **MINUTELY)
    rig = Rig.on(redis_client)
    at = rig.pretend_due(job_id, 100)
    redis_client.hset(rig.keys.job(job_id), "created_at", (at - 30) * 1000)
    rig.scheduler().heartbeat()
    rig.scheduler().enqueue_jobs()
    return job_id


def test_every_fate_has_a_colour_and_a_sign() -> None:
    assert set(TONES) == {*FATES, REHEARSED}


def test_the_page_says_what_became_of_each_and_that_nothing_is_missing(browser: Browser, decided: str) -> None:
    """The counts stand at the top; each row leads to its run and to the question."""
    page = browser.get(f"/jobs/{decided}/occurrences")
    check(page)
    said = words(page)
    assert "all accounted for" in said and "0 unaccounted for" in said and "All is known since" in said
    assert "coming" in said
    links = Markup(page).values("href")
    assert any(f"/jobs/{decided}/runs/" in link for link in links)
    assert any("at=" in link and link.endswith("#why") for link in links)
    assert f"/jobs/{decided}/occurrences" in Markup(browser.get(f"/jobs/{decided}")).values("href")


def test_the_count_agrees_with_the_list(browser: Browser, decided: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At any moment, since both are of one answer; also where the list has several pages."""

    def counted(page: Any) -> dict[str, int]:
        told = page.text.split('id="count"')[1].split("</p>")[0]
        return {word: int(number.replace(",", "")) for number, word in re.findall(r"([0-9,]+) ([a-z]+)", told)}

    address = f"/jobs/{decided}/occurrences?until={in_minutes(30)}"
    page = browser.get(address)
    listed = Counter(re.findall(r'class="status \w+"><span aria-hidden="true">.</span> (\w+)</span></td>', page.text))
    found = counted(page)
    assert found.pop("occurrences") == sum(listed.values()) > 10
    assert found == listed and found["coming"] > 10
    monkeypatch.setattr("service.web.console.history.occurrences.PAGE", 5)
    page = browser.get(address)
    assert counted(page)["occurrences"] == sum(listed.values()) and page.text.count("#why") == 5
    seen = [*re.findall(r"[?&;]at=([^&#]+)", page.text)]
    while following := re.search(r'href="([^"]+)">Later', page.text):
        page = browser.get(following[1].replace("&amp;", "&"))
        seen += re.findall(r"[?&;]at=([^&#]+)", page.text)
    assert len(seen) == len(set(seen)) == sum(listed.values())


def test_all_times_are_read_and_written_in_the_jobs_zone(browser: Browser) -> None:
    """And the page names it; a time with an offset stays that instant."""
    tokyo = {"hour": 8, "minute": 0, "timezone": "Asia/Tokyo"}
    job_id = make_job(browser, schedule_type="daily", schedule_config=tokyo)
    for since in ("2999-01-01T08:00", "2998-12-31T23:00:00Z"):
        page = browser.get(f"/jobs/{job_id}/occurrences?since={since}&until=2999-01-01T08:00:01")
        check(page)
        assert "Tue 2999-01-01 08:00:00 +09:00" in words(page) and "1 occurrence: 1 coming" in words(page)
        assert 'value="2999-01-01T08:00:00"' in page.text and "From (Asia/Tokyo)" in words(page)
        assert "UTC</time>" not in page.text.split("<h1>")[1]
    page = browser.get(f"/jobs/{job_id}")
    assert "When (Asia/Tokyo)" in words(page)
    assert "From (Asia/Tokyo)" in words(browser.get(f"/jobs/{job_id}/backfills"))


def test_a_loss_is_told_at_the_top(browser: Browser, decided: str, redis_client: Redis) -> None:
    rig = Rig.on(redis_client)
    for run in rig.history(decided):
        redis_client.delete(rig.keys.run(run["id"]))
    said = words(browser.get(f"/jobs/{decided}/occurrences"))
    assert "not accounted for" in said and "0 unaccounted" not in said


def test_the_question_is_answered_on_the_page(browser: Browser, decided: str) -> None:
    """A sentence; an invalid time is told, and so is a span that is refused."""
    said = words(browser.get(f"/jobs/{decided}/occurrences?at=2001-01-01T08:00"))
    assert "the job did not exist yet" in said
    page = browser.get(f"/jobs/{decided}/occurrences?at={HOSTILE}")
    check(page)
    assert "must be a time such as" in words(page)
    assert "must be one of" in words(browser.get(f"/jobs/{decided}/occurrences?fate=x"))
    assert "must not be before since" in words(
        browser.get(f"/jobs/{decided}/occurrences?since=2027-01-02T00:00&until=2027-01-01T00:00")
    )


def test_a_filter_lists_one_fate(browser: Browser, decided: str) -> None:
    """And one that nothing has says so."""
    assert "No occurrences found" in words(browser.get(f"/jobs/{decided}/occurrences?fate=moved"))
    page = browser.get(f"/jobs/{decided}/occurrences?fate=coming")
    assert "Later" in words(page) or "coming" in words(page)


def test_what_a_backfill_has_made_up_for_leads_to_its_run(browser: Browser, decided: str, redis_client: Redis) -> None:
    """The skipped occurrence stays what it was, and tells of that run beside."""
    rig = Rig.on(redis_client)
    (skipped,) = [run for run in rig.history(decided) if run["status"] == "skipped"]
    run_id = "0b7f7a1e-0000-4000-8000-00000000000a"
    fields: Any = {**redis_client.hgetall(rig.keys.run(skipped["id"])), b"trigger": b"backfill", b"status": b"queued"}
    redis_client.hset(rig.keys.run(run_id), mapping=fields)
    redis_client.lpush(rig.keys.history(decided), run_id)
    page = browser.get(f"/jobs/{decided}/occurrences?fate=skipped")
    check(page)
    assert "made up for: queued" in words(page)
    assert f"/jobs/{decided}/runs/{run_id}" in Markup(page).values("href")
