"""What somebody does every day, in a real browser: nothing is lost, nothing runs twice, and the keyboard is enough."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from tests.support.chromium import address, barriers, overflow, reader, sign_in
from tests.support.installation import Installation
from tests.support.processes import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]
LONG = "w" * 200
SMALL = {"width": 360, "height": 780}


@pytest.fixture
def wary(browser: Browser, installation: Installation) -> Iterator[Page]:
    """A page of somebody who is signed in, while the service may be in trouble."""
    context = reader(browser, installation)
    sign_in(context, installation)
    yield context.new_page()
    context.close()


def write(page: Page, name: str) -> None:
    """Begins to write a job."""
    page.goto("/jobs/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Several", exact=True).check()
    page.get_by_role("button", name="Add a schedule").click()
    page.get_by_label("Name (optional)").nth(1).fill("at night")
    page.get_by_text("If it fails or takes long").click()
    page.get_by_label("Give up after").fill("10 min")
    expect(page.locator("#options-0 [data-differs]")).to_have_text("Give up after: 10 min")


def holds(page: Page, name: str) -> None:
    """All of it is there again."""
    expect(page.locator("#draft")).to_contain_text("Your draft is back")
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)
    expect(page.get_by_label("Name (optional)").nth(1)).to_have_value("at night")
    expect(page.locator("#options-0 [data-differs]")).to_have_text("Give up after: 10 min")


def test_a_draft_outlives_a_reload_and_a_session(wary: Page, installation: Installation) -> None:
    """And ends when it is saved, discarded, or its writer signs out."""
    wary.on("dialog", lambda dialog: dialog.accept())
    write(wary, "Kept")
    wary.reload()
    holds(wary, "Kept")
    wary.context.clear_cookies()
    wary.goto("/jobs/new")
    assert wary.url.endswith("/sign-in?next=/jobs/new") or "/sign-in" in wary.url
    sign_in(wary.context, installation)
    wary.goto("/jobs/new")
    holds(wary, "Kept")
    assert barriers(wary) == []
    wary.get_by_role("button", name="Discard it").click()
    expect(wary.get_by_label("Name", exact=True)).to_have_value("")
    write(wary, "Signed out")
    wary.get_by_role("button", name="Sign out").click()
    expect(wary).to_have_url(re.compile("/sign-in"))
    sign_in(wary.context, installation)
    wary.goto("/jobs/new")
    expect(wary.get_by_label("Name", exact=True)).to_have_value("")
    write(wary, "Saved")
    wary.keyboard.press("Control+Enter")
    expect(wary.get_by_role("heading", level=1)).to_contain_text("Saved")
    made = next(job for job in installation.call("GET", "/jobs")[1] if job["name"] == "Saved")
    assert made["options"]["timeout_seconds"] == 600
    wary.goto("/jobs/new")
    expect(wary.locator("#draft")).to_have_count(0)


def test_a_draft_outlives_a_crash_of_its_tab(browser: Browser, wary: Page, installation: Installation) -> None:
    """The process that shows the page is killed, and the page loaded again."""
    write(wary, "Crashed")
    tab = wary.context.new_cdp_session(wary)
    for process in browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]:
        if process["type"] == "renderer":
            os.kill(process["id"], signal.SIGKILL)
    wary.wait_for_event("crash")
    tab.send("Page.reload")
    asked = {"expression": "document.getElementById('name')?.value", "returnByValue": True}
    until(lambda: tab.send("Runtime.evaluate", asked)["result"].get("value") == "Crashed", 30)


@pytest.mark.parametrize(
    "kept",
    [
        "{", "x", "null", "7", "[]", '{"at":1e99,"values":7}', '{"at":NOW,"values":{"name":"A"}}',
        '{"at":NOW,"lists":[]}', '{"at":"x","lists":{},"values":{}}',
        '{"at":NOW,"lists":{"schedule_config.schedules":1e9},"values":{}}',
    ],
)  # fmt: skip
def test_a_damaged_draft_leaves_the_form_as_it_is(page: Page, kept: str) -> None:
    """And the next one takes its place."""
    page.goto("/jobs/new")
    page.on("dialog", lambda dialog: dialog.accept())
    page.evaluate("kept => sessionStorage.setItem('draft root /jobs/new', kept.replace('NOW', Date.now()))", kept)
    page.reload()
    expect(page.locator("#occurrences tbody tr")).to_have_count(10)
    page.get_by_label("Name", exact=True).fill("Anew")
    page.reload()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Anew")


def test_a_draft_of_a_change_meets_the_change_of_somebody_else(page: Page, installation: Installation) -> None:
    """It is a change of the revision that it began with."""
    job_id = installation.make_job(name="Edited twice")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/jobs/{job_id}/edit")
    page.get_by_label("Description").fill("mine")
    assert installation.call("PUT", f"/jobs/{job_id}", {"description": "theirs"})[0] == 200
    page.reload()
    expect(page.get_by_label("Description")).to_have_value("mine")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#summary")).to_contain_text("Somebody else has changed this job")
    page.get_by_role("link", name="Discard my changes").click()
    expect(page.get_by_label("Description")).to_have_value("theirs")


def test_one_click_is_one_run_while_redis_stalls(wary: Page, installation: Installation) -> None:
    """The page says that it may have been asked for; the second click asks for the same run."""
    job_id = installation.make_job(name="Once")
    wary.goto(f"/jobs/{job_id}")
    run = wary.get_by_role("button", name="Run now")
    os.kill(installation.server.pid, signal.SIGSTOP)
    try:
        run.click()
        expect(wary.get_by_role("alert").last).to_contain_text("A run of “Once” may have been asked for.")
    finally:
        os.kill(installation.server.pid, signal.SIGCONT)
    installation.until_healthy()
    expect(run).not_to_have_attribute("aria-busy", "true")
    run.click()
    expect(wary.get_by_role("status").get_by_text(re.compile("^Run of “Once”"))).to_be_visible()
    assert len(installation.history(job_id)) == 1
    expect(run).not_to_have_attribute("aria-busy", "true")
    run.click()
    expect(wary.get_by_text("Run of “Once” queued")).to_be_visible()
    assert len(installation.history(job_id)) == 2


def test_undo_has_the_focus_and_a_key(page: Page, installation: Installation) -> None:
    """It comes back to where it was; so it does with Ctrl+Z, but not while somebody writes."""
    job_id = installation.make_job(name="Undone")
    page.goto(f"/jobs/{job_id}")
    disable, undo = page.get_by_role("button", name="Disable"), page.get_by_role("button", name="Undo")
    disable.click()
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Undone” enabled")).to_be_visible()
    expect(disable).not_to_have_attribute("aria-busy", "true")  # until the page is renewed after the first click
    disable.click()
    expect(undo.last).to_be_focused()
    page.keyboard.press("Control+z")
    until(lambda: installation.call("GET", f"/jobs/{job_id}")[1]["enabled"] is True, 10)
    expect(disable).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile("/jobs$"))
    expect(undo).to_be_focused()
    page.locator("#q").focus()
    page.keyboard.press("Control+z")
    expect(undo).to_be_visible()
    page.locator("h1").click()
    page.keyboard.press("Control+z")
    expect(page.get_by_text("“Undone” was not deleted")).to_be_visible()


def test_an_answer_that_is_out_of_date_is_not_shown(page: Page, installation: Installation) -> None:
    """Whoever undoes at once has two requests for the page under way, and the older one may be answered last."""
    job_id = installation.make_job(name="Twice")
    page.goto(f"/jobs/{job_id}")
    held: list[tuple[Route, APIResponse]] = []

    def hold_what_is_disabled(route: Route) -> None:
        answer = route.fetch()
        if 'data-action="enable"' in answer.text():
            held.append((route, answer))
        else:
            route.fulfill(response=answer)

    page.route(f"**/jobs/{job_id}", hold_what_is_disabled)
    page.get_by_role("button", name="Disable").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Twice” enabled")).to_be_visible()
    until(lambda: page.evaluate("performance.getEntriesByName(location.href, 'resource').length > 0"), 30)
    assert held
    for route, answer in held:
        route.fulfill(response=answer)
    until(lambda: page.evaluate("!document.querySelector('main [aria-busy=true]')"), 30)
    assert page.get_by_role("button", name="Disable").count() == 1


def test_the_keyboard_leads_everywhere(page: Page, installation: Installation) -> None:
    """Letters, which somebody can turn off, and a palette, which finds jobs and does what the page can do."""
    job_id = installation.make_job(name="Found by its name")
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile("/runs$"))
    page.wait_for_load_state()  # the page listens to keys from then on
    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile("/jobs$"))
    page.wait_for_load_state()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Tab")
    page.locator("h1").click()
    page.keyboard.press("j")
    first = page.locator("#list tbody tr a").first
    expect(first).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("#ticked")).to_have_text("1")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog")
    expect(keys).to_contain_text("g j")
    assert barriers(page) == []
    keys.get_by_label("Single letters do this").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.locator("h1")).to_have_text("Jobs")
    page.keyboard.press("Control+k")
    page.keyboard.type("found by")
    expect(page.get_by_role("option", name="Found by its name")).to_be_visible()
    assert barriers(page) == []
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/jobs/{job_id}$"))
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    page.keyboard.type("run now")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Watch")).to_be_visible()


def test_the_palette_finds_contacts_and_every_page(page: Page, installation: Installation) -> None:
    """From anywhere; pages that the navigation lacks only by their names."""
    _, contact = installation.call("POST", "/contacts", {"name": "Paula Found-Anywhere"})
    page.goto("/runs")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option", name="Download CSV On this page")).to_be_visible()
    expect(page.get_by_role("option", name="Audit log Go to")).to_have_count(0)
    for text, name, path in (
        ("anywhere paula", "Paula Found-Anywhere Contact", f"/contacts/{contact['id']}"),
        ("audit", "Audit log Go to", "/access/audit"),
        ("deleted", "Deleted jobs Go to", "/jobs/deleted"),
    ):
        page.goto("/runs")
        page.keyboard.press("Control+k")
        page.keyboard.type(text)
        page.get_by_role("option", name=name, exact=True).click()
        expect(page).to_have_url(re.compile(f"{path}$"))


def test_a_run_shows_what_it_ran_with(page: Page, installation: Installation) -> None:
    """Its revision's settings and those for it alone; another one runs with changes, and a file has them all."""
    job_id = installation.make_job(name="Overlaid", bot_config={"says": "every day"})
    run_id = installation.run_now(job_id, {"bot_config": {"says": "today"}})
    assert installation.until_status(job_id, run_id, "success")["overlay"] == {"says": "today"}
    page.goto(f"/jobs/{job_id}/runs/{run_id}")
    expect(page.locator("#ran-with")).to_contain_text("1 field for this run alone")
    expect(page.locator("#ran-with")).to_contain_text("today for this run")
    page.get_by_role("button", name="Run with changes").click()
    dialog = page.get_by_role("dialog")
    settings = dialog.get_by_label("Settings of the bot")
    settings.fill("{")
    dialog.get_by_role("button", name="Run").click()
    expect(dialog).to_contain_text("Is not valid JSON")
    assert barriers(page) == []
    settings.fill('{"says": "once more"}')
    dialog.get_by_role("button", name="Run").click()
    page.get_by_role("link", name="Watch").click()
    expect(page.locator("#ran-with")).to_contain_text("once more for this run")
    file = page.request.get(f"/runs.csv?trigger=manual&job={job_id}").text()
    assert [row["job"] for row in csv.DictReader(io.StringIO(file))] == ["Overlaid", "Overlaid"]


def test_texts_in_several_languages_are_written_in_fields(page: Page, installation: Installation) -> None:
    """A row more is there as soon as it is needed, and a draft keeps all rows. What is emptied is gone."""
    config = {"dry_run": True, "templates": {"en": {"on_time": "Hi\nAll the best, {{ given_name }}"}}}
    job_id = installation.make_job(name="In languages", bot_type="birthday", bot_config=config)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/jobs/{job_id}/edit")
    rows = page.get_by_role("group", name=re.compile(r"^Your own texts \d$"))
    expect(rows).to_have_count(2)
    rows.nth(1).get_by_label("Language").fill("de")
    expect(rows).to_have_count(3)
    rows.nth(1).get_by_label("Late").fill("Nachträglich\nAlles Gute, {{ given_name }}")
    rows.nth(2).get_by_label("On time").fill("Salut\nBon anniversaire")
    page.reload()
    expect(rows.nth(1).get_by_label("Late")).to_have_value(re.compile("Alles Gute"))
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-error='bot_config.templates']")).to_contain_text("Must have a language beside each text")
    assert barriers(page) == [] and overflow(page) <= 0
    rows.nth(2).get_by_label("Language").fill("fr")
    rows.nth(0).get_by_label("Language").fill("")
    rows.nth(0).get_by_label("On time").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("In languages")
    assert installation.call("GET", f"/jobs/{job_id}")[1]["bot_config"]["templates"] == {
        "de": {"late": "Nachträglich\nAlles Gute, {{ given_name }}"}, "fr": {"on_time": "Salut\nBon anniversaire"},
    }  # fmt: skip


def test_a_name_that_is_taken_is_told(page: Page, installation: Installation) -> None:
    """It is allowed all the same."""
    installation.make_job(name="Taken by somebody")
    page.goto("/jobs/new")
    page.get_by_label("Name", exact=True).fill("taken by SOMEBODY")
    expect(page.locator("#name-taken")).to_contain_text("Another job has this name")
    page.get_by_label("Name", exact=True).fill("Taken by nobody")
    expect(page.locator("#name-taken")).to_be_hidden()


def test_long_names_make_no_page_wider_than_a_small_phone(page: Page, installation: Installation) -> None:
    """Each page that shows one."""
    labels = {"l" * 50: "v" * 50}
    job_id = installation.make_job(
        name=LONG, description=LONG, labels=labels, bot_config={"mode": "raise", "says": LONG}
    )
    run_id = installation.run_now(job_id)
    installation.until_status(job_id, run_id, "failed")
    assert installation.call("PUT", f"/jobs/{job_id}", {"name": f"{LONG[1:]}x"})[0] == 200
    status, pause = installation.call("POST", "/pauses", {"scope": {"job_id": job_id}, "reason": LONG})
    assert status == 201
    contact = {"name": LONG, "emails": [f"{'e' * 60}@example.org"], "birthday": "1990-01-01"}
    status, person = installation.call("POST", "/contacts", contact)
    assert status == 201
    gone = installation.make_job(name=LONG)
    assert installation.call("DELETE", f"/jobs/{gone}")[0] == 204
    key = {"name": "k" * 60, "scopes": ["read"], "labels": {"team": [LONG[:60]]}}
    assert installation.call("POST", "/keys", key)[0] == 201
    page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    wide = {}
    own = f"/jobs/{job_id}"
    for path in (
        "/", "/jobs", own, f"{own}/edit", f"{own}/occurrences", f"{own}/revisions", f"{own}/revisions/1",
        f"{own}/revisions?from=1&to=2", f"{own}/backfills", f"{own}/runs/{run_id}", "/jobs/deleted", "/jobs/new",
        "/runs", "/coming", "/pauses", f"/pauses?job={job_id}", "/contacts", f"/contacts/{person['id']}",
        "/contacts/duplicates", "/alerts", "/access", "/access/audit", f"/access/audit?job_id={job_id}",
        "/access/sessions", "/access/keys/new", "/calendars", "/clock-changes",
    ):  # fmt: skip
        page.goto(path)
        if overflow(page):
            wide[path] = overflow(page)
    assert installation.call("DELETE", f"/pauses/{pause['id']}")[0] == 200
    assert wide == {}


def test_a_line_of_the_list_has_40_pixels(page: Page, installation: Installation) -> None:
    """Whatever a job is called; what can be done comes with the focus, and with the pointer."""
    installation.make_job(name=LONG, labels={"team": "crm", "stage": "live"}, description="short")
    page.goto("/jobs")
    heights = page.locator("#list tbody tr").evaluate_all("rows => rows.map(row => row.getBoundingClientRect().height)")
    assert max(heights) <= 42
    row = page.locator("#list tbody tr", has_text=LONG[:150]).first
    shown = "found => getComputedStyle(found).opacity"
    page.locator("h1").hover()
    assert row.locator(".quick").evaluate(shown) == "0"
    row.locator("a").first.focus()
    assert row.locator(".quick").evaluate(shown) == "1"
    page.locator("h1").click()
    row.hover()
    assert row.locator(".quick").evaluate(shown) == "1"


def test_times_are_relative_and_copied_whole(page: Page, installation: Installation) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address(installation))
    job_id = installation.make_job(name="Due soon")
    page.goto("/jobs?q=Due+soon")
    time = page.locator(f"#job-{job_id} time")
    expect(time).to_have_text(re.compile(r"^in \d+ min$"))
    whole = time.get_attribute("title") or ""
    assert re.fullmatch(r"[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(Europe/Vienna\)", whole)
    page.evaluate("id => getSelection().selectAllChildren(document.getElementById(id))", f"job-{job_id}")
    page.keyboard.press("Control+c")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert whole.removesuffix(" (Europe/Vienna)") in copied and "in " not in copied
    expect(time).to_have_text(re.compile(r"^in \d+ min$"))


def test_a_field_that_is_needed_says_so(page: Page, installation: Installation) -> None:
    """Before anything is sent."""
    page.goto("/jobs/new")
    page.get_by_role("button", name="Create job").click()
    expect(page.locator("#error-name")).to_have_text("Must not be empty")
    page.goto("/pauses")
    page.locator("#pause-form").get_by_role("button", name="Pause").click()
    expect(page.locator("#error-reason")).to_have_text("Must not be empty")
