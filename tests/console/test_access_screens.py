"""The pages about access are for everybody: by keyboard, on a small phone, with hostile names, in both colours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from service.domain.access.scopes import Scope
from tests.support.api import Api
from tests.support.chromium import Complaints, address, barriers, overflow, reader, sign_in
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]

EVERYTHING = [scope.value for scope in Scope]
SMALL = {"width": 360, "height": 740}
EVIL = "</script><script>ran()</script><img src=/ran onerror=ran()>'\"<svg onload=ran()>"
LONG = "w" * 200
LIVE = "document.querySelectorAll(\"main script, [src$='/ran'], [onerror], [onload]\").length"
"""Counts what the hostile name would be as a part of the page."""

BROKEN = """found => found.filter((one) => {
  const text = document.createRange();
  text.selectNodeContents(one);
  const lines = new Set([...text.getClientRects()].map((line) => line.top));
  return lines.size > one.textContent.trim().split(/\\s+/).length;
}).map((one) => one.textContent)"""
"""Finds the texts that have more lines than words."""


@pytest.fixture(scope="module")
def key(installation: Installation) -> dict[str, Any]:
    """A key with a hostile name and everything that a key can have; beside it a long one, and what they did."""
    terms = {"labels": {LONG[:63]: [LONG[:63]], "team": ["crm"]}, "bot_types": ["webhook"], "note": EVIL}
    status, made = installation.call("POST", "/keys", {"name": EVIL, "scopes": EVERYTHING, **terms})
    assert status == 201, made
    long = installation.call("POST", "/keys", {"name": LONG, "scopes": EVERYTHING, "note": LONG})[1]
    assert installation.call("POST", f"/keys/{made['id']}/rotate", {"overlap_seconds": 3600})[0] == 200
    for name in (EVIL, LONG):
        job = installation.make_job(name=name, description=LONG)
        changed = {"name": f"{name[:190]} new"}
        api = Api(installation.port, long["key"])
        assert api.call("PUT", f"/jobs/{job}", changed, headers={"X-Change-Note": LONG})[0] == 200
    return dict(made)


@pytest.fixture(params=["light", "dark"])
def small(request: pytest.FixtureRequest, browser: Browser, installation: Installation) -> Iterator[Page]:
    """A page of somebody with a small phone, a hostile browser, and a second one that is signed in."""
    options = {"color_scheme": request.param, "viewport": SMALL, "user_agent": f"{EVIL} {LONG}"}
    others = reader(browser, installation, **options)
    context = reader(browser, installation, **options)
    sign_in(others, installation)
    sign_in(context, installation)
    page = context.new_page()
    ran: list[str] = []
    page.expose_function("ran", lambda: ran.append(page.url))
    complaints = Complaints(page, address(installation))
    yield page
    context.close()
    others.close()
    assert (complaints.found, ran) == ([], [])


@pytest.mark.parametrize(
    "path", ["/access", "/access/keys/new", "/access/keys/{id}", "/access/sessions", "/access/audit"]
)
def test_a_screen_is_for_everybody(small: Page, key: dict[str, Any], path: str) -> None:
    """axe-core finds nothing grave; nothing is wider than the phone, or the desk; hostile names are text."""
    small.goto(path.format(**key))
    small.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    assert small.evaluate(LIVE) == 0
    assert overflow(small) == 0
    assert barriers(small) == []
    if path != "/access/keys/new":
        shown = "document.body.textContent + [...document.querySelectorAll('input, textarea')].map(f => f.value).join()"
        assert EVIL in small.evaluate(shown)
    small.set_viewport_size({"width": 1280, "height": 900})
    assert overflow(small) == 0
    assert barriers(small) == []


def test_what_shows_when_somebody_acts_is_for_everybody(small: Page, key: dict[str, Any]) -> None:
    """The secret, the errors, and the questions."""
    small.goto("/access/keys/new")
    small.get_by_label("Only jobs with these labels").fill("crm")
    small.get_by_role("button", name="Create").click()
    small.locator("#error-labels:visible").wait_for()
    assert barriers(small) == [] and overflow(small) == 0
    small.get_by_label("Only jobs with these labels").fill("")
    small.get_by_label("Name", exact=True).fill(EVIL)
    small.get_by_role("button", name="Create").click()
    expect(small.locator("#secret-text")).to_contain_text("bsk_")
    assert barriers(small) == [] and overflow(small) == 0
    small.goto(f"/access/keys/{key['id']}")
    small.get_by_role("button", name="Revoke").click()
    expect(small.get_by_role("dialog")).to_contain_text(f"Revoke “{EVIL}”?")
    assert barriers(small) == [] and overflow(small) == 0
    small.keyboard.press("Escape")
    small.goto("/access/sessions")
    small.get_by_role("button", name="Sign out everywhere").click()
    expect(small.get_by_role("dialog")).to_be_visible()
    assert barriers(small) == [] and overflow(small) == 0


def test_long_names_leave_other_columns_room(small: Page, key: dict[str, Any], installation: Installation) -> None:
    """At the desk, no column is so narrow that a date or an address breaks within."""
    terms = {"name": "Soon over", "scopes": ["read"], "expires_at": "2998-01-01T00:00:00"}
    assert installation.call("POST", "/keys", terms)[0] == 201
    small.set_viewport_size({"width": 1280, "height": 900})
    for path in ("/access", "/access/sessions", "/access/audit"):
        small.goto(path)
        parts = small.locator("td time, td .address, td.address")
        assert parts.count() > 0
        assert parts.evaluate_all(BROKEN) == [], path


def test_the_present_section_is_in_sight_on_a_phone(small: Page) -> None:
    """The sections are wider than the phone, and scroll."""
    for path in ("/", "/access"):
        small.goto(path)
        expect(small.locator(".sections [aria-current]")).to_be_in_viewport(ratio=1)


def reach(page: Page, name: str) -> None:
    """Presses Tab until the focus is on the element with this name."""
    for _ in range(80):
        page.keyboard.press("Tab")
        active = "e => (e.labels?.[0] ?? e).textContent.trim()"
        if page.evaluate(f"({active})(document.activeElement)") == name:
            return
    raise AssertionError(f"Tab never reaches {name}")


def test_a_key_is_made_and_revoked_by_keyboard(page: Page, installation: Installation) -> None:
    """The focus goes where the next thing is; Escape leaves the question, and the focus is back on its button."""
    page.goto("/access")
    reach(page, "New key")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Operator")).to_be_checked()
    reach(page, "Create")
    page.keyboard.press("Enter")
    expect(page.locator("#secret")).to_be_focused()
    secret = page.locator("#secret-text").text_content() or ""
    assert Api(installation.port, secret).call("GET", "/keys/me")[1]["scopes"] == ["read", "run"]
    reach(page, "Copy")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Cop")).to_be_visible()
    reach(page, "Done")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Access")
    reach(page, "By keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("By keyboard")
    reach(page, "Revoke")
    page.keyboard.press("Enter")
    dialog, revoke = page.get_by_role("dialog"), page.locator("#revoke")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(revoke).to_be_focused()
    expect(revoke).not_to_have_attribute("aria-busy", "true")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“By keyboard” revoked")).to_be_visible()
