"""Pages of what jobs were: their revisions, the difference between two, deleted jobs."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from service.domain.run_records import Outcome
from service.secrecy import redaction
from tests.console.test_pages import HOSTILE, Markup, check, make_job, run
from tests.support.browsing import Answer, Browser, installation, words
from tests.support.store_rig import Rig

SECRET = "correct-horse-battery"
WEBHOOK = {
    "name": "Tell", "bot_type": "webhook", "bot_config": {"url": "http://x.example"},
    "schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0},
}  # fmt: skip


@pytest.fixture
def browser(redis_client: Redis, valkey_server: Any) -> Browser:
    """Signed in with the root key, on an empty server."""
    browser = Browser(installation(valkey_server.url))
    assert browser.sign_in().status_code == 303
    return browser


@pytest.fixture
def changed(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job at revision 3: its time changed and a secret put into words, then its name, by a stored key with a note."""
    monkeypatch.setattr(redaction, "_present", redaction.Redaction.of({"BOT_SECRET_HOOK": SECRET}))
    job_id = make_job(browser, **WEBHOOK)
    second = {
        **WEBHOOK, "description": f"with {SECRET}",
        "schedule_config": {"hour": 9, "minute": 0}, "options": {"max_retries": 3},
        "bot_config": {"url": "http://x.example", "headers": {"X-Edition": "evening"}, "expected_status": [200, 204]},
    }  # fmt: skip
    assert browser.send("PUT", f"/scheduler/jobs/{job_id}", second).status_code == 200
    ana = reader(browser, name="Ana", scopes=["read", "write"])
    note = {"X-Change-Note": "louder"}
    assert ana.send("PUT", f"/scheduler/jobs/{job_id}", {**second, "name": HOSTILE}, note).status_code == 200
    return job_id


def reader(browser: Browser, **terms: Any) -> Browser:
    """Somebody with a stored key."""
    made = browser.send("POST", "/scheduler/keys", terms).json
    other = Browser(browser.app)
    assert other.sign_in(made["key"]).status_code == 303
    return other


def requests(answer: Answer) -> list[str]:
    """What the buttons of a page send."""
    return Markup(answer).values("data-request")


def test_the_jobs_page_shows_its_last_changes(browser: Browser, changed: str) -> None:
    """When, who, what and why, newest first; each leads to its revision, and one link to all."""
    page = browser.get(f"/jobs/{changed}")
    check(page)
    said = words(page).partition("History of changes")[2]
    assert said.index("Ana") < said.index("the root key")
    assert "louder" in said and "Try again after a failure" in said and "created" in said
    links = Markup(page).values("href")
    assert {f"/jobs/{changed}/revisions", *(f"/jobs/{changed}/revisions/{n}" for n in (1, 2, 3))} <= set(links)


def test_its_changes_lead_to_the_audit_log_for_those_who_may_see_it(browser: Browser, changed: str) -> None:
    """From the job's page and from its history, filtered by the job."""
    log = f"/access/audit?job_id={changed}"
    viewer = reader(browser, name="Vera", scopes=["read"])
    for path in (f"/jobs/{changed}", f"/jobs/{changed}/revisions"):
        assert log in Markup(browser.get(path)).values("href"), path
        assert log not in Markup(viewer.get(path)).values("href"), path
    assert "Job changed" in words(browser.get(log))


def test_the_jobs_page_shows_five_changes_and_the_history_all(browser: Browser) -> None:
    """The fifth says what it changed, too."""
    job_id = make_job(browser, **WEBHOOK)
    for number in range(6):
        body = {**WEBHOOK, "name": f"name {number}"}
        assert browser.send("PUT", f"/scheduler/jobs/{job_id}", body).status_code == 200
    section = browser.get(f"/jobs/{job_id}").text.partition('id="changes"')[2].partition("</section>")[0]
    assert section.count("/revisions/") == 5 and section.count(">Name<") == 5
    assert "7 revisions" in words(browser.get(f"/jobs/{job_id}/revisions"))


def test_two_revisions_are_compared_field_by_field(browser: Browser, changed: str) -> None:
    """Old and new side by side, in either direction; no secret stands there."""
    assert "From revision" not in words(browser.get(f"/jobs/{changed}/revisions"))
    page = browser.get(f"/jobs/{changed}/revisions?from=1&to=2")
    check(page)
    said = words(page)
    assert "From revision 1 to 2" in said
    assert 'bot_config.headers – { "X-Edition": "evening" }' in said and "expected_status – [ 200, 204 ]" in said
    assert "Hour schedule_config.hour 8 9" in said and "Try again after a failure options.max_retries 0 3" in said
    assert SECRET not in page.text and "[BOT_SECRET_HOOK]" in page.text
    assert "Hour schedule_config.hour 9 8" in words(browser.get(f"/jobs/{changed}/revisions?from=2&to=1"))
    assert "Nothing differs" in words(browser.get(f"/jobs/{changed}/revisions?from=2&to=2"))
    assert browser.get(f"/jobs/{changed}/revisions?from=9&to=2").status_code == 404
    assert browser.get(f"/jobs/{changed}/revisions?from=x").status_code == 400


def test_a_revision_shows_what_it_changed_and_what_restoring_would(browser: Browser, changed: str) -> None:
    """The present one is not restored; hostile names are text; secrets are left out."""
    page = browser.get(f"/jobs/{changed}/revisions/2")
    check(page)
    assert SECRET not in page.text and "[BOT_SECRET_HOOK]" in page.text and "<img src=x" not in page.text
    restoring = words(page).partition("What restoring changes")[2].partition("What this revision changed")[0]
    assert "Name" in restoring and "Tell" in restoring and "hour" not in restoring
    assert f"POST /scheduler/jobs/{changed}/revisions/2/restore" in requests(page)
    assert Markup(page).values("data-revision") == ["3"]
    first, present = browser.get(f"/jobs/{changed}/revisions/1"), browser.get(f"/jobs/{changed}/revisions/3")
    assert "It created the job" in words(first)
    assert "as it is now" in words(present) and "louder" in words(present)
    assert not [request for request in requests(present) if "restore" in request]
    for unknown in ("4", "0", "x", "٣", "9" * 30):
        assert browser.get(f"/jobs/{changed}/revisions/{unknown}").status_code == 404


def test_a_restored_revision_says_from_which_one(browser: Browser, changed: str) -> None:
    """In the history's row and on its own page, beside what it changed; the first one says who created the job."""
    assert browser.send("POST", f"/scheduler/jobs/{changed}/revisions/1/restore").status_code == 200
    page = browser.get(f"/jobs/{changed}/revisions")
    check(page)
    newest, *former = page.text.partition('id="revisions"')[2].split("<tr>")[2:]
    assert ">restored from 1</span>: " in newest and "Name" in newest
    assert len(former) == 3 and not any("restored" in row for row in former)
    assert "the root key" in former[-1] and "created" in former[-1]
    assert "restored from 1" in words(browser.get(f"/jobs/{changed}/revisions/4"))


def test_who_may_only_read_sees_the_history_and_restores_nothing(browser: Browser, changed: str) -> None:
    """Nor deleted jobs."""
    deleted = make_job(browser, **WEBHOOK)
    assert browser.send("DELETE", f"/scheduler/jobs/{deleted}").status_code == 204
    viewer = reader(browser, name="viewer", scopes=["read"])
    for path in (f"/jobs/{changed}/revisions", f"/jobs/{changed}/revisions/1", "/jobs/deleted"):
        page = viewer.get(path)
        assert page.status_code == 200 and requests(page) == [], path


def test_a_run_leads_to_the_revision_that_it_ran_with(browser: Browser, redis_client: Redis) -> None:
    """And says who asked for it."""
    job_id = make_job(browser, **WEBHOOK)
    run_id = run(browser, Rig.on(redis_client), job_id, Outcome("success"))
    assert browser.send("PUT", f"/scheduler/jobs/{job_id}", {**WEBHOOK, "name": "later"}).status_code == 200
    page = browser.get(f"/jobs/{job_id}/runs/{run_id}")
    assert f"/jobs/{job_id}/revisions/1" in Markup(page).values("href")
    assert "a request by the root key" in words(page)
    waiting = str(browser.send("POST", f"/scheduler/jobs/{job_id}/run").json["run_id"])
    ana = reader(browser, name="Ana", scopes=["read", "run"])
    assert ana.send("POST", f"/scheduler/jobs/{job_id}/runs/{waiting}/cancel").status_code == 200
    cancelled = words(browser.get(f"/jobs/{job_id}/runs/{waiting}"))
    assert "Last request by Ana" in cancelled and "a request by" not in cancelled
    assert "name: Tell" in browser.get(f"/jobs/{job_id}/revisions/1").text


def test_deleted_jobs_are_listed_with_who_deleted_them_and_until_when(browser: Browser) -> None:
    """A limited key sees its own; once restored, a job is not listed."""
    assert "No deleted jobs" in words(browser.get("/jobs/deleted"))
    ana = reader(browser, name="Ana", scopes=["read", "write"])
    ours = make_job(browser, **{**WEBHOOK, "name": HOSTILE, "labels": {"team": "crm"}})
    theirs = make_job(browser, **{**WEBHOOK, "name": "theirs", "enabled": False})
    assert ana.send("DELETE", f"/scheduler/jobs/{ours}").status_code == 204
    assert browser.send("DELETE", f"/scheduler/jobs/{theirs}").status_code == 204
    page = browser.get("/jobs/deleted")
    check(page)
    said = words(page)
    assert "theirs" in said and "alert(1)" in said and "Ana" in said and "the root key" in said and "08:00" in said
    assert set(requests(page)) == {f"POST /scheduler/deleted/{job}/restore" for job in (ours, theirs)}
    asks = dict(zip(requests(page), Markup(page).values("data-restore"), strict=True))
    assert "disabled" in asks[f"POST /scheduler/deleted/{theirs}/restore"]
    assert "runs again when it is due" in asks[f"POST /scheduler/deleted/{ours}/restore"]
    team = reader(browser, name="team", scopes=["read", "write"], labels={"team": ["crm"]})
    assert requests(team.get("/jobs/deleted")) == [f"POST /scheduler/deleted/{ours}/restore"]
    assert team.send("POST", f"/scheduler/deleted/{ours}/restore").status_code == 201
    assert requests(browser.get("/jobs/deleted")) == [f"POST /scheduler/deleted/{theirs}/restore"]


def test_the_list_of_deleted_jobs_goes_on_page_by_page(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job is on one page."""
    monkeypatch.setattr("service.web.console.history.deleted_jobs.PAGE", 2)
    ids = [make_job(browser, **WEBHOOK) for _ in range(3)]
    for job_id in ids:
        assert browser.send("DELETE", f"/scheduler/jobs/{job_id}").status_code == 204
    first = browser.get("/jobs/deleted")
    (older,) = {link for link in Markup(first).values("href") if "cursor=" in link}
    assert len(requests(first) + requests(browser.get(older))) == 3
    assert "/jobs/deleted" in Markup(browser.get(older)).values("href")


def test_an_open_run_about_persons_is_not_followed_without_the_scope(browser: Browser) -> None:
    """Its stream would answer 403; the page looks again by itself instead."""
    job_id = make_job(browser, name="Greet", bot_type="birthday", schedule_type="daily",
                      schedule_config={"hour": 8, "minute": 0}, bot_config={})  # fmt: skip
    run_id = str(browser.send("POST", f"/scheduler/jobs/{job_id}/run").json["run_id"])
    path = f"/jobs/{job_id}/runs/{run_id}"
    assert Markup(browser.get(path)).values("data-events") == [f"{path}/events"]
    viewer = Markup(reader(browser, name="viewer", scopes=["read"]).get(path))
    assert viewer.values("data-events") == [] and "5" in viewer.values("data-every")
