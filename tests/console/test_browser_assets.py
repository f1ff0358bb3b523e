"""A real browser with the hashed names: it loads each file once, and pages that did not change not at all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Response, expect

from tests.support.installation import Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a Chromium looks at a whole installation"),
]

PAGES = ("/", "/jobs", "/jobs/new", "/runs", "/contacts", "/contacts/new", "/contacts/duplicates",
         "/access", "/access/keys/new", "/access/sessions", "/access/audit")  # fmt: skip
SIZES = "performance.getEntriesByType('resource').map((one) => [one.name, one.transferSize])"
"""Address and bytes from the network of each file of a page; 0 is from the browser's cache."""
HASHED = re.compile(r"/static/[a-z-]+\.[0-9a-f]{12}\.(css|js|svg|vcf)")


def test_a_browser_loads_each_file_once(page: Page) -> None:
    """By its hashed name, compressed, without a word in the browser's console (the fixture looks)."""
    loaded: list[Response] = []
    page.on("response", lambda answer: loaded.append(answer) if "/static/" in answer.url else None)
    known: set[str] = set()
    for path in PAGES:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        sizes = dict(page.evaluate(SIZES))
        assert {sizes[name] for name in known & set(sizes)} <= {0}, "files that came over the network again"
        known |= set(sizes)
    assert len(known) > len(PAGES)
    for answer in loaded:
        assert HASHED.search(answer.url), answer.url
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers.get("content-encoding") in ("br", "gzip", None)


def test_an_open_page_is_sent_again_only_if_it_changed(page: Page, installation: Installation) -> None:
    """The page's own script names the parts that it has, and shows what is new."""
    installation.create_job(name="Old")
    page.goto("/jobs")
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    module = next(name for name in loaded if "/live." in name)
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if answer.url.endswith("/jobs") else None)
    refresh = "async (module) => { await (await import(module)).refresh(); }"
    page.evaluate(refresh, module)
    page.evaluate(refresh, module)
    assert answers == [200, 204]
    installation.create_job(name="Brand new")
    page.evaluate(refresh, module)
    expect(page.get_by_role("link", name="Brand new")).to_be_visible()
    assert answers == [200, 204, 200]


def test_back_after_signing_out_shows_nothing(page: Page) -> None:
    """No page is kept: each is asked for, and refused."""
    page.goto("/contacts")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    page.go_back()
    expect(page).to_have_url(re.compile("/sign-in"))
