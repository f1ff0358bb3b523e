"""The page at `/docs` in a real browser: a search, the reader's key in the commands, and a way back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import WAIT_MS, Complaints, barriers, overflow
from tests.support.web_process import COMMAND, serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at the page"),
]


@pytest.fixture(scope="module")
def home() -> Iterator[str]:
    """A web process; the page needs no Redis."""
    with serving(COMMAND, WEB_CONCURRENCY="1") as web:
        yield f"http://127.0.0.1:{web.port}"


@pytest.fixture
def docs(browser: Browser, home: str) -> Iterator[Page]:
    """Its page on a small phone, at night; nothing may go wrong behind it."""
    context = browser.new_context(base_url=home, viewport={"width": 360, "height": 740}, color_scheme="dark")
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    complaints = Complaints(page, home)
    page.goto("/docs")
    yield page
    context.close()
    assert complaints.found == []


def test_a_search_finds_operations_and_a_link_opens_one(docs: Page) -> None:
    """By words of headings; else by whatever is said. The slash leads to the search, Enter to the first one found."""
    docs.keyboard.press("/")
    docs.keyboard.type("pauses post")
    expect(docs.locator("details:visible")).to_have_count(1)
    expect(docs.get_by_role("status")).to_have_text("1 found")
    docs.keyboard.press("Enter")
    expect(docs.locator("#create_pause")).to_have_attribute("open", "")
    docs.get_by_label("Search").fill("subdivision")
    expect(docs.locator("#Calendar")).to_be_visible()
    docs.evaluate("location.hash = 'create_job'")
    expect(docs.locator("#create_job")).to_have_attribute("open", "")


def test_a_key_stays_in_the_tab_and_fills_the_commands(docs: Page, home: str) -> None:
    """As a shell needs it within double quotes. Another tab does not have it."""
    command = docs.locator("#list_jobs code.curl")
    assert command.text_content() == f'curl "{home}/scheduler/jobs" \\\n  -H "X-API-Key: $API_KEY"'
    docs.get_by_label("Your key").fill('a"key$')
    docs.reload()
    assert (command.text_content() or "").endswith('-H "X-API-Key: a\\"key\\$"')
    other = docs.context.new_page()
    other.goto("/docs")
    assert (other.locator("#list_jobs code.curl").text_content() or "").endswith('-H "X-API-Key: $API_KEY"')


def test_all_of_it_can_be_read_on_a_phone(docs: Page) -> None:
    """With every entry open, nothing is wider than the window, and axe-core finds nothing that keeps people out."""
    docs.evaluate("for (const entry of document.querySelectorAll('details')) entry.open = true")
    assert overflow(docs) <= 0
    assert barriers(docs) == []
    expect(docs.get_by_role("link", name="Back to the console")).to_have_attribute("href", "/")
