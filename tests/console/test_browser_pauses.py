"""Pauses in a real browser: made from a job's page, seen on every page, refused with reasons, ended."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.chromium import PHONE, barriers, overflow
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]


@pytest.fixture(autouse=True)
def empty(installation: Installation) -> None:
    """Each test begins without jobs and pauses."""
    for job in installation.call("GET", "/jobs")[1]:
        installation.call("DELETE", f"/jobs/{job['id']}")
    for pause in installation.call("GET", "/pauses?state=active")[1]:
        assert installation.call("DELETE", f"/pauses/{pause['id']}")[0] == 200


def test_a_job_is_paused_from_its_page_and_runs_again(page: Page, installation: Installation) -> None:
    job_id = installation.make_job(name="Rests")
    page.goto(f"/jobs/{job_id}")
    page.get_by_role("link", name="Pause").click()
    expect(page.get_by_role("radio", name="This job: Rests")).to_be_checked()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#error-reason")).to_be_visible()
    page.get_by_label("Reason").fill("The office moves")
    expect(page.get_by_label("At the end")).to_have_value("latest")
    expect(page.get_by_label("Until (UTC)")).not_to_have_value("")
    page.get_by_label("Until (UTC)").clear()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("region", name="Pauses")).to_contain_text("The office moves")
    (pause,) = installation.call("GET", "/pauses?state=active")[1]
    assert (pause["scope"], pause["on_resume"], pause["until"]) == ({"job_id": job_id}, "latest", None)
    assert barriers(page) == [] and overflow(page) == 0
    page.goto(f"/jobs/{job_id}")
    expect(page.locator("h1")).to_contain_text("paused")
    page.goto("/pauses")
    page.get_by_role("button", name="End the pause of").click()
    expect(page.locator("#active")).to_contain_text("Nothing is paused")
    expect(page.get_by_role("region", name="Pauses")).to_have_count(0)


def test_only_the_fields_of_the_chosen_kind_are_there(page: Page, installation: Installation) -> None:
    page.goto("/pauses")
    page.get_by_role("radio", name="Those with a label").check()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#error-scope-label")).to_have_text("Enter a label, such as team:crm")
    page.get_by_label("Labels").fill("not a label")
    page.get_by_label("Reason").fill("why not")
    ends = page.get_by_label("Until (Europe/Vienna)")  # where the reader is
    ends.fill("2030-07-01T10:00:00")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#summary")).to_be_visible()
    expect(page.locator("#error-scope-label")).to_be_visible()
    page.get_by_label("Labels").fill("team:crm tier:one")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("region", name="Pauses")).to_contain_text("team:crm, tier:one")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert overflow(page) == 0
    (pause,) = installation.call("GET", "/pauses?state=active")[1]
    assert (pause["scope"], pause["until"]) == ({"label": {"team": "crm", "tier": "one"}}, "2030-07-01T08:00:00")
