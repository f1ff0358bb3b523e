"""Backfills in a real browser: the instants and the rule are shown first, then they run."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.chromium import barriers, overflow
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]


def test_instants_are_shown_with_the_rule_before_they_run(page: Page, installation: Installation) -> None:
    """A span of which too little is known is refused, and the page says from when on it is known."""
    job_id = installation.make_job(name="Filled later", schedule_type="daily", schedule_config={"hour": 8, "minute": 0})
    page.goto(f"/jobs/{job_id}/backfills")
    page.get_by_label("From").fill("2025-03-01T00:00:00")
    page.get_by_label("Before").fill("2025-03-04T00:00:00")
    page.get_by_role("button", name="Show the instants").click()
    expect(page.locator("#error-since")).to_contain_text("the job was created then")
    expect(page.locator("#plan")).to_be_hidden()
    page.get_by_label("Which").select_option("all")
    page.get_by_role("button", name="Show the instants").click()
    expect(page.locator("#plan-count")).to_have_text("3 instants would run")
    expect(page.locator("#plan-rule")).to_contain_text("as it was then")
    assert barriers(page) == [] and overflow(page) == 0
    page.get_by_role("button", name="Start the backfill").click()
    expect(page.locator("#list")).to_contain_text("3 of 3", timeout=30_000)
    assert [run["scheduled_for"][:10] for run in installation.history(job_id)[::-1]] == [
        "2025-03-01", "2025-03-02", "2025-03-03",
    ]  # fmt: skip
