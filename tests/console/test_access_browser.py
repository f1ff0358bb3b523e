"""Keys, sessions and the audit log in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect

from service.domain.access.scopes import Scope
from tests.support.api import Api
from tests.support.chromium import Complaints, address, reader
from tests.support.installation import API_KEY, Installation
from tests.support.processes import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]

EVERYTHING = [scope.value for scope in Scope]
CLIPBOARD = ["clipboard-read", "clipboard-write"]


def make(installation: Installation, name: str, scopes: list[str], **terms: Any) -> dict[str, Any]:
    """A new key: its record, and its text."""
    status, made = installation.call("POST", "/keys", {"name": name, "scopes": scopes, **terms})
    assert status == 201, made
    return dict(made)


def status_with(installation: Installation, key: str) -> int:
    """How the API answers a key."""
    return Api(installation.port, key).call("GET", "/keys/me")[0]


def is_signed_in(context: BrowserContext) -> bool:
    """Whether a browser's session is still open, as the process knows within a second."""
    return bool(context.request.get("/session").json()["signed_in"])


@contextmanager
def visitor(browser: Browser, installation: Installation, key: str, **options: Any) -> Iterator[Page]:
    """A page of somebody who is signed in with a key; nothing may go wrong behind it."""
    context = reader(browser, installation, **options)
    sent = context.request.post("/sign-in", form={"key": key}, headers={"Origin": address(installation)})
    assert sent.ok, sent.text()
    page = context.new_page()
    complaints = Complaints(page, address(installation))
    yield page
    context.close()
    assert complaints.found == []


def make_here(page: Page, name: str) -> str:
    """Fills the form in, and creates a key that may run jobs. Returns its text."""
    page.goto("/access")
    page.get_by_role("link", name="New key").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("radio", name="Operator").check()
    page.get_by_role("button", name="Create").click()
    text = page.locator("#secret-text")
    expect(text).to_have_text(re.compile(r"^bsk_\w{10}_\w{49}$"))
    return str(text.text_content())


def test_a_key_is_shown_once_and_works_until_it_is_revoked(page: Page, installation: Installation) -> None:
    """Made, copied, used, rotated with an overlap, rotated at once, revoked: the API says the same each time."""
    page.context.grant_permissions(CLIPBOARD)
    first = make_here(page, "On call")
    expect(page.get_by_text("This page shows it once.")).to_be_visible()
    expect(page.locator("#secret")).to_be_focused()
    expect(page.locator("#key-form")).to_be_hidden()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == first
    assert Api(installation.port, first).call("GET", "/keys/me")[1]["scopes"] == ["read", "run"]
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="On call").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("On call")
    assert first not in page.content()

    page.get_by_label("The former secret stops working").select_option(label="after 1 hour")
    page.get_by_role("button", name="Rotate").click()
    expect(page.get_by_text("The former secret stops working after 1 hour.")).to_be_visible()
    second = page.locator("#secret-text").text_content() or ""
    assert second != first and status_with(installation, first) == status_with(installation, second) == 200

    page.get_by_role("button", name="Copy").click()
    page.goto("/access")
    expect(page.locator("tr", has_text="On call")).to_contain_text("two secrets")
    page.get_by_role("link", name="On call").click()
    page.get_by_label("The former secret stops working").select_option(label="at once")
    page.get_by_role("button", name="Rotate").click()
    expect(page.locator("#secret-text")).to_contain_text("bsk_")
    third = page.locator("#secret-text").text_content() or ""
    until(lambda: status_with(installation, second) == 401, 30)
    assert status_with(installation, third) == 200

    page.get_by_role("button", name="Copy").click()
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="On call").click()
    page.get_by_role("button", name="Revoke").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Revoke “On call”?")
    dialog.get_by_role("button", name="Cancel").click()
    assert status_with(installation, third) == 200
    page.get_by_role("button", name="Revoke").click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("“On call” revoked")).to_be_visible()
    expect(page.locator("#list")).not_to_contain_text("On call")
    until(lambda: status_with(installation, third) == 401, 30)


def test_a_key_for_feeds_is_shown_as_an_address(page: Page, installation: Installation) -> None:
    """With a label of the jobs as its limit, at a click; the address works, and its rotation gives another one."""
    labelled = installation.make_job(labels={"team": "crm"})
    page.goto("/access/keys/new")
    page.get_by_label("Name", exact=True).fill("Wall calendar")
    page.get_by_role("radio", name="Calendar feed").check()
    expect(page.get_by_role("checkbox", name="See jobs and runs")).not_to_be_checked()
    page.get_by_role("button", name="team:crm").click()
    page.get_by_role("button", name="team:crm").click()
    expect(page.get_by_label("Only jobs with these labels")).to_have_value("team:crm")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Copy the feed's address now")).to_be_visible()
    text = page.locator("#secret-text")
    expect(text).to_have_text(re.compile(r"^http://.*/feed/bsk_\w{10}_\w{49}\.ics$"))
    first = text.text_content() or ""
    assert "BEGIN:VCALENDAR" in page.request.get(first).text()
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Wall calendar").click()
    expect(page.get_by_role("radio", name="Calendar feed")).to_be_checked()
    assert first not in page.content()
    page.get_by_role("button", name="Rotate").click()
    expect(text).to_have_text(re.compile(r"/feed/bsk_"))
    assert text.text_content() != first
    page.get_by_role("button", name="Copy").click()
    installation.call("DELETE", f"/jobs/{labelled}")


def test_addresses_for_pings_are_made_on_the_form_and_on_the_jobs_page(page: Page, installation: Installation) -> None:
    """The form asks for the job once such a key is chosen; each address takes a ping."""
    watched = installation.make_job(name="Backup", bot_type="heartbeat", bot_config={})
    page.goto("/access/keys/new")
    page.get_by_label("Name", exact=True).fill("Its script")
    job = page.get_by_label("Runs of this job")
    expect(job).to_be_hidden()
    page.get_by_role("checkbox", name="See jobs and runs").uncheck()
    page.get_by_role("checkbox", name="Report runs").check()
    job.select_option(label="Backup")
    page.get_by_role("button", name="Create").click()
    made = page.locator("#secret-text")
    expect(made).to_have_text(re.compile(r"/ping/bsk_"))
    addresses = [made.text_content() or ""]
    page.get_by_role("button", name="Copy").click()
    page.goto(f"/jobs/{watched}")
    page.get_by_role("button", name="Make an address for pings").click()
    expect(page.locator("#ping-lines")).to_contain_text("/fail")
    addresses.append(page.locator("#ping-address").text_content() or "")
    assert [page.request.get(one).json()["status"] for one in addresses] == ["success", "success"]
    installation.call("DELETE", f"/jobs/{watched}")


def test_a_secret_stays_nowhere(page: Page) -> None:
    """Not after a reload, not on the page before, not in the browser's storage. Leaving without it asks first."""
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    secret = make_here(page, "Kept nowhere")
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])")
    assert secret not in stored
    page.reload()
    assert asked == ["beforeunload"]
    assert secret not in page.content() and page.locator("#secret").is_hidden()
    secret = make_here(page, "Not by going back")
    page.goto("/access")
    page.go_back()
    expect(page.locator("h1")).to_have_text("New key")
    assert secret not in page.content()


def test_a_set_chooses_scopes_and_scopes_find_their_set(page: Page) -> None:
    """What is beside all sets is one's own choice."""
    page.goto("/access/keys/new")
    scopes = page.locator("[name=scope]:checked")
    sets = page.get_by_role("radiogroup", name="Sets of permissions")
    for name, count in (("Editor", 3), ("Admin", len(EVERYTHING)), ("Viewer", 1), ("Operator", 2)):
        sets.get_by_label(name).check()
        expect(scopes).to_have_count(count)
    page.get_by_label("Change jobs").check()
    expect(sets.get_by_label("Editor")).to_be_checked()
    page.get_by_label("Send test messages").check()
    expect(sets.get_by_label("Own choice")).to_be_checked()
    expect(scopes).to_have_count(4)
    page.get_by_label("Send test messages").uncheck()
    expect(sets.get_by_label("Editor")).to_be_checked()


def test_limits_expiry_and_note_are_kept(page: Page, installation: Installation) -> None:
    """Several values of a label, a bot, a day at a click."""
    page.goto("/access/keys/new")
    page.get_by_label("Name", exact=True).fill("Limited")
    page.get_by_label("Only jobs with these labels").fill("team:crm\n team: ops \nsite:vienna")
    page.get_by_role("checkbox", name="webhook").check()
    page.get_by_role("button", name="In 30 days").click()
    page.get_by_label("Note").fill("for the wallboard")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#secret-text")).to_contain_text("bsk_")
    key = Api(installation.port, page.locator("#secret-text").text_content() or "").call("GET", "/keys/me")[1]
    assert key["labels"] == {"team": ["crm", "ops"], "site": ["vienna"]} and key["bot_types"] == ["webhook"]
    assert key["note"] == "for the wallboard" and key["expires_at"] is not None


def test_what_is_wrong_is_told_beside_its_field(page: Page) -> None:
    """By the page, and by the API; nothing that was typed is lost."""
    page.goto("/access/keys/new")
    page.get_by_label("Only jobs with these labels").fill("crm")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#error-labels")).to_contain_text("Must have one label on each line")
    expect(page.get_by_label("Only jobs with these labels")).to_be_focused()
    page.get_by_label("Only jobs with these labels").fill("team:crm")
    expect(page.locator("#error-labels")).to_be_hidden()
    page.get_by_label("Expires").fill("2001-01-01T00:00:00")
    page.get_by_label("See jobs and runs").uncheck()
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#error-name")).to_be_visible()
    expect(page.locator("#error-expires_at")).to_contain_text("Must be after now")
    expect(page.locator("#error-scopes")).to_contain_text("not an empty list")
    expect(page.get_by_role("alert")).to_contain_text("The reasons are next to the fields")
    expect(page.get_by_label("Only jobs with these labels")).to_have_value("team:crm")


def test_only_what_was_changed_is_sent(page: Page, installation: Installation) -> None:
    """So that two people who edit a key undo nothing of each other's; and a restored form is not taken for stored."""
    key = make(installation, "Shared", ["read"], labels={"a.b": ["c"], "team": ["crm"]}, note="first")
    page.goto(f"/access/keys/{key['id']}")
    assert (
        installation.call("PUT", f"/keys/{key['id']}", {"note": "second", "expires_at": "2999-01-01T00:00:00"})[0]
        == 200
    )
    page.get_by_label("Name", exact=True).fill("Shared by two")
    page.get_by_label("Run jobs").check()
    with page.expect_request(lambda request: request.method == "PUT") as sent:
        page.get_by_role("button", name="Save").click()
    assert sent.value.post_data_json == {"name": "Shared by two", "scopes": ["read", "run"]}
    expect(page.get_by_text("“Shared by two” saved")).to_be_visible()
    stored = installation.call("GET", f"/keys/{key['id']}")[1]
    assert stored["note"] == "second" and stored["labels"] == {"a.b": ["c"], "team": ["crm"]}
    page.goto(f"/access/keys/{key['id']}")
    page.get_by_role("button", name="Never").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“Shared by two” saved")).to_be_visible()
    assert installation.call("GET", f"/keys/{key['id']}")[1]["expires_at"] is None


def test_a_limited_admin_makes_keys_within_its_own(browser: Browser, installation: Installation) -> None:
    """The limits are filled in; what would exceed them is told beside its field, and what does not is made."""
    terms = {"labels": {"team": ["crm"]}, "bot_types": ["webhook"], "expires_at": "2998-01-01T00:00:00"}
    key = make(installation, "Team lead", ["read", "admin"], **terms)
    with visitor(browser, installation, key["key"]) as page:
        page.goto("/access/keys/new")
        expect(page.locator("[name=scope]")).to_have_count(2)
        page.get_by_label("Name", exact=True).fill("Team member")
        expect(page.get_by_label("Expires")).to_have_value(re.compile("^2998-01-01T01:00"))
        page.get_by_label("Expires").fill("")
        page.get_by_role("checkbox", name="webhook").uncheck()
        page.get_by_role("button", name="Create").click()
        expect(page.locator("#error-expires_at")).to_contain_text("2998-01-01 01:00:00, when your own key expires")
        expect(page.locator("#error-bot_types")).to_contain_text("Must be one or more")
        page.get_by_label("Expires").fill("2030-01-01T00:00:00")
        page.get_by_role("checkbox", name="webhook").check()
        page.get_by_label("Only jobs with these labels").fill("")
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("alert")).to_contain_text("the other key would reach more")
        page.get_by_label("Only jobs with these labels").fill("team:crm")
        page.get_by_role("button", name="Create").click()
        expect(page.locator("#secret-text")).to_contain_text("bsk_")


def test_an_expiry_is_read_and_shown_in_the_readers_zone(page: Page, installation: Installation) -> None:
    """Which the form names; the service has it in UTC. What is opened and saved stays as it is."""
    page.context.grant_permissions(CLIPBOARD)
    page.goto("/access/keys/new")
    expect(page.locator("#hint-expires")).to_contain_text("In your time zone, Europe/Vienna.")
    page.get_by_label("Name", exact=True).fill("Ends at New Year")
    page.get_by_label("Expires").fill("2030-01-01T00:00:00")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#secret-text")).to_contain_text("bsk_")
    key = Api(installation.port, page.locator("#secret-text").text_content() or "").call("GET", "/keys/me")[1]
    assert key["expires_at"] == "2029-12-31T23:00:00"
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    page.goto(f"/access/keys/{key['id']}")
    expect(page.get_by_label("Expires")).to_have_value(re.compile("^2030-01-01T00:00"))
    page.get_by_label("Note").fill("soon")
    with page.expect_request(lambda request: request.method == "PUT") as sent:
        page.get_by_role("button", name="Save").click()
    assert sent.value.post_data_json == {"note": "soon"}
    expect(page.get_by_text("“Ends at New Year” saved")).to_be_visible()
    page.goto(f"/access/keys/{key['id']}")
    page.get_by_label("Expires").fill("2020-07-01T12:00:00")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#error-expires_at")).to_contain_text("not Wed 2020-07-01 12:00:00")
    page.get_by_role("button", name="In 30 days").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“Ends at New Year” saved")).to_be_visible()
    ends = datetime.fromisoformat(installation.call("GET", f"/keys/{key['id']}")[1]["expires_at"]).replace(tzinfo=UTC)
    assert timedelta(days=29, hours=23) < ends - datetime.now(UTC) <= timedelta(days=30)


def test_sessions_are_ended_together(page: Page, browser: Browser, installation: Installation) -> None:
    """The selected ones, all of a key, all but mine; each after a question, and the lists follow."""
    ana, kim = make(installation, "Ann", ["read"]), make(installation, "Tim", ["read"])
    with ExitStack() as stack:
        anns = [stack.enter_context(visitor(browser, installation, ana["key"])) for _ in range(3)]
        tims = [stack.enter_context(visitor(browser, installation, kim["key"])) for _ in range(2)]
        page.goto("/access/sessions")
        others = page.locator("#others")
        others.get_by_role("button", name="End selected").click()
        expect(page.get_by_text("Select at least one session")).to_be_visible()
        page.get_by_role("button", name="Close").click()
        others.locator("[data-session]", has_text="Tim").first.get_by_role("checkbox").check()
        others.locator("[data-session]", has_text="Ann").first.get_by_role("checkbox").check()
        others.get_by_role("button", name="End selected").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        others.get_by_role("button", name="End selected").click()
        page.get_by_role("dialog").get_by_role("button", name="End").click()
        expect(page.get_by_text("2 sessions ended")).to_be_visible()
        expect(others.locator("[data-session]", has_text="Ann")).to_have_count(2)
        expect(others.locator("[data-session]", has_text="Tim")).to_have_count(1)
        others.get_by_label("Key", exact=True).select_option(label="Ann (2)")
        others.get_by_role("button", name="Show").click()
        others.get_by_role("button", name="End all of “Ann” (2)").click()
        expect(page.get_by_role("dialog")).to_contain_text("End all sessions of “Ann”?")
        page.get_by_role("dialog").get_by_role("button", name="End").click()
        expect(others.locator("[data-session]", has_text="Ann")).to_have_count(0)
        until(lambda: not any(is_signed_in(one.context) for one in anns), 30)
        assert sum(is_signed_in(one.context) for one in tims) == 1
        page.locator("#own").get_by_label("Select all sessions here").check()
        expect(page.locator("#own [name=session]:not(:checked)")).to_have_count(0)
        others.get_by_role("button", name="End all but mine").click()
        page.get_by_role("dialog").get_by_role("button", name="End").click()
        expect(page.locator("[data-session]")).to_have_count(1)
        assert is_signed_in(page.context) and not any(is_signed_in(one.context) for one in tims)


def test_who_revokes_or_rotates_ones_own_key_is_told(browser: Browser, installation: Installation) -> None:
    """The new secret is shown though the session has ended; revoking leads to the sign-in."""
    key = make(installation, "My own", EVERYTHING)
    with visitor(browser, installation, key["key"]) as page:
        page.goto(f"/access/keys/{key['id']}")
        expect(page.get_by_text("You are signed in with this key: once")).to_be_visible()
        page.get_by_label("The former secret stops working").select_option(label="at once")
        page.get_by_role("button", name="Rotate").click()
        expect(page.locator("#secret-text")).to_contain_text("bsk_")
        secret = page.locator("#secret-text").text_content() or ""
        until(lambda: not is_signed_in(page.context), 30)
        assert page.locator("#secret-text").text_content() == secret
    with visitor(browser, installation, secret) as page:
        page.goto(f"/access/keys/{key['id']}")
        page.get_by_role("button", name="Revoke").click()
        expect(page.get_by_role("dialog")).to_contain_text("so you are signed out, too")
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        page.wait_for_url("**/sign-in")
        until(lambda: not is_signed_in(page.context), 30)


def test_a_session_is_ended_from_another_browser(page: Page, browser: Browser, installation: Installation) -> None:
    """One's own, and as an admin anybody's; the others go on."""
    kim = make(installation, "Kim", ["read"])
    with visitor(browser, installation, API_KEY) as second, visitor(browser, installation, kim["key"]) as third:
        page.goto("/access/sessions")
        before = page.locator("#own [data-session]").count()
        page.locator("#others [data-session]", has_text="Kim").get_by_role("button").click()
        expect(page.get_by_text("Session ended")).to_be_visible()
        expect(page.locator("#others")).not_to_contain_text("Kim")
        until(lambda: not is_signed_in(third.context), 30)
        assert is_signed_in(second.context)
        page.locator("#own [data-session]:not([data-current])").get_by_role("button", name="End").first.click()
        expect(page.locator("#own [data-session]")).to_have_count(before - 1)
        assert is_signed_in(page.context)


def test_signing_out_everywhere_ends_all_sessions_of_ones_key(browser: Browser, installation: Installation) -> None:
    """Also those that began since the page was opened; nobody else's, and not the key."""
    lee, other = make(installation, "Lee", ["read"]), make(installation, "Other", ["read"])
    with visitor(browser, installation, lee["key"]) as page, visitor(browser, installation, other["key"]) as stays:
        page.goto("/access/sessions")
        expect(page.locator("#own [data-session]")).to_have_count(1)
        assert page.locator("#others").count() == 0
        with visitor(browser, installation, lee["key"]) as second, visitor(browser, installation, lee["key"]) as third:
            page.get_by_role("button", name="Sign out everywhere").click()
            page.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
            page.wait_for_url("**/sign-in")
            until(lambda: not any(map(is_signed_in, (page.context, second.context, third.context))), 30)
        assert is_signed_in(stays.context) and status_with(installation, lee["key"]) == 200


def test_the_audit_log_is_filtered_and_read(page: Page, browser: Browser, installation: Installation) -> None:
    """By a click on who; by the form; refusals apart. Changed fields are readable, the many folded."""
    job = installation.make_job(name="Wallboard")
    eve = make(installation, "Eve", ["read", "write"])
    api = Api(installation.port, eve["key"])
    assert api.call("PUT", f"/jobs/{job}", {"name": "Board"}, headers={"X-Change-Note": "shorter"})[0] == 200
    assert api.call("GET", "/keys")[0] == 403
    page.goto("/access/audit")
    rows = page.locator("[data-entry]")
    rows.first.get_by_role("link", name="Eve").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Job changed")
    expect(rows).to_contain_text("“shorter”")
    expect(rows.locator(".changes del")).to_have_text("Wallboard")
    expect(rows.locator(".changes ins")).to_have_text("Board")
    rows.get_by_text("Details").click()
    expect(rows).to_contain_text("1 → 2")
    rows.get_by_role("link", name="only this job").click()
    expect(page.get_by_label("Job")).to_have_value(job)
    expect(page.get_by_label("Who")).to_have_value(eve["id"])

    page.get_by_label("Who").fill("")
    page.get_by_label("Action").select_option("job.create")
    page.get_by_label("Job").fill(job)
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Job created")
    summary = rows.locator("summary").first
    expect(rows.get_by_text("bot_type")).to_be_hidden()
    summary.click()
    expect(rows.get_by_text("bot_type")).to_be_visible()
    page.get_by_label("To (Europe/Vienna)").fill("2001-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No entries found")).to_be_visible()
    assert "zone=Europe%2FVienna" in page.url and "actor=" not in page.url
    page.goto(page.url.replace("Europe%2FVienna", "Asia/Tokyo"))
    expect(page.get_by_label("To (Asia/Tokyo)")).to_have_value("2001-01-01")
    page.get_by_label("Job").fill("no such job")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No job is called “no such job”")).to_be_visible()
    page.get_by_role("link", name="Show entries of all jobs").click()
    expect(page.get_by_text("No entries found")).to_be_visible()
    page.get_by_role("link", name="Show all entries").click()
    expect(rows.first).to_be_visible()

    until(lambda: bool(installation.call("GET", "/audit?action=refused")[1]), 30)
    page.goto("/access/audit?action=refused")
    expect(rows.filter(has_text="Eve")).to_contain_text("GET /scheduler/keys")
