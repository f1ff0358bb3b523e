"""The list of runs, and its file: what its filters choose."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import ALL, Scope
from service.domain.run_records import Outcome
from service.scheduler.pauses import PauseEnds
from service.store.scripts import Limits
from service.usecases import runs as run_cases
from service.usecases.runs import Runs
from tests.support.browsing import Browser, signed_in, words
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

NOON = 1_743_249_600_000
"""2025-03-29T12:00:00 UTC, the day before clocks change in Vienna."""
HOUR = 3_600_000


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    """The installation behind the pages."""
    return Rig.on(redis_client)


@pytest.fixture
def browser(rig: Rig, valkey_server: ValkeyServer) -> Browser:
    """Somebody who is signed in."""
    return signed_in(valkey_server.url)


@pytest.fixture
def ended(rig: Rig) -> Callable[..., str]:
    """Make a run that has ended."""

    def end(job_id: str, outcome: Outcome, queued_at: int = NOON) -> str:
        run_id = rig.use.run_now(job_id)
        rig.runs.finish(run_id, rig.start(run_id), outcome)
        rig.client.hset(rig.keys.run(run_id), "queued_at", queued_at)
        return run_id

    return end


def shown(browser: Browser, query: str) -> set[str]:
    """Return the runs of a page, which are those of its file."""
    text = browser.get(f"/runs?{query}").text
    file = browser.get(f"/runs.csv?{query}").text
    found = {found[1] for found in re.finditer(r"/runs/([0-9a-f-]{36})", text)}
    assert found == {row["id"] for row in csv.DictReader(io.StringIO(file))}
    return found


def test_a_job_is_named_or_its_id_given(rig: Rig, browser: Browser, ended: Callable[..., str]) -> None:
    """The jobs of exactly this name; else those whose names have it as a part; none of a name that there is not."""
    success = Outcome("success", None, {})
    mail, mails, other = (ended(rig.make_job(name=name), success) for name in ("Mail", "Mail to all", "Other"))
    job_id = rig.use.run_alone(other).data["job_id"]
    assert shown(browser, "job=mAIL") == {mail}
    assert shown(browser, "job=to+all") == {mails}
    assert shown(browser, "job=mai") == {mail, mails}
    assert shown(browser, f"job={job_id}") == {other}
    assert shown(browser, "job=nobody") == set()
    assert shown(browser, "job=%27%22%3Cb%3E") == set()


def test_a_text_is_looked_for_in_what_a_run_says(rig: Rig, browser: Browser, ended: Callable[..., str]) -> None:
    """Its error, its reason and its result; in any case, and in any script."""
    job_id = rig.make_job(name="Says refused by its name alone")
    error = ended(job_id, Outcome("failed", "Connection REFUSED by “mail”", None))
    result = ended(job_id, Outcome("success", None, {"to": ["Zoë", 'a "b"']}))
    reason = ended(job_id, Outcome("skipped", None, None, reason="straße closed"))
    assert shown(browser, "text=refused+by") == {error}
    assert shown(browser, "text=zoë") == {result}
    assert shown(browser, "text=STRASSE") == {reason}
    assert shown(browser, "text=zo&status=success") == {result} and shown(browser, "text=zo&status=failed") == set()
    assert shown(browser, "text=nothing+says+this") == set()


def test_days_are_those_of_the_readers_zone_and_both_are_included(
    rig: Rig, browser: Browser, ended: Callable[..., str]
) -> None:
    """The last hour of a day in Vienna is the next day in Sydney, and the day that the clocks change is one, too."""
    job_id, success = rig.make_job(), Outcome("success", None, {})
    late, early = ended(job_id, success, NOON + 11 * HOUR - 1), ended(job_id, success, NOON + 11 * HOUR)
    following = ended(job_id, success, NOON + 34 * HOUR)  # midnight there, after a day of 23 hours
    assert shown(browser, "since=2025-03-29&until=2025-03-29&zone=Europe/Vienna") == {late}
    assert shown(browser, "since=2025-03-30&until=2025-03-30&zone=Europe/Vienna") == {early}
    assert shown(browser, "since=2025-03-30&zone=Australia/Sydney") == {late, early, following}
    assert shown(browser, "since=2025-03-29&until=2025-03-29") == {late, early}
    assert browser.get("/runs?since=yesterday").status_code == 400
    assert browser.get("/runs?since=2025-03-29&zone=Vienna").status_code == 400


def test_pages_of_found_runs_go_on_where_they_ended(
    rig: Rig, browser: Browser, ended: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is shown once, however many the search passes over; and links keep what was asked for."""
    monkeypatch.setattr("service.web.console.run_list.PAGE", 2)
    monkeypatch.setattr(run_cases, "MAX_PAGE", 3)
    monkeypatch.setattr(run_cases, "SEARCHED_PAGES", 2)
    job_id = rig.make_job()
    numbers = [0, 7, 8, 9, 15, 16]
    wanted = [
        run_id for number in range(17)
        if (run_id := ended(job_id, Outcome("failed", "this one" if number in numbers else "other", None)))
        and number in numbers
    ]  # fmt: skip
    found: list[str] = []
    address = "/runs?text=this+one"
    for _ in range(10):
        text = browser.get(address).text
        found += dict.fromkeys(one[1] for one in re.finditer(r"/runs/([0-9a-f-]{36})", text))
        older = re.search(r'href="([^"]*)">Older', text)
        if older is None:
            break
        address = older[1].replace("&amp;", "&")
        assert "text=this+one" in address
    assert found == wanted[::-1]


def test_a_search_finds_nothing_that_the_caller_may_not_read(rig: Rig, ended: Callable[..., str]) -> None:
    """What a run of a bot about persons says is withheld without the scope `contacts`; so no search tells of it."""
    ended(rig.make_job(), Outcome("failed", "no mail to Zoë", {"to": "Zoë"}))
    configs: Any = dict.fromkeys(["echo"])
    use = Runs(rig.scripts, configs, about_persons=["echo"])
    for scopes, count in ((ALL, 1), (ALL - {Scope.CONTACTS}, 0)):
        token = act_for(Caller("k", "a key", frozenset(scopes)))
        try:
            assert len(use.all_runs(limit=5, text="zoë").data) == count
        finally:
            act_as_before(token)


def test_the_runs_of_one_job_are_on_one_page(
    rig: Rig, browser: Browser, ended: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many runs of others lie between them."""
    monkeypatch.setattr("service.store.runs.run_views.SCAN_PAGE", 2)
    monkeypatch.setattr("service.store.runs.run_views.SCAN_PAGES", 2)
    job_id, other, success = rig.make_job(name="One"), rig.make_job(name="Other"), Outcome("success", None, {})
    wanted = []
    for _ in range(3):
        wanted.append(ended(job_id, success))
        for _ in range(5):
            ended(other, success)
    assert shown(browser, "job=One") == set(wanted)


def total(browser: Browser, query: str) -> str | None:
    """Return the number of runs that a page says there are."""
    told = re.search(r'id="count" role="status">([^<]*)</p>', browser.get(f"/runs?{query}").text)
    return told and told[1]


def test_the_total_is_that_of_all_pages(browser: Browser, rig: Rig, ended: Callable[..., str]) -> None:
    """Of what the filters choose; runs that have gone meanwhile are counted no more."""
    job_id, other = rig.make_job(name="own", labels={"team": "crm"}), rig.make_job(name="other")
    for _ in range(3):
        ended(job_id, Outcome("failed", "no disk"))
        ended(other, Outcome("success", None, {"rows": 3}))
    ended(other, Outcome("success"), queued_at=NOON + 48 * HOUR)
    totals = {
        "": "7 runs", "status=failed": "3 runs", "label=team:crm": "3 runs", "job=other": "4 runs",
        "since=2025-03-31": "1 run", "status=success&label=team:crm": None,
    }  # fmt: skip
    assert {query: total(browser, query) for query in totals} == totals
    assert total(browser, "text=disk") is None
    rig.jobs.delete(other)
    assert total(browser, "") == "3 runs"


def test_the_total_leaves_out_what_the_history_keeps_no_more(redis_client: Redis, valkey_server: ValkeyServer) -> None:
    """Although the process has seen these runs, and the list of all runs still has their ids."""
    rig = Rig.on(redis_client, limits=Limits(history=5))
    browser = signed_in(valkey_server.url)
    job_id = rig.make_job(name="often")
    for number in range(12):
        run_id = rig.use.run_now(job_id)
        rig.runs.finish(run_id, rig.start(run_id), Outcome("success"))
        if number % 3 == 0:
            browser.get("/runs")
    assert total(browser, "") == "5 runs"
    assert total(browser, "status=success") == "5 runs"


def test_a_run_that_a_process_remembers_is_gone_with_its_job(
    browser: Browser, rig: Rig, ended: Callable[..., str]
) -> None:
    """From the page, its file, and what lists of all runs are made of; restoring the job does not bring it back."""
    kept, gone = rig.make_job(name="kept"), rig.make_job(name="gone")
    run_id = ended(kept, Outcome("success"))
    ended(gone, Outcome("failed", "no disk"))
    assert len(shown(browser, "")) == 2 and len(rig.use.all_runs(limit=5).data) == 2
    rig.jobs.delete(gone)
    for query in ("", "trigger=manual"):
        assert shown(browser, query) == {run_id}
    assert [run["id"] for run in rig.use.all_runs(limit=5).data] == [run_id]
    assert len(rig.use.all_runs(limit=5, status="failed").data) == 0


def test_the_page_tells_how_far_the_list_of_all_runs_reaches(
    redis_client: Redis, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a filter finds nothing: a run before that time may be on the page of its job."""
    monkeypatch.setattr("service.store.runs.run_views.LISTED_RUNS", 5)
    rig = Rig.on(redis_client, limits=Limits(runs=5))
    browser = signed_in(valkey_server.url)
    job_id, other = rig.make_job(name="often"), rig.make_job(name="seldom")
    runs = [rig.use.run_now(one) for one in (other, job_id, job_id, job_id, job_id)]
    redis_client.hset(rig.keys.run(runs[1]), "queued_at", NOON)
    assert total(browser, "") == "5 runs"
    redis_client.ltrim(rig.keys.runs, 0, 3)
    assert 'id="reach"' not in browser.get("/runs").text
    rig.use.run_now(job_id)
    told = re.compile(r'id="reach">This page lists [^<]*, back to <time datetime="2025-03-29T12:00:00Z"')
    for query in ("", "status=success", "text=x", "until=2025-01-01"):
        assert told.search(browser.get(f"/runs?{query}").text), query
        assert "Older</a>" not in browser.get(f"/runs?{query}").text
    before = "Runs of these days are not listed here"
    assert [before in browser.get(f"/runs?until={day}").text for day in ("2025-03-28", "2025-03-30")] == [True, False]
    assert 'id="reach"' not in browser.get("/runs?job=seldom").text


def test_a_run_that_a_pause_has_held_says_so(rig: Rig, browser: Browser) -> None:
    """It stands where it was due, and shows when it started."""
    job_id = rig.make_job(schedule_type="interval", schedule_config={"hours": 1})
    paused = browser.send("POST", "/scheduler/pauses", {"scope": "all", "reason": "works", "on_resume": "all"})
    rig.pretend_due(job_id, -1)
    scheduler = rig.scheduler()
    until(lambda: scheduler.enqueue_jobs() > 0, 30)
    assert "on hold by a pause: works" in words(browser.get("/runs"))
    assert browser.send("DELETE", f"/scheduler/pauses/{paused.json['id']}").status_code == 200
    PauseEnds(rig.scripts).step()
    (run_id,) = rig.queue()
    rig.runs.finish(run_id, rig.start(run_id), Outcome("success"))
    for path in ("/runs", f"/jobs/{job_id}"):
        assert words(browser.get(path)).count("success held by a pause") == 1
