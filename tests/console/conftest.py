"""Fixtures with a real browser: it is skipped without one, unless `BROWSER_REQUIRED=1`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import (
    MISSING,
    REQUIRED,
    WAIT_MS,
    Complaints,
    address,
    chromium,
    find_chromium,
    reader,
    sign_in,
)
from tests.support.installation import Installation, running

expect.set_options(timeout=WAIT_MS)


# Of a module, not of the session: while Playwright is up, its event loop is the thread's, and no other can run.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    path = find_chromium()
    if path is None:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with chromium(path) as started:
        yield started


@pytest.fixture(scope="module")
def installation(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A whole installation of this module's own."""
    with running(tmp_path_factory.mktemp("console")) as started:
        yield started


@pytest.fixture
def stranger(browser: Browser, installation: Installation) -> Iterator[Page]:
    """A page of somebody who is not signed in; nothing may go wrong behind it."""
    context = reader(browser, installation)
    page = context.new_page()
    complaints = Complaints(page, address(installation))
    yield page
    context.close()
    assert complaints.found == []


@pytest.fixture
def page(stranger: Page, installation: Installation) -> Page:
    """A page of somebody who is signed in."""
    sign_in(stranger.context, installation)
    return stranger
