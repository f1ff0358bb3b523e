"""Many jobs at once in a real browser: ticked or by the filter, rehearsed, done, and told one by one."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

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
    """Each test begins without jobs."""
    for job in installation.call("GET", "/jobs")[1]:
        installation.call("DELETE", f"/jobs/{job['id']}")


def test_ticked_jobs_are_disabled_once_it_is_told_what_would_happen(page: Page, installation: Installation) -> None:
    jobs = [installation.make_job(name=f"Job {number}") for number in range(3)]
    installation.call("POST", f"/jobs/{jobs[0]}/toggle", {"enabled": False})
    page.goto("/jobs")
    page.get_by_label("Tick Job 0").check()
    page.get_by_label("Tick Job 1").check()
    page.get_by_text("Many jobs at once: 2 ticked").click()
    expect(page.get_by_label("Those that I tick (2)")).to_be_checked()
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.locator("#batch-words")).to_have_text("1 job would be disabled (1 unchanged).")
    assert installation.call("GET", f"/jobs/{jobs[1]}")[1]["enabled"] is True
    assert barriers(page) == [] and overflow(page) == 0
    page.get_by_role("button", name="Disable 1 job").click()
    expect(page.locator("#batch-words")).to_have_text("1 job is disabled (1 unchanged).")
    expect(page.locator("#batch-others")).to_be_hidden()
    page.get_by_text("Show 2 jobs").click()
    expect(page.locator("#batch-others tbody tr")).to_have_text(["Job 0unchanged", "Job 1done"])
    expect(page.locator(f"#job-{jobs[1]}")).to_contain_text("disabled")
    assert [installation.call("GET", f"/jobs/{job}")[1]["enabled"] for job in jobs] == [False, False, True]
    expect(page.locator("#ticked")).to_have_text("0")


def test_all_that_match_the_filter_are_labelled_and_deleted(page: Page, installation: Installation) -> None:
    """And no others; a label that cannot be is refused before anything is done."""
    for number in range(3):
        installation.make_job(name=f"Job {number}", labels={"team": "crm"})
    other = installation.make_job(name="Another")
    page.goto("/jobs?label=team:crm")
    page.get_by_text("Many jobs at once").click()
    page.get_by_label("All that match the filter").check()
    page.get_by_label("What to do").select_option("Label")
    page.locator("#labels").fill("stage:no good?")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.locator("#batch-words")).to_contain_text("“good?” is no label: write “good?:value”")
    page.locator("#labels").fill("")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.locator("#batch-words")).to_have_text("Enter labels first, such as team:crm.")
    page.locator("#labels").fill("stage:good?")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.locator("#batch-words")).to_contain_text("good?")
    page.locator("#labels").fill("stage:live")
    page.get_by_role("button", name="Show what would happen").click()
    page.get_by_role("button", name="Label 3 jobs").click()
    expect(page.locator("#batch-words")).to_have_text("3 jobs are labelled.")
    page.goto("/jobs?label=stage:live")
    page.get_by_text("Many jobs at once").click()
    page.get_by_label("All that match the filter").check()
    page.get_by_label("What to do").select_option("Delete")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("button", name="Delete 3 jobs")).to_be_visible()
    assert overflow(page) == 0
    page.get_by_role("button", name="Delete 3 jobs").click()
    expect(page.locator("#batch-words")).to_have_text("3 jobs are deleted.")
    assert [job["id"] for job in installation.call("GET", "/jobs")[1]] == [other]


def test_what_could_not_be_carried_out_can_be_tried_again(page: Page, installation: Installation) -> None:
    job_id = installation.make_job(name="Later")
    page.goto("/jobs")
    page.get_by_label("Tick Later").check()
    page.get_by_text("Many jobs at once").click()
    page.get_by_role("button", name="Show what would happen").click()
    carry_out = page.get_by_role("button", name="Disable 1 job")
    expect(carry_out).to_be_visible()
    page.route(
        "**/scheduler/batch", lambda route: route.fulfill(status=409, json={"title": "Conflict", "detail": "Not now"})
    )
    carry_out.click()
    expect(page.locator("#batch-words")).to_contain_text("Not now")
    page.unroute("**/scheduler/batch")
    carry_out.click()
    expect(page.locator("#batch-words")).to_have_text("1 job is disabled.")
    assert installation.call("GET", f"/jobs/{job_id}")[1]["enabled"] is False


def test_what_has_failed_runs_again_and_its_runs_are_counted(page: Page, installation: Installation) -> None:
    """Since a time where the reader is; nothing that is not yet failed by then."""
    job_id = installation.make_job(name="Fails", bot_config={"mode": "raise"})
    for run_id in (installation.run_now(job_id), installation.run_now(job_id)):
        installation.until_status(job_id, run_id, "failed")
    page.goto("/jobs")
    page.get_by_label("Tick Fails").check()
    page.get_by_text("Many jobs at once").click()
    page.get_by_label("What to do").select_option("Run again what failed")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.locator("#batch-words")).to_have_text("Enter a time in “Failed since” first.")
    here = datetime.now(ZoneInfo("Europe/Vienna"))
    for minutes, told in (
        (1, "0 jobs would be queued again (1 unchanged)."),
        (-10, "1 job would be queued again (2 runs)."),
    ):
        page.get_by_label("Failed since (Europe/Vienna)").fill(f"{here + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}")
        page.get_by_role("button", name="Show what would happen").click()
        expect(page.locator("#batch-words")).to_have_text(told)
    page.get_by_role("button", name="Run again 1 job").click()
    expect(page.locator("#batch-words")).to_have_text("1 job is queued again (2 runs).")
    assert len(installation.call("GET", f"/jobs/{job_id}/history")[1]) == 4


def test_the_list_stays_where_it_is_while_boxes_are_ticked(page: Page, installation: Installation) -> None:
    """Nor does what would happen, or what became of many jobs, move it."""
    for number in range(40):
        installation.make_job(name=f"Job {number:02}")
    page.goto("/jobs?sort=name")
    row = page.get_by_label("Tick Job 05")
    place = row.bounding_box()
    page.get_by_label("Tick all jobs on this page").check()
    expect(page.locator("#many")).not_to_have_attribute("open", "")
    assert row.bounding_box() == place
    page.get_by_text("Many jobs at once: 40 ticked").click()
    assert row.bounding_box() == place
    page.locator("#rehearse").press("Enter")
    page.get_by_role("button", name="Disable 40 jobs").press("Enter")
    expect(page.locator("#batch-words")).to_have_text("40 jobs are disabled.")
    expect(row).not_to_be_checked()
    page.get_by_text("Show 40 jobs").press("Enter")
    expect(page.locator("#batch-others tbody tr")).to_have_count(40)
    assert row.bounding_box() == place
    box = page.locator("#many").bounding_box()
    assert box is not None and box["height"] <= 0.76 * page.evaluate("innerHeight")
    assert barriers(page) == [] and overflow(page) == 0
