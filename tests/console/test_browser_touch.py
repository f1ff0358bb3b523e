"""Lists under a finger, in a real browser: low rows, folded filters, and no button that is hit by chance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.chromium import barriers, overflow, reader, sign_in
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]
LOW = 42
"""The height of a row, px, with its line."""
TABLETS = [{"width": 1024, "height": 800}, {"width": 768, "height": 900}]
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def touched(browser: Browser, installation: Installation, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a size, on a screen without a pointer."""
    context: BrowserContext = reader(browser, installation, viewport=request.param, has_touch=True, is_mobile=True)
    sign_in(context, installation)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("touched", TABLETS, indirect=True, ids=lambda size: str(size["width"]))
def test_rows_are_low_and_more_brings_the_buttons(touched: Page, installation: Installation) -> None:
    """What is not shown cannot be hit; "More" shows it, and it works."""
    job_id = installation.make_job(name="Under a finger " + "of a long name " * 5, labels={"team": "crm"})
    touched.goto("/jobs?q=finger")
    row = touched.locator(f"#job-{job_id}")
    box = row.bounding_box()
    assert box is not None and box["height"] <= LOW
    run = row.get_by_role("button", name="Run now")
    expect(run).to_be_hidden()
    row.locator("summary").tap()
    expect(run).to_be_visible()
    assert overflow(touched) == 0
    assert barriers(touched) == []
    run.tap()
    expect(touched.get_by_role("link", name="Watch")).to_be_visible()


@pytest.mark.parametrize("touched", [PHONE], indirect=True, ids=["360"])
@pytest.mark.parametrize(("path", "kept", "folded"), [("/jobs", "Search", "Sort by"), ("/runs", "Job", "Outcome")])
def test_a_phone_folds_filters_away(
    touched: Page, installation: Installation, path: str, kept: str, folded: str
) -> None:
    """All but the first; a button opens them, and they are open where one of them is in use."""
    installation.make_job(name="There")
    touched.goto(path)
    search, other = touched.get_by_label(kept, exact=True), touched.get_by_label(folded, exact=True)
    button = touched.get_by_role("button", name="Filters", exact=True)
    expect(search).to_be_visible()
    expect(other).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")
    button.tap()
    expect(other).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    assert overflow(touched) == 0
    assert barriers(touched) == []
    touched.goto(f"{path}?label=team:crm")
    expect(other).to_be_visible()
